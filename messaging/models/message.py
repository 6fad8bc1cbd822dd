"""One mail to one candidate; the row is the queue.

Every status change is a conditional UPDATE that names the source status, in messaging/gate.py, messaging/delivery/,
messaging/handoffs.py and messaging/outgoing.py alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from messaging.models import choices
from messaging.models.automation import Automation
from messaging.models.brake import Brake
from messaging.models.hold import Hold
from messaging.models.operation import Operation
from messaging.models.template import Template, Wording
from messaging.policy.decision import Origin
from pipeline.models import Application, StageChange


def _of_braked(what: str) -> Exists:
    """Whether a brake is on the automation, or the operation, of a message."""
    return Exists(Brake.objects.on().filter(**{what: OuterRef(what)}))


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: datetime) -> MessageQuerySet:
        """What may be taken now; what a brake or a person holds keeps its time and is not taken."""
        return self.free_to_go(now).filter(due_at__lte=now)

    def free_to_go(self, now: datetime) -> MessageQuerySet:
        """What leaves when its time comes."""
        held = Hold.objects.on(now).filter(message=OuterRef("pk"))
        return self.waiting().filter(~_of_braked("automation"), ~_of_braked("operation"), ~Exists(held))

    def on_hold(self, now: datetime) -> MessageQuerySet:
        return self.waiting().filter(Exists(Hold.objects.on(now).filter(message=OuterRef("pk"))))

    def braked(self) -> MessageQuerySet:
        return self.waiting().filter(_of_braked("automation") | _of_braked("operation"))

    def bounced(self) -> MessageQuerySet:
        """What did not arrive or was reported as spam, and nobody has answered yet."""
        return self.filter(delivery__gte=Message.Delivery.REJECTED, bounce_answer__isnull=True)

    def hand_sent(self) -> MessageQuerySet:
        """Written by a person, and known or suspected to have left: evidence of contact."""
        # One that waits to be tried again may have left the time before.
        tried = Q(state=Message.Status.SCHEDULED, attempts__outcome="uncertain")
        return self._with_state().filter(Q(state__in=Message.MAY_HAVE_LEFT) | tried, origin="person").distinct()

    def among(self, statuses: Collection[str]) -> MessageQuerySet:
        """Of few messages that are found by something else."""
        return self._with_state().filter(state__in=statuses)  # type: ignore[misc]  # an alias

    def _with_state(self) -> MessageQuerySet:
        """`state`: the status without its index. SQLite, which counts no rows, would rather read all that was ever sent."""
        return self.alias(state=Coalesce("status", Value("")))

    def waiting(self) -> MessageQuerySet:
        return self.filter(status=Message.Status.SCHEDULED)


class Message(models.Model):
    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        UNCERTAIN = "uncertain", "Uncertain"
        HELD = "held", "Handed to a person"
        CANCELLED = "cancelled", "Cancelled"

    class Delivery(models.IntegerChoices):
        """What the provider reported last of all that it can report: a higher number is never followed by a lower one,
        whatever order events come in."""

        QUEUED = 10, "Queued by the provider"
        SENT = 20, "Sent by the provider"
        DELIVERED = 30, "Delivered"
        REJECTED = 40, "Rejected by the provider"
        BOUNCED = 50, "Bounced"
        COMPLAINED = 60, "Reported as spam"

    MAY_HAVE_LEFT: ClassVar[frozenset[str]] = frozenset({Status.SENDING, Status.SENT, Status.UNCERTAIN})
    NOT_ARRIVED: ClassVar[frozenset[int]] = frozenset({Delivery.REJECTED, Delivery.BOUNCED})
    FINAL: ClassVar[frozenset[str]] = frozenset({Status.SENT, Status.FAILED, Status.CANCELLED})

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="messages")
    touchpoint = models.CharField(max_length=30, choices=choices.TOUCHPOINTS)
    origin = models.CharField(max_length=12, choices=choices.ORIGINS)
    # What an automation sends.
    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    template = models.ForeignKey(Template, on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    wording = models.ForeignKey(Wording, on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    stage_change = models.ForeignKey(
        StageChange, on_delete=models.PROTECT, null=True, blank=True, related_name="messages"
    )
    # NULL: it does not follow from a bulk act.
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    cause = models.CharField(
        max_length=100, blank=True, help_text="What it follows from, as one word; the same cause never sends twice."
    )
    # What a person sends; for an automation, the text as it was rendered when it left.
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="written_messages"
    )
    subject = models.CharField(max_length=250, blank=True)
    body = models.TextField(blank=True)

    status = models.CharField(max_length=10, choices=Status, default=Status.SCHEDULED)
    status_at = models.DateTimeField(help_text="When the status last changed.")
    status_reason = models.CharField(max_length=500, blank=True)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    # NULL until cleared: the address is taken from the candidate at clearance, not when the message was planned.
    recipient = models.CharField(max_length=254, blank=True)

    # NULL: the provider reported nothing. Beside the status, which is about what we did.
    delivery = models.PositiveSmallIntegerField(choices=Delivery, null=True, blank=True)
    # NULL: nobody had to. Attempts up to this number may have been accepted, and a person let it be sent again.
    risk_accepted = models.PositiveSmallIntegerField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-due_at", "-pk"]
        permissions = [("cancel_message", "Can cancel scheduled messages")]
        indexes = [
            # The claim: what is due, oldest first.
            models.Index(fields=["due_at", "id"], condition=Q(status="scheduled"), name="message_due"),
            # The reaper, and the lists by status.
            models.Index(fields=["status", "-status_at"], name="message_by_status"),
            models.Index(fields=["application", "-due_at"], name="message_timeline"),
            models.Index(fields=["-due_at", "-id"], name="message_list_order"),
            # The lists of templates and automations: when each was last used, how often lately.
            models.Index(
                fields=["template", "-sent_at"], condition=Q(sent_at__isnull=False), name="message_by_template"
            ),
            models.Index(fields=["automation", "created_at"], name="message_by_automation"),
            # The brake: how much an automation sent in the last hour, today, and on other days.
            models.Index(
                fields=["automation", "sent_at"], condition=Q(sent_at__isnull=False), name="message_sent_by_automation"
            ),
            # The outbox: what did not arrive.
            models.Index(fields=["-status_at", "-id"], condition=Q(delivery__gte=40), name="message_bounced"),
            # Reports: what was sent in a week.
            models.Index(fields=["sent_at"], condition=Q(sent_at__isnull=False), name="message_sent"),
            # Kinship: what people recently wrote.
            models.Index(fields=["-created_at"], condition=Q(origin="person"), name="message_by_people"),
        ]
        constraints = [
            # The same cause never sends twice, whatever plans it.
            models.UniqueConstraint(
                fields=["application", "touchpoint", "cause"],
                condition=Q(origin="automation"),
                name="message_once_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(origin="automation", written_by__isnull=True)
                | Q(origin="person", written_by__isnull=False),
                name="message_has_its_author",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["sending", "sent", "uncertain"]) | ~Q(recipient=""),
                name="message_left_to_an_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_touchpoint_display()} to {self.application.candidate}"

    def repeat(self, *, cause: str, wording: Wording | None, due_at: datetime, now: datetime) -> Message:
        """Once more what an automation had planned, not saved. Nobody wrote it, so it is an automation's again."""
        return Message(
            application=self.application,
            touchpoint=self.touchpoint,
            cause=cause,
            origin=Origin.AUTOMATION,
            automation=self.automation,
            operation=self.operation,
            template=self.template,
            wording=wording,
            stage_change=self.stage_change,
            created_at=now,
            status_at=now,
            due_at=due_at,
        )
