"""The brake: an automation or operation that was about to send far more than usual waits until a second person looked at
it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from messaging.models.automation import Automation
from messaging.models.operation import Operation


class BrakeQuerySet(models.QuerySet["Brake"]):
    def on(self) -> BrakeQuerySet:
        return self.filter(released_at__isnull=True, dropped_at__isnull=True)


class Brake(models.Model):
    """While it is on, the messages stay scheduled and none of them leaves; an operation does not go on either."""

    # One of the two.
    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, null=True, blank=True, related_name="brakes")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="brakes")
    put_on_at = models.DateTimeField()
    why = models.CharField(max_length=500)
    count = models.PositiveIntegerField(help_text="Messages that were due when it was put on.")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="released_brakes"
    )
    # How many were due at the release: they leave, and do not count towards the next brake.
    released_count = models.PositiveIntegerField(default=0)
    dropped_at = models.DateTimeField(null=True, blank=True)
    dropped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="dropped_brakes"
    )
    reason = models.TextField(blank=True, help_text="Why it was released or dropped.")

    objects = BrakeQuerySet.as_manager()

    class Meta:
        ordering = ["-put_on_at", "-pk"]
        permissions = [("release_brake", "Can release and drop what the brake holds")]
        constraints = [
            models.UniqueConstraint(
                fields=["automation"],
                condition=Q(released_at__isnull=True, dropped_at__isnull=True),
                name="brake_one_on_per_automation",
            ),
            models.UniqueConstraint(
                fields=["operation"],
                condition=Q(released_at__isnull=True, dropped_at__isnull=True),
                name="brake_one_on_per_operation",
            ),
            models.CheckConstraint(
                condition=Q(automation__isnull=False, operation__isnull=True)
                | Q(automation__isnull=True, operation__isnull=False),
                name="brake_is_on_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True) | Q(dropped_at__isnull=True), name="brake_ends_once"
            ),
        ]

    def __str__(self) -> str:
        return f"Brake on “{self.what}”, {self.put_on_at:%d %B %Y}"

    @property
    def what(self) -> Automation | Operation | None:
        """What it is on."""
        return self.automation or self.operation

    @property
    def is_on(self) -> bool:
        return self.released_at is None and self.dropped_at is None
