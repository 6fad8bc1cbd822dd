"""What the gate answered when a message wanted to leave, with the facts it answered to; no personal data."""

from django.db import models
from django.db.models import Q

from messaging.models import choices
from messaging.models.ledger import Seal
from messaging.models.message import Message


class RecordedVerdict(models.Model):
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="verdicts")
    decided_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=choices.OUTCOMES)
    reserve = models.PositiveSmallIntegerField(choices=choices.RESERVES)
    findings = models.JSONField(help_text="Codes and sentences.")
    facts = models.JSONField(help_text="What the decision depended on.")
    # {"code", "rules", "wording"}: see messaging/policy/record.py. NULL: decided before versions were kept.
    versions = models.JSONField(null=True, blank=True, help_text="What decided, and on which wording.")
    # NULL until the next seal of the ledger, at most a minute.
    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, null=True, blank=True, related_name="verdicts")

    class Meta:
        verbose_name = "verdict"
        ordering = ["decided_at", "pk"]
        indexes = [
            models.Index(fields=["message", "decided_at"], name="verdict_timeline"),
            models.Index(fields=["-decided_at", "-id"], name="verdict_list_order"),
            models.Index(fields=["id"], condition=Q(seal__isnull=True), name="verdict_unsealed"),
            # The line on Today that must read zero: what was let go although it was reserved.
            models.Index(
                fields=["message"], condition=Q(outcome="send", reserve__gt=0), name="verdict_reserved_and_sent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}, {self.decided_at:%d %B %Y}"
