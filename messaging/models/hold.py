"""A person's word that one message waits: why, until when, and who let it go on earlier."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class HoldQuerySet(models.QuerySet["Hold"]):
    def on(self, now: datetime) -> HoldQuerySet:
        """What keeps its message now; at its end a hold is over without anybody doing anything."""
        return self.filter(released_at__isnull=True, until_at__gt=now)


class Hold(models.Model):
    """Append-only but for its release. The message stays scheduled and keeps its time, so it goes on where it was."""

    message = models.ForeignKey("messaging.Message", on_delete=models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=300)
    held_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holds")
    held_at = models.DateTimeField()
    until_at = models.DateTimeField(help_text="Then the message goes on by itself, through the gate.")
    # NULL: it lasts, or lasted, until its end.
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="released_holds"
    )

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["until_at", "pk"]
        constraints = [
            # Also what the drain looks into for every message that is due.
            models.UniqueConstraint(
                fields=["message"], condition=Q(released_at__isnull=True), name="hold_one_per_message"
            ),
            models.CheckConstraint(condition=Q(until_at__gt=F("held_at")), name="hold_lasts"),
            models.CheckConstraint(condition=~Q(reason=""), name="hold_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.held_by}, until {self.until_at:%d %B %Y}"
