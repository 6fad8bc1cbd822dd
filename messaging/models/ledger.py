"""The ledger: append-only rows without personal data, sealed in a hash chain. See messaging/ledger.py."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from pipeline.actors import CHOICES as ACTORS


class Seal(models.Model):
    """One link of the chain over everything that was written since the link before."""

    number = models.PositiveBigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    rows = models.PositiveIntegerField()
    # One line a row, so that a broken seal says which row it is: "entry 17 <SHA-256>". NULL: sealed without one.
    contents = models.TextField(null=True, blank=True, help_text="The rows, each with its SHA-256.")  # noqa: DJ001
    digest = models.CharField(max_length=64, help_text="SHA-256 over the contents.")
    previous = models.CharField(max_length=64, help_text="The head before; empty for the first seal.", blank=True)
    head = models.CharField(max_length=64, help_text="SHA-256 over number, time, rows, digest and the head before.")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class LedgerEntry(models.Model):
    """An act of a person, a change of a rule, or what a machine did that matters. Decisions have their own rows,
    RecordedVerdict, and are sealed with these."""

    class Kind(models.TextChoices):
        RELEASED = "released", "A person let their message go"
        SIGNED = "signed", "A wording was signed"
        RULE_CHANGED = "rule_changed", "A rule was changed"
        RIGHTS_CHANGED = "rights_changed", "Somebody’s rights were changed"
        HAND_OFF_CLOSED = "hand_off_closed", "A hand-off was closed"
        HAND_OFF_SNOOZED = "hand_off_snoozed", "A hand-off was put off"
        HAND_OFF_ESCALATED = "hand_off_escalated", "An overdue hand-off was escalated"
        CANCELLED = "cancelled", "A message was cancelled"
        RESCHEDULED = "rescheduled", "A message was held, released, postponed or sent early"
        BOUNCE_ANSWERED = "bounce_answered", "A mail that did not arrive was answered"
        RESOLVED = "resolved", "An uncertain message was resolved"
        REACH_CORRECTED = "reach_corrected", "A reach was corrected"
        MERGED = "merged", "Two candidates were merged"
        UNMERGED = "unmerged", "A merge was taken apart"
        SILENCE = "silence", "A candidate asked for silence, or ended it"
        OPERATION = "operation", "A bulk act was begun, finished or undone"
        BRAKE = "brake", "The brake was put on, released or dropped"
        SAFE_MODE = "safe_mode", "Safe mode began or ended"
        INCIDENT = "incident", "An incident"

    kind = models.CharField(max_length=20, choices=Kind)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=ACTORS)
    actor_id = models.BigIntegerField(null=True, blank=True)  # the person's id; NULL for a machine
    # Plain ids instead of foreign keys: a row of the ledger outlives what it speaks of.
    subject = models.CharField(max_length=40, help_text="What it is about, as model:id, for example message:17.")
    data = models.JSONField(default=dict, help_text="Numbers, codes and fingerprints; nothing about a person.")
    # NULL until the next seal, at most a minute.
    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")

    class Meta:
        verbose_name = "ledger entry"
        verbose_name_plural = "ledger entries"
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["subject"], name="ledger_by_subject"),
            models.Index(fields=["id"], condition=Q(seal__isnull=True), name="ledger_unsealed"),
            models.Index(fields=["-at", "-id"], name="ledger_list_order"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.subject})"
