"""Pipelines with their stages: freely named, freely ordered, each mapped to what it means to the policy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet

from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import Pipeline, Stage


class StageFormSet(PaginationInlineFormSet):
    """The order decides what "forward" means, so two stages cannot stand at one place."""

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data and form not in self.deleted_forms]
        seen: dict[int, str] = {}
        for form in kept:
            position, name = form.cleaned_data.get("position"), form.cleaned_data.get("name", "")
            if position is None:
                continue
            if position in seen:
                raise ValidationError(
                    f"“{seen[position]}” and “{name}” both stand at place {position}. Give each stage a place of its own."
                )
            seen[position] = name


class StageForm(forms.ModelForm):
    """In a table the head of the column is all that names a field, and only to the eye."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("aria-label", str(field.label))


class StageInline(TabularInline):
    model = Stage
    form = StageForm
    formset = StageFormSet
    fields = ["name", "milestone", "position"]
    ordering = ["position", "pk"]
    ordering_field = "position"
    extra = 0
    hide_title = True

    def formfield_for_choice_field(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.TypedChoiceField | None:
        # No milestone is preselected: what a stage means is somebody's decision, and unset cannot be saved.
        if db_field.name == "milestone":
            kwargs["choices"] = [("", "What does it mean?"), *db_field.choices]
        return super().formfield_for_choice_field(db_field, request, **kwargs)  # type: ignore[no-any-return]


@admin.register(Pipeline)
class PipelineAdmin(AsReadAdmin, ModelAdmin):
    nothing_yet = "No pipeline yet. It names the steps of your jobs, and which milestone each of them is."
    list_display = ["name", "stage_names", "job_count"]
    search_help_text = "Name of a pipeline or stage"
    search_fields = ["name", "stages__name"]
    list_per_page = 50
    inlines = [StageInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pipeline]:
        jobs = Count("jobs", distinct=True)
        return super().get_queryset(request).annotate(job_count=jobs).prefetch_related("stages")  # type: ignore[no-any-return]

    @display(description="Stages")
    def stage_names(self, pipeline: Pipeline) -> str:
        return " → ".join(stage.name for stage in pipeline.stages.all()) or "None yet"

    @display(description="Jobs", ordering="job_count")
    def job_count(self, pipeline: Pipeline) -> int:
        return pipeline.job_count  # type: ignore[attr-defined,no-any-return]


@admin.register(Stage)
class StageAdmin(ModelAdmin):
    """To look a stage up, and to choose one on other pages; they are edited with their pipeline."""

    nothing_yet = "No stage yet. They are entered with their pipeline."
    list_display = ["name", "pipeline", "milestone", "position", "application_count"]
    list_filter = ["pipeline", "milestone"]
    list_select_related = ["pipeline"]
    list_per_page = 50
    search_help_text = "Name of a stage or pipeline"
    search_fields = ["name", "pipeline__name"]
    ordering = ["pipeline__name", "position"]
    readonly_fields = ["pipeline", "name", "milestone", "position"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Stage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Stage | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stage]:
        return super().get_queryset(request).annotate(application_count=Count("applications"))  # type: ignore[no-any-return]

    @display(description="Applications", ordering="application_count")
    def application_count(self, stage: Stage) -> int:
        return stage.application_count  # type: ignore[attr-defined,no-any-return]
