"""A conversation with a candidate, planned or held; held is evidence of contact, whatever the stage says."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from pipeline.models.application import Application


class InterviewQuerySet(models.QuerySet["Interview"]):
    def held(self) -> InterviewQuerySet:
        return self.filter(held_at__isnull=False)

    def upcoming(self, now: datetime) -> InterviewQuerySet:
        return self.filter(starts_at__gte=now, held_at__isnull=True, cancelled_at__isnull=True)


class Interview(models.Model):
    class Kind(models.TextChoices):
        PHONE = "phone", "Phone call"
        VIDEO = "video", "Video call"
        ON_SITE = "on_site", "On site"

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="interviews")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PHONE)
    starts_at = models.DateTimeField()
    place = models.CharField(max_length=200, blank=True, help_text="An address, a room or a link.")
    interviewers = models.CharField(max_length=200, blank=True, help_text="Names as the candidate should read them.")
    held_at = models.DateTimeField(null=True, blank=True, help_text="When it took place. Empty: not yet, or never.")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="For colleagues. No template can reach it.")
    logged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    objects = InterviewQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]
        indexes = [
            # The policy asks for every message whether a conversation was held.
            models.Index(fields=["application"], condition=Q(held_at__isnull=False), name="interview_held"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} with {self.application.candidate}"
