"""One bulk act of a person, with an id, so that it can be previewed, undone and braked; and what became of each in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from messaging.models.template import Template
from pipeline.models import Application, Reason, Stage, StageChange


class OperationQuerySet(models.QuerySet["Operation"]):
    def unfinished(self) -> OperationQuerySet:
        """What somebody has to go on with; a brake keeps it until a second person looked."""
        braked = Q(brakes__isnull=False, brakes__released_at__isnull=True, brakes__dropped_at__isnull=True)
        to_do = Q(finished_at__isnull=True) | Q(undone_at__isnull=False, undo_finished_at__isnull=True)
        return self.filter(to_do).exclude(braked)


class Operation(models.Model):
    """Its choices are kept as they were made, and are what the worker goes by."""

    class Kind(models.TextChoices):
        MOVE = "move", "Move to stage"
        REJECT = "reject", "Rejection"

    kind = models.CharField(max_length=10, choices=Kind)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="operations")
    begun_at = models.DateTimeField()
    to_stage = models.ForeignKey(Stage, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    template = models.ForeignKey(
        Template,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="operations",
        help_text="Chosen instead of what automations of its kind would send. Empty: what they send.",
    )
    quiet = models.BooleanField("without any message", default=False)
    note = models.TextField(blank=True)
    # As the person saw and confirmed it; more than this does not leave.
    message_count = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)  # everybody had their turn
    undone_at = models.DateTimeField(null=True, blank=True)  # asked for
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    undo_finished_at = models.DateTimeField(null=True, blank=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-begun_at", "-pk"]
        indexes = [
            models.Index(fields=["-begun_at", "-id"], name="operation_list_order"),
            # The brake: what somebody did lately.
            models.Index(fields=["by", "kind", "begun_at"], name="operation_by_person"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="move", to_stage__isnull=False, reason__isnull=True)
                | Q(kind="reject", to_stage__isnull=True, reason__isnull=False),
                name="operation_has_its_choice",
            ),
            models.CheckConstraint(
                condition=Q(quiet=False) | Q(template__isnull=True), name="operation_quiet_has_no_template"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.begun_at:%d %B %Y}"

    @property
    def is_undone(self) -> bool:
        return self.undone_at is not None

    @property
    def is_at_work(self) -> bool:
        return self.finished_at is None or (self.is_undone and self.undo_finished_at is None)

    def undoable_until(self, now: datetime) -> datetime:
        """While it goes on, and for a while after: nothing of it leaves before."""
        return (self.finished_at or now) + timedelta(minutes=settings.UNDO_MINUTES)


class OperationItem(models.Model):
    """One application in it."""

    class State(models.TextChoices):
        TO_DO = "to_do", "Waits for its turn"
        DONE = "done", "Done"
        REFUSED = "refused", "Not possible"
        DROPPED = "dropped", "Left as it was"
        UNDONE = "undone", "Undone"
        STAYS = "stays", "Could not be undone"

    CHANGED: ClassVar[frozenset[str]] = frozenset({State.DONE, State.UNDONE, State.STAYS})

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="items")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="operation_items")
    seen_in = models.ForeignKey(
        Stage,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The stage in which the person saw the candidate: who moved since then is not moved again.",
    )
    state = models.CharField(max_length=10, choices=State, default=State.TO_DO)
    sentence = models.CharField(max_length=500, blank=True, help_text="Why not, or what could not be undone.")
    done_at = models.DateTimeField(null=True, blank=True)
    change = models.OneToOneField(
        StageChange, on_delete=models.PROTECT, null=True, blank=True, related_name="operation_item"
    )

    class Meta:
        ordering = ["operation", "pk"]
        indexes = [models.Index(fields=["operation", "state"], name="operation_item_by_state")]
        constraints = [
            models.UniqueConstraint(fields=["operation", "application"], name="operation_has_each_once"),
            models.CheckConstraint(
                condition=Q(state__in=["done", "undone", "stays"], change__isnull=False)
                | Q(state__in=["to_do", "refused", "dropped"], change__isnull=True),
                name="operation_item_done_has_its_change",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.application}"
