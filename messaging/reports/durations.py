"""Median and 90th percentile of a duration, found by the database: the nearest rank, so that each is a time that really
occurred, and the same in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

MEDIAN, NINETIETH = 50, 90


@dataclass(frozen=True, kw_only=True)
class Spread:
    number: int
    median: timedelta
    ninetieth: timedelta


def spread(rows: QuerySet[Any], *, by: str) -> dict[Hashable, Spread]:
    """By the values of the annotation or field `by`; `rows` are annotated with `took`."""
    ranked = rows.order_by().annotate(
        rank=Window(RowNumber(), partition_by=[F(by)], order_by=[F("took").asc(), F("pk").asc()]),
        of=Window(Count("pk"), partition_by=[F(by)]),
    )
    # Two conditions, because Django takes only the last of several expressions in `__in`.
    picked = ranked.filter(Q(rank=_rank(MEDIAN)) | Q(rank=_rank(NINETIETH)))
    found: dict[Hashable, dict[int, tuple[int, timedelta]]] = {}
    for key, rank, number, took in picked.values_list(by, "rank", "of", "took"):
        found.setdefault(key, {})[rank] = (number, took)
    return {key: _spread_of(ranks) for key, ranks in found.items()}


def _rank(percent: int) -> Any:
    """Rounded up, in whole numbers."""
    return (F("of") * percent + 99) / 100


def _spread_of(ranks: dict[int, tuple[int, timedelta]]) -> Spread:
    (number, median), (_, ninetieth) = ranks[min(ranks)], ranks[max(ranks)]
    return Spread(number=number, median=median, ninetieth=ninetieth)
