"""How far candidates came, read from everything that is known of it."""

from collections.abc import Iterable

from django.db.models import Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from pipeline.models import Application, ReachCorrection


def read_reach(candidates: Iterable[int]) -> dict[int, int]:
    """The column, the history and the stages of today; whichever is furthest, so that one lost write lowers nothing. Of the
    history what came after the last correction, see ReachCorrection. Who never applied has none."""
    corrected = ReachCorrection.objects.filter(candidate=OuterRef("candidate")).order_by("-last_change")
    rows = (
        Application.objects.filter(candidate__in=candidates)
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
    )
    return {row["candidate_id"]: max(row["column"], row["history"] or 0, row["today"]) for row in rows}
