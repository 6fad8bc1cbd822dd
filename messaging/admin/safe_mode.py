"""Safe mode: why nothing leaves, what this database cannot know, and the two ways in which an administrator ends it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminTextareaWidget

from messaging.admin.desk import person_of
from messaging.delivery import doorbell, safe_mode
from messaging.models import Installation
from pipeline.outcomes import Refusal

END = "messaging.end_safe_mode"
HAND_OVER, GO_ON = "hand_over", "go_on"


class ReasonForm(forms.Form):
    """The verbs say what is wrong with a reason."""

    reason = forms.CharField(
        label="Why this is the right place now",
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


@require_http_methods(["GET", "POST"])
@permission_required("messaging.view_installation", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """POST with `hand_over` or `go_on` ends it; anything else only shows the page."""
    if request.method == "POST":
        if not person_of(request).has_perm(END):
            raise PermissionDenied
        _end(request)
        return redirect("safe_mode:page")
    found = safe_mode.doubt(now=timezone.now())
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": "Safe mode",
        "doubt": found,
        "form": ReasonForm(),
        "may_end": person_of(request).has_perm(END),
        "may_go_on": found is not None and found.installation.safe_why != Installation.Why.RESTORED,
        "installation": Installation.objects.select_related("ended_by").filter(pk=1).first(),
    }
    return TemplateResponse(request, "messaging/safe_mode/page.html", context)


def _end(request: HttpRequest) -> None:
    act = HAND_OVER if HAND_OVER in request.POST else GO_ON if GO_ON in request.POST else ""
    form = ReasonForm(request.POST)
    if not act or not form.is_valid():
        messages.error(request, "Nothing was changed. Choose one of the two ways on this page, with a reason.")
        return
    person, now, reason = person_of(request), timezone.now(), form.cleaned_data["reason"]
    answer: int | Refusal | None
    if act == HAND_OVER:
        answer = safe_mode.hand_over_and_go_on(reason=reason, by=person, now=now)
    else:
        answer = safe_mode.go_on(reason=reason, by=person, now=now)
    if isinstance(answer, Refusal):
        messages.error(request, answer.sentence)
        return
    ended = Installation.objects.filter(pk=1)
    LogEntry.objects.log_actions(person.pk, ended, CHANGE, "Ended safe mode.", single_object=True)
    handed_over = f" {answer} message{'' if answer == 1 else 's'} went to people." if answer is not None else ""
    messages.success(request, f"Safe mode is over; mail leaves again.{handed_over}")
    doorbell.ring()


app_name = "safe_mode"
urlpatterns: list[URLPattern] = [path("", admin.site.admin_view(page), name="page")]
