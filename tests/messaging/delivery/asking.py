"""What became of a message, in the words that the tests compare."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.delivery import outbox
from messaging.models import Message
from messaging.policy.floor import Touchpoint
from tests.factories import NOW, make_template

DUE = NOW + timedelta(hours=1)  # when a message of factories.make_message is due


@dataclass(frozen=True, kw_only=True)
class Fate:
    """The status, the outcomes of the attempts, the codes of the open hand-offs."""

    status: str
    attempts: tuple[str, ...] = ()
    hand_offs: tuple[str, ...] = ()


def fate_of(message: Message) -> Fate:
    message.refresh_from_db()
    return Fate(
        status=message.status,
        attempts=tuple(message.attempts.order_by("number").values_list("outcome", flat=True)),
        hand_offs=tuple(reason["code"] for hand_off in message.hand_offs.open() for reason in hand_off.reasons),
    )


def make_survey(message: Message) -> Message:
    """A second mail to the same candidate, younger by its key."""
    template = make_template(touchpoint=Touchpoint.SURVEY, body="How was it? {{ sender.name }}")
    survey = message.repeat(cause="survey", wording=template.wordings.get(), due_at=message.due_at, now=NOW)
    survey.template, survey.touchpoint = template, template.touchpoint
    survey.save()
    return survey


def drain(at: datetime = DUE) -> dict[str, int]:
    return dict(outbox.drain(clock=lambda: at))


SENT = Fate(status="sent", attempts=("accepted",))
AGAIN = Fate(status="scheduled", attempts=("refused",))
FAILED = Fate(status="failed", attempts=("rejected",), hand_offs=("failed",))
UNCERTAIN = Fate(status="uncertain", attempts=("uncertain",), hand_offs=("uncertain",))
