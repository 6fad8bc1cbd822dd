"""Jobs: what people are hired for, and who looks after it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import Application, Job, User


@admin.register(Job)
class JobAdmin(AsReadAdmin, ModelAdmin):
    actions_detail = ["open_board"]
    nothing_yet = "No job yet. Add what you hire for, and who looks after it."
    list_display = [
        "title",
        "department",
        "location",
        "status_label",
        "pipeline",
        "recruiter",
        "coordinator",
        "open_count",
        "board",
    ]
    list_filter = ["status", "pipeline", "recruiter"]
    list_select_related = ["pipeline", "recruiter", "coordinator"]
    list_per_page = 50
    search_help_text = "Title, department or place"
    search_fields = ["title", "department", "location", "external_id"]
    readonly_fields = ["created_at"]
    fieldsets = [
        (None, {"fields": ["title", "status", "pipeline", "department", "location"]}),
        (
            "Who looks after it",
            {
                "description": "What a machine may not send becomes a task of the recruiter, else of the coordinator.",
                "fields": ["recruiter", "coordinator", "hiring_manager"],
            },
        ),
        ("Import", {"classes": ["collapse"], "fields": ["external_id", "created_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        # Not a join: whoever needs the jobs alone, the board's switcher for example, does not count every application.
        active = Application.objects.active().filter(job=OuterRef("pk")).order_by().values("job")
        count = Coalesce(Subquery(active.annotate(count=Count("pk")).values("count")), 0)
        return super().get_queryset(request).annotate(active=count)  # type: ignore[no-any-return]

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> list[str]:
        # Whoever applied stands in a stage of this pipeline; in another one they would stand nowhere.
        has_started = obj is not None and obj.applications.exists()
        return [*self.readonly_fields, "pipeline"] if has_started else self.readonly_fields

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        if db_field.related_model is User:
            # A plain choice: the search behind an autocomplete is for who may see the page of people.
            kwargs["queryset"] = User.objects.order_by("first_name", "last_name", "username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[no-any-return]

    @display(description="Status", ordering="status", label={"Open": "success"})
    def status_label(self, job: Job) -> str:
        return job.get_status_display()

    @display(description="Active applications", ordering="active")
    def open_count(self, job: Job) -> int:
        return job.active  # type: ignore[attr-defined,no-any-return]

    @action(description="Board", url_path="board", icon="view_kanban", permissions=["view"])
    def open_board(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not object_id.isdecimal():
            raise Http404
        return redirect("board:job", int(object_id))

    @admin.display(description="Board")
    def board(self, job: Job) -> str:
        return format_html('<a href="{}">Open</a>', reverse("board:job", args=[job.pk]))
