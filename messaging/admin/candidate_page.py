"""The page of one candidate: who they are, every application, what comes next and why, who may send what, who may be the
same person, and everything that happened."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from unfold.admin import ModelAdmin

from messaging import outlook
from messaging.admin import reach
from messaging.admin.desk import person_of
from messaging.admin.outbox import VERDICTS, say_there
from messaging.admin.words import day
from messaging.facts import with_context
from messaging.models import HandOff, Message
from messaging.outlook import Outlook
from messaging.timeline import timeline_of
from messaging.values import zone_of
from messaging.who_may_send import Answer, Way, who_may_send
from pipeline.duplicates import find_duplicates
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Distinction, Merge, User

MERGE = "pipeline.merge_candidates"
CHANGE = "pipeline.change_candidate"
# What an application brings along, so that the gate fetches nothing for itself.
JOINED = ("candidate", "job__recruiter", "job__coordinator", "stage", "reason", "decided_by", "told_by")


def show(model_admin: ModelAdmin, request: HttpRequest, candidate: Candidate) -> HttpResponse:
    now, person = timezone.now(), person_of(request)
    applications = list(candidate.applications.select_related(*JOINED).order_by("-applied_at", "-pk"))
    chosen = _choose(applications, request.GET.get("application", ""))
    merges = Merge.objects.open().filter(kept=candidate).select_related("away", "merged_by").order_by("-pk")
    context = model_admin.admin_site.each_context(request) | {
        "title": str(candidate),
        "opts": model_admin.opts,
        "candidate": candidate,
        "their_time": f"{now.astimezone(zone_of(candidate)):%H:%M, %A}",
        "their_zone": _their_zone(candidate),
        "runs": [_run(application, now=now) for application in applications],
        "chosen": chosen,
        "standing": [one for one in applications if one.status != Application.Status.DUPLICATE],
        "ways": _by_way(who_may_send(chosen, now=now)) if chosen else [],
        "waiting": _waiting(candidate, now=now),
        "hand_offs": list(
            HandOff.objects.open()
            .filter(application__candidate=candidate)
            .select_related("application__job", "owner")
            .order_by("due_at", "pk")
        ),
        "now": now,
        "likely": find_duplicates(candidate) if person.has_perm(MERGE) else [],
        "told_apart": _told_apart(candidate) if person.has_perm(MERGE) else [],
        "merges": list(merges),
        "entries": timeline_of(candidate, now=now),
        **_may(candidate, person),
    }
    return TemplateResponse(request, "messaging/candidate/page.html", context)


def _may(candidate: Candidate, person: User) -> dict[str, bool]:
    return {
        "may_change": person.has_perm(CHANGE),
        "may_merge": person.has_perm(MERGE),
        "may_write": person.has_perm("messaging.answer_handoff"),
        "may_add_application": person.has_perm("pipeline.add_application"),
        "may_correct_reach": candidate.reach > Milestone.APPLIED and person.has_perm(reach.PERMISSION),
    }


def _told_apart(candidate: Candidate) -> list[tuple[Candidate, Distinction]]:
    said = Distinction.objects.of(candidate).select_related("one", "other", "said_by")
    pairs = [(one.other_than(candidate), one) for one in said]
    return [(other, one) for other, one in pairs if other.merged_into_id is None]


def _choose(applications: list[Application], asked: str) -> Application | None:
    """The one that was asked for, else the newest that is active, else the newest."""
    by_key = {str(application.pk): application for application in applications}
    active = (application for application in applications if application.status == Application.Status.ACTIVE)
    return by_key.get(asked) or next(active, None) or next(iter(applications), None)


def _their_zone(candidate: Candidate) -> str:
    place = str(zone_of(candidate)).rpartition("/")[2].replace("_", " ")
    return place if candidate.time_zone else f"{place}, where we are; theirs is not known"


def _run(application: Application, *, now: datetime) -> dict[str, Any]:
    days = (timezone.localdate(now) - timezone.localdate(application.stage_entered_at)).days
    is_active = application.status == Application.Status.ACTIVE
    return {
        "application": application,
        "status": application.get_status_display(),
        "since": f"in this stage for {_days(days)}" if is_active else _ended(application),
        "told": _told(application),
        "is_untold": application.is_decided_but_not_told,
    }


def _days(days: int) -> str:
    return "less than a day" if days < 1 else f"{days} day" if days == 1 else f"{days} days"


def _ended(application: Application) -> str:
    if application.status == Application.Status.DUPLICATE:
        return "rests beside the other application for this job; nothing is sent from it"
    if application.decided_at is None:
        return ""
    by = f" by {application.decided_by}" if application.decided_by else ""
    return f"{application.get_status_display().lower()} on {day(application.decided_at)}{by}"


def _told(application: Application) -> str:
    if application.told_at is not None:
        return f"Told {application.get_told_how_display().lower()} on {day(application.told_at)}"
    return "Not told yet" if application.is_decided_but_not_told else ""


def _by_way(answers: list[Answer]) -> list[dict[str, Any]]:
    """The mildest first; of each way the templates in the order of their kinds."""
    order = list(Way)
    ordered = sorted(answers, key=lambda answer: order.index(answer.way))
    return [
        {"way": way, "label": way.label, "answers": list(group)}
        for way, group in groupby(ordered, key=lambda answer: answer.way)
    ]


def _waiting(candidate: Candidate, *, now: datetime) -> list[dict[str, Any]]:
    scheduled = Message.objects.waiting().filter(application__candidate=candidate).order_by("due_at", "pk")
    return [_row(one) for one in outlook.outlooks(list(with_context(scheduled)), now=now)]


def _row(one: Outlook) -> dict[str, Any]:
    message = one.message
    due = timezone.localtime(message.due_at)
    there = outlook.time_there(message, due)
    tone, verdict = VERDICTS[one.verdict.outcome]
    return {
        "message": message,
        "subject": one.case.subject,
        "due": date_format(due, "l j F, H:i"),
        "there": say_there(there) if there else "",
        "why": _why(message),
        "tone": tone,
        "verdict": verdict,
        "sentences": [finding.sentence for finding in one.findings],
        "hold": one.hold,
    }


def _why(message: Message) -> str:
    """What it follows from, in a sentence."""
    if message.automation is None:
        return f"{message.written_by or 'Somebody'} wrote it."
    event = message.automation.get_event_display()
    when = f" on {day(message.stage_change.at)}" if message.stage_change else ""
    return f"The automation “{message.automation}”, after “{event}”{when}."
