"""Moving and rejecting many applications: choose, see what will follow for whom, confirm, read what became of everybody."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from messaging import bulk as many
from messaging.admin.act_forms import LONGEST_NOTE, NOTE
from messaging.admin.desk import person_of
from messaging.bulk import BulkOutcome, Selected
from pipeline import actors
from pipeline.models import Application, Reason, Stage
from pipeline.moves import Act
from pipeline.outcomes import Refusal

# More messages than this are not sent by a click alone: whoever sets them off types how many there will be.
TYPED_ABOVE = 30


class BulkForm(forms.Form):
    selected = forms.CharField(widget=forms.HiddenInput)
    note = forms.CharField(
        required=False, max_length=LONGEST_NOTE, help_text=NOTE, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )
    field_order = ["selected", "reason", "to", "note"]

    def __init__(self, *args: Any, selection: list[Selected], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["selected"] = many.write_selection(selection)
        self.selection = selection

    def preview(self, act: Act) -> BulkOutcome:
        raise NotImplementedError

    def carry_out(self, act: Act) -> BulkOutcome:
        raise NotImplementedError


class MoveManyForm(BulkForm):
    to = forms.ModelChoiceField(
        label="Stage",
        queryset=Stage.objects.none(),
        empty_label=None,
        widget=UnfoldAdminRadioSelectWidget,
        error_messages={"required": "Choose the stage to move them to."},
    )

    def __init__(self, *args: Any, selection: list[Selected], **kwargs: Any) -> None:
        super().__init__(*args, selection=selection, **kwargs)
        pipelines = Stage.objects.filter(pk__in={one.stage_id for one in selection}).values("pipeline")
        to: Any = self.fields["to"]
        to.queryset = (
            Stage.objects.filter(pipeline__in=pipelines)
            .select_related("pipeline")
            .order_by("pipeline", "position", "pk")
        )

    def preview(self, act: Act) -> BulkOutcome:
        return many.preview_move(self.selection, to=self.cleaned_data["to"], act=act)

    def carry_out(self, act: Act) -> BulkOutcome:
        return many.move(self.selection, to=self.cleaned_data["to"], act=act)


class RejectManyForm(BulkForm):
    reason = forms.ModelChoiceField(
        queryset=Reason.objects.filter(kind=Reason.Kind.REJECTED, is_active=True),
        empty_label=None,
        widget=UnfoldAdminRadioSelectWidget,
        error_messages={"required": "Choose the reason."},
        help_text="The first part is for colleagues. Only the second may reach the candidates.",
    )

    def preview(self, act: Act) -> BulkOutcome:
        return many.preview_reject(self.selection, reason=self.cleaned_data["reason"], act=act)

    def carry_out(self, act: Act) -> BulkOutcome:
        return many.reject(self.selection, reason=self.cleaned_data["reason"], act=act)


FORMS: dict[str, type[BulkForm]] = {"move": MoveManyForm, "reject": RejectManyForm}
PERMISSIONS = {"move": "pipeline.move_application", "reject": "pipeline.reject_application"}
TITLES = {"move": "Move to stage", "reject": "Reject"}
LOGGED = {"move": "Moved together with others.", "reject": "Rejected together with others."}


def start(
    request: HttpRequest, applications: QuerySet[Application], verb: str, *, model_admin: ModelAdmin
) -> HttpResponse | None:
    """From the list: the first page, with what was selected there. None goes back to the list."""
    rows = applications.order_by("pk").values_list("pk", "stage_id")[: many.AT_MOST + 1]
    selection = [Selected(application_id=pk, stage_id=stage_id) for pk, stage_id in rows]
    if len(selection) > many.AT_MOST:
        messages.error(
            request, f"More than {many.AT_MOST} applications are selected. Select at most {many.AT_MOST} at once."
        )
        return None
    return _page(request, verb, FORMS[verb](selection=selection), model_admin=model_admin)


def bulk(request: HttpRequest, verb: str, *, model_admin: ModelAdmin) -> HttpResponse:
    """POST with `preview` says what would follow, POST with `confirm` does it; a GET has nothing selected."""
    if verb not in FORMS:
        raise Http404
    person = person_of(request)
    if not person.has_perm(PERMISSIONS[verb]):
        raise PermissionDenied
    selection = many.read_selection(request.POST.get("selected", ""))
    if isinstance(selection, Refusal):
        messages.error(request, selection.sentence)
        return redirect("admin:pipeline_application_changelist")
    form = FORMS[verb](request.POST, selection=selection)
    if not form.is_valid():
        return _page(request, verb, form, model_admin=model_admin)
    act = Act(by=actors.person(person.pk), now=timezone.now(), note=form.cleaned_data["note"].strip())
    preview = form.preview(act)
    typed = request.POST.get("typed", "").strip()
    if "confirm" not in request.POST:
        return _page(request, verb, form, model_admin=model_admin, preview=preview)
    if preview.message_count > TYPED_ABOVE and typed != str(preview.message_count):
        messages.error(
            request, f"Nothing happened yet. Type {preview.message_count}, the number of messages, to go on."
        )
        return _page(request, verb, form, model_admin=model_admin, preview=preview)
    outcome = form.carry_out(act)
    moved = Application.objects.filter(pk__in=[one.application_id for one in outcome.done])
    LogEntry.objects.log_actions(person.pk, moved, CHANGE, LOGGED[verb])
    return _page(request, verb, form, model_admin=model_admin, outcome=outcome)


def _page(
    request: HttpRequest,
    verb: str,
    form: BulkForm,
    *,
    model_admin: ModelAdmin,
    preview: BulkOutcome | None = None,
    outcome: BulkOutcome | None = None,
) -> HttpResponse:
    context = {
        "title": TITLES[verb],
        "opts": model_admin.opts,
        "verb": verb,
        "form": form,
        "count": len(form.selection),
        "preview": preview,
        "must_type": preview is not None and preview.message_count > TYPED_ABOVE,
        "outcome": outcome,
        "shown": outcome or preview,
        "action": reverse("admin:pipeline_application_bulk", args=[verb]),
        "back": reverse("admin:pipeline_application_changelist"),
    }
    return TemplateResponse(request, "messaging/bulk/bulk.html", model_admin.admin_site.each_context(request) | context)
