"""Ninety days of the demo company, lived through: people move candidates, the outbox drains, hand-offs get answered.

Every row comes out of the functions that the product uses; only the clock is the story's own.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from messaging import automations, escalations, gate, handoffs, working_days
from messaging.delivery import outbox
from messaging.demo import people, texts
from messaging.demo.company import Company
from messaging.models import HandOff, Message
from messaging.policy.floor import TELLS_THE_OUTCOME, Touchpoint
from pipeline import actors, moves
from pipeline.intake.addresses import canonical_address
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Interview, Job, Stage, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal

DAYS = 90
SEED = 20
# Share of the candidates in a stage who go on to the next one, by the milestone they are at.
GO_ON = {
    Milestone.APPLIED: 0.62,
    Milestone.REVIEW: 0.48,
    Milestone.PHONE_SCREEN: 0.55,
    Milestone.INTERVIEW: 0.5,
    Milestone.FINAL_ROUND: 0.5,
    Milestone.OFFER: 0.85,
}
WITHDRAW = 0.05  # of the candidates, at any stage
MOVED_BACK = 0.2  # of the rejected: tidied into the first stage before, as some teams do
CALLED_FIRST = 0.08  # of those who never left the first stages: somebody phoned them all the same
# What people do with their hand-offs: by mail, by phone, not needed, by phone once it was escalated; the rest stays open.
BY_MAIL, BY_PHONE, NOT_NEEDED, LATE = 0.42, 0.42, 0.06, 0.07
AT_ONCE = 100  # as many as the clock escalates at a time

Deed = Callable[[datetime], None]


@dataclass
class Story:
    """`end` is the moment the history stops: today. Events are kept by time and told in order.

    A shorter history, for tests, has as many candidates fewer.
    """

    company: Company
    end: datetime
    days: int = DAYS
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311  (no secret)
    events: list[tuple[datetime, int, Deed]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    letters: list[str] = field(default_factory=lambda: list(texts.REJECTIONS))

    def tell(self, *, progress: Callable[[datetime], object]) -> None:
        """Lives through the days. One transaction a day: nothing of the demo is worth a disk flush of its own."""
        start = self.end - timedelta(days=self.days)
        self._let_people_apply(start)
        for day in range(self.days + 1):
            midnight = start + timedelta(days=day)
            with transaction.atomic():
                morning = min(midnight.replace(hour=8), self.end)
                automations.plan_no_news(now=morning)
                escalations.escalate(now=morning, at_most=AT_ONCE)
                for hour in (9, 11, 13, 15, 17, 19):
                    self._live_until(min(midnight.replace(hour=hour), self.end))
            progress(midnight)

    def _live_until(self, moment: datetime) -> None:
        while self.events and self.events[0][0] <= moment:
            at, _, deed = heapq.heappop(self.events)
            deed(at)
        outbox.drain(clock=lambda: moment)

    def at(self, moment: datetime, deed: Deed) -> None:
        if moment <= self.end:
            heapq.heappush(self.events, (moment, next(self.numbers), deed))

    def working_time(self, after: datetime, *, days: int) -> datetime:
        """A moment in the working day that is `days` working days later."""
        day = working_days.add(after, max(days, 1))
        return day.replace(hour=9, minute=0) + timedelta(minutes=self.dice.randrange(0, 7 * 60))

    # --- Candidates ---------------------------------------------------------------------------------------------------

    def _let_people_apply(self, start: datetime) -> None:
        names = people.candidates(SEED)
        for job, count in self.company.jobs:
            for _ in range(round(count * self.days / DAYS)):
                moment = start + timedelta(minutes=self.dice.randrange(0, self.days * 24 * 60 - 300))
                self.at(moment, self._applying(job, next(names)))

    def _applying(self, job: Job, person: dict[str, str]) -> Deed:
        def apply(at: datetime) -> None:
            candidate = self.meet(person, at, talent_pool_consent_at=at if self.dice.random() < 0.2 else None)
            self.receive(candidate, job, at)
            if self.dice.random() < 0.06:
                other = self.dice.choice([other for other, _ in self.company.jobs if other != job])
                self.at(
                    at + timedelta(days=self.dice.randrange(5, 30)),
                    lambda later: self.receive(candidate, other, later),
                )

        return apply

    def meet(
        self, person: dict[str, str], at: datetime, *, talent_pool_consent_at: datetime | None = None
    ) -> Candidate:
        return Candidate.objects.create(
            **person,
            email_key=canonical_address(person["email"]),
            created_at=at,
            talent_pool_consent_at=talent_pool_consent_at,
        )

    def receive(self, candidate: Candidate, job: Job, at: datetime) -> None:
        application = self.follow(moves.receive(candidate, job, act=Act(by=actors.CLOCK, now=at)), at).application
        self.at(self.working_time(at, days=self.dice.randrange(1, 8)), lambda later: self._decide(application, later))

    # --- What the team decides ----------------------------------------------------------------------------------------

    def _decide(self, application: Application, at: datetime) -> None:
        application = Application.objects.select_related("candidate", "job__pipeline", "job__recruiter", "stage").get(
            pk=application.pk
        )
        if application.status != Application.Status.ACTIVE:
            return
        chance = self.dice.random()
        if chance < WITHDRAW:
            reason = self.dice.choice(self.company.withdrawals)
            self.follow(moves.withdraw(application, reason=reason, act=self.act_of(application, at)), at)
        elif self.dice.random() < GO_ON[Milestone(application.stage.milestone)]:
            self._go_on(application, at)
        else:
            self._reject(application, at)

    def _go_on(self, application: Application, at: datetime) -> None:
        to = self._next_stage(application)
        if to is None or to.milestone == Milestone.HIRED:
            self.follow(moves.hire(application, act=self.act_of(application, at)), at)
            return
        if to.milestone >= Milestone.PHONE_SCREEN:
            self._arrange(application, to, at)
        self.follow(moves.advance(application, to, act=self.act_of(application, at)), at)
        wait = self.working_time(at, days=self.dice.randrange(3, 9))
        self.at(wait, lambda later: self._decide(application, later))

    def _arrange(self, application: Application, to: Stage, at: datetime) -> None:
        starts_at = self.working_time(at, days=2)
        is_call = to.milestone == Milestone.PHONE_SCREEN
        interview = Interview.objects.create(
            application=application,
            kind=Interview.Kind.PHONE if is_call else Interview.Kind.ON_SITE,
            starts_at=starts_at,
            place="" if is_call else f"{application.job.location}, second floor",
            interviewers=str(application.job.recruiter or self.company.people["coordinator"])
            if is_call
            else str(self.company.people["manager1"]),
        )
        self.at(starts_at + timedelta(hours=1), lambda later: self._hold(interview, later))

    def _hold(self, interview: Interview, at: datetime) -> None:
        if Application.objects.active().filter(pk=interview.application_id).exists():
            moves.record_held(interview, now=at)

    def _reject(self, application: Application, at: datetime) -> None:
        milestone, chance = application.stage.milestone, self.dice.random()
        by = self.person_for(application)
        if milestone < Milestone.PHONE_SCREEN and chance < CALLED_FIRST:
            note = "Quick call about the notice period; not what we need."
            moves.log_conversation(application, kind=Interview.Kind.PHONE, note=note, by=actors.person(by.pk), now=at)
        elif milestone >= Milestone.PHONE_SCREEN and chance < MOVED_BACK:
            first = application.job.pipeline.stages.order_by("position").first()
            assert first is not None  # noqa: S101  (every pipeline of the demo has stages)
            note = "Tidied up before closing."
            self.follow(moves.move_back(application, first, act=self.act_of(application, at, note=note)), at)
            at += timedelta(minutes=5)
        reason = self.dice.choice(self.company.reasons)
        self.follow(moves.reject(application, reason=reason, act=self.act_of(application, at)), at)

    def _next_stage(self, application: Application) -> Stage | None:
        stages = application.job.pipeline.stages
        return stages.filter(position__gt=application.stage.position).order_by("position").first()

    def act_of(self, application: Application, at: datetime, *, note: str = "") -> Act:
        return Act(by=actors.person(self.person_for(application).pk), now=at, note=note)

    def person_for(self, application: Application) -> User:
        return application.job.recruiter or self.company.people["coordinator"]

    def follow(self, change: StageChange | Refusal, at: datetime) -> StageChange:
        if isinstance(change, Refusal):
            raise RuntimeError(change.sentence)  # noqa: TRY004  (the story contradicts itself: a bug)
        for message in automations.follow(change, now=at):
            for hand_off in message.hand_offs.open():
                self._put_on_desk(hand_off, at)
        return change

    # --- What people do with their hand-offs --------------------------------------------------------------------------

    def _put_on_desk(self, hand_off: HandOff, at: datetime) -> None:
        chance = self.dice.random()
        when = self.working_time(at, days=self.dice.choice((1, 1, 1, 2, 2, 3)))
        if chance < BY_MAIL:
            self.at(when, lambda later: self._write(hand_off, later))
        elif chance < BY_MAIL + BY_PHONE:
            self.at(when, lambda later: self._call(hand_off, later))
        elif chance < BY_MAIL + BY_PHONE + NOT_NEEDED:
            note, told_how = self.dice.choice(texts.NOT_NEEDED_REASONS)
            self.at(when, lambda later: self._set_aside(hand_off, note, told_how, later))
        elif chance < BY_MAIL + BY_PHONE + NOT_NEEDED + LATE:
            when = self.working_time(at, days=self.dice.choice((5, 6, 8)))
            self.at(when, lambda later: self._call(hand_off, later))

    def _write(self, hand_off: HandOff, at: datetime) -> None:
        hand_off = HandOff.objects.select_related(
            "application__candidate",
            "application__job__recruiter",
            "application__stage",
            "application__reason",
            "message__template",
            "message__wording",
        ).get(pk=hand_off.pk)
        if not hand_off.is_open:
            return
        if hand_off.must_be_own_words and not (hand_off.touchpoint == Touchpoint.REJECTION and self._has_a_letter(at)):
            self._call(hand_off, at)
            return
        by = self.person_for(hand_off.application)
        subject, body = (
            self._own_words(hand_off) if hand_off.must_be_own_words else self._as_prepared(hand_off.message, at)
        )
        # Own words take longer than reading a prepared text does.
        minutes = 3 + len(body) // (60 if hand_off.must_be_own_words else 400)
        opened_at = at - timedelta(minutes=minutes)
        answer = handoffs.answer(hand_off, subject=subject, body=body, by=by, now=at, opened_at=opened_at)
        if not isinstance(answer, Message):
            raise RuntimeError(f"The demo's own mail was refused: {answer}")  # noqa: TRY004

    def _has_a_letter(self, at: datetime) -> bool:
        """They last for the whole story, so that its last weeks are as human as its first."""
        told = 1 - (self.end - at) / timedelta(days=self.days)
        return len(texts.REJECTIONS) - len(self.letters) < len(texts.REJECTIONS) * told

    def _own_words(self, hand_off: HandOff) -> tuple[str, str]:
        application = hand_off.application
        letter = self.letters.pop(0).format(first=application.candidate.first_name, job=application.job.title)
        by = self.person_for(application)
        return f"{application.job.title}, and thank you", f"{letter}\n\n{by.first_name}"

    def _as_prepared(self, message: Message, at: datetime) -> tuple[str, str]:
        case = gate.preview(message, now=at)
        return case.subject, case.body

    def _call(self, hand_off: HandOff, at: datetime) -> None:
        note = self.dice.choice(texts.PHONE_NOTES)
        handoffs.tell_by_phone(hand_off, note=note, by=self.person_for(hand_off.application), now=at)

    def _set_aside(self, hand_off: HandOff, note: str, told_how: str, at: datetime) -> None:
        by = self.person_for(hand_off.application)
        handoffs.close_as_not_needed(hand_off, reason=note, by=by, now=at)
        if hand_off.touchpoint in TELLS_THE_OUTCOME:
            moves.record_told(hand_off.application, how=told_how, by=actors.person(by.pk), now=at)
