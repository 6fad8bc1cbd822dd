"""The list of applications, and the page of one: where it stands, what can be done with it, and everything that happened."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display

from messaging import consequences
from messaging.admin import acts, bulk, undo
from messaging.admin.act_forms import ReceiveForm
from messaging.admin.desk import person_of
from messaging.admin.words import day
from messaging.delivery import doorbell
from messaging.models import HandOff
from messaging.timeline import timeline_of
from pipeline import actors
from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import Application, Interview
from pipeline.moves import Act

FieldSets = list[tuple[str | None, dict[str, Any]]]

STATUS_LABELS = {
    Application.Status.ACTIVE: "primary",
    Application.Status.REJECTED: "",
    Application.Status.WITHDRAWN: "",
    Application.Status.HIRED: "success",
    Application.Status.DUPLICATE: "",
}


class InterviewForm(forms.ModelForm[Interview]):
    """A held conversation is evidence of contact, and evidence is not taken back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.held_at:
            for name in ("held_at", "cancelled_at"):
                if name in self.fields:
                    self.fields[name].disabled = True


class InterviewInline(StackedInline):
    model = Interview
    form = InterviewForm
    fields = [("kind", "starts_at"), ("place", "interviewers"), ("held_at", "cancelled_at"), "note"]
    verbose_name = "conversation"
    verbose_name_plural = "conversations"
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interview]:
        # Each is headed by its candidate.
        return super().get_queryset(request).select_related("application__candidate")  # type: ignore[no-any-return]

    def has_delete_permission(self, request: HttpRequest, obj: Interview | None = None) -> bool:
        return False  # what does not take place is cancelled


class ToldFilter(admin.SimpleListFilter):
    title = "told of the outcome"
    parameter_name = "told"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Decided, not told yet"), ("yes", "Told")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Application]) -> QuerySet[Application]:
        if self.value() == "no":
            return queryset & Application.objects.decided_but_not_told()
        if self.value() == "yes":
            return queryset.filter(told_at__isnull=False)
        return queryset


class HandOffFilter(admin.SimpleListFilter):
    title = "hand-off"
    parameter_name = "hand_off"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("mine", "Open, and mine")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Application]) -> QuerySet[Application]:
        waiting = HandOff.objects.open().filter(application=OuterRef("pk"))
        if self.value() == "mine":
            waiting = waiting.filter(owner=request.user.pk)
        return queryset.filter(Exists(waiting)) if self.value() in ("open", "mine") else queryset


