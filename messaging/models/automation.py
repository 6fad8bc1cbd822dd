"""An event, its conditions and a delay that lead to a template, and the record of what was already followed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from messaging.models.template import Template
from pipeline.models import Job, Pipeline, Stage, StageChange


class AutomationQuerySet(models.QuerySet["Automation"]):
    def in_use(self) -> AutomationQuerySet:
        return self.filter(is_active=True)


class Automation(models.Model):
    class Event(models.TextChoices):
        RECEIVED = "received", "Application received"
        STAGE_ENTERED = "stage_entered", "Stage entered"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrew"
        HIRED = "hired", "Hired"
        NO_NEWS = "no_news", "Business days in a stage without news"

    class DelayUnit(models.TextChoices):
        MINUTES = "minutes", "Minutes"
        HOURS = "hours", "Hours"
        BUSINESS_DAYS = "business_days", "Business days"

    name = models.CharField(max_length=100, unique=True)
    event = models.CharField(max_length=20, choices=Event)
    job = models.ForeignKey(
        Job,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=("Empty: every job (of the pipeline, if one is chosen)."),
    )
    pipeline = models.ForeignKey(
        Pipeline, on_delete=models.PROTECT, null=True, blank=True, help_text="Empty: every pipeline."
    )
    stage = models.ForeignKey(
        Stage, on_delete=models.PROTECT, null=True, blank=True, help_text="For the two stage events. Empty: any stage."
    )
    quiet_days = models.PositiveSmallIntegerField(
        "business days without news",
        null=True,
        blank=True,
        help_text=("For “Business days in a stage without news” only."),
    )
    delay = models.PositiveSmallIntegerField(default=0)
    delay_unit = models.CharField(max_length=15, choices=DelayUnit, default=DelayUnit.MINUTES)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="automations")
    is_active = models.BooleanField("in use", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AutomationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(event="no_news") & Q(quiet_days__gte=1))
                | (~Q(event="no_news") & Q(quiet_days__isnull=True)),
                name="automation_no_news_has_its_days",
            ),
            # Nobody means to write after years, and a calendar ends.
            models.CheckConstraint(
                condition=Q(delay__lte=10_000) & (Q(quiet_days__isnull=True) | Q(quiet_days__lte=260)),
                name="automation_waits_a_sane_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlannedChange(models.Model):
    """Automations looked at this StageChange. Its absence is the to-do list of the sweep, so no change is ever
    missed."""

    change = models.OneToOneField(StageChange, on_delete=models.PROTECT, primary_key=True, related_name="planned")
    planned_at = models.DateTimeField()

    class Meta:
        ordering = ["change"]

    def __str__(self) -> str:
        return f"{self.change} planned"
