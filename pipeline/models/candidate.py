"""A person who is or was considered for a job."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from pipeline import milestones
from pipeline.milestones import Milestone


class CandidateQuerySet(models.QuerySet["Candidate"]):
    def standing(self) -> CandidateQuerySet:
        """Without the records that were merged into another one."""
        return self.filter(merged_into__isnull=True)


class Candidate(models.Model):
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.EmailField("address", max_length=254)
    # The address as it is compared; two spellings of one address are one person, and one reach.
    email_key = models.CharField(max_length=254, unique=True, editable=False)
    email_flag = models.CharField(
        "address flag",
        max_length=200,
        blank=True,
        editable=False,
        help_text="Why somebody should look at the address before it is used. Empty: nothing odd was seen.",
    )
    phone = models.CharField(max_length=50, blank=True)
    time_zone = models.CharField(max_length=50, blank=True, help_text="Empty: the organisation's.")
    came_from = models.CharField(
        "source", max_length=100, blank=True, help_text="Where the candidate heard of the job."
    )
    external_source = models.CharField(max_length=50, blank=True, editable=False)
    external_id = models.CharField(max_length=100, blank=True, editable=False)
    # 0: no application yet. Written by pipeline.moves alone, and only upwards.
    reach = models.PositiveSmallIntegerField(
        default=0,
        editable=False,
        choices=[(0, "None yet"), *milestones.CHOICES],
        help_text="The furthest milestone ever reached, over all applications. It never goes down.",
    )
    talent_pool_consent_at = models.DateTimeField(
        null=True, blank=True, help_text="When they agreed to hear of other jobs. Empty: they did not."
    )
    do_not_contact_at = models.DateTimeField(
        null=True, blank=True, help_text="When they asked to hear nothing more. Empty: they did not."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # NULL: this record stands. Else it only remembers what the other one should be found by; see pipeline.merging.
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="merged_records"
    )

    objects = CandidateQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [
            ("import_candidates", "Can import candidates"),
            ("merge_candidates", "Can merge and un-merge candidates"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="candidate_list_order"),
            # Who may be the same person: looked for on the page of every candidate.
            models.Index(Lower("last_name"), name="candidate_by_last_name"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(reach__lte=Milestone.HIRED), name="candidate_reach_is_a_milestone"),
            # The import finds a candidate by this pair.
            models.UniqueConstraint(
                fields=["external_source", "external_id"],
                condition=~Q(external_id=""),
                name="candidate_external_id_once",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()
