"""Reports as files for a spreadsheet: one row for each thing that was counted, written while it is read, and no cell that a
spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from messaging.admin.reports.asked import EXPORT, VIEW, read_asked
from messaging.admin.reports.frame import KINDS, name_people
from messaging.admin.reports.silence import VIEW_APPLICATION, silences
from messaging.reports import answers, hours, moments, silence
from pipeline.intake.formulas import neutralise
from pipeline.milestones import Milestone
from pipeline.models import Application

AT_A_TIME = 500  # rows that are held


class _Line:
    """What csv writes to, and what it hands on."""

    def write(self, line: str) -> str:
        return line


def stream(name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """The one way in which a report becomes a file. Numbers stay numbers, times are the organisation's, and every text is
    made harmless. It begins with a byte-order mark, because Excel reads a file without one in the machine's old encoding
    and turns names with accents into others."""
    writer = csv.writer(_Line())

    def lines() -> Iterator[bytes]:
        yield "\ufeff".encode()
        for row in chain([headings], rows):
            yield writer.writerow([_cell(value) for value in row]).encode("utf-8", "replace")

    today = timezone.localtime().date().isoformat()
    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="byhand-{name}-{today}.csv"'
    return response


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, timedelta):
        return round(value.total_seconds() / 3600, 2)
    return neutralise(str(value).replace("\0", "\ufffd"))


@require_GET
@permission_required((VIEW, EXPORT), raise_exception=True)
def save_hours(request: HttpRequest) -> HttpResponseBase:
    asked = read_asked(request, now=timezone.now())
    lines = hours.read_lines(asked.scope.messages, asked.scope.hand_offs, period=asked.period)
    names = name_people(line.person for line in lines if line.person)
    headings = ["week from", "kind", "person", "sent by automations", "needed a person", "did not arrive"]
    headings += ["counted", "minutes each", "minutes given back", "handed over"]
    rows = (
        [
            line.week.isoformat(),
            KINDS.get(line.touchpoint, line.touchpoint),
            names.get(line.person, ""),
            line.sent,
            line.handled,
            line.lost,
            line.counted,
            line.each,
            line.minutes,
            line.held,
        ]
        for line in lines
    )
    return stream("time-given-back", headings, rows)


@require_GET
@permission_required((VIEW, EXPORT), raise_exception=True)
def save_answers(request: HttpRequest) -> HttpResponseBase:
    asked = read_asked(request, now=timezone.now())
    closed = answers.closed_in(asked.scope.hand_offs, asked.period)
    headings = [
        "candidate",
        "job",
        "kind",
        "person",
        "how",
        "handed over at",
        "due at",
        "closed at",
        "hours",
        "in time",
    ]
    rows = (
        [
            *_about(hand_off.application),
            hand_off.get_touchpoint_display(),
            hand_off.closed_by,
            hand_off.get_status_display(),
            hand_off.created_at,
            hand_off.due_at,
            hand_off.closed_at,
            (hand_off.closed_at or hand_off.created_at) - hand_off.created_at,
            (hand_off.closed_at or hand_off.created_at) <= hand_off.due_at,
        ]
        for hand_off in _read(closed, "closed_by").order_by("closed_at", "pk").iterator(AT_A_TIME)
    )
    return stream("response-times", headings, rows)


@require_GET
@permission_required((VIEW, EXPORT, VIEW_APPLICATION), raise_exception=True)
def save_silence(request: HttpRequest) -> HttpResponseBase:
    now = timezone.now()
    asked = read_asked(request, now=now)
    lists = silences(asked.scope.applications, now=now)
    found = lists.get(request.GET.get("show", ""), lists["all"])
    headings = [
        "candidate",
        "job",
        "stage",
        "rejected",
        "last heard at",
        "working days",
        "days of the legal clock left",
    ]
    headings += ["next hand-off due at", "next mail at", "next conversation at"]
    rows = (
        [
            *_about(one.application),
            one.application.stage,
            one.was_rejected,
            one.heard_at,
            one.days,
            one.left,
            one.next.hand_off.due_at if one.next.hand_off else None,
            one.next.message.due_at if one.next.message else None,
            one.next.interview.starts_at if one.next.interview else None,
        ]
        for some in _some_at_a_time(found.iterator(AT_A_TIME))
        for one in silence.describe(some, now=now)
    )
    return stream("ghosting-ledger", headings, rows)


@require_GET
@permission_required((VIEW, EXPORT), raise_exception=True)
def save_moments(request: HttpRequest) -> HttpResponseBase:
    asked = read_asked(request, now=timezone.now())
    closed = moments.closed_in(asked.scope.hand_offs, asked.period)
    started = moments.written_in(asked.scope.messages, asked.period).filter(answers__isnull=True)
    headings = ["candidate", "job", "kind", "reached", "person", "how", "at", "hours waited"]
    return stream("human-moments", headings, _moments_of(closed, started))


def _moments_of(closed: QuerySet[Any], started: QuerySet[Any]) -> Iterator[list[Any]]:
    task: Any
    for task in _read(closed, "closed_by").order_by("closed_at", "pk").iterator(AT_A_TIME):
        about = [*_about(task.application), task.get_touchpoint_display(), Milestone(task.milestone).label]
        yield [*about, task.closed_by, task.get_status_display(), task.closed_at, task.closed_at - task.created_at]
    message: Any
    for message in _read(started, "written_by").order_by("sent_at", "pk").iterator(AT_A_TIME):
        about = [*_about(message.application), message.get_touchpoint_display(), Milestone(message.milestone).label]
        yield [*about, message.written_by, "Started by us", message.sent_at, None]


def _read(rows: QuerySet[Any], person: str) -> QuerySet[Any]:
    return rows.select_related("application__candidate", "application__job", person)


def _about(application: Application) -> list[Any]:
    return [application.candidate, application.job]


def _some_at_a_time(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(rows, AT_A_TIME)):
        yield some
