"""What must hold whatever happened: our rows beside what the far side accepted by its own log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from messaging.models import Attempt, HandOff, Message
from tests.messaging.delivery.doubles import Provider, Sink

Status = Message.Status


def accepted_by(*doubles: Provider | Sink) -> Counter[str]:
    """How often each message was accepted, by its public id."""
    found: Counter[str] = Counter()
    for double in doubles:
        if isinstance(double, Provider):
            found.update(mail["Metadata"]["message"] for mail in double.accepted)
        else:
            found.update(str(mail["X-Byhand-Message"]) for mail in double.accepted)
    return found


def violations(messages: Iterable[Message], accepted: Mapping[str, int]) -> list[str]:
    """Of messages that were drained to their end; a sentence for each thing that is wrong."""
    ids = [message.pk for message in messages]
    # Open, or closed by whoever decided.
    with_a_person = set(HandOff.objects.filter(message__in=ids).values_list("message", flat=True))
    open_attempts = set(Attempt.objects.open().filter(message__in=ids).values_list("message", flat=True))
    wrong = []
    for message in Message.objects.filter(pk__in=ids):
        times = accepted.get(str(message.public_id), 0)
        name = f"message {message.pk}, {message.status}, accepted {times} times"
        if times > 1:
            wrong.append(f"{name}: accepted twice without a person's word")
        if times and message.status not in {Status.SENT, Status.UNCERTAIN, Status.SENDING}:
            wrong.append(f"{name}: accepted, and shown as unsent")
        if not times and message.status == Status.SENT:
            wrong.append(f"{name}: shown as sent, and never accepted")
        if message.pk in open_attempts or message.status == Status.SENDING:
            wrong.append(f"{name}: neither ended nor in front of a person")
        if message.status in {Status.UNCERTAIN, Status.FAILED, Status.HELD} and message.pk not in with_a_person:
            wrong.append(f"{name}: nobody had it as a task")
    return wrong
