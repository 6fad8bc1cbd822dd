"""Conversations with candidates, planned and held, to be read and searched; they are entered on the page of the
application, where what follows from them is looked at again."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from pipeline.models import Interview


@admin.register(Interview)
class InterviewAdmin(ModelAdmin):
    nothing_yet = "No conversation is planned or was held. You enter them on the page of an application."
    list_display = ["candidate", "job", "kind", "starts_at", "state", "interviewers", "logged_by"]
    list_filter = ["kind", ("held_at", admin.EmptyFieldListFilter), ("cancelled_at", admin.EmptyFieldListFilter)]
    list_select_related = ["application__candidate", "application__job", "logged_by"]
    list_per_page = 50
    show_full_result_count = False
    search_help_text = "Candidate, job or interviewer"
    search_fields = [
        "application__candidate__first_name",
        "application__candidate__last_name",
        "application__candidate__email",
        "application__job__title",
        "interviewers",
    ]
    fields = [
        "application",
        "kind",
        "starts_at",
        "place",
        "interviewers",
        "held_at",
        "cancelled_at",
        "note",
        "logged_by",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Interview | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Interview | None = None) -> bool:
        return False  # what does not take place is cancelled

    @admin.display(description="Candidate", ordering="application__candidate__first_name")
    def candidate(self, interview: Interview) -> str:
        return str(interview.application.candidate)

    @admin.display(description="Job", ordering="application__job__title")
    def job(self, interview: Interview) -> str:
        return str(interview.application.job)

    @display(description="State", label={"Held": "success", "Cancelled": "danger"})
    def state(self, interview: Interview) -> str:
        if interview.held_at:
            return "Held"
        return "Cancelled" if interview.cancelled_at else "Planned"
