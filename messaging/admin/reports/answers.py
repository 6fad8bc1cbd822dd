"""Response times: how long hand-offs waited for an answer, by week, person and kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, cast

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from messaging.admin import bars
from messaging.admin.bars import Bar
from messaging.admin.reports import links
from messaging.admin.reports.asked import VIEW, Asked, read_asked
from messaging.admin.reports.frame import KINDS, linked, median, name_people, ninetieth, page, short_day, table
from messaging.reports import answers
from messaging.reports.durations import Spread


@require_GET
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest) -> HttpResponse:
    asked = read_asked(request, now=timezone.now())
    hand_offs, period = asked.scope.hand_offs, asked.period
    everything = answers.read_all(hand_offs, period=period)
    weeks = answers.read(hand_offs, by="week", period=period, keys=period.mondays)
    people = answers.read(hand_offs, by="person", period=period)
    kinds = answers.read(hand_offs, by="touchpoint", period=period)
    names = name_people(one.key for one in people)
    context = {
        "intro": (
            "How long candidates waited from the moment a message was handed to a person until somebody answered. "
            "Plain time, nights and weekends included, because that is what they wait. When a hand-off is due is "
            "counted in working days, and is later where somebody put it off."
        ),
        "numbers": _numbers(everything, url=links.answered(period, job=asked.job)),
        "chart": bars.draw(
            [Bar(label=short_day(cast(date, week.key)), values=[_hours_of(week.spread)]) for week in weeks],
            series=["Median hours"],
            said=lambda value: f"{value:.0f} h",
        ),
        "tables": [
            _table("By week", weeks, first="Week from", named=short_day, url_of=_of_week(asked)),
            _table(
                "By person", people, first="Person", named=_name_of(names), url_of=_of(asked, "closed_by__id__exact")
            ),
            _table("By kind", kinds, first="Kind", named=_name_of(KINDS), url_of=_of(asked, "touchpoint__exact")),
        ],
    }
    return page(request, "answers", context, asked=asked)


def _numbers(everything: answers.Answers, *, url: str) -> list[dict[str, Any]]:
    sooner, longer, in_time = "half were answered sooner", "one in ten waited longer", "before they were due"
    if not everything.answered:
        sooner = longer = in_time = "nothing was answered in this time"
    return [
        {
            "label": "Answered",
            "number": everything.answered,
            "url": url,
            "hint": f"{everything.by_phone} of them by phone",
        },
        {"label": "Median", "number": median(everything.spread), "hint": sooner},
        {"label": "90th percentile", "number": ninetieth(everything.spread), "hint": longer},
        {"label": "In time", "number": _share(everything), "hint": in_time},
    ]


def _name_of(names: Mapping[Any, str]) -> Callable[[Any], str]:
    return lambda key: names.get(key, "")


def _of_week(asked: Asked) -> Callable[[Any], str]:
    return lambda key: links.answered(links.week_within(asked.period, key), job=asked.job)


def _of(asked: Asked, lookup: str) -> Callable[[Any], str]:
    return lambda key: links.answered(asked.period, job=asked.job, **{lookup: key})


def _table(
    title: str,
    rows: Sequence[answers.Answers],
    *,
    first: str,
    named: Callable[[Any], str],
    url_of: Callable[[Any], str],
) -> dict[str, Any]:
    columns = [first, "Answered", "By mail", "By phone", "Median", "90th percentile", "In time", "Not needed"]
    return table(
        title,
        columns,
        [
            [
                named(one.key),
                linked(one.answered, url_of(one.key)),
                one.by_mail,
                one.by_phone,
                median(one.spread),
                ninetieth(one.spread),
                _share(one),
                one.not_needed,
            ]
            for one in rows
        ],
    )


def _hours_of(spread: Spread | None) -> float:
    return spread.median.total_seconds() / 3600 if spread else 0


def _share(one: answers.Answers) -> str:
    return f"{round(100 * one.in_time / one.answered)} %" if one.answered else "–"
