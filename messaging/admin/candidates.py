"""The list of candidates, and the page of one: who they are, where they stand, and everything that happened."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import ValidationError
from django.db.models import Count, DateTimeField, OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSplitDateTimeVerticalWidget, UnfoldAdminTextInputWidget

from messaging.admin import candidate_page, merges, reach, silences
from messaging.admin.act_forms import name_with_address
from messaging.admin.words import day
from messaging.models import HandOff
from pipeline import candidates
from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import Application, Candidate
from pipeline.outcomes import Refusal


class CandidateForm(forms.ModelForm[Candidate]):
    # Not an EmailField of Django's: what is an address is decided in one place, pipeline/intake/addresses.py.
    email = forms.CharField(label="Address", max_length=320, widget=UnfoldAdminTextInputWidget)

    def clean_email(self) -> str:
        read = candidates.read_own_address(self.cleaned_data["email"], candidate_id=self.instance.pk)
        if isinstance(read, Refusal):
            raise ValidationError(read.sentence)
        candidates.give_address(self.instance, read)
        return read.address

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"].strip()
        if zone and zone not in available_timezones():
            raise ValidationError(f"“{zone}” is not a time zone. Write one like Europe/Madrid, or leave it empty.")
        return zone


class CandidateSearchView(AutocompleteJsonView):
    """Behind the field that finds a candidate on another page."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return super().serialize_result(obj, to_field_name) | {"text": name_with_address(obj)}


@admin.register(Candidate)
class CandidateAdmin(AsReadAdmin, ModelAdmin):
    form = CandidateForm
    list_display = ["who", "reach_label", "where", "open_hand_offs", "came_from", "created"]
    list_filter = [
        "reach",
        "applications__status",
        "applications__job",
        ("do_not_contact_at", admin.EmptyFieldListFilter),
        ("talent_pool_consent_at", admin.EmptyFieldListFilter),
        ("email_flag", admin.EmptyFieldListFilter),
        ("created_at", admin.DateFieldListFilter),
    ]
    list_per_page = 50
    nothing_yet = (
        "Candidates come with an import or an application, or are added by hand. "
        "One person is one candidate, whatever they apply for."
    )
    show_full_result_count = False
    # Whoever was merged is found by what they were called there, too.
    search_fields = ["first_name", "last_name", "email", "phone", "merged_records__email", "merged_records__last_name"]
    search_help_text = "Name, address or phone number"
    readonly_fields = ["reach", "email_flag", "external_source", "external_id", "created_at", "do_not_contact_at"]
    fieldsets = [
        (None, {"fields": ["first_name", "last_name", "email", "email_flag", "phone", "time_zone"]}),
        ("What they agreed to", {"fields": ["talent_pool_consent_at", "do_not_contact_at"]}),
        ("Where they come from", {"fields": ["came_from", "external_source", "external_id", "created_at", "reach"]}),
    ]
    formfield_overrides = {DateTimeField: {"widget": UnfoldAdminSplitDateTimeVerticalWidget}}
    add_fieldsets = [(None, {"fields": ["first_name", "last_name", "email", "phone", "time_zone", "came_from"]})]

    def has_delete_permission(self, request: HttpRequest, obj: Candidate | None = None) -> bool:
        return False  # their history would go with them

    def get_queryset(self, request: HttpRequest) -> QuerySet[Candidate]:
        # Counted for the rows of one page; a join would be counted for every candidate there is.
        waiting = HandOff.objects.open().filter(application__candidate=OuterRef("pk")).order_by()
        counted = waiting.values("application__candidate").annotate(count=Count("pk")).values("count")
        return (  # type: ignore[no-any-return]
            super()
            .get_queryset(request)
            .filter(merged_into__isnull=True)
            .prefetch_related(
                Prefetch(
                    "applications", queryset=Application.objects.select_related("job", "stage").order_by("-applied_at")
                )
            )
            .annotate(open_hand_off_count=Subquery(counted))
        )

    def get_urls(self) -> list[URLPattern]:
        search = self.admin_site.admin_view(CandidateSearchView.as_view(admin_site=self.admin_site))
        return [
            path("search/", search, name="pipeline_candidate_search"),
            path(
                "<path:object_id>/reach/",
                self.admin_site.admin_view(self.reach_view),
                name="pipeline_candidate_reach",
            ),
            path(
                "<path:object_id>/silence/",
                self.admin_site.admin_view(self.silence_view),
                name="pipeline_candidate_silence",
            ),
            path(
                "<path:object_id>/merge/",
                self.admin_site.admin_view(self.merge_view),
                name="pipeline_candidate_merge",
            ),
            path(
                "<path:object_id>/unmerge/<int:merge_id>/",
                self.admin_site.admin_view(self.unmerge_view),
                name="pipeline_candidate_unmerge",
            ),
            *super().get_urls(),
        ]

    def reach_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return reach.show(self, request, object_id)

    def silence_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return silences.show(self, request, object_id)

    def merge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return merges.merge(self, request, object_id)

    def unmerge_view(self, request: HttpRequest, object_id: str, merge_id: int) -> HttpResponse:
        return merges.unmerge(self, request, object_id, merge_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What is known of them; with `edit`, the form of what people enter themselves."""
        candidate = self.get_object(request, object_id)
        if candidate is None and (kept := _kept_instead_of(object_id)):
            return redirect("admin:pipeline_candidate_change", kept.pk)
        is_reading = request.method == "GET" and "edit" not in request.GET
        if candidate is not None and is_reading and self.has_view_permission(request, candidate):
            return candidate_page.show(self, request, candidate)
        extra_context = (extra_context or {}) | {
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]

    def response_post_save_change(self, request: HttpRequest, obj: Candidate) -> HttpResponse:
        return redirect("admin:pipeline_candidate_change", obj.pk)

    @display(description="Candidate", ordering="first_name", header=True)
    def who(self, candidate: Candidate) -> list[str]:
        return [candidate.full_name, candidate.email]

    @display(
        description="Reach",
        ordering="reach",
        label={"Applied": "", "Review": "", "None yet": "", "Hired": "success"},
    )
    def reach_label(self, candidate: Candidate) -> str:
        return candidate.get_reach_display()

    @admin.display(description="Known since", ordering="created_at")
    def created(self, candidate: Candidate) -> str:
        return day(candidate.created_at)

    @display(description="Where they stand")
    def where(self, candidate: Candidate) -> str:
        return " · ".join(_standing(application) for application in candidate.applications.all()) or "No application"

    @display(description="Open hand-offs", empty_value="")
    def open_hand_offs(self, candidate: Candidate) -> int | None:
        return candidate.open_hand_off_count  # type: ignore[attr-defined,no-any-return]


def _kept_instead_of(object_id: str) -> Candidate | None:
    """The record that stands for one that was merged away."""
    away = Candidate.objects.filter(pk=object_id, merged_into__isnull=False).first() if object_id.isdecimal() else None
    return candidates.stand_in(away) if away else None


def _standing(application: Application) -> str:
    if application.status == Application.Status.ACTIVE:
        return f"{application.job}: {application.stage}"
    return f"{application.job}: {application.get_status_display().lower()}"