@admin.register(Application)
class ApplicationAdmin(AsReadAdmin, ModelAdmin):
    nothing_yet = "Nobody applied yet. Applications come with an import, or you add one."
    list_display = ["who", "job", "stage", "status_label", "told_label", "hand_off", "since", "applied"]
    list_display_links = ["who"]
    list_filter = ["status", ToldFilter, HandOffFilter, "job", "stage__milestone", "job__recruiter", "reason"]
    list_select_related = ["candidate", "job", "stage"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["candidate__first_name", "candidate__last_name", "candidate__email", "job__title"]
    search_help_text = "Name, address or job"
    actions = ["move_to_stage", "reject"]
    inlines = [InterviewInline]
    readonly_fields = [
        "candidate",
        "job",
        "stage",
        "status",
        "applied_at",
        "stage_entered_at",
        "decided_at",
        "decided_by",
        "reason",
        "reason_shared",
        "told_at",
        "told_how",
        "told_by",
    ]
    standing: FieldSets = [
        (None, {"fields": ["candidate", "job", "stage", "status", "applied_at", "stage_entered_at"]})
    ]
    outcome: FieldSets = [
        ("Decided", {"fields": ["decided_at", "decided_by", "reason", "reason_shared"]}),
        ("Told", {"fields": ["told_at", "told_how", "told_by"]}),
    ]

    # --- The list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        waiting = HandOff.objects.open().filter(application=OuterRef("pk"))
        return super().get_queryset(request).annotate(hand_off_open=Exists(waiting))  # type: ignore[no-any-return]

    @display(description="Candidate", ordering="candidate__first_name", header=True)
    def who(self, application: Application) -> list[str]:
        return [application.candidate.full_name, application.candidate.email]

    @display(description="Status", ordering="status", label=STATUS_LABELS)
    def status_label(self, application: Application) -> tuple[str, str]:
        return application.status, application.get_status_display()

    @display(description="Told", ordering="told_at", label={"Not yet": "warning"}, empty_value="")
    def told_label(self, application: Application) -> str:
        if application.told_at is not None:
            return application.get_told_how_display()
        return "Not yet" if application.is_decided_but_not_told else ""

    @display(description="Hand-off", label={"Open": "warning"}, empty_value="")
    def hand_off(self, application: Application) -> str:
        return "Open" if application.hand_off_open else ""  # type: ignore[attr-defined]

    @admin.display(description="In stage since", ordering="stage_entered_at")
    def since(self, application: Application) -> str:
        return day(application.stage_entered_at)

    @admin.display(description="Applied", ordering="applied_at")
    def applied(self, application: Application) -> str:
        return day(application.applied_at)

    def has_move_permission(self, request: HttpRequest) -> bool:
        return person_of(request).has_perm(acts.MOVE)

    def has_reject_permission(self, request: HttpRequest) -> bool:
        return person_of(request).has_perm(acts.REJECT)

    def has_delete_permission(self, request: HttpRequest, obj: Application | None = None) -> bool:
        return False  # its history would go with it

    @admin.action(description="Move to stage…", permissions=["move"])
    def move_to_stage(self, request: HttpRequest, queryset: QuerySet[Application]) -> HttpResponse | None:
        return bulk.start(request, queryset, "move", model_admin=self)

    @admin.action(description="Reject…", permissions=["reject"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Application]) -> HttpResponse | None:
        return bulk.start(request, queryset, "reject", model_admin=self)

    # --- The page of one ---

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("bulk/<slug:verb>/", view(partial(bulk.bulk, model_admin=self)), name="pipeline_application_bulk"),
            path(
                "<path:object_id>/do/<slug:verb>/",
                view(partial(acts.act, model_admin=self)),
                name="pipeline_application_act",
            ),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def get_fieldsets(self, request: HttpRequest, obj: Application | None = None) -> FieldSets:
        return self.standing if obj is None or obj.decided_at is None else self.standing + self.outcome

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        application = self.get_object(request, object_id)
        if application is not None and self.has_view_permission(request, application):
            extra_context = (extra_context or {}) | {
                "entries": timeline_of(application.candidate, now=timezone.now()),
                "undoable": undo.offers(request, now=timezone.now()),
                "show_save_and_add_another": False,
                "show_save_and_continue": False,
                "status_tone": STATUS_LABELS[Application.Status(application.status)],
                **acts.context_of(application, request),
            }
        return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Application | None:
        found: Application | None = super().get_object(request, object_id, from_field)
        return found

    @admin.display(description="What they may be told")
    def reason_shared(self, application: Application) -> str:
        return application.reason.shareable if application.reason else ""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for interview in formset.save(commit=False):
            if interview.pk is None:
                interview.logged_by = person_of(request)
            interview.save()
        formset.save_m2m()
        consequences.look_again(form.instance.candidate_id, now=timezone.now())

    # --- Adding one by hand ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ReceiveForm(request.POST or None, initial=request.GET.dict(), admin_site=self.admin_site)
        if form.is_valid():
            act = Act(
                by=actors.person(person_of(request).pk), now=timezone.now(), note=form.cleaned_data["note"].strip()
            )
            received = consequences.receive(form.cleaned_data["candidate"], form.cleaned_data["job"], act=act)
            if not received.refusal:
                return self._added(request, received)
            form.add_error(None, received.refusal)
        context = self.admin_site.each_context(request) | {
            "title": "Add application",
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "messaging/application/add.html", context)

    def _added(self, request: HttpRequest, received: consequences.Consequence) -> HttpResponse:
        application = Application.objects.get(pk=received.application_id)
        if received.messages:
            doorbell.ring()
        self.log_addition(request, application, "Added by hand.")
        messages.success(request, f"{application} was added. {acts.in_words(received)}".strip())
        return redirect("admin:pipeline_application_change", application.pk)
