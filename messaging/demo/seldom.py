"""What a company meets seldom and has a page all the same: mail that bounces or whose fate nobody knows, a hold, an act on
many, a task that is put off, one person who applied twice. It happens on the last working days of the story.

What happens is the story's; what becomes of it is the product's own doing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from messaging import bounces, gate, handoffs, incidents, merging, operations, outgoing, routing, working_days
from messaging.bulk import Selected
from messaging.delivery import egress, outbox, resolving, tracking
from messaging.demo.story import Deed, Story
from messaging.gate import Clearance
from messaging.models import HandOff, Incident, Message, Operation
from messaging.policy.decision import Origin
from messaging.policy.floor import Touchpoint
from pipeline import actors, duplicates, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Job, User

Status = Message.Status
KNOWN_DAYS = 5  # working days for whose mail the provider's word is there

BOUNCE = "550 5.1.1 The mailbox does not exist."
HELD_FOR = (
    "She rang this morning and asked for two days before she hears from us.",
    "His referee calls back on Thursday; the team may look at it again.",
)
PUT_OFF_FOR = (
    "I reach them on the phone in the evening only, and want to tell them myself.",
    "The panel meets once more; after that I can say what decided it.",
)


def plan(story: Story) -> None:
    """As far as the story goes back that far."""
    seldom = _Seldom(story)
    days = [day for day in working_days.ahead(story.end - timedelta(days=25), 20) if day < story.end.date()][::-1]

    def on(back: int, hour: float, deed: Deed) -> None:
        moment = working_days.midnight(days[back]) + timedelta(hours=hour)
        if moment > story.end - timedelta(days=story.days):
            story.at(moment, deed)

    on(7, 10.5, seldom.reject_several)
    on(6, 12, seldom.apply_again_for_the_same_job)
    on(6, 12.5, seldom.apply_for_another_job)
    on(5, 10, seldom.merge_them)
    on(4, 14, seldom.take_apart)
    on(3, 12.1, seldom.apply_for_another_job)
    on(4, 14.5, seldom.move_several)
    for back in reversed(range(KNOWN_DAYS)):
        on(back, 18.5, seldom.hear_what_arrived)
    on(1, 10.9, seldom.lose_an_answer)
    on(1, 14.9, seldom.lose_an_answer)
    on(0, 10.9, seldom.lose_an_answer)
    on(1, 11.5, seldom.give_away_what_is_late)
    on(0, 10.2, seldom.settle_what_was_lost)
    on(0, 11.2, seldom.reject_across_stages)
    on(0, 13.2, seldom.look_into_the_first_incident)
    on(0, 15.5, seldom.hear_what_bounced)
    on(0, 16, seldom.correct_an_address)
    on(0, 16.2, seldom.hold_and_postpone)
    on(0, 16.5, seldom.put_off)


@dataclass
class _Seldom:
    story: Story
    lost: list[Clearance] = field(default_factory=list)
    pairs: list[tuple[Candidate, Candidate]] = field(default_factory=list)

    @property
    def _people(self) -> dict[str, User]:
        return self.story.company.people

    # --- An act on many -----------------------------------------------------------------------------------------------

    def reject_several(self, at: datetime) -> None:
        """All of them early: their messages leave by themselves."""
        early = _active(self._job(0)).filter(stage__milestone__lt=Milestone.PHONE_SCREEN)
        self._reject(early[:6], at, note="Read together on Monday.")

    def reject_across_stages(self, at: datetime) -> None:
        """Who talked to somebody is handed to a person."""
        active = _active(self._job(1))
        early = active.filter(stage__milestone__lt=Milestone.PHONE_SCREEN, candidate__reach__lt=Milestone.PHONE_SCREEN)
        later = active.filter(stage__milestone__gte=Milestone.PHONE_SCREEN)
        self._reject([*early[:4], *later[:2]], at, note="The budget of this quarter is one designer.")

    def _reject(self, applications: Sequence[Application] | QuerySet[Application], at: datetime, *, note: str) -> None:
        reason = self.story.company.reasons[3]
        self._begin(Operation.Kind.REJECT, applications, at, reason=reason, note=note)

    def move_several(self, at: datetime) -> None:
        """By mistake; undone at once, but one of them had been called meanwhile and went on."""
        job = self._job(2)
        new = list(_active(job).filter(stage__milestone=Milestone.APPLIED)[:5])
        to = job.pipeline.stages.get(milestone=Milestone.REVIEW)
        operation = self._begin(Operation.Kind.MOVE, new, at, to_stage=to)
        if operation is not None:
            self.story.at(at + timedelta(minutes=4), lambda later: self._go_on_with(new[0], later))
            self.story.at(at + timedelta(minutes=6), lambda later: self._undo(operation, later))

    def _begin(
        self,
        kind: Operation.Kind,
        applications: Sequence[Application] | QuerySet[Application],
        at: datetime,
        **choices: object,
    ) -> Operation | None:
        selected = [Selected(application_id=one.pk, stage_id=one.stage_id) for one in applications]
        if not selected:
            return None
        by = self._people["recruiter"]
        chosen = operations.Plan(kind=kind, selected=selected, **choices)  # type: ignore[arg-type]
        outcome = operations.preview(chosen, by=by, now=at)
        operation = operations.begin(chosen, message_count=outcome.message_count, by=by, now=at)
        operations.go_on(clock=lambda: at + timedelta(seconds=20), seconds=60)
        operation.refresh_from_db()
        return operation

    def _go_on_with(self, application: Application, at: datetime) -> None:
        application.refresh_from_db()
        stage = application.job.pipeline.stages.get(milestone=Milestone.PHONE_SCREEN)
        self.story.follow(moves.advance(application, stage, act=self.story.act_of(application, at)), at)

    def _undo(self, operation: Operation, at: datetime) -> None:
        operations.undo(operation, by=operation.by, now=at)
        operations.go_on(clock=lambda: at + timedelta(seconds=20), seconds=60)

    # --- One person, two records --------------------------------------------------------------------------------------

    def apply_again_for_the_same_job(self, at: datetime) -> None:
        self._apply_again(self._job(0), self._job(0), at)

    def apply_for_another_job(self, at: datetime) -> None:
        self._apply_again(self._job(2), self._job(3), at)

    def _apply_again(self, job: Job, other: Job, at: datetime) -> None:
        known = {candidate.pk for pair in self.pairs for candidate in pair}
        first = _active(job).exclude(candidate__in=known).select_related("candidate").first()
        if first is None:
            return
        one = first.candidate
        again = self.story.meet(
            {
                "first_name": one.first_name,
                "last_name": one.last_name,
                "email": f"{one.first_name}.{one.last_name}@mail.example.net".lower(),
                "came_from": "LinkedIn",
            },
            at,
        )
        self.story.receive(again, other, at)
        self.pairs.append((one, again))

    def merge_them(self, at: datetime) -> None:
        for kept, away in self.pairs:
            merging.merge(kept, away, by=self._people["coordinator"], now=at)

    def take_apart(self, at: datetime) -> None:
        """They were two people of one name."""
        by = self._people["coordinator"]
        for kept, away in self.pairs[1:2]:
            merging.unmerge(away.merges_away.get(), by=by, now=at)
            duplicates.tell_apart(kept, away, by=actors.person(by.pk), now=at)

    # --- Mail whose fate nobody knows ---------------------------------------------------------------------------------

    def lose_an_answer(self, at: datetime) -> None:
        """A process ends between handing a mail over and hearing the answer. Where it had only been slow, it comes back,
        and the guard keeps its mail."""
        cleared = _clear_the_next(at)
        if cleared is None:
            return
        egress.prepare(cleared, now=at)
        self.lost.append(cleared)
        after = cleared.attempt.expires_at + timedelta(seconds=30)
        self.story.at(after, _reap)
        if len(self.lost) != 2:
            self.story.at(after + timedelta(minutes=2), lambda later: self._come_back(cleared, later))

    def _come_back(self, cleared: Clearance, at: datetime) -> None:
        with _log_unread():
            egress.prepare(cleared, now=at)

    def settle_what_was_lost(self, at: datetime) -> None:
        """One stands in the provider's log; of another it says that it was not sent. The third stays open."""
        for cleared in self.lost[:1]:
            resolving.say_it_was_sent(cleared.case.message, by=self._people["recruiter"], now=at)
        for cleared in self.lost[1:2]:
            self._report(cleared.case.message, "rejected", at, said="The message was too old when it came to its turn.")

    def look_into_the_first_incident(self, at: datetime) -> None:
        note = "The worker had been paused by an update of the machine, and woke up after its mail was written off."
        first = Incident.objects.open().order_by("pk").first()
        if first is not None:
            incidents.close(first, note=note, by=self._people["administrator"], now=at)

    # --- What the provider reports ------------------------------------------------------------------------------------

    def hear_what_arrived(self, at: datetime) -> None:
        since = working_days.back(at, 1)
        for message in _sent_by_automations().filter(sent_at__gte=since, delivery=None).order_by("pk"):
            self._report(message, "delivered", at)

    def hear_what_bounced(self, at: datetime) -> None:
        sent = _sent_by_automations().filter(sent_at__gte=working_days.back(at, 2))
        rejections = sent.filter(touchpoint=Touchpoint.REJECTION).order_by("-pk")[:1]
        others = sent.exclude(touchpoint__in=[Touchpoint.REJECTION, Touchpoint.SURVEY]).order_by("-pk")[:2]
        for message in [*rejections, *others]:
            self._report(message, "bounced", at, said=BOUNCE)
        for message in sent.filter(touchpoint=Touchpoint.SURVEY).order_by("-pk")[:1]:
            self._report(message, "complained", at)

    def correct_an_address(self, at: datetime) -> None:
        """The applicant had mistyped it. It goes again, and leaves by itself."""
        bounced = Message.objects.filter(delivery=Message.Delivery.BOUNCED).exclude(touchpoint=Touchpoint.REJECTION)
        message = bounced.select_related("application__candidate").order_by("pk").first()
        if message is None:
            return
        candidate = message.application.candidate
        bounces.correct_address(candidate, f"{candidate.first_name}@{candidate.last_name}.example.org".lower())
        bounces.send_again(message, by=self._people["coordinator"], now=at)

    def _report(self, message: Message, kind: str, at: datetime, *, said: str = "") -> None:
        event = tracking.write_event(message, kind, said=said, at=at)
        stored = tracking.store(event, provider=routing.SIMULATE, now=at)
        if stored is not None:
            tracking.apply(stored, now=at)

    # --- What waits longer --------------------------------------------------------------------------------------------

    def hold_and_postpone(self, at: datetime) -> None:
        waiting = list(Message.objects.waiting().filter(due_at__gt=self.story.end).order_by("due_at", "pk")[:5])
        by = self._people["coordinator"]
        for message, reason in zip(waiting[:2], HELD_FOR, strict=False):
            until = working_days.morning_after(at, 3)
            outgoing.hold(message, reason=reason, until=until, by=by, now=at)
        for message in waiting[3:4]:
            to = working_days.morning_after(message.due_at, 2)
            outgoing.postpone(message, to=to, by=by, now=at)

    def give_away_what_is_late(self, at: datetime) -> None:
        """It is escalated to the recruiter, from whom it came, on the next morning."""
        recruiter = self._people["recruiter"]
        late = HandOff.objects.overdue(at).filter(owner=recruiter, application__job__recruiter=recruiter)
        handoffs.assign(list(late.order_by("due_at", "pk")[:1]), to=self._people["coordinator"])

    def put_off(self, at: datetime) -> None:
        tasks = HandOff.objects.open().filter(owner__isnull=False).order_by("-due_at", "-pk")
        for task, reason in zip(tasks[:2], PUT_OFF_FOR, strict=False):
            assert task.owner is not None  # see the filter  # noqa: S101
            until = working_days.ahead(max(at, task.due_at), 2)[-1]
            handoffs.snooze(task, until=until, reason=reason, by=task.owner, now=at)

    def _job(self, number: int) -> Job:
        return self.story.company.jobs[number][0]


def _active(job: Job) -> QuerySet[Application]:
    return (
        Application.objects.active()
        .filter(job=job)
        .select_related("stage", "job__pipeline", "job__recruiter")
        .order_by("pk")
    )


def _sent_by_automations() -> QuerySet[Message]:
    return Message.objects.filter(status=Status.SENT, origin=Origin.AUTOMATION)


def _clear_the_next(at: datetime) -> Clearance | None:
    due = Message.objects.due(at).order_by("due_at", "pk")[:20]
    # A survey matters least of all that may be lost.
    by_weight = sorted(due, key=lambda message: message.touchpoint == Touchpoint.SURVEY)
    answers = (gate.clear(message.pk, now=at) for message in by_weight)
    return next((answer for answer in answers if isinstance(answer, Clearance)), None)


def _reap(at: datetime) -> None:
    outbox.reap(now=at)


@contextmanager
def _log_unread() -> Iterator[None]:
    """Who loads the demo would take its incidents for real ones."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
