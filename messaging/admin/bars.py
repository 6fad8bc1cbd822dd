"""A bar chart made on the server: bars as numbers for `messaging/reports/bars.html`, which draws them and has a table with
the same numbers beside them. It needs no script, and scales to a phone because its text is not in the drawing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

HEIGHT = 1000  # units of the drawing; whole numbers, which every language writes alike
STEP, WIDTH = 100, 68  # of a bar with its gap, and without


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`values`: one for each series, from the ground up. `short`: the label below the bar, where the whole is too long."""

    label: str
    values: Sequence[float]
    short: str = ""


def draw(
    bars: Sequence[Bar],
    *,
    series: Sequence[str],
    said: Callable[[float], str] = lambda value: f"{value:g}",
    goal: float = 0,
) -> dict[str, Any]:
    """`said`: a value in words, for the table. `goal`: where a line is drawn; 0 for none."""
    top = round_up(max([goal, *(sum(bar.values) for bar in bars)], default=0))
    return {
        "series": list(series),
        "width": STEP * len(bars),
        "height": HEIGHT,
        "top": said(top),
        "half": said(top / 2),
        "goal": {"at": HEIGHT - _scale(goal, top), "said": said(goal)} if goal else None,
        "bars": [
            {
                "label": bar.label,
                "short": bar.short or bar.label,
                "parts": _stack(bar, number, top),
                "cells": [said(value) for value in bar.values],
                "total": said(sum(bar.values)),
            }
            for number, bar in enumerate(bars)
        ],
        "is_empty": not any(sum(bar.values) for bar in bars),
    }


def round_up(value: float) -> float:
    """To 1, 2, 4, 6, 8 or 10 times a power of ten, so that the axis and its half read well."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def _scale(value: float, top: float) -> int:
    return round(value / top * HEIGHT)


def _stack(bar: Bar, number: int, top: float) -> list[dict[str, int]]:
    parts, below = [], 0.0
    for series, value in enumerate(bar.values, start=1):
        lower, upper = _scale(below, top), _scale(below + value, top)
        below += value
        if upper > lower:
            left = number * STEP + (STEP - WIDTH) // 2
            parts.append({"series": series, "x": left, "y": HEIGHT - upper, "width": WIDTH, "height": upper - lower})
    return parts
