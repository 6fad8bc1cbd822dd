"""Mail of the system to colleagues: that an overdue hand-off was escalated to them. One for each escalation, at most: who
writes down that it is told hands it to the mail backend, and does not try again, because it stands on that person's Today
whatever becomes of the mail. It names no candidate: it lies in a mailbox that is not ours, and leads to the page."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, F, OuterRef, QuerySet
from django.urls import reverse

from messaging import working_days
from messaging.delivery import guard, safe_mode
from messaging.delivery.outcomes import NotAsClearedError
from messaging.models import Escalation, EscalationNotice, HandOff

logger = logging.getLogger(__name__)

# Older ones are known by now, for example those of before there were notices.
NEWS = timedelta(days=1)


def tell_escalations(*, now: datetime, at_most: int) -> int:
    """Returns how many mails were handed over. Ends at the first that the provider does not take: the next one waits."""
    if safe_mode.keeps_everything(now=now):
        return 0
    told = 0
    for escalation in _untold(now=now)[:at_most]:
        _, is_first = EscalationNotice.objects.get_or_create(escalation=escalation, defaults={"told_at": now})
        if not is_first:
            continue  # another clock was
        if not guard.are_colleagues([escalation.to.email]):
            continue  # without an address, or with that of a candidate, who must not read it
        try:
            told += _build(escalation).send()
        except (OSError, AnymailError, NotAsClearedError):  # those of SMTP are OSErrors
            logger.exception("The notice of escalation %s was not sent.", escalation.pk)
            break
    return told


def _untold(*, now: datetime) -> QuerySet[Escalation]:
    """Of hand-offs that still wait since then. One that was answered and is open again has a copy of what it had before."""
    same = EscalationNotice.objects.filter(
        escalation__to=OuterRef("to"),
        escalation__escalated_at=OuterRef("escalated_at"),
        escalation__hand_off__application=OuterRef("hand_off__application"),
        escalation__hand_off__touchpoint=OuterRef("hand_off__touchpoint"),
    )
    recent = Escalation.objects.filter(escalated_at__gte=now - NEWS, due_at=F("hand_off__due_at"))
    waiting = recent.filter(~Exists(same), hand_off__status=HandOff.Status.OPEN)
    return waiting.select_related("to", "hand_off__owner", "hand_off__application__job").order_by("pk")


def _build(escalation: Escalation) -> EmailMessage:
    hand_off = escalation.hand_off
    what = f"{hand_off.get_touchpoint_display().lower()}, {hand_off.application.job}"
    due = f"{working_days.local(hand_off.due_at):%A, %-d %B}"
    whose = "It is yours now." if hand_off.owner_id == escalation.to_id else f"It is with {hand_off.owner or 'nobody'}."
    page = settings.BASE_URL.rstrip("/") + reverse("admin:messaging_handoff_compose", args=[hand_off.pk])
    return EmailMessage(
        subject=f"Overdue hand-off: {what}",
        body=(
            f"A candidate waits for a message that must come from a person: {what}. It was due on {due}, so it is "
            f"escalated to you as {escalation.get_step_display()}. {whose}\n\n{page}\n"
        ),
        to=[escalation.to.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
