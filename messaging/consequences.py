"""What one act on an application leads to: done for good, or rehearsed in a transaction that is taken back. Both run the
same functions, so that a preview cannot say anything else than the act will do."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from messaging import automations, gate
from messaging.models import HandOff, Message, Operation
from pipeline import moves
from pipeline.models import Application, Candidate, Interview, Job, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal

# What is done to the application; None where it leaves no trace of its own.
Step = Callable[[Application], StageChange | Interview | Refusal | None]
# The same for a batch, by the application's key.
Steps = Callable[[Sequence[Application]], Mapping[int, StageChange | Refusal]]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A message that leaves by itself when it is due, unless something changes until then."""

    kind: str
    template: str
    due_at: datetime
    became: str = ""  # “Sent”; empty while it waits


@dataclass(frozen=True, kw_only=True)
class Task:
    """A hand-off, with the sentences that say why no machine sends this."""

    kind: str
    template: str
    owner: User | None
    due_at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """A message that waited, or was held, and ends with this act."""

    kind: str
    template: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """`refusal`: why nothing was changed; empty when the act was done. `change_id`: the StageChange of a batch's act."""

    application_id: int
    candidate: str
    job: str
    refusal: str = ""
    messages: tuple[Planned, ...] = ()
    hand_offs: tuple[Task, ...] = ()
    stopped: tuple[Stopped, ...] = ()
    change_id: int = 0

    @property
    def nothing_follows(self) -> bool:
        return not (self.refusal or self.messages or self.hand_offs or self.stopped)


def carry_out(application: Application, step: Step, *, now: datetime) -> Consequence:
    """Does it and follows it; all of that happens, or nothing. Rings no doorbell: the caller does, once."""
    with transaction.atomic():
        return _follow_through(application, step, now=now)


def rehearse(application: Application, step: Step, *, now: datetime) -> Consequence:
    """The same, taken back. The application itself is left as it was."""
    with transaction.atomic():
        consequence = _follow_through(application, step, now=now)
        transaction.set_rollback(True)
    return consequence


def carry_out_in_silence(application: Application, step: Step, *, now: datetime) -> Consequence:
    """Does it where nothing follows from it, and otherwise says what would: a move by a flick of the hand never writes to
    anybody by surprise. It is done where `nothing_follows`."""
    with transaction.atomic():
        consequence = _follow_through(application, step, now=now)
        if not consequence.nothing_follows:
            transaction.set_rollback(True)
    return consequence


def carry_out_many(
    applications: Sequence[Application], steps: Steps, *, operation: Operation, now: datetime
) -> list[Consequence]:
    """One act on a batch, with a number of queries that does not grow with it. All of it happens, or nothing; who cannot
    be moved keeps nobody else."""
    with transaction.atomic():
        done = steps(applications)
        changes = [change for change in done.values() if isinstance(change, StageChange)]
        automations.follow_many(changes, now=now, operation=operation)
        messages, hand_offs = _read_rows(done, now=now)
    consequences = []
    for application in applications:
        answer = done[application.pk]
        if isinstance(answer, Refusal):
            consequences.append(refused(application, answer.sentence))
        else:
            consequence = describe(application, messages[application.pk], hand_offs[application.pk])
            consequences.append(replace(consequence, change_id=answer.pk))
    return consequences


def receive(candidate: Candidate, job: Job, *, act: Act) -> Consequence:
    """A new application, entered by hand, with what follows from it. Rings no doorbell."""
    with transaction.atomic():
        change = moves.receive(candidate, job, act=act)
        if isinstance(change, Refusal):
            return Consequence(application_id=0, candidate=str(candidate), job=str(job), refusal=change.sentence)
        automations.follow(change, now=act.now)
        return _read(change.application, [change.application_id], now=act.now)


def look_again(candidate_id: int, *, now: datetime) -> list[int]:
    """Asks the gate again for everything this candidate still waits for: a conversation counts at whatever job. Returns
    the applications that were looked at."""
    touched = _all_of(candidate_id)
    gate.resettle_many(touched, now=now)
    return touched


