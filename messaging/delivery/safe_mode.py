"""Nothing leaves from a database that is not at home: copied, moved, or older than the mail that was sent from here.

Two halves know of each other: a row in the database (Installation) and a file beside it, outside of every backup of the
database (VAR_DIR/instance.json). The file holds the installation's id, a fingerprint of its place, and the newest send.
Whoever drains compares them first. What cannot be told apart is a machine that was copied whole, with its id and files.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import logging
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from messaging import gate, ledger
from messaging.models import Attempt, Installation, LedgerEntry, Message
from messaging.policy.decision import Finding, Origin, Outcome
from messaging.policy.floor import Reserve
from messaging.routing import SIMULATE
from pipeline import actors
from pipeline.actors import Actor
from pipeline.models import Application, User
from pipeline.outcomes import Refusal

logger = logging.getLogger(__name__)

Why = Installation.Why

FILE = "instance.json"
# A drain that was killed noted nothing; the next one looks this far back for what it sent.
LOOKS_BACK = timedelta(hours=1)
MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True, kw_only=True)
class Record:
    """The file. `attempt` and `sent_at`: the newest send to a provider that is known here; 0 and "" for none."""

    instance: str
    place: str
    attempt: int
    sent_at: str


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """For the page: what this database holds, and what it cannot know."""

    installation: Installation
    scheduled: int
    doubtful: int


def keeps_everything(*, now: datetime) -> bool:
    """Whether nothing may leave. Two small queries and one small file; a new installation adopts its database here."""
    row = _read_row()
    if row is not None and _is_settled(row, _read_record()):
        return row.is_in_safe_mode
    try:
        with _locked():  # a second worker that starts at the same time finds it done
            return _settle(now=now)
    except OSError:
        logger.exception("%s cannot be used, so nothing is sent.", _path())
        return True


def note_sends(*, now: datetime) -> None:
    """After a drain: the newest send goes into the file. It only ever grows."""
    newest = _newest_send(Attempt.objects.filter(started_at__gte=now - LOOKS_BACK))
    try:
        record = _read_record()
        if newest is None or record is None or newest.pk <= record.attempt:
            return
        with _locked():
            record = _read_record() or record
            if newest.pk > record.attempt:
                _write(dataclasses.replace(record, attempt=newest.pk, sent_at=newest.started_at.isoformat()))
    except OSError:
        logger.exception("The newest send could not be written to %s; the next drain tries again.", _path())


# --- What an administrator sees and does -------------------------------------------------------------------------------


def doubt(*, now: datetime) -> Doubt | None:
    """None: mail leaves."""
    installation = Installation.objects.filter(safe_since__isnull=False).first()
    if installation is None:
        return None
    return Doubt(
        installation=installation,
        scheduled=Message.objects.waiting().count(),
        doubtful=_doubtful(installation, now=now).count(),
    )


def hand_over_and_go_on(*, reason: str, by: User, now: datetime) -> int | Refusal:
    """What may have been sent already goes to people, and whoever delivers next is at home. Returns how many went."""
    with transaction.atomic():
        installation = _take(reason)
        if isinstance(installation, Refusal):
            return installation
        doubtful = list(_doubtful(installation, now=now).values_list("pk", flat=True))
        handed_over = sum(_hand_over(pk, now=now) for pk in doubtful)
        _end(reason=reason, by=by, now=now, handed_over=handed_over)
    return handed_over


def go_on(*, reason: str, by: User, now: datetime) -> Refusal | None:
    """Nothing was sent elsewhere: what is due leaves. Not where it is known that something was."""
    with transaction.atomic():
        installation = _take(reason)
        if isinstance(installation, Refusal):
            return installation
        if installation.safe_why == Why.RESTORED:
            return Refusal(
                "Mail was sent that this database does not know of, so what may have been sent goes to people."
            )
        _end(reason=reason, by=by, now=now, handed_over=0)
    return None


def _take(reason: str) -> Installation | Refusal:
    if not reason.strip():
        return Refusal("Say why this is the right place for this database, so that others know.")
    installation = Installation.objects.select_for_update().filter(safe_since__isnull=False).first()
    return installation or Refusal("Safe mode is over already. Nothing was changed by you.")


def _doubtful(installation: Installation, *, now: datetime) -> QuerySet[Message]:
    """Is due, and follows from something that happened before safe mode began: whoever sent this database’s mail meanwhile
    would have sent it too. The clock may have planned it here only now."""
    since = installation.safe_since
    is_older = Q(created_at__lte=since) | Q(stage_change__at__lte=since)
    return Message.objects.waiting().filter(is_older, due_at__lte=now).order_by("pk")


def _hand_over(message_id: int, *, now: datetime) -> int:
    # Application first, as everybody takes them.
    Application.objects.select_for_update(of=("self",)).get(messages=message_id)
    finding = Finding(
        code="perhaps_sent",
        sentence="It may have been sent already, from the place or in the time that this database does not know. "
        "Ask the provider or the candidate before you write.",
        outcome=Outcome.HAND_OFF,
    )
    waiting = Message.objects.filter(pk=message_id, status=Message.Status.SCHEDULED)
    if not waiting.update(status=Message.Status.HELD, status_at=now, status_reason=finding.sentence):
        return 0
    message = Message.objects.select_related("application__job__recruiter", "application__job__coordinator").get(
        pk=message_id
    )
    reserve = Reserve.PERSON_WRITES if message.origin == Origin.PERSON else Reserve.PERSON_SENDS
    gate.hand_off(message, findings=[finding], reserve=reserve, now=now)
    return 1


def _end(*, reason: str, by: User, now: datetime, handed_over: int) -> None:
    Installation.objects.filter(safe_since__isnull=False).update(
        instance="", safe_since=None, safe_why="", ended_at=now, ended_by=by, ended_reason=reason.strip()
    )
    _log(actors.person(by.pk), now=now, event="ended", handed_over=handed_over)


# --- Whether it is at home ----------------------------------------------------------------------------------------------


def _is_settled(row: Installation, record: Record | None) -> bool:
    """In safe mode already, or at home: nothing needs to be written."""
    return row.is_in_safe_mode or (bool(row.instance) and _is_ours(row, record) and not _is_ahead(record))


def _settle(*, now: datetime) -> bool:
    row, record = _read_row(), _read_record()
    if row is not None and _is_settled(row, record):
        return row.is_in_safe_mode
    why = _why_not(row, record)
    if not why:
        _adopt(now=now)
        return False
    _begin(why, record, now=now)
    return True


def _why_not(row: Installation | None, record: Record | None) -> str:
    """Why this cannot be taken for the home of this database; empty where it can."""
    if row is not None and not row.instance:
        return ""  # an administrator looked at it
    if not Message.objects.exists():
        return ""  # a new one
    if _is_ahead(record):
        return Why.RESTORED
    # Without a record of its own, or with that of another place; as long as nothing was sent, nothing can be sent twice.
    return Why.ELSEWHERE if _newest_send(Attempt.objects.all()) else ""


def _is_ours(row: Installation, record: Record | None) -> bool:
    return record is not None and record.instance == row.instance and record.place == _place()


def _is_ahead(record: Record | None) -> bool:
    """A send is on record that the database does not know."""
    return record is not None and record.attempt > 0 and not _knows(record)


def _knows(record: Record) -> bool:
    """By number and time: after a restore the same numbers are given again."""
    return Attempt.objects.filter(pk=record.attempt, started_at=datetime.fromisoformat(record.sent_at)).exists()


def _adopt(*, now: datetime) -> None:
    """The file first: where only it was written, the next drain adopts again."""
    newest = _newest_send(Attempt.objects.all())
    record = Record(
        instance=uuid.uuid4().hex,
        place=_place(),
        attempt=newest.pk if newest else 0,
        sent_at=newest.started_at.isoformat() if newest else "",
    )
    _write(record)
    with transaction.atomic():
        Installation.objects.update_or_create(pk=1, defaults={"instance": record.instance, "adopted_at": now})
        _log(actors.CLOCK, now=now, event="adopted")


def _begin(why: str, record: Record | None, *, now: datetime) -> None:
    newest = _newest_send(Attempt.objects.all())
    sent_at = record.sent_at if record else ""
    with transaction.atomic():
        Installation.objects.update_or_create(
            pk=1,
            defaults={
                "safe_since": now,
                "safe_why": why,
                "known_until": newest.started_at if newest else None,
                "sent_until": datetime.fromisoformat(sent_at) if sent_at else None,
            },
        )
        _log(actors.CLOCK, now=now, event="began", why=why)
    logger.error("Safe mode: nothing is sent. %s", Why(why).label)


def _log(by: Actor, *, now: datetime, **data: str | int) -> None:
    ledger.write(LedgerEntry.Kind.SAFE_MODE, about=Installation(pk=1), by=by, now=now, data=data)


def _newest_send(attempts: QuerySet[Attempt]) -> Attempt | None:
    return attempts.exclude(provider=SIMULATE).order_by("-pk").first()


# --- The file -----------------------------------------------------------------------------------------------------------


def _read_row() -> Installation | None:
    return Installation.objects.filter(pk=1).first()


def _read_record() -> Record | None:
    """None also where it cannot be read: then nobody can say that this is the home of the database."""
    try:
        record = Record(**json.loads(_path().read_text(encoding="utf-8")))
        datetime.fromisoformat(record.sent_at or "2000-01-01")
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError):
        logger.exception("%s cannot be read.", _path())
        return None
    return record


def _write(record: Record) -> None:
    """Whole or not at all, and still there after the power failed."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(record), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked() -> Iterator[None]:
    """For the processes that share this file; let go when they end, however they end."""
    _path().parent.mkdir(parents=True, exist_ok=True)
    with _path().with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _path() -> Path:
    return Path(settings.VAR_DIR) / FILE


def _place() -> str:
    """Machine, folder and database, as one digest: the file is no place to read addresses from."""
    database = connection.settings_dict
    parts = [_machine(), str(_path().resolve()), *(str(database[name]) for name in ("ENGINE", "HOST", "PORT", "NAME"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _machine() -> str:
    try:
        machine_id = MACHINE_ID.read_text(encoding="utf-8").strip()
    except OSError:
        machine_id = ""
    return str(settings.INSTANCE_NAME) or machine_id or socket.gethostname()
