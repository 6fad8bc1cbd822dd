"""How far candidates came, read from everything that is known of it."""

from collections.abc import Collection
from typing import Any

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from pipeline.models import Application, ReachCorrection
from pipeline.written_once import WrittenOnce, ids


def read_reach(candidates: Collection[int]) -> dict[int, int]:
    """The column, the history and the stages of today; whichever is furthest, so that one lost write lowers nothing. Of the
    history what came after the last correction, see ReachCorrection. Who never applied has none."""
    return {
        candidate: max(column, history or 0, today)
        for candidate, column, history, today in _milestones(candidates=candidates)
    }


@WrittenOnce
def _milestones() -> QuerySet[Any, tuple[int, int, int | None, int]]:
    corrected = ReachCorrection.objects.filter(candidate=OuterRef("candidate")).order_by("-last_change")
    return (
        Application.objects.filter(candidate__in=ids("candidates"))
        .order_by()
        .values("candidate_id")
        .annotate(
            column=Max("candidate__reach"),
            history=Max(
                "stage_changes__to_milestone",
                filter=Q(stage_changes__pk__gt=Coalesce(Subquery(corrected.values("last_change")[:1]), 0)),
            ),
            today=Max("stage__milestone"),
        )
        .values_list("candidate_id", "column", "history", "today")
    )
