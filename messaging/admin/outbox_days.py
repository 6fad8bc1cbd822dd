"""The rows of the outbox by the days on which they leave or left, as the reader's calendar has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

NEAR = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}


def by_day(rows: Sequence[dict[str, Any]], *, now: datetime) -> list[tuple[str, list[dict[str, Any]]]]:
    """The rows of a day with what to call it, in the order of the rows; `at` is the reader's time."""
    days: dict[date, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault(row["at"].date(), []).append(row)
    today = timezone.localtime(now).date()
    return [(_call(day, today=today), of_the_day) for day, of_the_day in days.items()]


def _call(day: date, *, today: date) -> str:
    name = date_format(day, "l j F" if day.year == today.year else "l j F Y")
    near = NEAR.get((day - today) // timedelta(days=1))
    return f"{near}, {name}" if near else name
