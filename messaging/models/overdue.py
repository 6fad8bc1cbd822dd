"""What happens to the due date of a hand-off: a person puts it off with a reason, or the clock asks the next person."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from messaging.models.handoff import HandOff


class Snooze(models.Model):
    """A person gave a hand-off a later due date, for a reason; or, without one, the date that it had before."""

    hand_off = models.ForeignKey(HandOff, on_delete=models.PROTECT, related_name="snoozes")
    due_before = models.DateTimeField()
    due_after = models.DateTimeField()
    reason = models.CharField(max_length=500)
    snoozed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    snoozed_at = models.DateTimeField()

    class Meta:
        ordering = ["snoozed_at", "pk"]

    def __str__(self) -> str:
        return f"{'put off until' if self.puts_off else 'due again on'} {self.due_after:%d %B %Y}"

    @property
    def puts_off(self) -> bool:
        return self.due_after > self.due_before


class Escalation(models.Model):
    """The clock asked the next person about an overdue hand-off."""

    class Step(models.IntegerChoices):
        RECRUITER = 1, "the job’s recruiter"
        HIRING_MANAGER = 2, "the job’s hiring manager"

    hand_off = models.ForeignKey(HandOff, on_delete=models.PROTECT, related_name="escalations")
    step = models.PositiveSmallIntegerField(choices=Step)
    due_at = models.DateTimeField(help_text="The due date that passed; another one begins with the first step again.")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="escalations")
    escalated_at = models.DateTimeField()

    class Meta:
        ordering = ["escalated_at", "pk"]
        constraints = [
            # The clock may look as often as it likes: each step is taken once for a due date.
            models.UniqueConstraint(fields=["hand_off", "step", "due_at"], name="escalation_once_per_step"),
        ]

    def __str__(self) -> str:
        return f"escalated to {self.to}"


class EscalationNotice(models.Model):
    """That the person who is asked gets their mail, written down before it is handed over: nobody hands it over twice."""

    escalation = models.OneToOneField(Escalation, on_delete=models.PROTECT, primary_key=True, related_name="notice")
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"notice of {self.escalation_id}"
