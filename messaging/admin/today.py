"""Today: what waits for the person who signs in, who waits for us, what leaves next, and what the machine took off people's
hands. Each part is read only for those who may see its list, and only rows of that list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode

from messaging import absences, board, first_run, outlook
from messaging.admin import bars, desk, handoff_shows
from messaging.admin.bars import Bar
from messaging.admin.board import SEE as BOARDS
from messaging.admin.reports import links
from messaging.admin.reports.asked import VIEW as VIEW_REPORTS
from messaging.admin.reports.asked import Scope, scope_of
from messaging.admin.reports.frame import in_words, wait_in_words
from messaging.models import Brake, HandOff, Incident, Installation, Message
from messaging.outlook import Show
from messaging.reports import answers, hours, periods, sends, silence
from pipeline.models import Job, User

Status = Message.Status

BROKEN = (Status.UNCERTAIN, Status.FAILED)  # mail that a person has to look after
AT_MOST = 8  # rows of each kind; the lists have the rest
WHY_AT_MOST = 5
DAYS = 14  # of the chart
SETTING_UP = "pipeline.add_job"  # who sees the steps of the first run: whoever can do most of them


def add_today(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme calls this for the index page."""
    user, now, scope = desk.person_of(request), timezone.now(), scope_of(request)
    context["title"] = "Today"
    context["warnings"] = _read_warnings()
    if user.has_perm("messaging.view_handoff"):
        context["hand_offs"] = _read_hand_offs(user, scope, now=now)
    if user.has_perm("messaging.view_message"):
        context["mail"] = _read_mail(scope, now=now)
        context["on_hold"] = outlook.holds_now(now=now, at_most=AT_MOST)
        context["bounced"] = outlook.count(Show.BOUNCED, now=now)
    if user.stand_in_id or user.away_until:
        context["absence"] = absences.notice(user, now=now)
    if user.has_perm(VIEW_REPORTS):
        context["week"] = _read_week(scope, now=now)
        context["chart"] = _draw_sends(scope, now=now)
        context["machine_sent"] = sends.reserved_but_sent_by_a_machine().count()
        if user.has_perm("pipeline.view_application"):
            context["waiting"] = _read_waiting(scope, now=now)
    if user.has_perms(BOARDS):
        context["jobs"] = _read_jobs(user, scope, now=now)
    if user.has_perm("messaging.close_incident"):
        context["open_incidents"] = Incident.objects.open().count()
    if user.has_perm(SETTING_UP):
        context["first_run"] = _read_first_run(user)
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
            "sentence": f"“{brake.what}” was about to send far more than usual and waits for a second person.",
            "url": reverse("brakes:list"),
            "link": "Brakes",
        }
        for brake in Brake.objects.on().select_related("automation", "operation")
    ]
    return warnings


# --- Tasks -------------------------------------------------------------------------------------------------------------


def _read_hand_offs(user: User, scope: Scope, *, now: datetime) -> dict[str, Any]:
    """Each stands once, in the first part that it belongs to. The counts are those of the lists, which hold them all."""
    waiting = scope.hand_offs.filter(status=HandOff.Status.OPEN)
    asked_of_them = Exists(handoff_shows.escalations().filter(to=user))
    is_broken = Q(message__status__in=BROKEN)
    counts = waiting.aggregate(
        mine=Count("pk", filter=Q(owner=user)),
        overdue=Count("pk", filter=Q(owner=user, due_at__lt=now)),
        escalated=Count("pk", filter=Q(asked_of_them)),
        unassigned=Count("pk", filter=Q(owner__isnull=True)),
        broken=Count("pk", filter=is_broken & ~Q(asked_of_them)),
        all=Count("pk"),
    )
    rows = waiting.select_related("application__candidate", "application__job", "message", "owner").order_by(
        "due_at", "pk"
    )
    in_order = rows.filter(~asked_of_them, ~is_broken)
    list_url = reverse("admin:messaging_handoff_changelist")
    return {
        "counts": counts,
        "url": list_url,
        "overdue_url": f"{list_url}?show=overdue&owner__id__exact={user.pk}",
        "escalated": [_row(hand_off, now=now) for hand_off in rows.filter(asked_of_them)[:AT_MOST]]
        if counts["escalated"]
        else [],
        "broken": [_row(hand_off, now=now) for hand_off in rows.filter(~asked_of_them, is_broken)[:AT_MOST]]
        if counts["broken"]
        else [],
        "mine": [_row(hand_off, now=now) for hand_off in in_order.filter(owner=user)[:AT_MOST]],
        "unassigned": [_row(hand_off, now=now) for hand_off in in_order.filter(owner__isnull=True)[:AT_MOST]],
    }


def _row(hand_off: HandOff, *, now: datetime) -> dict[str, Any]:
    urgency, due = desk.due_label(hand_off, now=now)
    trouble = hand_off.message.get_status_display() if hand_off.message.status in BROKEN else ""
    return {"hand_off": hand_off, "urgency": urgency, "due": due, "trouble": trouble}


