"""Two records of one person became one, and perhaps two again: append-only, with what it takes to take them apart."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from pipeline import milestones
from pipeline.models.application import Application, StageChange
from pipeline.models.candidate import Candidate

REACHES = [(0, "None yet"), *milestones.CHOICES]


class MergeQuerySet(models.QuerySet["Merge"]):
    def open(self) -> MergeQuerySet:
        """Not taken apart."""
        return self.filter(unmerge__isnull=True)


class Merge(models.Model):
    """`kept` stands on; `away` keeps its row, so that its address still finds the person, and stands no more."""

    kept = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="merges")
    away = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="merges_away")
    merged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    merged_at = models.DateTimeField()
    # What the two had reached before, each over its own applications.
    kept_reach = models.PositiveSmallIntegerField(choices=REACHES)
    away_reach = models.PositiveSmallIntegerField(choices=REACHES)
    # What the kept record said before; that of the other stands in its own row still.
    kept_do_not_contact_at = models.DateTimeField(null=True)
    kept_consent_at = models.DateTimeField(null=True)
    # Names of the fields that were empty and were filled from the other record; the values stand there.
    filled = models.JSONField(default=list)
    # The newest change of either at that time. NULL: neither had applied for anything.
    last_change = models.ForeignKey(StageChange, on_delete=models.PROTECT, null=True, related_name="+")

    objects = MergeQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~Q(kept=F("away")), name="merge_is_of_two")]

    def __str__(self) -> str:
        return f"{self.away} into {self.kept}"


class MergedApplication(models.Model):
    """Append-only. An application that a merge gave to the kept record, or that rests because of it, or both."""

    merge = models.ForeignKey(Merge, on_delete=models.PROTECT, related_name="applications")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="merges")
    was_of = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="+")
    # What it was before it rested as a duplicate; empty: it goes on.
    status = models.CharField(max_length=10, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["merge", "application"], name="merged_application_once")]

    def __str__(self) -> str:
        return f"{self.application} in {self.merge}"

    @property
    def rests(self) -> bool:
        return bool(self.status)


class Unmerge(models.Model):
    """Append-only. A merge was taken apart; the reach of the kept record is its own again."""

    merge = models.OneToOneField(Merge, on_delete=models.PROTECT, related_name="unmerge")
    unmerged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    unmerged_at = models.DateTimeField()
    from_reach = models.PositiveSmallIntegerField(choices=REACHES)
    to_reach = models.PositiveSmallIntegerField(choices=REACHES)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.merge}, taken apart"
