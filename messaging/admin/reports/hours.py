"""Time given back: by week, person and kind, with the minutes that it assumes, which administrators change here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from messaging.admin import bars, desk
from messaging.admin.bars import Bar
from messaging.admin.reports import links
from messaging.admin.reports.asked import VIEW, Asked, read_asked
from messaging.admin.reports.frame import KINDS, in_words, linked, name_people, page, short_day, table
from messaging.reports import hours

CHANGE_MINUTES = "messaging.change_minutes"
NOBODY = "Nobody: the job has no recruiter"


@require_GET
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest) -> HttpResponse:
    asked, form = read_asked(request, now=timezone.now()), MinutesForm()
    period = asked.period
    lines = hours.read_lines(asked.scope.messages, asked.scope.hand_offs, period=period)
    weeks = hours.totals(lines, by=lambda line: line.week, keys=period.mondays)
    kinds = hours.totals(lines, by=lambda line: line.touchpoint)
    people = hours.totals(lines, by=lambda line: line.person)
    names = name_people(total.key for total in people if total.key is not None)
    everything = hours.total(lines)
    goal = settings.HOURS_GOAL
    context = {
        "intro": "What automations sent without anybody’s time, in the minutes that writing it by hand would have taken.",
        "numbers": [
            {"label": "Given back", "number": in_words(everything.minutes), "hint": "in this time"},
            {"label": "A week", "number": in_words(_mean(weeks)), "hint": f"of the goal of {goal} h, in full weeks"},
            {"label": "Messages", "number": everything.counted, "hint": "sent without a person"},
            {"label": "Handed to a person", "number": everything.held, "hint": "and counted as nothing"},
        ],
        "chart": bars.draw(
            [Bar(label=short_day(cast(date, week.key)), values=[week.minutes / 60]) for week in weeks],
            series=["Hours given back"],
            said=lambda value: f"{value:.1f} h".replace(".0 h", " h"),
            goal=goal,
        ),
        "tables": [
            _table("By week", weeks, first="Week from", named=short_day, asked=asked),
            _table("By person", people, first="Person", named=lambda key: names.get(key, NOBODY), asked=asked),
            _table("By kind", kinds, first="Kind", named=lambda key: KINDS.get(key, key), asked=asked),
        ],
        "estimates": [
            {
                "label": KINDS[kind],
                "field": form[kind],
                "minutes": form.initial[kind],
                "default": hours.DEFAULTS[kind].minutes,
                "source": hours.DEFAULTS[kind].source,
            }
            for kind in form.fields
        ],
        "may_change": desk.person_of(request).has_perm(CHANGE_MINUTES),
        "formula": (
            "Given back = (sent by automations - needed a person - did not arrive) × minutes by hand for that kind."
        ),
    }
    return page(request, "hours", context, asked=asked)


class MinutesForm(forms.Form):
    """A field for each kind that a machine may send."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = dict(hours.read_minutes())
        for kind in self.initial:
            self.fields[kind] = forms.IntegerField(
                label=KINDS[kind], min_value=0, max_value=hours.AT_MOST, widget=UnfoldAdminIntegerFieldWidget
            )


@require_POST
@permission_required(CHANGE_MINUTES, raise_exception=True)
def save_minutes(request: HttpRequest) -> HttpResponse:
    form = MinutesForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Nothing was saved. Minutes are whole numbers from 0 to {hours.AT_MOST}.")
        return redirect("reports:hours")
    changed = hours.set_minutes(form.cleaned_data)
    person = desk.person_of(request)
    for row in changed:
        LogEntry.objects.log_actions(person.pk, [row], CHANGE, f"{row.minutes} minutes by hand.", single_object=True)
    if changed:
        messages.success(request, "The minutes are saved, and every week is counted with them.")
    else:
        messages.info(request, "The minutes are what they were.")
    return redirect("reports:hours")


def _table(title: str, totals: Sequence[hours.Total], *, first: str, named: Any, asked: Asked) -> dict[str, Any]:
    columns = [
        first,
        "Sent by automations",
        "Needed a person",
        "Did not arrive",
        "Counted",
        "Given back",
        "Handed over",
    ]
    by_kind = first == "Kind"
    if by_kind:
        columns.insert(5, "Minutes each")
    rows = []
    for total in totals:
        sent = linked(total.sent, _list_of_sent(total, first=first, asked=asked))
        row = [named(total.key), sent, total.handled, total.lost, total.counted, in_words(total.minutes), total.held]
        if by_kind:
            row.insert(5, total.each or "–")
        rows.append(row)
    return table(title, columns, rows)


def _list_of_sent(total: hours.Total, *, first: str, asked: Asked) -> str:
    """Empty where the list cannot be narrowed to these messages."""
    if first == "Person":
        return ""
    if first == "Kind":
        return links.sent_by_automations(asked.period, job=asked.job, touchpoint__exact=total.key)
    return links.sent_by_automations(links.week_within(asked.period, cast(date, total.key)), job=asked.job)


def _mean(weeks: Sequence[hours.Total]) -> int:
    """Of the weeks that are over; this one is not."""
    over = weeks[:-1] or weeks
    return round(sum(week.minutes for week in over) / len(over)) if over else 0
