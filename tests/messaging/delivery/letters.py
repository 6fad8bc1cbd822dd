"""Mails as the gate clears them, now, so that they may leave by every way whose clock is the real one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from messaging import gate
from messaging.delivery import mail
from messaging.gate import Clearance
from messaging.models import Message
from tests.factories import make_message


def make_cleared(message: Message | None = None, **values: Any) -> Clearance:
    now = timezone.now()
    message = message or make_message(now=now - timedelta(hours=2), **values)
    cleared = gate.clear(message.pk, now=now)
    assert isinstance(cleared, Clearance)
    return cleared


def make_letter(**values: Any) -> EmailMultiAlternatives:
    """With an open attempt that matches it."""
    return mail.build(make_cleared(**values))


def copy_of(letter: EmailMultiAlternatives, **changes: Any) -> EmailMultiAlternatives:
    """Another object, as another process would build it."""
    values: dict[str, Any] = {
        "subject": letter.subject,
        "body": letter.body,
        "from_email": letter.from_email,
        "to": list(letter.to),
        "cc": list(letter.cc),
        "bcc": list(letter.bcc),
        "reply_to": list(letter.reply_to),
        "headers": dict(letter.extra_headers),
        "alternatives": list(letter.alternatives),
    }
    return EmailMultiAlternatives(**values | changes)
