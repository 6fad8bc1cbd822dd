"""What a person did about a mail that did not arrive."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from messaging.models.handoff import HandOff
from messaging.models.message import Message


class BounceAnswer(models.Model):
    """Append-only, one for each mail, so that the same mail is not sent again twice."""

    class How(models.TextChoices):
        AGAIN = "again", "Sent again to another address"
        PERSON = "person", "Handed to a person"
        LEFT = "left", "Left as it is"

    message = models.OneToOneField(Message, on_delete=models.PROTECT, primary_key=True, related_name="bounce_answer")
    how = models.CharField(max_length=10, choices=How)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True, help_text="Why it was left as it is.")
    # The new message, which waits, left or was turned away by the gate on its own.
    again = models.OneToOneField(Message, on_delete=models.PROTECT, null=True, blank=True, related_name="repeats")
    hand_off = models.ForeignKey(HandOff, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["message"]
        constraints = [
            models.CheckConstraint(
                condition=Q(how="again", again__isnull=False)
                | Q(how="person", again__isnull=True, hand_off__isnull=False)
                | (Q(how="left", again__isnull=True, hand_off__isnull=True) & ~Q(note="")),
                name="bounce_answer_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.get_how_display()
