"""The ghosting ledger: who heard nothing, who was never told, what is on its way to them, and the way to act."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from messaging.admin import desk
from messaging.admin.reports.asked import VIEW, read_asked
from messaging.admin.reports.frame import page
from messaging.reports import silence
from pipeline.models import Application

PER_PAGE = 50
VIEW_APPLICATION = "pipeline.view_application"

SHOWS = (
    ("all", "All who wait"),
    ("forgotten", "Nobody is on it"),
    ("silent", "Heard nothing"),
    ("untold", "Rejected, never told"),
    ("clock", "Legal clock"),
)


@require_GET
@permission_required((VIEW, VIEW_APPLICATION), raise_exception=True)
def show(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    asked = read_asked(request, now=now)
    shown = request.GET.get("show", "")
    lists = silences(asked.scope.applications, now=now)
    counts = silence.count(asked.scope.applications, now=now)
    if shown not in lists:
        shown = "all"
    paginator = Paginator(lists[shown], PER_PAGE)
    paginator.count = counts[shown]
    rows = paginator.get_page(request.GET.get("p"))
    clock = settings.LEGAL_CLOCK_DAYS
    context = {
        "intro": "Candidates who wait for a word from us, the longest first.",
        "shows": [
            {"value": value, "label": label, "is_chosen": value == shown, "count": counts[value]}
            for value, label in SHOWS
            if value in lists
        ],
        "shown": shown,
        "keep": f"&job={asked.job.pk}" if asked.job else "",
        "heading": dict(SHOWS)[shown],
        "hint": _hints()[shown],
        "page": rows,
        "kept": {"show": shown},
        "rows": [_silence_row(one) for one in silence.describe(list(rows.object_list), now=now)],
        "days": settings.SILENCE_DAYS,
        "clock": clock,
        "may_write": desk.may_answer(request),
    }
    return page(request, "silence", context, asked=asked)


def silences(applications: QuerySet[Application], *, now: datetime) -> dict[str, QuerySet[Application]]:
    """The lists by their name in the address, each in its order."""
    lists = {
        "all": silence.longest_first(silence.waiting(applications, now=now)),
        "forgotten": silence.longest_first(silence.forgotten(applications, now=now)),
        "silent": silence.longest_first(silence.silent(applications, now=now)),
        "untold": silence.longest_first(silence.untold(applications)),
    }
    if settings.LEGAL_CLOCK_DAYS:
        lists["clock"] = silence.shortest_time_first(silence.running_out(applications, now=now))
    return lists


def _hints() -> dict[str, str]:
    days, clock = settings.SILENCE_DAYS, settings.LEGAL_CLOCK_DAYS
    legal = (
        f"Of the {clock} calendar days since the last interview two thirds or more are gone, and nobody told them how it "
        "ends. A phone call starts the clock only where there was no other conversation."
    )
    return {
        "all": f"No mail that arrived and no conversation for {days} working days, or rejected and never told.",
        "forgotten": "They wait, no mail is on its way to them, and no hand-off is open.",
        "silent": f"Still in the running, without mail that arrived or a conversation for {days} working days.",
        "untold": "We decided, and they do not know it yet. What is on its way to them stands beside it.",
        "clock": legal,
    }


def _silence_row(one: silence.Silence) -> dict[str, Any]:
    return {
        "application": one.application,
        "heard_at": one.heard_at,
        "days": one.days,
        "was_rejected": one.was_rejected,
        # A mail that waits for its time is on its way; everything else depends on somebody.
        "is_grave": one.next.message is None and (one.was_rejected or one.days >= 2 * settings.SILENCE_DAYS),
        "is_waiting": one.next.message is None,
        "clock": clock_in_words(one.left),
        "is_urgent": one.left is not None and one.left <= settings.LEGAL_CLOCK_DAYS // 3,
        "hand_off": one.next.hand_off,
        "message": one.next.message,
        "interview": one.next.interview,
    }


def clock_in_words(left: int | None) -> str:
    if left is None:
        return ""
    days = f"{abs(left)} day{'' if abs(left) == 1 else 's'}"
    return f"Legal clock: {days} over" if left < 0 else f"Legal clock: {days} left"
