"""Today: what waits for the person who signs in, what leaves next, and what the machine took off people's hands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from messaging import outlook
from messaging.admin import desk
from messaging.models import Brake, HandOff, Incident, Installation, Message
from messaging.outlook import Show
from messaging.policy.decision import Origin
from pipeline.models import User

Status = Message.Status

AT_MOST = 10  # rows of each kind; the lists have the rest


def add_today(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme calls this for the index page."""
    user, now = desk.person_of(request), timezone.now()
    context["title"] = "Today"
    context["warnings"] = _read_warnings()
    if user.has_perm("messaging.view_handoff"):
        context["hand_offs"] = _read_hand_offs(user, now=now)
    if user.has_perm("messaging.view_message"):
        context["mail"] = _read_mail(now=now)
        context["on_hold"] = outlook.holds_now(now=now, at_most=AT_MOST)
        context["bounced"] = outlook.count(Show.BOUNCED, now=now)
    if user.has_perm("messaging.close_incident"):
        context["open_incidents"] = Incident.objects.open().count()
    return context


def _read_warnings() -> list[dict[str, str]]:
    """Why mail does not leave: for everybody, whatever else they may see."""
    warnings = []
    installation = Installation.objects.filter(safe_since__isnull=False).first()
    if installation is not None:
        sentence = f"Nothing is sent: {installation.get_safe_why_display()}"
        warnings.append({"sentence": sentence, "url": reverse("safe_mode:page"), "link": "Safe mode"})
    warnings += [
        {
            "sentence": f"“{brake.automation}” was about to send far more than usual and waits for a second person.",
            "url": reverse("brakes:list"),
            "link": "Brakes",
        }
        for brake in Brake.objects.on().select_related("automation")
    ]
    return warnings


def _read_hand_offs(user: User, *, now: datetime) -> dict[str, Any]:
    waiting = HandOff.objects.open()
    counts = waiting.aggregate(
        mine=Count("pk", filter=Q(owner=user)),
        overdue=Count("pk", filter=Q(owner=user, due_at__lt=now)),
        unassigned=Count("pk", filter=Q(owner__isnull=True)),
        all=Count("pk"),
    )
    rows = waiting.select_related("application__candidate", "application__job", "message").order_by("due_at", "pk")
    broken = rows.filter(message__status__in=[Status.UNCERTAIN, Status.FAILED])
    list_url = reverse("admin:messaging_handoff_changelist")
    return {
        "counts": counts,
        "url": list_url,
        "overdue_url": f"{list_url}?show=overdue&owner__id__exact={user.pk}",
        "mine": [_row(hand_off, now=now) for hand_off in rows.filter(owner=user)[:AT_MOST]],
        "unassigned": [_row(hand_off, now=now) for hand_off in rows.filter(owner__isnull=True)[:AT_MOST]],
        "broken": [_row(hand_off, now=now) for hand_off in broken[:AT_MOST]],
    }


def _row(hand_off: HandOff, *, now: datetime) -> dict[str, Any]:
    urgency, due = desk.due_label(hand_off, now=now)
    return {"hand_off": hand_off, "urgency": urgency, "due": due}


def _read_mail(*, now: datetime) -> dict[str, Any]:
    waiting = Message.objects.waiting()
    this_week: dict[str, Any] = {
        "origin": Origin.AUTOMATION,
        "status": Status.SENT,
        "sent_at__gte": _start_of_week(now),
    }
    sent = Message.objects.filter(**this_week).aggregate(minutes=Sum("template__minutes_saved"), messages=Count("pk"))
    list_url = reverse("admin:messaging_message_changelist")
    joined = waiting.select_related("application__candidate", "application__job", "template", "written_by")
    return {
        "next": list(joined.order_by("due_at", "pk")[:AT_MOST]),
        "scheduled": waiting.count(),
        "sent": sent["messages"],
        "given_back": in_words(sent["minutes"] or 0),
        "url": list_url,
        "sent_url": f"{list_url}?{urlencode(this_week)}",
    }


def _start_of_week(now: datetime) -> datetime:
    """Monday, midnight, where the organisation is."""
    local = timezone.localtime(now)
    monday = local.date() - timedelta(days=local.weekday())
    return timezone.make_aware(datetime.combine(monday, datetime.min.time()))


def in_words(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
