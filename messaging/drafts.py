"""What somebody wrote for a hand-off and did not send: kept for them alone, until it is sent or they throw it away."""

from __future__ import annotations

from datetime import datetime, timedelta

from messaging.models import Draft, HandOff
from pipeline.models import User

KEPT_FOR = timedelta(days=30)  # after somebody closed the hand-off


def save(hand_off: HandOff, *, subject: str, body: str, note: str, by: User, now: datetime) -> Draft | None:
    """None: there was nothing to keep, so nothing is kept."""
    if not (subject.strip() or body.strip() or note.strip()):
        throw_away(hand_off, by=by)
        return None
    text = {"subject": subject, "body": body, "note": note, "saved_at": now}
    draft, _ = Draft.objects.update_or_create(hand_off=hand_off, person=by, defaults=text)
    return draft


def find(hand_off: HandOff, *, by: User) -> Draft | None:
    return Draft.objects.filter(hand_off=hand_off, person=by).first()


def throw_away(hand_off: HandOff, *, by: User) -> None:
    Draft.objects.filter(hand_off=hand_off, person=by).delete()


def forget_old(*, now: datetime) -> int:
    """Of hand-offs that were closed long ago, by somebody else."""
    forgotten, _ = Draft.objects.filter(hand_off__closed_at__lt=now - KEPT_FOR).delete()
    return forgotten
