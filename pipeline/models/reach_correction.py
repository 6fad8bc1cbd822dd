"""An administrator's word that a reach was recorded wrongly: the one way in which a reach goes down."""

from django.conf import settings
from django.db import models

from pipeline import milestones
from pipeline.models.application import StageChange
from pipeline.models.candidate import Candidate


class ReachCorrection(models.Model):
    """Append-only. The history up to `last_change` no longer counts for the reach; what comes later does."""

    candidate = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="reach_corrections")
    from_reach = models.PositiveSmallIntegerField(choices=milestones.CHOICES)
    to_reach = models.PositiveSmallIntegerField(choices=milestones.CHOICES)
    reason = models.CharField(max_length=500)
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    corrected_at = models.DateTimeField()
    # The newest change of the candidate's applications at that time, which makes the correction good for one time only.
    last_change = models.ForeignKey(StageChange, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["corrected_at", "pk"]
        permissions = [("correct_reach", "Can correct a wrongly recorded reach")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(to_reach__lt=models.F("from_reach")), name="reach_correction_goes_down"
            ),
            # The same word cannot be given twice without anything having happened in between.
            models.UniqueConstraint(fields=["candidate", "last_change", "to_reach"], name="reach_correction_once"),
        ]

    def __str__(self) -> str:
        return f"{self.candidate}: {self.get_from_reach_display()} to {self.get_to_reach_display()}"
