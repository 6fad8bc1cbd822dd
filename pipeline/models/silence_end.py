"""Somebody who had asked to hear nothing more wants to hear from us again, as a person was told."""

from django.conf import settings
from django.db import models

from pipeline.models.candidate import Candidate


class SilenceEnd(models.Model):
    """Append-only. Why mail may be sent to somebody who once asked for none."""

    candidate = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="silence_ends")
    asked_at = models.DateTimeField(help_text="Since when they had wanted to hear nothing.")
    reason = models.CharField(max_length=500)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["ended_at", "pk"]
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="silence_end_says_why")]

    def __str__(self) -> str:
        return f"{self.candidate}: {self.reason}"
