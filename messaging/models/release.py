"""A person's act that lets one message go, bound to its text; without it nothing by a person leaves."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from messaging.models.message import Message


class Release(models.Model):
    """Append-only, written in the transaction that schedules the message; the database asks for it at departure."""

    message = models.OneToOneField(Message, on_delete=models.PROTECT, primary_key=True, related_name="release")
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="releases")
    released_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of kind, subject and text, as the person sent it.")
    # When the person opened the page. NULL: not known.
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["message"]

    def __str__(self) -> str:
        return f"{self.released_by}, {self.released_at:%d %B %Y}"