def _all_of(candidate_id: int) -> list[int]:
    return list(Application.objects.filter(candidate=candidate_id).order_by("pk").values_list("pk", flat=True))


def refuse_if_moved(application: Application, *, seen_in: int) -> Refusal | None:
    """`seen_in`: the stage in which the person saw the candidate when they chose what to do."""
    if application.stage_id == seen_in:
        return None
    return Refusal(
        f"{application.candidate} is in “{application.stage}” by now. Nothing was changed; look again before you move them."
    )


def _follow_through(application: Application, step: Step, *, now: datetime) -> Consequence:
    """`now` marks what belongs to this act: nothing else happened to the application in the same microsecond."""
    done = step(moving := copy.copy(application))
    if isinstance(done, Refusal):
        return refused(application, done.sentence)
    if isinstance(done, StageChange):
        automations.follow(done, now=now)
        # The reach is the candidate's: what waits at another job may end by this move, or become a person's.
        touched = _all_of(moving.candidate_id)
    else:
        touched = look_again(moving.candidate_id, now=now)
    return _read(application, touched, now=now)


def refused(application: Application, sentence: str) -> Consequence:
    return Consequence(
        application_id=application.pk,
        candidate=str(application.candidate),
        job=str(application.job),
        refusal=sentence,
    )


def _read(application: Application, touched: Iterable[int], *, now: datetime) -> Consequence:
    return tell(_about(application), touched, now=now)


def tell(about: Consequence, touched: Iterable[int], *, now: datetime) -> Consequence:
    """The same with what became of the messages of these applications at this very time."""
    messages, hand_offs = _read_rows(touched, now=now)
    return _with(
        about,
        [message for of_one in messages.values() for message in of_one],
        [hand_off for of_one in hand_offs.values() for hand_off in of_one],
    )


def _read_rows(
    touched: Iterable[int], *, now: datetime
) -> tuple[defaultdict[int, list[Message]], defaultdict[int, list[HandOff]]]:
    """By application, what belongs to this moment."""
    wanted = list(touched)
    messages: defaultdict[int, list[Message]] = defaultdict(list)
    changed = Message.objects.filter(application__in=wanted, status_at=now).select_related("template").order_by("pk")
    for message in changed.defer("body"):
        messages[message.application_id].append(message)
    hand_offs: defaultdict[int, list[HandOff]] = defaultdict(list)
    opened = HandOff.objects.filter(application__in=wanted, created_at=now).order_by("pk")
    for hand_off in opened.select_related("owner", "message__template").defer("message__body"):
        hand_offs[hand_off.application_id].append(hand_off)
    return messages, hand_offs


def describe(application: Application, changed: Sequence[Message], hand_offs: Sequence[HandOff]) -> Consequence:
    return _with(_about(application), changed, hand_offs)


def _about(application: Application) -> Consequence:
    return Consequence(application_id=application.pk, candidate=str(application.candidate), job=str(application.job))


def _with(about: Consequence, changed: Sequence[Message], hand_offs: Sequence[HandOff]) -> Consequence:
    return replace(
        about,
        messages=tuple(_planned(message) for message in changed if message.status == Message.Status.SCHEDULED),
        stopped=tuple(_stopped(message) for message in changed if message.status == Message.Status.CANCELLED),
        hand_offs=tuple(_task(hand_off) for hand_off in hand_offs),
    )


def _task(hand_off: HandOff) -> Task:
    return Task(
        kind=hand_off.get_touchpoint_display(),
        template=str(hand_off.message.template or ""),
        owner=hand_off.owner,
        due_at=hand_off.due_at,
        reasons=tuple(hand_off.sentences),
    )


def _planned(message: Message) -> Planned:
    return Planned(kind=message.get_touchpoint_display(), template=str(message.template or ""), due_at=message.due_at)


def _stopped(message: Message) -> Stopped:
    return Stopped(
        kind=message.get_touchpoint_display(), template=str(message.template or ""), reason=message.status_reason
    )
