"""What must hold whatever happened: our rows beside what the far side accepted by its own log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from messaging import audit, ledger
from messaging.models import Message
from tests.messaging.delivery.doubles import Provider, Sink

Status = Message.Status
UNENDED = "neither ended nor in front of a person"  # right only while a process may still be at work


def accepted_by(*doubles: Provider | Sink) -> Counter[str]:
    """How often each message was accepted, by its public id."""
    found: Counter[str] = Counter()
    for double in doubles:
        found.update(id_in(mail) for mail in double.accepted)
    return found


def id_in(mail: Any) -> str:
    """Our own id: in what Postmark calls metadata, else in the header that all of them get."""
    if isinstance(mail, dict) and "Metadata" in mail:
        return str(mail["Metadata"]["message"])
    headers = mail["headers"] if isinstance(mail, dict) else mail
    return str(headers["X-Byhand-Message"])


def what_the_audit_finds(*, now: datetime) -> list[str]:
    """Of the whole database, once what was written is sealed."""
    ledger.seal(now=now)
    return [found.sentence for found in audit.audit() if found.grade is audit.Grade.VIOLATION]


# One statement for all of them: it is asked after every step of the state machine.
STANDING = """
SELECT id, public_id, status,
  EXISTS (SELECT 1 FROM messaging_attempt WHERE message_id = messaging_message.id AND outcome = ''),
  EXISTS (SELECT 1 FROM messaging_handoff WHERE message_id = messaging_message.id)
FROM messaging_message
"""


def violations(accepted: Mapping[str, int], *, of: Iterable[Message] | None = None) -> list[str]:
    """Of messages that were drained to their end, every one there is unless told which; a sentence for each thing that is
    wrong. A hand-off is open, or closed by whoever decided."""
    ids = None if of is None else [message.pk for message in of]
    only = "" if ids is None else f"WHERE id IN ({', '.join(['%s'] * len(ids))})"
    with connection.cursor() as cursor:
        cursor.execute(STANDING + only, ids)
        rows = cursor.fetchall()
    wrong = []
    for pk, public_id, status, is_under_way, is_with_a_person in rows:
        times = accepted.get(str(UUID(str(public_id))), 0)
        name = f"message {pk}, {status}, accepted {times} times"
        if times > 1:
            wrong.append(f"{name}: accepted twice without a person's word")
        if times and status not in {Status.SENT, Status.UNCERTAIN, Status.SENDING}:
            wrong.append(f"{name}: accepted, and shown as unsent")
        if not times and status == Status.SENT:
            wrong.append(f"{name}: shown as sent, and never accepted")
        if bool(is_under_way) != (status == Status.SENDING):
            wrong.append(f"{name}: shown otherwise than its last attempt stands")
        if status == Status.SENDING:
            wrong.append(f"{name}: {UNENDED}")
        if status in {Status.UNCERTAIN, Status.FAILED, Status.HELD} and not is_with_a_person:
            wrong.append(f"{name}: nobody had it as a task")
    return wrong
