"""Jobs, their pipelines, and the stages that coordinators name freely."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from pipeline import milestones
from pipeline.milestones import Milestone


class Pipeline(models.Model):
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    # CASCADE: a stage is a part of its pipeline; applications and stage changes PROTECT the stages that were ever used.
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages")
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(help_text="The order on the board, from left to right.")
    milestone = models.PositiveSmallIntegerField(
        choices=milestones.CHOICES,
        help_text="What this stage means to the policy. From phone screen on, a person writes every rejection.",
    )

    class Meta:
        ordering = ["pipeline", "position"]
        constraints = [
            models.UniqueConstraint(fields=["pipeline", "name"], name="stage_name_once_per_pipeline"),
            models.CheckConstraint(
                condition=Q(milestone__gte=Milestone.APPLIED, milestone__lte=Milestone.HIRED),
                name="stage_maps_to_a_milestone",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    title = models.CharField(max_length=200)
    department = models.CharField(max_length=100, blank=True)
    location = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="jobs")
    recruiter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="recruiting_jobs",
        null=True,
        blank=True,
        help_text="Owns the hand-offs of this job. Empty: they go to the coordinator.",
    )
    coordinator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="coordinated_jobs",
        null=True,
        blank=True,
        help_text="Owns the hand-offs where the job has no recruiter.",
    )
    hiring_manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="managed_jobs", null=True, blank=True
    )
    external_id = models.CharField(max_length=100, blank=True, help_text="The job's id in the system you import from.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["title", "pk"]
        constraints = [
            # The import finds a job by this id; two jobs with one id would share candidates.
            models.UniqueConstraint(fields=["external_id"], condition=~Q(external_id=""), name="job_external_id_once"),
        ]

    def __str__(self) -> str:
        return self.title
