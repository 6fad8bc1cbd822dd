"""A person's own page: their time zone, what stands under what they write, the days on which they work, and who stands in
while they are away."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from messaging import absences, working_days
from messaging.admin.desk import ColleagueField, person_of
from messaging.admin.outbox_acts import DayInput
from pipeline.models import User
from pipeline.models.user import MONDAY_TO_FRIDAY
from pipeline.outcomes import Refusal

DAYS = list(enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), start=1))
SIGNATURE_LINES = 6


class ProfileForm(forms.ModelForm[User]):
    working_days = forms.MultipleChoiceField(
        label="Days on which you work",
        choices=DAYS,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="A hand-off is due on one of them. No candidate waits more than "
        f"{working_days.AT_MOST_LONGER} working days longer because of it.",
        error_messages={"required": "Choose at least one day."},
    )

    class Meta:
        model = User
        fields = ["title", "phone", "time_zone", "signature", "working_days"]
        widgets = {
            "title": UnfoldAdminTextInputWidget,
            "phone": UnfoldAdminTextInputWidget({"autocomplete": "tel"}),
            "signature": UnfoldAdminTextareaWidget({"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["working_days"] = list(self.instance.working_days or MONDAY_TO_FRIDAY)
        organisations = f"The organisation’s: {timezone.get_default_timezone_name()}"
        self.fields["time_zone"] = forms.ChoiceField(
            label="Time zone",
            required=False,
            choices=[("", organisations), *((zone, zone.replace("_", " ")) for zone in sorted(_places()))],
            widget=UnfoldAdminSelectWidget,
            help_text="In which you read times. Due dates and what counts as a day stay the organisation’s.",
        )

    def clean_time_zone(self) -> str | None:
        return self.cleaned_data["time_zone"] or None

    def clean_signature(self) -> str | None:
        lines = [line.rstrip() for line in (self.cleaned_data["signature"] or "").strip().splitlines()]
        if len(lines) > SIGNATURE_LINES:
            raise forms.ValidationError(f"A signature has at most {SIGNATURE_LINES} lines.")
        return "\n".join(lines) or None

    def clean_working_days(self) -> str | None:
        days = "".join(sorted(self.cleaned_data["working_days"]))
        return None if days == MONDAY_TO_FRIDAY else days


class AbsenceForm(forms.Form):
    replaces = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)
    first = forms.DateField(label="First day away", widget=DayInput)
    last = forms.DateField(label="Last day away", widget=DayInput)
    stand_in = ColleagueField(
        label="Stand-in",
        queryset=User.objects.none(),
        required=False,
        empty_label="Nobody: the job’s coordinator, or unassigned",
        widget=UnfoldAdminSelectWidget,
        help_text="Gets the hand-offs that would become yours meanwhile.",
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.with_perm("messaging.answer_handoff").exclude(pk=person.pk)
        stand_in: Any = self.fields["stand_in"]
        stand_in.queryset = colleagues.order_by("first_name", "last_name", "pk")


@lru_cache(maxsize=1)
def _places() -> set[str]:
    """Without the historical names, of which nobody knows what they are."""
    return {zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))} | {
        "UTC"
    }


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """Everybody has one, and nobody has another's. A POST does what its button says."""
    person = User.objects.select_related("stand_in").get(pk=person_of(request).pk)
    profile = ProfileForm(instance=person)
    absence = AbsenceForm(person=person, initial=_to_change(person, request.GET.get("change", "")))
    if request.method == "POST":
        if "save" in request.POST:
            profile = ProfileForm(request.POST, instance=person)
            if profile.is_valid():
                return _save(request, profile)
        elif "away" in request.POST:
            absence = AbsenceForm(request.POST, person=person)
            if absence.is_valid() and _plan(request, person, absence):
                return redirect("profile:page")
        else:
            _change_hands(request, person)
            return redirect("profile:page")
    return TemplateResponse(request, "messaging/profile/page.html", _context(request, profile, absence))


def _to_change(person: User, key: str) -> dict[str, Any]:
    """What the form begins with: the absence that the address names, else nothing."""
    for one in absences.planned(person, now=timezone.now()) if key else ():
        if one.key == key:
            return {"first": one.first, "last": one.last, "stand_in": one.stand_in, "replaces": key}
    return {}


def _context(request: HttpRequest, profile: ProfileForm, absence: AbsenceForm) -> dict[str, Any]:
    # As stored: a form that was refused has written into its own person.
    person = User.objects.select_related("stand_in").get(pk=person_of(request).pk)
    notice = absences.notice(person, now=timezone.now())
    planned = absences.planned(person, now=timezone.now())
    is_next = bool(planned) and planned[0].first == person.away_from
    return admin.site.each_context(request) | {
        "title": "Profile",
        "person": person,
        "profile": profile,
        "absence": absence,
        "planned": planned,
        "is_change": bool(absence["replaces"].value()),
        "is_away": notice.away_until is not None,
        # Of the nearest, unless it waits until what the one before left is settled.
        "there": absences.stand_in_of(person) if is_next else None,
        "to_hand_over": absences.to_hand_over(person).count() if is_next else 0,
        "to_take_back": notice.to_take_back,
    }


def _save(request: HttpRequest, profile: ProfileForm) -> HttpResponse:
    person: User = profile.instance
    person.save(update_fields=ProfileForm.Meta.fields)
    LogEntry.objects.log_actions(person.pk, [person], CHANGE, "Changed their profile.", single_object=True)
    messages.success(request, "Your profile is saved.")
    return redirect("profile:page")


def _plan(request: HttpRequest, person: User, form: AbsenceForm) -> bool:
    planned = absences.plan(person, **form.cleaned_data, now=timezone.now())
    if isinstance(planned, Refusal):
        form.add_error(None, planned.sentence)
        return False
    LogEntry.objects.log_actions(person.pk, [person], CHANGE, "Planned an absence.", single_object=True)
    messages.success(request, "Your absence is planned.")
    return True


def _change_hands(request: HttpRequest, person: User) -> None:
    if "back" in request.POST:
        absences.end(person, key=request.POST["back"], now=timezone.now())
        LogEntry.objects.log_actions(person.pk, [person], CHANGE, "Ended an absence.", single_object=True)
        messages.success(request, "New hand-offs become yours again.")
        return
    if "leave" in request.POST:
        absences.leave_there(person)
        messages.success(request, "They stay where they are.")
        return
    to = absences.stand_in_of(person) if "hand_over" in request.POST else person
    changed = absences.hand_over(person) if "hand_over" in request.POST else absences.take_back(person)
    if isinstance(changed, Refusal):
        messages.error(request, changed.sentence)
    else:
        messages.success(request, f"{changed} hand-off{' is' if changed == 1 else 's are'} with {to} now.")


app_name = "profile"
urlpatterns: list[URLPattern] = [path("", admin.site.admin_view(show), name="page")]
