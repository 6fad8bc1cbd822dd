"""One try to hand a message to the provider; committed before a byte leaves, and at the same time its clearance."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from messaging.models.message import Message


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def open(self) -> AttemptQuerySet:
        return self.filter(outcome="")

    def expired(self, now: datetime) -> AttemptQuerySet:
        """Open past their lease: the process that made them is gone, and what it did cannot be known."""
        return self.open().filter(expires_at__lt=now)

    def uncertain(self) -> AttemptQuerySet:
        return self.filter(outcome=Attempt.Outcome.UNCERTAIN)

    def in_doubt(self) -> AttemptQuerySet:
        """Uncertain, and no person has said that it may be repeated all the same."""
        return self.uncertain().filter(
            Q(message__risk_accepted__isnull=True) | Q(number__gt=F("message__risk_accepted"))
        )


class Attempt(models.Model):
    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Not accepted, may be tried again"
        REJECTED = "rejected", "Not accepted for good"
        UNCERTAIN = "uncertain", "Cannot be proven"

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    recipient = models.CharField(max_length=254)
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of recipient, subject, text, sender and answer address."
    )
    provider = models.CharField(max_length=30)
    # When its mail was let out of the door, which happens once. NULL: not yet.
    used_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)  # empty: still open
    finished_at = models.DateTimeField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=250, blank=True)
    detail = models.CharField(
        max_length=500, blank=True, help_text=("What the provider or the connection said, shortened.")
    )

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["message", "number"]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(outcome=""), name="attempt_open"),  # the reaper
            models.Index(fields=["-started_at", "-id"], name="attempt_list_order"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="attempt_number_once_per_message"),
            # Two workers can never both hold a clearance for one message.
            models.UniqueConstraint(fields=["message"], condition=Q(outcome=""), name="attempt_one_open_per_message"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} for {self.message}"
