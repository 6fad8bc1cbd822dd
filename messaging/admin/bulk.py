"""Moving and rejecting many applications: choose, see what will follow for whom, leave single people out, confirm. What
comes of it is on the page of the operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from messaging import bulk as many
from messaging import operations
from messaging.admin.act_forms import LONGEST_NOTE, NOTE
from messaging.admin.desk import person_of
from messaging.bulk import TYPED_ABOVE, BulkOutcome, Selected
from messaging.models import Operation, Signature, Template
from messaging.operations import Plan
from messaging.policy.floor import Touchpoint
from pipeline.models import Application, Reason, Stage, User
from pipeline.outcomes import Refusal

Kind = Operation.Kind

# How long the request itself works on it; the worker goes on, and most are done before the page is shown.
SECONDS = 2.0
AUTOMATIONS, NOTHING = "automations", "nothing"
# What may be said to people because they were moved; other kinds mean something else.
KINDS: dict[str, tuple[Touchpoint, ...]] = {
    Kind.MOVE: (
        Touchpoint.STATUS_UPDATE,
        Touchpoint.SCHEDULING,
        Touchpoint.INFORMATION_REQUEST,
        Touchpoint.INTERVIEW_PREPARATION,
    ),
    Kind.REJECT: (Touchpoint.REJECTION,),
}


class BulkForm(forms.Form):
    """`told` is a word of ours, or the key of a template."""

    kind: Operation.Kind
    selected = forms.CharField(widget=forms.HiddenInput)
    told = forms.ChoiceField(
        label="What they are told",
        initial=AUTOMATIONS,
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="Whatever you choose, the gate decides for each person: what is reserved becomes a hand-off.",
    )
    note = forms.CharField(
        required=False, max_length=LONGEST_NOTE, help_text=NOTE, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )
    field_order = ["selected", "reason", "to", "told", "note"]

    def __init__(self, *args: Any, selection: list[Selected], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["selected"] = many.write_selection(selection)
        self.selection = selection
        signed = Signature.objects.filter(wording__template=OuterRef("pk"))
        templates = Template.objects.in_use().filter(Exists(signed), touchpoint__in=KINDS[self.kind])
        self.templates = {str(template.pk): template for template in templates}
        told: Any = self.fields["told"]
        told.choices = [
            (AUTOMATIONS, "What the automations send"),
            *((pk, f"“{template}”, and nothing else of its kind") for pk, template in self.templates.items()),
            (NOTHING, "Nothing: without any message, and without hand-offs"),
        ]

    def plan(self) -> Plan:
        told = self.cleaned_data["told"] or AUTOMATIONS
        return Plan(
            kind=self.kind,
            selected=self.selection,
            to_stage=self.cleaned_data.get("to"),
            reason=self.cleaned_data.get("reason"),
            template=self.templates.get(told),
            quiet=told == NOTHING,
            note=self.cleaned_data["note"].strip(),
        )


class MoveManyForm(BulkForm):
    kind = Kind.MOVE
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


class RejectManyForm(BulkForm):
    kind = Kind.REJECT
    reason = forms.ModelChoiceField(
        queryset=Reason.objects.filter(kind=Reason.Kind.REJECTED, is_active=True),
        empty_label=None,
        widget=UnfoldAdminRadioSelectWidget,
        error_messages={"required": "Choose the reason."},
        help_text="The first part is for colleagues. Only the second may reach the candidates.",
    )


FORMS: dict[str, type[BulkForm]] = {Kind.MOVE: MoveManyForm, Kind.REJECT: RejectManyForm}
PERMISSIONS: dict[str, str] = {Kind.MOVE: "pipeline.move_application", Kind.REJECT: "pipeline.reject_application"}
TITLES: dict[str, str] = {Kind.MOVE: "Move to stage", Kind.REJECT: "Reject"}


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
    return _page(request, FORMS[verb](selection=selection), model_admin=model_admin)


def bulk(request: HttpRequest, verb: str, *, model_admin: ModelAdmin) -> HttpResponse:
    """POST with `preview` says what would follow, POST with `confirm` begins it; a GET has nothing selected."""
    if verb not in FORMS:
        raise Http404
    person = person_of(request)
    if not person.has_perm(PERMISSIONS[verb]):
        raise PermissionDenied
    selection = many.read_selection(request.POST.get("selected", ""))
    if isinstance(selection, Refusal):
        messages.error(request, selection.sentence)
        return redirect("admin:pipeline_application_changelist")
    form = FORMS[verb](request.POST, selection=_visible(request, selection, model_admin=model_admin))
    if not form.is_valid() or "change" in request.POST:
        return _page(request, form, model_admin=model_admin)
    plan = replace(form.plan(), selected=_kept(request, form.selection))
    outcome = operations.preview(plan, by=person, now=timezone.now())
    if "confirm" in request.POST:
        refusal = _why_not(request, outcome)
        if refusal is None:
            return _begin(plan, outcome, person=person)
        messages.error(request, refusal.sentence)
    return _page(request, form, model_admin=model_admin, plan=plan, preview=outcome)


def _visible(request: HttpRequest, selection: Sequence[Selected], *, model_admin: ModelAdmin) -> list[Selected]:
    """Of what a form brought back, what this person may see."""
    rows = model_admin.get_queryset(request).filter(pk__in=[one.application_id for one in selection])
    visible = set(rows.order_by().values_list("pk", flat=True))
    return [one for one in selection if one.application_id in visible]


def _kept(request: HttpRequest, selection: Sequence[Selected]) -> list[Selected]:
    """Those who are still ticked. A tick that gets lost leaves somebody out, and never takes somebody in."""
    if "shown" not in request.POST:
        return list(selection)
    kept = set(request.POST.getlist("keep"))
    return [one for one in selection if str(one.application_id) in kept]


def _why_not(request: HttpRequest, outcome: BulkOutcome) -> Refusal | None:
    """Whether what would happen is what the person saw, and how many messages they say it is."""
    if not outcome.done:
        return Refusal("Nothing happened: there is nobody left to do it to.")
    seen = set(request.POST.get("shown", "").split())
    others = [one for one in outcome.done if many.code_of(one) not in seen]
    if others:
        them = f"{len(others)} {'person' if len(others) == 1 else 'people'}"
        return Refusal(f"Nothing happened yet. For {them} it would be something else than you saw; look again.")
    if outcome.message_count > TYPED_ABOVE and request.POST.get("typed", "").strip() != str(outcome.message_count):
        return Refusal(f"Nothing happened yet. Type {outcome.message_count}, the number of messages, to go on.")
    return None


def _begin(plan: Plan, outcome: BulkOutcome, *, person: User) -> HttpResponse:
    operation = operations.begin(plan, message_count=outcome.message_count, by=person, now=timezone.now())
    LogEntry.objects.log_actions(person.pk, [operation], CHANGE, "Begun.", single_object=True)
    operations.go_on(clock=timezone.now, seconds=SECONDS)
    return redirect("admin:messaging_operation_change", operation.pk)


def _page(
    request: HttpRequest,
    form: BulkForm,
    *,
    model_admin: ModelAdmin,
    plan: Plan | None = None,
    preview: BulkOutcome | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": TITLES[form.kind],
        "opts": model_admin.opts,
        "verb": form.kind.value,
        "form": form,
        "count": len(form.selection),
        "action": reverse("admin:pipeline_application_bulk", args=[form.kind.value]),
        "back": reverse("admin:pipeline_application_changelist"),
    }
    if plan is not None and preview is not None:
        kept = {one.application_id for one in plan.selected}
        left_out = [one.application_id for one in form.selection if one.application_id not in kept]
        context |= {
            "plan": plan,
            "preview": preview,
            "codes": " ".join(many.code_of(one) for one in preview.done),
            "typed_above": TYPED_ABOVE,
            "must_type": preview.message_count > TYPED_ABOVE,
            "left_out": Application.objects.filter(pk__in=left_out).select_related("candidate", "job").order_by("pk"),
        }
    return TemplateResponse(request, "messaging/bulk/bulk.html", model_admin.admin_site.each_context(request) | context)
