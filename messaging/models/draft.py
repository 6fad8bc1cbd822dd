"""What a person has written for a hand-off and not sent yet, kept for them while they write."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from messaging.models.handoff import HandOff


class Draft(models.Model):
    # CASCADE: a draft is nothing without its hand-off, and nobody else's business than its writer's.
    hand_off = models.ForeignKey(HandOff, on_delete=models.CASCADE, related_name="drafts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    subject = models.CharField(max_length=250, blank=True)
    body = models.TextField(blank=True)
    note = models.TextField(blank=True, help_text="What was said on the phone, so far.")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-saved_at"]
        constraints = [
            models.UniqueConstraint(fields=["hand_off", "person"], name="draft_one_for_each_person"),
        ]

    def __str__(self) -> str:
        return f"{self.person}’s draft of {self.hand_off}"
