"""Everything that people, the clock, the provider and a dying process do to an outbox, in any order; what must never be is
looked for after each step. What the machine knows of its candidates it keeps beside the rows, so that it can disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from unittest.mock import patch

import hypothesis
import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django.fixtures import Settings

from messaging import automations, bounces, gate, handoffs, merging, outgoing
from messaging.delivery import egress, guard, outbox
from messaging.models import Attempt, Automation, HandOff, Message, PolicyRow, Template
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Job, Merge, Reason, StageChange, User
from pipeline.moves import Act
from tests.chaos.figures import Count, counted, size
from tests.chaos.invariants import violations
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_automation,
    make_job,
    make_reason,
    make_sender,
    make_template,
)
from tests.messaging.delivery.doubles import Exchange, Provider, accepts

STEPS = size("STEPS", 1_500)
STEPS_PER_STORY = 50

UPDATE = "Dear {{ candidate.first_name }}, your application for {{ job.title }} is being read. {{ sender.name }}"
Status = Message.Status
Event = Automation.Event

pick = st.integers(0, 11)


class Died(BaseException):
    """The process ends here; nothing in the product may catch it."""


def accepts_and_says_500(exchange: Exchange) -> None:
    exchange.accept()
    exchange.answer(500, {"ErrorCode": 0, "Message": "Oops"})


def accepts_and_says_nonsense(exchange: Exchange) -> None:
    exchange.accept()
    exchange.answer(200, b"<html>Welcome</html>")


def accepts_and_resets(exchange: Exchange) -> None:
    exchange.accept()
    exchange.reset()


def resets(exchange: Exchange) -> None:
    exchange.reset()


def refuses(exchange: Exchange) -> None:
    exchange.answer(429, {"ErrorCode": 0, "Message": "Slow down"})


def rejects(exchange: Exchange) -> None:
    exchange.answer(422, {"ErrorCode": 400, "Message": "Sender signature not found"})


def breaks(exchange: Exchange) -> None:
    exchange.answer(503, b"")


FAULTS = [accepts_and_says_500, accepts_and_says_nonsense, accepts_and_resets, resets, refuses, rejects, breaks]
# Where a process dies, and whether what is named there is done by then.
PLACES: list[tuple[Any, str, bool]] = [
    (gate, "clear_many", False),
    (gate, "_let_go", True),
    (gate, "clear_many", True),
    (guard, "_mark_used", False),
    (guard, "_mark_used", True),
    (egress.Egress, "hand_over", True),
    (outbox, "_leave_sending", True),
    (outbox, "_record", True),
]


@contextmanager
def dying(owner: Any, name: str, *, afterwards: bool) -> Iterator[None]:
    real = getattr(owner, name)

    def die(*args: Any, **kwargs: Any) -> None:
        if afterwards:
            real(*args, **kwargs)
        raise Died

    with patch.object(owner, name, die), suppress(Died):
        yield


@dataclass(kw_only=True)
class Together:
    """Two candidates whom the machine merged, and what it knew of them then."""

    record: Merge
    applications: set[int]  # of the one that went away
    kept_was_silent: bool
    away_was_silent: bool
    asked_since: bool = False

    @property
    def kept(self) -> int:
        return self.record.kept_id

    @property
    def away(self) -> int:
        return self.record.away_id


class Outbox(RuleBasedStateMachine):
    provider: ClassVar[Provider]
    count: ClassVar[Count]
    job: ClassVar[Job]
    person: ClassVar[User]
    reason: ClassVar[Reason]
    accepted: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story._from_testcase = True  # type: ignore[attr-defined]  # else no mail could leave out of it
        self.story.__enter__()
        # What the story before sent is taken back, so the database was never anywhere else.
        (settings.VAR_DIR / "instance.json").unlink(missing_ok=True)
        self.provider.accepted.clear()
        self.provider.behaviour = accepts
        self.now: datetime = NOW
        self.seen = 0
        self.applications: list[Application] = []
        # What the machine did to candidates, whatever the rows say: whose each application is, with which somebody dealt.
        self.owner: dict[int, int] = {}
        self.dealt_with: set[int] = set()
        self.asked_for_silence: set[int] = set()
        self.merged: list[Together] = []
        self.switched_off: set[int] = set()  # automations, and those of a template that is off
        self.reserved_by_policy: set[str] = set()
        self.held: dict[int, datetime] = {}  # messages, until when

    # --- People and programs ---

    def one(self, number: int) -> Application:
        return Application.objects.select_related("candidate", "job").get(
            pk=self.applications[number % len(self.applications)].pk
        )

    def add(self, application: Application) -> None:
        self.applications.append(application)
        self.owner[application.pk] = application.candidate_id

    def was_dealt_with(self, candidate: int) -> bool:
        return any(self.owner[application] == candidate for application in self.dealt_with)

    def act(self) -> Act:
        return Act(by=actors.person(self.person.pk), now=self.now)

    def follow(self, change: object) -> None:
        if isinstance(change, StageChange):
            automations.follow(change, now=self.now)

    @initialize()
    def somebody_applies(self) -> None:
        """Every story has somebody to write to, so that few are told in which nothing could leave."""
        application = make_application(job=self.job, now=self.now, quiet=False)
        self.add(application)
        self.follow(application.stage_changes.get())

    @precondition(lambda self: len(self.applications) < 6)
    @rule(again=st.booleans(), number=pick)
    def receive(self, again: bool, number: int) -> None:
        if again and self.applications:
            answer = moves.receive(self.one(number).candidate, make_job(recruiter=self.person), act=self.act())
            assert isinstance(answer, StageChange)
            self.add(answer.application)
            self.follow(answer)
        else:
            application = make_application(job=self.job, now=self.now, quiet=False)
            self.add(application)
            self.follow(application.stage_changes.get())

    @precondition(lambda self: self.applications)
    @rule(number=pick, place=st.integers(0, 6), is_followed=st.booleans())
    def move(self, number: int, place: int, is_followed: bool) -> None:
        application = self.one(number)
        stage = list(application.job.pipeline.stages.order_by("position"))[place]
        change = moves.move(application, stage, act=self.act())
        if isinstance(change, StageChange):
            if stage.milestone >= Milestone.PHONE_SCREEN:
                self.dealt_with.add(application.pk)
            if is_followed:
                self.follow(change)

    @precondition(lambda self: self.applications)
    @rule(number=pick, is_followed=st.booleans())
    def reject(self, number: int, is_followed: bool) -> None:
        change = moves.reject(self.one(number), reason=self.reason, act=self.act())
        if is_followed:
            self.follow(change)

    @precondition(lambda self: self.applications)
    @rule(number=pick)
    def withdraw(self, number: int) -> None:
        self.follow(moves.withdraw(self.one(number), act=self.act()))

    @precondition(lambda self: self.applications)
    @rule(number=pick)
    def reopen(self, number: int) -> None:
        self.follow(moves.reopen(self.one(number), act=self.act()))

    @precondition(lambda self: self.applications)
    @rule(number=pick)
    def talk(self, number: int) -> None:
        application = self.one(number)
        moves.log_conversation(application, kind="phone", note="We spoke.", by=self.act().by, now=self.now)
        self.dealt_with.add(application.pk)

    @precondition(lambda self: self.applications)
    @rule(number=pick)
    def ask_for_silence(self, number: int) -> None:
        candidate = self.one(number).candidate_id
        Candidate.objects.filter(pk=candidate).update(do_not_contact_at=self.now)
        self.ask(candidate)

    def ask(self, candidate: int) -> None:
        self.asked_for_silence.add(candidate)
        for together in self.merged:
            together.asked_since |= together.kept == candidate

    @precondition(lambda self: len(self.applications) > 1)
    @rule(number=pick, other=pick)
    def merge(self, number: int, other: int) -> None:
        kept, away = self.one(number).candidate, self.one(other).candidate
        done = merging.merge(kept, away, by=self.person, now=self.now)
        if isinstance(done, merging.Merged):
            silent = self.asked_for_silence
            theirs = {application for application, owner in self.owner.items() if owner == away.pk}
            self.merged.append(
                Together(
                    record=done.record,
                    applications=theirs,
                    kept_was_silent=kept.pk in silent,
                    away_was_silent=away.pk in silent,
                )
            )
            self.owner |= dict.fromkeys(theirs, kept.pk)
            if away.pk in silent:
                silent.add(kept.pk)

    @precondition(lambda self: self.merged)
    @rule()
    def unmerge(self) -> None:
        together = self.merged.pop()
        done = merging.unmerge(together.record, by=self.person, now=self.now)
        assert isinstance(done, merging.TakenApart), done
        self.owner |= dict.fromkeys(together.applications, together.away)
        for candidate, was_silent in (
            (together.kept, together.kept_was_silent),
            (together.away, together.away_was_silent),
        ):
            self.asked_for_silence.discard(candidate)
            if was_silent:
                self.asked_for_silence.add(candidate)
            if together.asked_since:
                self.ask(candidate)

    @precondition(lambda self: self.applications)
    @rule(number=pick, address=st.integers(0, 999))
    def change_the_address(self, number: int, address: int) -> None:
        candidate = self.one(number).candidate
        new = f"new{address}.{candidate.pk}@example.com"
        Candidate.objects.filter(pk=candidate.pk).update(email=new, email_key=new)

    @rule(number=pick)
    def cancel(self, number: int) -> None:
        waiting = list(self.messages().filter(status=Status.SCHEDULED))
        if waiting:
            outgoing.cancel(waiting[number % len(waiting)], by=self.person, now=self.now)

    @rule(number=pick, days=st.integers(1, 3))
    def hold(self, number: int, days: int) -> None:
        waiting = list(self.messages().filter(status=Status.SCHEDULED))
        if waiting:
            message, until = waiting[number % len(waiting)], self.now + timedelta(days=days)
            outgoing.hold(message, reason="The job may be frozen.", until=until, by=self.person, now=self.now)
            self.held[message.pk] = until

    @rule(number=pick, hours=st.sampled_from([0, 1, 30]))
    def give_another_time(self, number: int, hours: int) -> None:
        """Zero: now, which ends a hold."""
        waiting = list(self.messages().filter(status=Status.SCHEDULED))
        if not waiting:
            return
        message = waiting[number % len(waiting)]
        if hours:
            outgoing.postpone(message, to=self.now + timedelta(hours=hours), by=self.person, now=self.now)
        else:
            outgoing.send_now(message, by=self.person, now=self.now)
            self.held.pop(message.pk, None)

    @rule(number=pick)
    def bounce(self, number: int) -> None:
        sent = list(self.messages().filter(status=Status.SENT, delivery=None))
        if sent:
            message = sent[number % len(sent)]
            Message.objects.filter(pk=message.pk).update(delivery=Message.Delivery.BOUNCED)
            candidate = Candidate.objects.get(applications=message.application_id)
            bounces.correct_address(candidate, f"after{message.pk}.{candidate.pk}@example.com")
            bounces.send_again(message, by=self.person, now=self.now)

    @rule(number=pick, how=st.sampled_from(["mail", "mail", "phone", "not needed"]))
    def answer(self, number: int, how: str) -> None:
        hand_offs = list(HandOff.objects.open().filter(application__in=self.applications))
        if not hand_offs:
            return
        hand_off = hand_offs[number % len(hand_offs)]
        if how == "mail":
            handoffs.answer(hand_off, subject="Our talk", body=OWN_WORDS, by=self.person, now=self.now)
        elif how == "phone":
            handoffs.tell_by_phone(hand_off, note="We spoke.", by=self.person, now=self.now)
            self.dealt_with.add(hand_off.application_id)
        else:
            handoffs.close_as_not_needed(hand_off, reason="She wrote first.", by=self.person, now=self.now)

    # --- Rules that change under way ---

    @rule(number=pick, is_on=st.booleans(), is_template=st.booleans())
    def switch(self, number: int, is_on: bool, is_template: bool) -> None:
        every = list(Automation.objects.order_by("pk"))
        automation = every[number % len(every)]
        if is_template:
            Template.objects.filter(pk=automation.template_id).update(is_active=is_on)
        else:
            Automation.objects.filter(pk=automation.pk).update(is_active=is_on)
        off = Automation.objects.exclude(is_active=True, template__is_active=True)
        self.switched_off = set(off.values_list("pk", flat=True))

    @rule(touchpoint=st.sampled_from(["rejection", "status_update"]), is_there=st.booleans())
    def reserve_by_policy(self, touchpoint: str, is_there: bool) -> None:
        PolicyRow.objects.filter(touchpoint=touchpoint).delete()
        self.reserved_by_policy.discard(touchpoint)
        if is_there:
            PolicyRow.objects.create(touchpoint=touchpoint, from_milestone=1, reserve=1)
            self.reserved_by_policy.add(touchpoint)

    # --- Time, the provider and the end of a process ---

    @rule(hours=st.sampled_from([1, 5, 24, 72]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def drain(self) -> None:
        outbox.drain(clock=lambda: self.now)

    @rule(fault=st.sampled_from(FAULTS))
    def drain_with_a_fault(self, fault: Callable[[Exchange], None]) -> None:
        self.provider.behaviour = fault
        outbox.drain(clock=lambda: self.now)
        self.provider.behaviour = accepts
        self.count.faults += 1

    @rule(place=st.sampled_from(PLACES))
    def drain_and_die(self, place: tuple[Any, str, bool]) -> None:
        owner, name, afterwards = place
        with dying(owner, name, afterwards=afterwards):
            outbox.drain(clock=lambda: self.now)
        self.count.faults += 1

    @rule()
    def reap(self) -> None:
        outbox.reap(now=self.now)

    @rule()
    def follow_what_nobody_followed(self) -> None:
        automations.follow_open_changes(now=self.now)

    # --- What must never be ---

    def messages(self) -> Any:
        return Message.objects.filter(application__in=self.applications)

    @invariant()
    def nothing_left_that_may_not(self) -> None:
        self.count.size += 1
        fresh = self.provider.accepted[self.seen :]
        self.seen = len(self.provider.accepted)
        for mail in fresh:
            message = Message.objects.select_related("application__candidate").get(
                public_id=mail["Metadata"]["message"]
            )
            candidate = message.application.candidate
            wrong = [
                sentence
                for sentence, is_wrong in {
                    "not the candidate's address": mail["To"] != candidate.email,
                    "a hole in the text": any(mark in mail["Subject"] + mail["TextBody"] for mark in ("{{", "{%")),
                    "they asked for silence": self.owner[message.application_id] in self.asked_for_silence,
                    "reserved by the floor": message.origin == "automation"
                    and message.touchpoint == "rejection"
                    and self.was_dealt_with(self.owner[message.application_id]),
                    "reserved by the policy": message.origin == "automation"
                    and message.touchpoint in self.reserved_by_policy,
                    "switched off": message.automation_id in self.switched_off,
                    "on hold": self.held.get(message.pk, self.now) > self.now,
                }.items()
                if is_wrong
            ]
            self.count.violations += len(wrong)
            assert not wrong, message
            if message.origin == "person":
                self.dealt_with.add(message.application_id)  # a hand-sent message is contact

    @invariant()
    def what_we_show_is_what_was_accepted(self) -> None:
        accepted = [mail["Metadata"]["message"] for mail in self.provider.accepted]
        under_way = set(Attempt.objects.open().values_list("message", flat=True))
        wrong = [
            found
            for found in violations(self.messages(), {public_id: accepted.count(public_id) for public_id in accepted})
            # A process died and nobody has reaped yet.
            if not (found.endswith("in front of a person") and under_way)
        ]
        self.count.violations += len(wrong)
        assert not wrong

    def teardown(self) -> None:
        try:
            self.now += timedelta(days=1)
            outbox.reap(now=self.now)
            outbox.drain(clock=lambda: self.now)
            self.nothing_left_that_may_not()
            assert not Attempt.objects.open().exists()
            self.what_we_show_is_what_was_accepted()
            type(self).accepted += len(self.provider.accepted)
        finally:
            transaction.set_rollback(True)
            self.story.__exit__(None, None, None)


@pytest.mark.no_cover
@pytest.mark.django_db
def test_whatever_happens_in_whatever_order_nothing_leaves_that_may_not(
    postmark: Provider, settings: Settings, record_property: Callable[[str, object], None]
) -> None:
    settings.MAIL_MODE = "live"
    settings.MAIL_PROVIDER = "postmark"
    settings.ANYMAIL = {
        "POSTMARK_API_URL": postmark.url,
        "POSTMARK_SERVER_TOKEN": "token",
        "REQUESTS_TIMEOUT": (10, 10),
    }
    Outbox.provider = postmark
    Outbox.person = make_sender()
    Outbox.reason = make_reason()
    Outbox.job = make_job(recruiter=Outbox.person)
    make_automation()
    update = make_template(touchpoint="status_update", body=UPDATE)
    # Something has to wait, for people to lay hands on it.
    later = {"delay": 5, "delay_unit": Automation.DelayUnit.HOURS}
    make_automation(event=Event.STAGE_ENTERED, template=update, **later)
    make_automation(event=Event.RECEIVED, template=make_template(touchpoint="acknowledgement", body=UPDATE))
    with counted(record_property, "any order, steps of a state machine") as count:
        Outbox.count = count
        run_state_machine_as_test(Outbox, settings=long_enough())
    # Else it has shown that nothing leaves that nothing lets leave.
    assert Outbox.accepted > count.size // 100


def long_enough() -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=max(1, STEPS // STEPS_PER_STORY),
        stateful_step_count=STEPS_PER_STORY,
        phases=[Phase.generate],  # shrinking a story of real mails takes longer than reading it
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
