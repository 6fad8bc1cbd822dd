"""Human moments: who wrote to whom, by how far the candidate had come; and the line that must always read zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from messaging.admin.reports.asked import VIEW, read_asked
from messaging.admin.reports.frame import median, name_people, ninetieth, page, table
from messaging.reports import moments, sends
from pipeline.milestones import Milestone

SHOWN_AT_MOST = 50


@require_GET
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest) -> HttpResponse:
    asked = read_asked(request, now=timezone.now())
    together, of_each = moments.read(asked.scope.messages, asked.scope.hand_offs, period=asked.period)
    names = name_people(one.person for one in of_each if one.person)
    broken = sends.reserved_but_sent_by_a_machine()
    number = broken.count()
    context = {
        "intro": (
            "What people wrote or said to candidates themselves, by how far the candidate had come. It is what the time is "
            "for that automations give back."
        ),
        "tables": [_moments_table(together), _writers_table(of_each, names=names)],
        "machine_sent": number,
        "shown": broken.select_related("application__candidate", "application__job")[:SHOWN_AT_MOST] if number else [],
    }
    return page(request, "moments", context, asked=asked)


def _moments_table(together: Sequence[moments.Moments]) -> dict[str, Any]:
    columns = [
        "Reached",
        "Moments",
        "Answered by mail",
        "By phone",
        "Started by us",
        "Wait, median",
        "Wait, 90th",
        "Writing, median",
    ]
    rows = [
        [
            Milestone(one.milestone).label.capitalize(),
            one.number,
            one.answered,
            one.called,
            one.started,
            median(one.waited) if one.waited else "no hand-off",
            ninetieth(one.waited) if one.waited else "",
            median(one.writing) if one.writing else _why_no_writing(one),
        ]
        for one in together
    ]
    hint = (
        "The furthest milestone of the application by then. Wait: from the hand-off to the answer. Writing: from opening "
        "the page to letting the mail go, where it is known."
    )
    return table("By stage", columns, rows, hint=hint)


def _why_no_writing(one: moments.Moments) -> str:
    return "not known" if one.answered or one.started else "by phone only"


def _writers_table(of_each: Sequence[moments.Moments], *, names: dict[int, str]) -> dict[str, Any]:
    columns = ["Reached", "Who", "Moments", "Answered by mail", "By phone", "Started by us"]
    rows = [
        [
            Milestone(one.milestone).label.capitalize(),
            names.get(one.person or 0, ""),
            one.number,
            one.answered,
            one.called,
            one.started,
        ]
        for one in of_each
    ]
    return table("By stage and person", columns, rows, texts=2)
