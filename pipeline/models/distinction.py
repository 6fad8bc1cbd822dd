"""Two records that are alike, of which somebody said that they are two people."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from pipeline.models.candidate import Candidate


class DistinctionQuerySet(models.QuerySet["Distinction"]):
    def of(self, candidate: Candidate) -> DistinctionQuerySet:
        return self.filter(Q(one=candidate) | Q(other=candidate))


class Distinction(models.Model):
    """Keeps away a suggestion and nothing else: who knows better may still merge them. `one` has the smaller number."""

    one = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="+")
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    said_at = models.DateTimeField()

    objects = DistinctionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="distinction_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="distinction_in_one_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one} is not {self.other}"

    def other_than(self, candidate: Candidate) -> Candidate:
        """The record that is not this one."""
        return self.other if self.one_id == candidate.pk else self.one
