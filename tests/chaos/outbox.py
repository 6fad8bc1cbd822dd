"""Everything that people, the clock, the provider and a dying process do to an outbox, in any order; what must never be is
looked for after each step. What the machine knows of its candidates it keeps beside the rows, so that it can disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from messaging import automations, bounces, handoffs, merging, outgoing
from messaging.delivery import outbox
from messaging.models import Attempt, Automation, HandOff, Message, PolicyRow, Template
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Merge, StageChange
from pipeline.moves import Act
from pipeline.written_once import WrittenOnce, ids
from tests.chaos.faults import FAULTS, PLACES, dying
from tests.chaos.figures import Count
from tests.chaos.invariants import UNENDED, violations, what_the_audit_finds
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

UPDATE = "Dear {{ candidate.first_name }}, your application for {{ job.title }} is being read. {{ sender.name }}"
Status = Message.Status
Event = Automation.Event

pick = st.integers(0, 11)


@WrittenOnce
def _application() -> QuerySet[Application]:
    return Application.objects.filter(pk__in=ids("pk")).select_related("candidate", "job")


class World:
    """What every story begins with, made once: two jobs, the automations, and somebody who just applied."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.person = make_sender()
        self.reason = make_reason()
        self.job = make_job(recruiter=self.person)
        self.other_job = make_job(recruiter=self.person)
        make_automation()
        update = make_template(touchpoint="status_update", body=UPDATE)
        # Something has to wait, for people to lay hands on it.
        later = {"delay": 5, "delay_unit": Automation.DelayUnit.HOURS}
        make_automation(event=Event.STAGE_ENTERED, template=update, **later)
        make_automation(event=Event.RECEIVED, template=make_template(touchpoint="acknowledgement", body=UPDATE))
        self.application = make_application(job=self.job, quiet=False)
        automations.follow(self.application.stage_changes.get(), now=NOW)


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
    world: ClassVar[World]
    count: ClassVar[Count]
    sent: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story._from_testcase = True  # type: ignore[attr-defined]  # else no mail could leave out of it
        self.story.__enter__()
        # What the story before sent is taken back, so the database was never anywhere else.
        (settings.VAR_DIR / "instance.json").unlink(missing_ok=True)
        self.person = self.world.person
        self.provider = self.world.provider
        self.provider.accepted.clear()
        self.provider.behaviour = accepts
        self.now: datetime = NOW
        self.accepted: Counter[str] = Counter()  # by public id, as far as the log of the provider was read
        self.applications: list[int] = []
        # What the machine did to candidates, whatever the rows say: whose each application is, with which somebody dealt.
        self.owner: dict[int, int] = {}
        self.dealt_with: set[int] = set()
        self.asked_for_silence: set[int] = set()
        self.merged: list[Together] = []
        self.switched_off: set[int] = set()  # automations, and those of a template that is off
        self.reserved_by_policy: set[str] = set()
        self.held: dict[int, datetime] = {}  # messages, until when
        self.add(self.world.application)

    # --- People and programs ---

    def one(self, number: int) -> Application:
        pk = self.applications[number % len(self.applications)]
        [application] = _application(pk=[pk])
        return application

    def add(self, application: Application) -> None:
        self.applications.append(application.pk)
        self.owner[application.pk] = application.candidate_id

    def waiting(self) -> QuerySet[Message]:
        return Message.objects.filter(status=Status.SCHEDULED)

    def was_dealt_with(self, candidate: int) -> bool:
        return any(self.owner[application] == candidate for application in self.dealt_with)

    def act(self) -> Act:
        return Act(by=actors.person(self.person.pk), now=self.now)

    def follow(self, change: object) -> None:
        if isinstance(change, StageChange):
            automations.follow(change, now=self.now)

    @precondition(lambda self: len(self.applications) < 6)
    @rule(again=st.booleans(), number=pick)
    def receive(self, again: bool, number: int) -> None:
        if again:
            change = moves.receive(self.one(number).candidate, self.world.other_job, act=self.act())
        else:
            application = make_application(job=self.world.job, now=self.now, quiet=False)
            change = application.stage_changes.get()
        if isinstance(change, StageChange):
            self.add(change.application)
        self.follow(change)

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

    @rule(number=pick, is_followed=st.booleans())
    def reject(self, number: int, is_followed: bool) -> None:
        change = moves.reject(self.one(number), reason=self.world.reason, act=self.act())
        if is_followed:
            self.follow(change)

    @rule(number=pick)
    def withdraw(self, number: int) -> None:
        self.follow(moves.withdraw(self.one(number), act=self.act()))

    @rule(number=pick)
    def reopen(self, number: int) -> None:
        self.follow(moves.reopen(self.one(number), act=self.act()))

    @rule(number=pick)
    def talk(self, number: int) -> None:
        application = self.one(number)
        moves.log_conversation(application, kind="phone", note="We spoke.", by=self.act().by, now=self.now)
        self.dealt_with.add(application.pk)

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

    @rule(number=pick, address=st.integers(0, 999))
    def change_the_address(self, number: int, address: int) -> None:
        candidate = self.one(number).candidate
        new = f"new{address}.{candidate.pk}@example.com"
        Candidate.objects.filter(pk=candidate.pk).update(email=new, email_key=new)

    @rule(number=pick)
    def cancel(self, number: int) -> None:
        waiting = list(self.waiting())
        if waiting:
            outgoing.cancel(waiting[number % len(waiting)], by=self.person, now=self.now)

    @rule(number=pick, days=st.integers(1, 3))
    def hold(self, number: int, days: int) -> None:
        waiting = list(self.waiting())
        if waiting:
            message, until = waiting[number % len(waiting)], self.now + timedelta(days=days)
            outgoing.hold(message, reason="The job may be frozen.", until=until, by=self.person, now=self.now)
            self.held[message.pk] = until

    @rule(number=pick, hours=st.sampled_from([0, 1, 30]))
    def give_another_time(self, number: int, hours: int) -> None:
        """Zero: now, which ends a hold."""
        waiting = list(self.waiting())
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
        sent = list(Message.objects.filter(status=Status.SENT, delivery=None))
        if sent:
            message = sent[number % len(sent)]
            Message.objects.filter(pk=message.pk).update(delivery=Message.Delivery.BOUNCED)
            candidate = Candidate.objects.get(applications=message.application_id)
            bounces.correct_address(candidate, f"after{message.pk}.{candidate.pk}@example.com")
            bounces.send_again(message, by=self.person, now=self.now)

    @rule(number=pick, how=st.sampled_from(["mail", "mail", "phone", "not needed"]))
    def answer(self, number: int, how: str) -> None:
        hand_offs = list(HandOff.objects.open())
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

    @rule(hours=st.sampled_from([1, 1, 5, 24, 72]))
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

    @invariant()
    def nothing_left_that_may_not(self) -> None:
        self.count.size += 1
        for mail in self.provider.accepted[self.accepted.total() :]:
            public_id = mail["Metadata"]["message"]
            self.accepted[public_id] += 1
            message = Message.objects.select_related("application__candidate").get(public_id=public_id)
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
            assert not wrong, f"{message}: {', '.join(wrong)}"
            if message.origin == "person":
                self.dealt_with.add(message.application_id)  # a hand-sent message is contact

    @invariant()
    def what_we_show_is_what_was_accepted(self) -> None:
        found = violations(self.accepted)
        # A process died and nobody has reaped yet.
        wrong = [sentence for sentence in found if not sentence.endswith(UNENDED)]
        self.count.violations += len(wrong)
        assert not wrong, wrong

    def teardown(self) -> None:
        try:
            self.now += timedelta(days=1)
            outbox.reap(now=self.now)
            outbox.drain(clock=lambda: self.now)
            self.nothing_left_that_may_not()
            self.what_we_show_is_what_was_accepted()
            assert not what_the_audit_finds(now=self.now)
            assert not Attempt.objects.open().exists()
            assert not Message.objects.filter(status=Status.SENDING).exists()
            type(self).sent += self.accepted.total()
        finally:
            transaction.set_rollback(True)
            self.story.__exit__(None, None, None)
