"""What the brake holds: which automation or operation was about to send how much, and who releases or drops it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import UnfoldAdminTextareaWidget

from messaging.admin.desk import person_of
from messaging.delivery import brake as the_brake
from messaging.delivery import doorbell
from messaging.models import Brake
from pipeline.outcomes import Refusal

RELEASE = "messaging.release_brake"
ENDED_AT_MOST = 50


class ReasonForm(forms.Form):
    """The verbs say what is wrong with a reason."""

    reason = forms.CharField(
        label="Reason", required=False, max_length=2000, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )


@require_GET
@permission_required("messaging.view_brake", raise_exception=True)
def show(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    brakes = Brake.objects.select_related("automation", "operation__by", "released_by", "dropped_by")
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": "Brakes",
        "on": [
            {
                "brake": brake,
                "held": the_brake.held(brake, now=now),
                "form": ReasonForm(auto_id=f"id_%s_{brake.pk}"),
                "is_first_person": person.pk in the_brake.first_persons(brake),
            }
            for brake in brakes.on()
        ],
        "ended": [brake for brake in brakes[:ENDED_AT_MOST] if not brake.is_on],
        "may_release": person.has_perm(RELEASE),
    }
    return TemplateResponse(request, "messaging/brake/list.html", context)


@require_POST
@permission_required(RELEASE, raise_exception=True)
def release(request: HttpRequest, pk: int) -> HttpResponse:
    brake = get_object_or_404(Brake, pk=pk)
    person = person_of(request)
    answer = the_brake.release(brake, reason=_reason_of(request), by=person, now=timezone.now())
    if isinstance(answer, Refusal):
        messages.error(request, answer.sentence)
    else:
        LogEntry.objects.log_actions(person.pk, [brake], CHANGE, "Released.", single_object=True)
        messages.success(request, f"The messages of “{brake.what}” leave now, each at its time.")
        doorbell.ring()
        doorbell.ring_for_operations()
    return redirect("brakes:list")


@require_POST
@permission_required(RELEASE, raise_exception=True)
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    brake = get_object_or_404(Brake, pk=pk)
    person = person_of(request)
    answer = the_brake.drop(brake, reason=_reason_of(request), by=person, now=timezone.now())
    if isinstance(answer, Refusal):
        messages.error(request, answer.sentence)
    else:
        LogEntry.objects.log_actions(person.pk, [brake], CHANGE, "Dropped.", single_object=True)
        messages.success(request, f"{answer} message{'' if answer == 1 else 's'} of “{brake.what}” will not leave.")
    return redirect("brakes:list")


def _reason_of(request: HttpRequest) -> str:
    form = ReasonForm(request.POST)
    return str(form.cleaned_data["reason"]) if form.is_valid() else ""


app_name = "brakes"
urlpatterns: list[URLPattern] = [
    path("", admin.site.admin_view(show), name="list"),
    path("<int:pk>/release/", admin.site.admin_view(release), name="release"),
    path("<int:pk>/drop/", admin.site.admin_view(drop), name="drop"),
]
