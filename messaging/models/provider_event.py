"""What a provider reported of a mail after it had taken it: an inbox, stored before anything is made of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from messaging.models.message import Message


class ProviderEventQuerySet(models.QuerySet["ProviderEvent"]):
    def open(self) -> ProviderEventQuerySet:
        return self.filter(applied_at__isnull=True)


class ProviderEvent(models.Model):
    """Append-only but for `applied_at` and `message`, which are written once, when it is applied. Holds no address."""

    provider = models.CharField(max_length=30)
    event_id = models.CharField(
        max_length=250, help_text="The provider’s id of the event; where it gives none, a digest of what it said."
    )
    kind = models.CharField(max_length=20, help_text="In Anymail’s words: sent, delivered, bounced, …")
    at = models.DateTimeField(help_text="When it happened, as the provider says.")
    received_at = models.DateTimeField()
    # NULL: the event does not carry our id.
    public_id = models.UUIDField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=250, blank=True)
    description = models.CharField(max_length=300, blank=True, help_text="What was said, shortened, without addresses.")
    # NULL: not applied yet; the sweep comes back to it.
    applied_at = models.DateTimeField(null=True, blank=True)
    # NULL: not applied yet, or no message of ours.
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="provider_events"
    )

    objects = ProviderEventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            models.Index(fields=["id"], condition=Q(applied_at__isnull=True), name="provider_event_open"),  # the sweep
            models.Index(fields=["provider", "provider_message_id"], name="provider_event_by_their_id"),  # the audit
            models.Index(fields=["-at", "-id"], name="provider_event_list_order"),
        ]
        constraints = [
            # Providers repeat themselves until they are answered, and anybody may replay what they heard.
            models.UniqueConstraint(fields=["provider", "event_id", "kind"], name="provider_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, {self.at:%d %B %Y}"
