"""The page on which an administrator corrects a reach that was recorded wrongly."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from messaging.admin.desk import person_of
from messaging.corrections import correct_reach
from pipeline import milestones
from pipeline.milestones import Milestone
from pipeline.models import Candidate
from pipeline.outcomes import Refusal

PERMISSION = "pipeline.correct_reach"


class ReachForm(forms.Form):
    to = forms.TypedChoiceField(
        label="They really reached", coerce=int, choices=milestones.CHOICES, widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(
        label="Why the record was wrong", max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )

    def __init__(self, *args: object, candidate: Candidate, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = cast(forms.ChoiceField, self.fields["to"])
        field.choices = [("", "Choose…")] + [choice for choice in milestones.CHOICES if choice[0] < candidate.reach]


def show(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    candidate = model_admin.get_object(request, object_id)
    if candidate is None:
        raise Http404
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = ReachForm(request.POST or None, candidate=candidate)
    if request.method == "POST" and form.is_valid():
        corrected = correct_reach(
            candidate,
            to=Milestone(form.cleaned_data["to"]),
            reason=form.cleaned_data["reason"],
            by=person_of(request),
            now=timezone.now(),
        )
        if not isinstance(corrected, Refusal):
            model_admin.log_change(request, candidate, f"Corrected the reach: {corrected.reason}")
            messages.success(request, f"The reach of {candidate} is {corrected.get_to_reach_display().lower()} now.")
            return redirect("admin:pipeline_candidate_change", candidate.pk)
        form.add_error(None, corrected.sentence)
    context = model_admin.admin_site.each_context(request) | {
        "title": f"Correct the reach of {candidate}",
        "candidate": candidate,
        "form": form,
        "opts": model_admin.opts,
    }
    return TemplateResponse(request, "messaging/candidate/reach.html", context)
