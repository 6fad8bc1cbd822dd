"""A candidate's run at one job, and the append-only history of how it moved."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from pipeline import actors, milestones
from pipeline.models.candidate import Candidate
from pipeline.models.job import Job, Stage
from pipeline.models.source import Source


class Reason(models.Model):
    """Why an application ended; the two texts are kept apart because only one of them may reach a candidate."""

    class Kind(models.TextChoices):
        REJECTED = "rejected", "Rejected"
        WITHDREW = "withdrew", "Withdrew"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REJECTED)
    internal = models.CharField(
        "internal reason", max_length=200, help_text="For colleagues and reports. No template can reach it."
    )
    shareable = models.CharField(
        "reason that may be shared",
        max_length=500,
        blank=True,
        help_text="What a candidate may be told, as {{ reason.shared }}. Empty: nothing is shared.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["kind", "internal"]
        constraints = [models.UniqueConstraint(fields=["kind", "internal"], name="reason_once_per_kind")]

    def __str__(self) -> str:
        return self.internal


class ApplicationQuerySet(models.QuerySet["Application"]):
    def active(self) -> ApplicationQuerySet:
        return self.filter(status=Application.Status.ACTIVE)

    def standing(self) -> ApplicationQuerySet:
        """One for each job at most: without the duplicates that a merge brought, which rest beside the one that goes on."""
        return self.exclude(status=Application.Status.DUPLICATE)

    def decided_but_not_told(self) -> ApplicationQuerySet:
        return self.filter(status__in=Application.DECIDED_BY_US, told_at__isnull=True)


class Application(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        HIRED = "hired", "Hired"
        # A merge brought a second application for the same job; pipeline.merging alone puts it here and takes it back.
        DUPLICATE = "duplicate", "Duplicate"

    ENDED: ClassVar[frozenset[str]] = frozenset({Status.REJECTED, Status.WITHDRAWN, Status.HIRED})

    # Who withdrew told us.
    DECIDED_BY_US: ClassVar[frozenset[str]] = frozenset({Status.REJECTED, Status.HIRED})

    class ToldHow(models.TextChoices):
        MAIL = "mail", "By mail"
        PHONE = "phone", "By phone"
        IN_PERSON = "in_person", "In person"

    candidate = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="applications")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="applications")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="applications")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE, editable=False)
    applied_at = models.DateTimeField()
    stage_entered_at = models.DateTimeField()
    # Decided and told are two facts with two times. NULL: not yet.
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="Empty when a machine brought the decision.",
    )
    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, blank=True, editable=False)
    told_at = models.DateTimeField(null=True, blank=True, editable=False)
    told_how = models.CharField(max_length=10, choices=ToldHow, blank=True, editable=False)
    told_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="Empty when an automation told them.",
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["-applied_at", "-pk"]
        permissions = [
            ("move_application", "Can move applications between stages"),
            ("reject_application", "Can reject applications"),
        ]
        indexes = [
            models.Index(fields=["-applied_at", "-id"], name="application_list_order"),
            # The board and the N-days-in-a-stage event.
            models.Index(
                fields=["stage", "stage_entered_at"], condition=Q(status="active"), name="application_in_stage"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "job"], condition=~Q(status="duplicate"), name="application_once_per_job"
            ),
            models.CheckConstraint(
                condition=Q(status="active", decided_at__isnull=True)
                | (~Q(status="active") & Q(decided_at__isnull=False)),
                name="application_ended_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(told_at__isnull=True, told_how="") | (Q(told_at__isnull=False) & ~Q(told_how="")),
                name="application_told_says_how",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} for {self.job}"

    @property
    def is_decided_but_not_told(self) -> bool:
        """One row of `decided_but_not_told`."""
        return self.status in self.DECIDED_BY_US and self.told_at is None


class StageChange(models.Model):
    """Append-only. Milestones are stored as they were meant then: renaming or remapping a stage changes no history."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "Applied"
        ADVANCED = "advanced", "Moved forward"
        MOVED_BACK = "moved_back", "Moved back"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrew"
        REOPENED = "reopened", "Reopened"
        HIRED = "hired", "Hired"
        UNDONE = "undone", "Move undone"

    ENTERS_A_STAGE: ClassVar[frozenset[str]] = frozenset({Kind.RECEIVED, Kind.ADVANCED, Kind.MOVED_BACK, Kind.HIRED})

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="stage_changes")
    kind = models.CharField(max_length=10, choices=Kind)
    from_stage = models.ForeignKey(Stage, on_delete=models.PROTECT, null=True, related_name="+")  # NULL: just received
    to_stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="+")
    from_milestone = models.PositiveSmallIntegerField(null=True, choices=milestones.CHOICES)
    to_milestone = models.PositiveSmallIntegerField(choices=milestones.CHOICES)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=actors.CHOICES)
    moved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)
    quiet = models.BooleanField(default=False, help_text="No automation follows from this change.")

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["application", "at"], name="stage_change_timeline")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.at:%d %B %Y}"
