"""What must never happen and was tried or noticed: the list, with what nobody looked at first, and closing one with what was
found out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from messaging import incidents
from messaging.admin import desk
from messaging.admin.records import History
from messaging.admin.words import short_time
from messaging.models import Incident
from pipeline.outcomes import Refusal


class NoteForm(forms.Form):
    note = forms.CharField(
        label="What was found out",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        error_messages={"required": "Write down what you found out."},
    )


@admin.register(Incident)
class IncidentAdmin(History, ModelAdmin):
    class Media:
        css = {"all": ["messaging/desk.css"]}

    nothing_yet = (
        "Nothing happened that should not. A mail that nobody cleared, a guard of the database that differs or a worker "
        "that hangs opens an incident here."
    )
    list_display = ["what", "happened", "state", "closed"]
    list_filter = ["kind", ("closed_at", admin.EmptyFieldListFilter), "at"]
    list_select_related = ["closed_by"]
    search_fields = ["sentence", "note"]
    search_help_text = "What happened, or what was found out"
    ordering = [F("closed_at").desc(nulls_first=True), "-at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    change_form_outer_before_template = "messaging/incident/close.html"
    fields = ["kind", "at", "sentence", "message"]
    fields_once_closed = (("closed_at", "closed_by"), "note")

    @display(description="incident", ordering="kind", header=True)
    def what(self, incident: Incident) -> list[str]:
        return [incident.get_kind_display(), Truncator(incident.sentence).chars(200)]

    @display(description="when", ordering="at")
    def happened(self, incident: Incident) -> str:
        return short_time(incident.at)

    @display(description="state", ordering="closed_at", label={"open": "danger", "closed": "default"})
    def state(self, incident: Incident) -> tuple[str, str]:
        return ("closed", "Closed") if incident.closed_at else ("open", "Open")

    @display(description="closed by", ordering="closed_by__first_name", empty_value="Nobody yet")
    def closed(self, incident: Incident) -> str | None:
        return str(incident.closed_by) if incident.closed_by else None

    def get_fields(self, request: HttpRequest, obj: Incident | None = None) -> list[Any]:
        return [*self.fields, *(self.fields_once_closed if obj and obj.closed_at else ())]

    def has_close_permission(self, request: HttpRequest) -> bool:
        return desk.person_of(request).has_perm("messaging.close_incident")

    def get_urls(self) -> list[URLPattern]:
        close = self.admin_site.admin_view(self.close_view)
        return [path("<int:pk>/close/", close, name="messaging_incident_close"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        panel = {"close_form": NoteForm() if self.has_close_permission(request) else None}
        page: HttpResponse = super().change_view(request, object_id, form_url, panel | (extra_context or {}))
        return page

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        incident = Incident.objects.filter(pk=pk).first()
        if incident is None:
            raise Http404
        if not self.has_close_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = NoteForm(request.POST)
        if form.is_valid():
            self._close(request, incident, note=form.cleaned_data["note"])
        else:
            messages.error(request, " ".join(str(error) for error in form.errors["note"]))
        return redirect("admin:messaging_incident_change", pk)

    def _close(self, request: HttpRequest, incident: Incident, *, note: str) -> None:
        answer = incidents.close(incident, note=note, by=desk.person_of(request), now=timezone.now())
        if isinstance(answer, Refusal):
            messages.warning(request, answer.sentence)
            return
        self.log_change(request, incident, "Closed with a note.")
        messages.success(request, "The incident is closed.")
