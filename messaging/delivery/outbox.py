"""Takes what is due, asks the gate, hands it over, writes down what happened; and reaps what a dead process left behind.

No transaction is open while the provider is called. Whoever drains at the same time finds other messages, or none.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from messaging import gate
from messaging.delivery import brake, safe_mode
from messaging.delivery.egress import Egress
from messaging.delivery.outcomes import Result
from messaging.delivery.stopping import Stopping
from messaging.gate import Case, Clearance
from messaging.models import Attempt, Message
from messaging.policy.decision import Finding, Origin, Outcome
from messaging.policy.floor import TELLS_THE_OUTCOME, Reserve
from pipeline import actors, moves
from pipeline.models import Application

logger = logging.getLogger(__name__)

Status = Message.Status
Clock = Callable[[], datetime]

# How long a drain takes further messages. With one more mail that uses up the provider's time-outs (25 seconds) it stays
# below what a task of the worker may take (60); messaging/checks.py does the sum.
SECONDS = 30.0
BATCH = 100
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
DID_NOT_GET_OUT = frozenset({Status.SCHEDULED, Status.FAILED, Status.UNCERTAIN, FAULT})


def drain(*, clock: Clock, seconds: float = SECONDS) -> Counter[str]:
    """Delivers what is due until nothing is, or the time is over, or the process is asked to end. Returns how many
    messages went to which end: a status, an outcome of the gate, FAULT, or "" for what somebody else had."""
    ends: Counter[str] = Counter()
    if _is_held_up(clock):
        return ends
    stop_at = time.monotonic() + seconds
    in_a_row = 0
    with Stopping() as stopping, Egress() as egress:
        try:
            for message_id in _due(clock):
                if stopping.asked or time.monotonic() >= stop_at:
                    break
                if in_a_row == TOO_MANY_IN_A_ROW:
                    logger.warning("%s mails in a row did not get out; the others wait.", in_a_row)
                    break
                end = deliver(message_id, egress=egress, clock=clock)
                ends[end] += 1
                in_a_row = in_a_row + 1 if end in DID_NOT_GET_OUT else 0
        except DATABASE_TROUBLE:
            # What was not taken is still due, and what was being sent is reaped.
            logger.exception("The database did not answer; the next drain goes on.")
    if ends:
        _note_sends(clock)
    return ends


def _is_held_up(clock: Clock) -> bool:
    """Whether nothing may leave at all; else the brake is put on where something runs away."""
    try:
        if safe_mode.keeps_everything(now=clock()):
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
    try:
        cleared = gate.clear(message_id, now=clock())
    except DATABASE_TROUBLE:
        raise
    except Exception:
        # One message that nobody can look at must not keep everybody's mail.
        logger.exception("Message %s could not be looked at.", message_id)
        return _set_aside(message_id, now=clock())
    if isinstance(cleared, Clearance):
        return record(cleared.attempt, egress.send(cleared), clock=clock)
    return cleared.verdict.outcome if isinstance(cleared, Case) else ""


def record(attempt: Attempt, result: Result, *, clock: Clock) -> str:
    """Writes down what the provider said, however often the database is locked or gone meanwhile."""
    for pause in RESULT_TRIES:
        try:
            return _record(attempt, result, now=clock())
        except DATABASE_TROUBLE:
            logger.warning("The result of attempt %s could not be written yet; trying again.", attempt.pk)
            close_old_connections()  # one that broke does not heal
            time.sleep(pause)
    return _record(attempt, result, now=clock())


def reap(*, now: datetime) -> int:
    """Attempts past their lease: nobody can say what became of them, so nobody sends them again but a person. Returns
    how many there were."""
    result = Result(
        outcome=Attempt.Outcome.UNCERTAIN, detail="The process that was sending it ended without an answer."
    )
    reaped = 0
    for attempt in Attempt.objects.expired(now):
        try:
            reaped += bool(_record(attempt, result, now=now))
        except DATABASE_TROUBLE:
            raise
        except Exception:
            logger.exception("Attempt %s could not be reaped.", attempt.pk)
    return reaped


def _due(clock: Clock) -> Iterator[int]:
    """Oldest first and each once: what came back with a back-off waits for the next drain."""
    seen: set[int] = set()
    while True:
        due = Message.objects.due(clock()).order_by("due_at", "pk").values_list("pk", flat=True)
        fresh = [pk for pk in due[: BATCH + len(seen)] if pk not in seen][:BATCH]
        if not fresh:
            return
        for pk in fresh:
            seen.add(pk)
            yield pk


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


def _record(attempt: Attempt, result: Result, *, now: datetime) -> str:
    with transaction.atomic():
        # Application first, as everybody takes them.
        Application.objects.select_for_update(of=("self",)).get(messages=attempt.message_id)
        finished = (
            Attempt.objects.open()
            .filter(pk=attempt.pk)
            .update(
                outcome=result.outcome,
                finished_at=now,
                provider_message_id=result.provider_message_id,
                detail=result.detail,
            )
        )
        if not finished:
            # It took longer than its lease, and a person was told that nobody knows.
            logger.error("Attempt %s was reaped before its answer came: %s", attempt.pk, result)
            return ""
        message = _read(attempt.message_id)
        if result.outcome == Attempt.Outcome.ACCEPTED:
            return _sent(message, now=now)
        if result.outcome == Attempt.Outcome.UNCERTAIN:
            return _needs_a_person(message, Status.UNCERTAIN, _uncertain(result), now=now)
        if result.outcome == Attempt.Outcome.REFUSED and attempt.number <= len(BACK_OFF):
            return _try_again(message, attempt, result, now=now)
        return _needs_a_person(message, Status.FAILED, _failed(result), now=now)


def _read(message_id: int) -> Message:
    return Message.objects.select_related("application__job__recruiter", "application__job__coordinator").get(
        pk=message_id
    )


def _sent(message: Message, *, now: datetime) -> str:
    _leave_sending(message, status=Status.SENT, status_at=now, sent_at=now, status_reason="")
    if message.touchpoint in TELLS_THE_OUTCOME:
        by = actors.person(message.written_by_id) if message.written_by_id else actors.CLOCK
        if moves.record_told(message.application, how=Application.ToldHow.MAIL, by=by, now=now):
            # Who wrote to them beside an open hand-off answered that as well.
            gate.resettle(message.application_id, now=now)
    return Status.SENT


def _try_again(message: Message, attempt: Attempt, result: Result, *, now: datetime) -> str:
    wait = BACK_OFF[attempt.number - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)
    wait = max(wait, timedelta(seconds=result.retry_after or 0))
    reason = f"Attempt {attempt.number} was not accepted; it is tried again. {result.detail}"[:500]
    _leave_sending(message, status=Status.SCHEDULED, status_at=now, due_at=now + wait, status_reason=reason)
    return Status.SCHEDULED


def _needs_a_person(message: Message, status: str, finding: Finding, *, now: datetime) -> str:
    _leave_sending(message, status=status, status_at=now, status_reason=finding.sentence[:500])
    reserve = Reserve.PERSON_WRITES if message.origin == Origin.PERSON else Reserve.PERSON_SENDS
    _hand_off(message, finding, reserve=reserve, now=now)
    return status


def _hand_off(message: Message, finding: Finding, *, reserve: Reserve, now: datetime) -> None:
    if not message.hand_offs.open().exists():  # else a person has it already
        gate.hand_off(message, findings=[finding], reserve=reserve, now=now)


def _uncertain(result: Result) -> Finding:
    sentence = (
        "It cannot be proven whether this mail was sent, so it is not sent again by itself. "
        f"Ask the provider or the candidate before you write. {result.detail}"
    )
    return Finding(code="uncertain", sentence=sentence, outcome=Outcome.HAND_OFF)


def _failed(result: Result) -> Finding:
    sentence = f"This mail was not sent. {result.detail}"
    return Finding(code="failed", sentence=sentence, outcome=Outcome.HAND_OFF)


def _leave_sending(message: Message, **fields: object) -> None:
    """Names the source status. The attempt was closed in this transaction, so nobody else of us can be here."""
    if not Message.objects.filter(pk=message.pk, status=Status.SENDING).update(**fields):
        logger.error("Message %s had an open attempt and was not being sent; it stays %s.", message.pk, message.status)