def _read_waiting(scope: Scope, *, now: datetime) -> dict[str, Any]:
    """Who heard nothing, or was never told; those first whom nobody has as a task and no mail is on its way to."""
    counts = silence.count(scope.applications, now=now)
    nobody_on_it = silence.forgotten(scope.applications, now=now)
    rows = list(silence.longest_first(nobody_on_it)[:AT_MOST]) if counts["forgotten"] else []
    return {
        "number": counts["all"],
        "forgotten": counts["forgotten"],
        "url": reverse("reports:silence"),
        "rows": [
            {
                "application": one.application,
                "what": "Rejected, never told" if one.was_rejected else f"{one.days} working days without a word",
                "is_grave": one.was_rejected,
            }
            for one in silence.describe(rows, now=now)
        ],
        "days": settings.SILENCE_DAYS,
    }


# --- Mail --------------------------------------------------------------------------------------------------------------


def _read_jobs(user: User, scope: Scope, *, now: datetime) -> dict[str, Any]:
    """The boards of the jobs that this person looks after."""
    mine = Q(recruiter=user) | Q(coordinator=user) | Q(hiring_manager=user)
    jobs = (
        scope.jobs.filter(mine, status=Job.Status.OPEN).select_related("pipeline").prefetch_related("pipeline__stages")
    )
    standings = board.read_standings(jobs.order_by("title", "pk")[:AT_MOST], scope.applications, now=now)
    return {"standings": standings, "long": board.LONG, "url": reverse("board:list")}


def _read_mail(scope: Scope, *, now: datetime) -> dict[str, Any]:
    joined = outlook.messages_in(Show.SCHEDULED, now=now).select_related(
        "application__candidate", "application__job", "template", "written_by"
    )
    return {
        "next": list(joined[:AT_MOST]),
        "counts": {show.value: outlook.count(show, now=now) for show in (Show.SCHEDULED, Show.UNCERTAIN, Show.FAILED)},
        "held": _read_held(scope),
    }


def _read_held(scope: Scope) -> dict[str, Any]:
    """What waits for a person, by its reason."""
    held = scope.messages.filter(status=Status.HELD)
    list_url = f"{reverse('admin:messaging_message_changelist')}?status__exact={Status.HELD}"
    reasons = held.values("status_reason").annotate(number=Count("pk")).order_by("-number", "status_reason")
    return {
        "number": held.count(),
        "url": list_url,
        "reasons": [
            {
                "sentence": reason or "Without a reason.",
                "number": number,
                "url": f"{list_url}&{urlencode({'status_reason': reason})}",
            }
            for reason, number in reasons.values_list("status_reason", "number")[:WHY_AT_MOST]
        ],
    }


def _draw_sends(scope: Scope, *, now: datetime) -> dict[str, Any]:
    return bars.draw(
        [
            Bar(
                label=date_format(day.day, "D j M"),
                short=date_format(day.day, "j"),
                values=[day.automation, day.person, day.by_hand],
            )
            for day in sends.per_day(scope.messages, period=periods.last_days(DAYS, now=now))
        ],
        series=["By automations", "By a person", "By hand"],
    )


# --- The week ----------------------------------------------------------------------------------------------------------


def _read_week(scope: Scope, *, now: datetime) -> dict[str, Any]:
    """What automations gave back since Monday, and what people did meanwhile."""
    week = periods.this_week(now)
    given_back = hours.sum_of(scope.messages, period=week)
    # On a Monday this week says nothing yet.
    before = hours.sum_of(scope.messages, period=periods.week_before(now))
    answered = answers.read_all(scope.hand_offs, period=week)
    goal = settings.HOURS_GOAL
    return {
        "given_back": in_words(given_back.minutes),
        "before": in_words(before.minutes) if before.sent else "",
        "minutes": given_back.minutes,
        "goal": goal,
        "goal_minutes": goal * 60,
        "percent": round(100 * given_back.minutes / (goal * 60)) if goal else 0,
        "sent": given_back.sent,
        "sent_url": links.sent_by_automations(week),
        "answered": answered.answered,
        "answered_url": links.answered(week),
        "median": wait_in_words(answered.spread.median) if answered.spread else "none answered yet",
    }


def _read_first_run(user: User) -> dict[str, Any] | None:
    """None: everything is done, and nobody needs to be told."""
    steps = first_run.read_steps(user)
    done = sum(step.is_done for step in steps)
    if done == len(steps):
        return None
    return {
        "steps": [{"step": step, "url": reverse(step.page) if step.page else ""} for step in steps],
        "done": done,
        "all": len(steps),
        # What is nearly there does not stand in the way of the day's work.
        "is_open": done <= len(steps) // 2,
    }
