"""A row on a template: from this milestone on, this reserve."""

from django.db import models

from messaging.models import choices
from messaging.models.template import Template
from messaging.policy.floor import Rule
from pipeline import milestones
from pipeline.milestones import Milestone


class StageRule(models.Model):
    # CASCADE: a rule is a part of its template and has no history of its own.
    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="stage_rules")
    from_milestone = models.PositiveSmallIntegerField(choices=milestones.CHOICES)
    reserve = models.PositiveSmallIntegerField(
        choices=choices.RESERVES, help_text=("Can only be stricter than floor and policy.")
    )

    class Meta:
        ordering = ["template", "from_milestone"]
        constraints = [
            models.UniqueConstraint(fields=["template", "from_milestone"], name="stage_rule_once_per_milestone"),
            models.CheckConstraint(condition=models.Q(reserve__lte=2), name="stage_rule_reserve_is_known"),
            models.CheckConstraint(
                condition=models.Q(
                    from_milestone__gte=Milestone.APPLIED.value, from_milestone__lte=Milestone.HIRED.value
                ),
                name="stage_rule_from_a_milestone",
            ),
        ]

    def __str__(self) -> str:
        return f"from {self.get_from_milestone_display().lower()} on {self.get_reserve_display().lower()}"

    @property
    def as_rule(self) -> Rule:
        """As the policy knows it, which knows no rows."""
        return Rule(from_milestone=self.from_milestone, reserve=self.reserve)
