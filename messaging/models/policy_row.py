"""The organisation's own row on top of the floor; it can only be stricter."""

from django.db import models

from messaging.models import choices
from messaging.policy.floor import Rule
from pipeline import milestones
from pipeline.milestones import Milestone


class PolicyRow(models.Model):
    touchpoint = models.CharField(max_length=30, choices=choices.TOUCHPOINTS)
    from_milestone = models.PositiveSmallIntegerField(choices=milestones.CHOICES)
    reserve = models.PositiveSmallIntegerField(choices=choices.RESERVES, help_text="Never looser than the floor.")
    why = models.CharField(max_length=200, blank=True, help_text="For colleagues who will ask.")

    class Meta:
        ordering = ["touchpoint", "from_milestone"]
        constraints = [
            models.UniqueConstraint(fields=["touchpoint", "from_milestone"], name="policy_row_once_per_milestone"),
            models.CheckConstraint(condition=models.Q(reserve__lte=2), name="policy_row_reserve_is_known"),
            models.CheckConstraint(
                condition=models.Q(
                    from_milestone__gte=Milestone.APPLIED.value, from_milestone__lte=Milestone.HIRED.value
                ),
                name="policy_row_from_a_milestone",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.get_touchpoint_display()} from {self.get_from_milestone_display().lower()} on: "
            f"{self.get_reserve_display().lower()}"
        )

    @property
    def as_rule(self) -> Rule:
        """As the policy knows it, which knows no rows."""
        return Rule(from_milestone=self.from_milestone, reserve=self.reserve)
