"""The task a person gets when the gate reserves a send, or when a machine cannot finish one."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from messaging.models import choices
from messaging.models.message import Message
from messaging.policy.floor import Reserve, Touchpoint
from pipeline.models import Application


class HandOffQuerySet(models.QuerySet["HandOff"]):
    def open(self) -> HandOffQuerySet:
        return self.filter(status=HandOff.Status.OPEN)

    def overdue(self, now: datetime) -> HandOffQuerySet:
        return self.open().filter(due_at__lt=now)


class HandOff(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered by mail"
        TOLD_BY_PHONE = "told_by_phone", "Told by phone"
        NOT_NEEDED = "not_needed", "Not needed"

    # Business days until a hand-off is due; candidates who wait for an offer or for feedback wait hardest.
    DAYS: ClassVar[int] = 2
    URGENT_DAYS: ClassVar[int] = 1
    URGENT: ClassVar[frozenset[str]] = frozenset({Touchpoint.OFFER, Touchpoint.FEEDBACK})

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="hand_offs")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="hand_offs")
    touchpoint = models.CharField(max_length=30, choices=choices.TOUCHPOINTS)
    reserve = models.PositiveSmallIntegerField(choices=choices.RESERVES)
    # [{"code": ..., "sentence": ...}]: the findings as they were, for the person who has to act on them.
    reasons = models.JSONField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="hand_offs",
        help_text="Empty: nobody yet; the job has neither recruiter nor coordinator.",
    )
    due_at = models.DateTimeField()
    status = models.CharField(max_length=15, choices=Status, default=Status.OPEN)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="closed_hand_offs"
    )
    note = models.TextField(blank=True, help_text="What was said on the phone, or why nothing was needed.")
    answer = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, blank=True, related_name="answers")

    objects = HandOffQuerySet.as_manager()

    class Meta:
        verbose_name = "hand-off"
        verbose_name_plural = "hand-offs"
        ordering = ["due_at", "pk"]
        permissions = [("answer_handoff", "Can write to candidates and close hand-offs")]
        indexes = [
            models.Index(fields=["owner", "due_at"], condition=Q(status="open"), name="hand_off_open_by_owner"),
            models.Index(fields=["application", "created_at"], name="hand_off_timeline"),
            # Reports: what came up and what was answered in a week.
            models.Index(fields=["created_at"], name="hand_off_created"),
            models.Index(fields=["closed_at"], condition=Q(closed_at__isnull=False), name="hand_off_closed"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["message"], condition=Q(status="open"), name="hand_off_one_open_per_message"
            ),
            models.CheckConstraint(
                condition=Q(status="open", closed_at__isnull=True) | (~Q(status="open") & Q(closed_at__isnull=False)),
                name="hand_off_closed_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_touchpoint_display()} for {self.application.candidate}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def must_be_own_words(self) -> bool:
        return self.reserve == Reserve.PERSON_WRITES

    @property
    def sentences(self) -> list[str]:
        return [reason["sentence"] for reason in self.reasons]
