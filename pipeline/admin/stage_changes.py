"""The history of moves, to be read and to be searched; nobody writes it by hand."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from pipeline.models import StageChange


@admin.register(StageChange)
class StageChangeAdmin(ModelAdmin):
    nothing_yet = "Nobody moved yet. Every move, decision and correction stays here, with who did it."
    list_display = ["at", "candidate", "job", "kind", "from_stage", "to_stage", "by"]
    list_filter = ["kind", "to_milestone", "actor_kind", "quiet", "source", "application__job"]
    list_select_related = ["application__candidate", "application__job", "from_stage", "to_stage", "moved_by", "source"]
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-at", "-pk"]
    search_help_text = "Name or address of a candidate, or a job"
    search_fields = [
        "application__candidate__first_name",
        "application__candidate__last_name",
        "application__candidate__email",
        "application__job__title",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: StageChange | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StageChange | None = None) -> bool:
        return False

    @admin.display(description="Candidate", ordering="application__candidate__first_name")
    def candidate(self, change: StageChange) -> str:
        return str(change.application.candidate)

    @admin.display(description="Moved by", ordering="moved_by__first_name")
    def by(self, change: StageChange) -> str:
        return str(change.source or change.moved_by or change.get_actor_kind_display())

    @admin.display(description="Job", ordering="application__job__title")
    def job(self, change: StageChange) -> str:
        return str(change.application.job)
