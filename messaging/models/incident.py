"""Something that must never happen was tried or noticed; administrators see it until one of them has looked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from messaging.models.message import Message


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> IncidentQuerySet:
        return self.filter(closed_at__isnull=True)


class Incident(models.Model):
    class Kind(models.TextChoices):
        MAIL_REFUSED = "mail_refused", "A mail that nobody cleared was kept from leaving"
        UNKNOWN_SEND = "unknown_send", "The provider reports a mail that we did not clear"
        GUARDS_DIFFER = "guards_differ", "The database’s guards are not what they should be"
        TASK_REFUSED = "task_refused", "A task that is none of ours was kept from running"
        WORKER_HUNG = "worker_hung", "The worker made no progress and was restarted"

    kind = models.CharField(max_length=20, choices=Kind)
    at = models.DateTimeField()
    # For administrators: what was tried, by which code, and what became of it. No addresses, no text of a mail.
    sentence = models.CharField(max_length=500)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, blank=True, related_name="incidents")
    # NULL: nobody looked at it yet.
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="closed_incidents"
    )
    note = models.TextField(blank=True, help_text="What was found out.")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        permissions = [("close_incident", "Can close incidents")]
        indexes = [
            models.Index(fields=["-at"], condition=Q(closed_at__isnull=True), name="incident_open"),
            models.Index(fields=["-at", "-id"], name="incident_list_order"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%d %B %Y}"
