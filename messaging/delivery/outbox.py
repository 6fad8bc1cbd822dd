"""Takes what is due, asks the gate, hands it over, writes down what happened; and reaps what a dead process left behind.

No transaction is open while the provider is called. Whoever drains at the same time finds other messages, or none.
Messages are cleared for half a second ahead, so that many share one transaction; a mail leaves only after its Attempt is
marked as used, for each connection one at a time. So what was never used never left, and goes back to waiting.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from django.db.models import QuerySet

from messaging import gate
from messaging.delivery import brake, resolving, safe_mode
from messaging.delivery.connections import Connections
from messaging.delivery.egress import Egress
from messaging.delivery.guards_stand import guards_stand
from messaging.delivery.outcomes import Result
from messaging.delivery.stopping import Stopping
from messaging.gate import Case, Clearance
from messaging.models import Attempt, Message
from messaging.policy.decision import Finding, Origin, Outcome
from messaging.policy.floor import Reserve
from pipeline import rowwise
from pipeline.models import Application
from pipeline.written_once import UpdateOnce, WrittenOnce, ids, moment

logger = logging.getLogger(__name__)

Status = Message.Status
Clock = Callable[[], datetime]
# Of the gate; FAULT where a bug kept it from answering, None where somebody else had the message.
_Answer = Clearance | Case | str | None

# How long a drain takes further messages. With one more mail that uses up the provider's time-outs (25 seconds) it stays
# below what a task of the worker may take (60); messaging/checks.py does the sum.
SECONDS = 30.0
BATCH = 100  # messages that one transaction clears at most
BATCHES = 3  # of the oldest that are read to find them, because others may take some meanwhile
# Seconds of sending for which messages are cleared at a time, and after which what was cleared and has not left is asked
# for anew: what it was decided on may have changed.
AHEAD = 1.0
KEEP_FOR = timedelta(seconds=5)
# After a definite refusal; then the message has failed and a person takes over. About five and a half hours in all.
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20), timedelta(hours=1), timedelta(hours=4))
JITTER = 0.2  # of the wait, so that a provider that comes back is not met by everybody at once
# So many mails in a row that did not get out: it is not the mails, so the others wait for the next drain.
TOO_MANY_IN_A_ROW = 3
# Seconds between tries to write down a result while the database is locked; then the reaper calls it uncertain.
RESULT_TRIES = (0.1, 0.5, 1.0, 2.0, 5.0)
DATABASE_TROUBLE = (OperationalError, InterfaceError)

# What became of a message that a bug kept from being looked at, beside its statuses and the outcomes of the gate.
FAULT = "fault"
FAULT_WAIT = timedelta(hours=1)
FAULT_SENTENCE = "Byhand itself made an error while it looked at this message; it was not sent."
# Of an attempt whose mail never came to the door: cleared, and then its process ended or had no time for it.
NEVER_USED = Result(outcome=Attempt.Outcome.REFUSED, detail="It was cleared and not handed over.")
DID_NOT_GET_OUT = frozenset({Status.SCHEDULED, Status.FAILED, Status.UNCERTAIN, FAULT})


def drain(*, clock: Clock, seconds: float = SECONDS) -> Counter[str]:
    """Delivers what is due until nothing is, or the time is over, or the process is asked to end. Returns how many
    messages went to which end: a status, an outcome of the gate, FAULT, or "" for what somebody else had."""
    if _is_held_up(clock):
        return Counter()
    stop_at = time.monotonic() + seconds
    with Stopping() as stopping, Connections(settings.MAIL_CONNECTIONS, clock=clock) as connections:
        run = _Run(connections, clock)
        try:
            while True:
                over = stopping.asked or time.monotonic() >= stop_at or run.is_hopeless
                began = 0 if over else run.begin()
                if connections.candidates:
                    if not over:
                        run.look_ahead()
                    run.write_down(connections.answers())
                elif not began:
                    break
            run.give_back()
        except DATABASE_TROUBLE:
            # What was not taken is still due, and what was being sent is reaped.
            logger.exception("The database did not answer; the next drain goes on.")
            run.finish()
        except Exception:
            run.finish()
            raise
    if run.ends:
        _note_sends(clock)
    return run.ends


def _is_held_up(clock: Clock) -> bool:
    """Whether nothing may leave at all; else the brake is put on where something runs away."""
    try:
        if safe_mode.keeps_everything(now=clock()) or not guards_stand(now=clock()):
            return True
        brake.put_on_where_needed(now=clock())
    except DATABASE_TROUBLE:
        logger.exception("The database did not answer; the next drain goes on.")
        return True
    return False


def _note_sends(clock: Clock) -> None:
    try:
        safe_mode.note_sends(now=clock())
    except DATABASE_TROUBLE:
        logger.exception("The newest send could not be read; the next drain tries again.")


def deliver(message_id: int, *, egress: Egress, clock: Clock) -> str:
    """One message through the gate and out. Returns its end, see `drain`."""
    answer = _ask(message_id, now=clock())
    if isinstance(answer, Clearance):
        return record(answer.attempt, egress.send(answer), clock=clock)
    return _end_of(answer)


def record(attempt: Attempt, result: Result, *, clock: Clock) -> str:
    """Writes down what the provider said, however often the database is locked or gone meanwhile."""
    return record_many([(attempt, result)], clock=clock)[0]


def record_many(answers: Sequence[tuple[Attempt, Result]], *, clock: Clock) -> list[str]:
    """The same for answers that came together."""
    ends: dict[int, str] = {}
    for pause in RESULT_TRIES:
        try:
            _record_rest(answers, ends, now=clock())
            break
        except DATABASE_TROUBLE:
            rest = ", ".join(str(attempt.pk) for attempt, _ in answers if attempt.pk not in ends)
            logger.warning("The result of attempt %s could not be written yet; trying again.", rest)
            close_old_connections()  # one that broke does not heal
            time.sleep(pause)
    else:
        _record_rest(answers, ends, now=clock())
    return [ends[attempt.pk] for attempt, _ in answers]


def reap(*, now: datetime) -> int:
    """Attempts past their lease. What became of those that were used nobody can say, so nobody sends them again but a
    person; the others never left and wait again. Returns how many there were."""
    result = Result(
        outcome=Attempt.Outcome.UNCERTAIN, detail="The process that was sending it ended without an answer."
    )
    reaped = 0
    for attempt in Attempt.objects.expired(now):
        try:
            reaped += bool(_record(attempt, result if attempt.used_at else NEVER_USED, now=now))
        except DATABASE_TROUBLE:
            raise
        except Exception:
            logger.exception("Attempt %s could not be reaped.", attempt.pk)
    return reaped


class _Run:
    """What one drain knows of itself. The first mail goes alone, and after one that did not get out the next does again:
    of a provider that takes nothing, only so many learn as are too many in a row."""

    def __init__(self, connections: Connections, clock: Clock) -> None:
        self.ends: Counter[str] = Counter()
        self._connections, self._clock = connections, clock
        self._in_a_row = 0
        self._got_out = False
        self._came_back: set[int] = set()
        self._cleared: deque[Clearance] = deque()
        # Seconds for each mail, as of the last that came through; infinite: not known yet.
        self._pace, self._wrote_at = math.inf, time.monotonic()

    @property
    def is_hopeless(self) -> bool:
        return self._in_a_row >= TOO_MANY_IN_A_ROW

    def begin(self) -> int:
        """Gives the free connections the oldest that may leave. Returns how many messages were looked at or begun."""
        room = self._connections.free if self._got_out else int(not self._connections.candidates)
        if self._cleared and self._clock() - self._cleared[0].attempt.started_at > KEEP_FOR:
            self.give_back()
        looked_at = self._clear(room) if room > len(self._cleared) else 0
        leaving = [self._cleared.popleft() for _ in range(min(room, len(self._cleared)))]
        if leaving:
            self._connections.start(leaving)
        return looked_at + len(leaving)

    def look_ahead(self) -> None:
        """Clears what goes next while the provider is waited for, so that no connection waits for the gate."""
        if self._got_out and len(self._cleared) < self._connections.number:
            self._clear(self._connections.number)

    def write_down(self, answers: Sequence[tuple[Clearance, Result]]) -> None:
        before, self._wrote_at = self._wrote_at, time.monotonic()
        self._pace = (self._wrote_at - before) / len(answers)
        ends = record_many([(clearance.attempt, result) for clearance, result in answers], clock=self._clock)
        for (clearance, _), end in zip(answers, ends, strict=True):
            self._note(clearance.attempt.message_id, end)

    def finish(self) -> None:
        """Begins nothing more; what is under way is waited for and written down, else nobody would know of it."""
        while self._connections.candidates:
            try:
                self.write_down(self._connections.answers())
            except Exception:
                logger.exception("A result could not be written down; its message will be uncertain.")

    def give_back(self) -> None:
        """What was cleared and has not been begun waits again, each at its time; left open, it would be reaped."""
        while self._cleared:
            record(self._cleared.popleft().attempt, NEVER_USED, clock=self._clock)

    def _clear(self, room: int) -> int:
        due = self._due()
        ahead = max(room, int(min(BATCH, AHEAD / self._pace)) // 10 * 10) if self._got_out else room
        looked_at = 0
        for message_id, answer in self._look_at(due, ahead) if due else ():
            looked_at += 1
            if isinstance(answer, Clearance):
                self._cleared.append(answer)
            else:
                self._note(message_id, _end_of(answer))
        return looked_at

    def _due(self) -> list[int]:
        """Oldest first and each once: what came back with a back-off waits for the next drain. To one candidate one at a
        time, because what becomes of a mail is a fact for the next."""
        oldest_of: dict[int, int] = {}
        # In whole batches, so that few queries have to be written.
        for pk, candidate in _oldest_due((BATCHES + len(self._came_back) // BATCH) * BATCH)(now=self._clock()):
            if pk not in self._came_back:
                oldest_of.setdefault(candidate, pk)
        busy = self._connections.candidates
        busy |= {clearance.case.message.application.candidate_id for clearance in self._cleared}
        return [pk for candidate, pk in oldest_of.items() if candidate not in busy]

    def _look_at(self, due: Sequence[int], room: int) -> Iterator[tuple[int, _Answer]]:
        """Lazily where it is one by one, so that what was cleared has begun before the next can fail."""
        try:
            answers = gate.clear_many(due, at_most=room, now=self._clock())
        except DATABASE_TROUBLE:
            raise
        except Exception:
            logger.warning("One of the messages %s could not be looked at; each alone.", due[:room], exc_info=True)
            yield from ((pk, _ask(pk, now=self._clock())) for pk in due[:room])
            return
        if not answers and not self._connections.candidates:
            # Somebody else holds all of them: there is time to wait for one.
            yield due[0], _ask(due[0], now=self._clock())
        yield from ((_message_of(answer).pk, answer) for answer in answers)

    def _note(self, message_id: int, end: str) -> None:
        self.ends[end] += 1
        failed = end in DID_NOT_GET_OUT
        self._in_a_row = self._in_a_row + 1 if failed else 0
        self._got_out = not failed and (self._got_out or end == Status.SENT)
        if end not in Message.Status.values or end == Status.SCHEDULED:
            self._came_back.add(message_id)
        if self.is_hopeless:
            logger.warning("%s mails in a row did not get out; the others wait.", self._in_a_row)


@lru_cache(maxsize=16)
def _oldest_due(at_most: int) -> WrittenOnce[tuple[int, int]]:
    due = Message.objects.due(moment("now")).order_by("due_at", "pk")
    return WrittenOnce(lambda: due.values_list("pk", "application__candidate")[:at_most])


def _ask(message_id: int, *, now: datetime) -> _Answer:
    try:
        return gate.clear(message_id, now=now)
    except DATABASE_TROUBLE:
        raise
    except Exception:
        # One message that nobody can look at must not keep everybody's mail.
        logger.exception("Message %s could not be looked at.", message_id)
        return _set_aside(message_id, now=now)


def _end_of(answer: Case | str | None) -> str:
    return answer.verdict.outcome if isinstance(answer, Case) else answer or ""


def _message_of(answer: Clearance | Case) -> Message:
    return answer.case.message if isinstance(answer, Clearance) else answer.message


def _set_aside(message_id: int, *, now: datetime) -> str:
    """Once it only waits, for the error may be mended; the second time a person gets the message."""
    waiting = Message.objects.filter(pk=message_id, status=Status.SCHEDULED)
    try:
        with transaction.atomic():
            if waiting.filter(status_reason=FAULT_SENTENCE).update(status=Status.HELD, status_at=now):
                finding = Finding(code=FAULT, sentence=FAULT_SENTENCE, outcome=Outcome.HAND_OFF)
                _hand_off(_read(message_id), finding, reserve=Reserve.PERSON_WRITES, now=now)
    finally:
        # The first time; and what could not be handed off either does not come back at once.
        waiting.update(due_at=now + FAULT_WAIT, status_reason=FAULT_SENTENCE)
    return FAULT


def _record_rest(answers: Sequence[tuple[Attempt, Result]], ends: dict[int, str], *, now: datetime) -> None:
    """Writes down those that have no end yet, by their attempt: what was accepted in one transaction, as nearly everything
    is, the rest one by one. A bug that one of them meets is raised once the others are written."""
    rest = [(attempt, result) for attempt, result in answers if attempt.pk not in ends]
    accepted = [(attempt, result) for attempt, result in rest if result.outcome == Attempt.Outcome.ACCEPTED]
    faults = []
    try:
        if len(accepted) > 1 and _record_accepted(accepted, now=now):
            ends.update((attempt.pk, str(Status.SENT)) for attempt, _ in accepted)
    except DATABASE_TROUBLE:
        raise
    except Exception:
        logger.exception("Several results could not be written together; each alone.")
    for attempt, result in rest:
        try:
            if attempt.pk not in ends:
                ends[attempt.pk] = _record(attempt, result, now=now)
        except DATABASE_TROUBLE:
            raise
        except Exception as fault:
            logger.exception("The result of attempt %s could not be written.", attempt.pk)
            faults.append(fault)
    if faults:
        raise faults[0]


def _record_accepted(answers: Sequence[tuple[Attempt, Result]], *, now: datetime) -> bool:
    """True when all of them were being sent. Else nothing was written, and each is to be looked at alone."""
    messages = [attempt.message for attempt, _ in answers]
    with transaction.atomic():
        # Applications first, as everybody takes them.
        gate.hold_applications([message.application_id for message in messages])
        finished = rowwise.update_each(
            Attempt,
            {
                attempt.pk: {
                    "outcome": Attempt.Outcome.ACCEPTED,
                    "finished_at": now,
                    "provider_message_id": result.provider_message_id,
                    "detail": result.detail,
                }
                for attempt, result in answers
            },
            where={"outcome": ""},
        )
        sent = _become_sent(messages=[message.pk for message in messages], now=now)
        if not finished == sent == len(answers):
            transaction.set_rollback(True)
            return False
        resolving.note_told(messages, now=now)
    return True


@UpdateOnce
def _become_sent() -> tuple[QuerySet[Message], dict[str, Any]]:
    now = moment("now")
    sending = Message.objects.filter(pk__in=ids("messages"), status=Status.SENDING)
    return sending, {"status": Status.SENT, "status_at": now, "sent_at": now, "status_reason": ""}


def _record(attempt: Attempt, result: Result, *, now: datetime) -> str:
    with transaction.atomic():
        # Application first, as everybody takes them.
        Application.objects.select_for_update(of=("self",)).get(messages=attempt.message_id)
        opened = Attempt.objects.open().filter(pk=attempt.pk)
        if result is NEVER_USED:
            opened = opened.filter(used_at__isnull=True)  # its process may be slow and not gone
        finished = opened.update(
            outcome=result.outcome,
            finished_at=now,
            provider_message_id=result.provider_message_id,
            detail=result.detail,
        )
        if not finished:
            if result is not NEVER_USED:
                # It took longer than its lease, and a person was told that nobody knows.
                logger.error("Attempt %s was reaped before its answer came: %s", attempt.pk, result)
            return ""
        message = _read(attempt.message_id)
        if result.outcome == Attempt.Outcome.ACCEPTED:
            return _sent(message, now=now)
        if message.attempts.uncertain().exists():  # this one, or one before it
            return _in_doubt(message, attempt, result, now=now)
        if result is NEVER_USED:
            return _wait_again(message, result, now=now)
        if result.outcome == Attempt.Outcome.REFUSED and _tries(attempt) <= len(BACK_OFF):
            return _try_again(message, attempt, result, now=now)
        return _needs_a_person(message, Status.FAILED, _failed(result), now=now)


def _read(message_id: int) -> Message:
    return Message.objects.select_related("application__job__recruiter", "application__job__coordinator").get(
        pk=message_id
    )


def _sent(message: Message, *, now: datetime) -> str:
    _leave_sending(message, status=Status.SENT, status_at=now, sent_at=now, status_reason="")
    resolving.note_told([message], now=now)
    return Status.SENT


def _in_doubt(message: Message, attempt: Attempt, result: Result, *, now: datetime) -> str:
    """It may have been accepted. Only where the provider knows it by its key it is tried again; whatever was refused
    after that takes back nothing."""
    first = message.attempts.in_doubt().order_by("number").first()
    longest = _wait(attempt, result, share=1 + JITTER)
    is_known = first is None or now + longest < gate.repeatable_until(first)
    if result.outcome != Attempt.Outcome.REJECTED and _tries(attempt) <= len(BACK_OFF) and is_known:
        return _try_again(message, attempt, result, now=now)
    return _needs_a_person(message, Status.UNCERTAIN, gate.cannot_be_proven(result.detail), now=now)


def _wait(attempt: Attempt, result: Result, *, share: float) -> timedelta:
    """`share` is of what the table says; no shorter than the provider asks for."""
    wait = BACK_OFF[min(_tries(attempt), len(BACK_OFF)) - 1] * share
    return max(wait, timedelta(seconds=result.retry_after or 0))


def _try_again(message: Message, attempt: Attempt, result: Result, *, now: datetime) -> str:
    wait = _wait(attempt, result, share=random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311  (no secret)
    said = "was not accepted" if result.outcome == Attempt.Outcome.REFUSED else "may have been accepted"
    reason = f"Attempt {attempt.number} {said}; it is tried again. {result.detail}"[:500]
    _leave_sending(message, status=Status.SCHEDULED, status_at=now, due_at=now + wait, status_reason=reason)
    return Status.SCHEDULED


def _tries(attempt: Attempt) -> int:
    """How many times the message was tried, this attempt among them; one that was given back was no try."""
    earlier = Attempt.objects.filter(message=attempt.message_id, number__lt=attempt.number)
    return 1 + earlier.exclude(outcome=Attempt.Outcome.REFUSED, used_at__isnull=True).count()


def _wait_again(message: Message, result: Result, *, now: datetime) -> str:
    _leave_sending(message, status=Status.SCHEDULED, status_at=now, status_reason=f"{result.detail} It waits again.")
    return Status.SCHEDULED


def _needs_a_person(message: Message, status: str, finding: Finding, *, now: datetime) -> str:
    _leave_sending(message, status=status, status_at=now, status_reason=finding.sentence[:500])
    reserve = Reserve.PERSON_WRITES if message.origin == Origin.PERSON else Reserve.PERSON_SENDS
    _hand_off(message, finding, reserve=reserve, now=now)
    return status


def _hand_off(message: Message, finding: Finding, *, reserve: Reserve, now: datetime) -> None:
    if not message.hand_offs.open().exists():  # else a person has it already
        gate.hand_off(message, findings=[finding], reserve=reserve, now=now)


def _failed(result: Result) -> Finding:
    sentence = f"This mail was not sent. {result.detail}"
    return Finding(code="failed", sentence=sentence, outcome=Outcome.HAND_OFF)


def _leave_sending(message: Message, **fields: object) -> None:
    """Names the source status. The attempt was closed in this transaction, so nobody else of us can be here."""
    if not Message.objects.filter(pk=message.pk, status=Status.SENDING).update(**fields):
        logger.error("Message %s had an open attempt and was not being sent; it stays %s.", message.pk, message.status)
