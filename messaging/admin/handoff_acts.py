"""What a person does with a hand-off beside answering it: take it, give it to somebody, put it off. Each is one POST."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from messaging import handoffs, working_days
from messaging.admin import desk
from messaging.admin.desk import OwnerForm
from messaging.models import HandOff, Snooze
from pipeline.models import User
from pipeline.outcomes import Refusal

LIST = "admin:messaging_handoff_changelist"
OFFERED = 120  # seconds for which the list offers to undo putting off; the hand-off's own page always does


class SnoozeForm(forms.Form):
    """The days are those that are offered now; the verb looks at them again."""

    until = forms.ChoiceField(label="Until the end of", widget=UnfoldAdminSelectWidget)
    why = forms.CharField(
        label="Why it has to wait", max_length=handoffs.REASON_LIMIT, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, hand_off: HandOff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = working_days.ahead(timezone.now(), handoffs.SNOOZE_DAYS)
        later = [day for day in days if working_days.end_of(day) > hand_off.due_at]
        self.fields["until"].choices = [(day.isoformat(), date_format(day, "l j F")) for day in later]  # type: ignore[attr-defined]
        self.fields["why"].widget.attrs["autocomplete"] = "off"


class SeenForm(forms.Form):
    """Whose it was on the page; empty for nobody."""

    seen_with = forms.IntegerField(required=False)


def claim(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """From the list or from the hand-off's own page, and back there."""
    hand_off = _find(pk)
    if not (model_admin.has_change_permission(request, hand_off) and desk.may_answer(request)):
        raise PermissionDenied
    if request.method != "POST":
        return _only_post()
    form = SeenForm(request.POST)
    seen_with = form.cleaned_data["seen_with"] if form.is_valid() else None
    claimed = handoffs.claim(hand_off, seen_with=seen_with, by=desk.person_of(request))
    if isinstance(claimed, Refusal):
        messages.error(request, claimed.sentence)
    else:
        model_admin.log_change(request, hand_off, "Claimed.")
        messages.success(request, f"{hand_off} is yours now.")
    return _back(request, hand_off)


def give(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Another owner, from the hand-off's own page."""
    hand_off = _find(pk)
    if not model_admin.has_change_permission(request, hand_off):
        raise PermissionDenied
    if request.method != "POST":
        return _only_post()
    form = OwnerForm(request.POST)
    if form.is_valid():
        assign(model_admin, request, [hand_off], to=form.cleaned_data["owner"])
    else:
        messages.error(request, "Choose the person who takes this hand-off.")
    return redirect("admin:messaging_handoff_compose", hand_off.pk)


def assign(model_admin: ModelAdmin, request: HttpRequest, chosen: list[HandOff], *, to: User) -> None:
    others = [hand_off for hand_off in chosen if hand_off.is_open and hand_off.owner_id != to.pk]
    given = handoffs.assign(others, to=to)
    if isinstance(given, Refusal):
        messages.error(request, given.sentence)
        return
    for hand_off in others:
        model_admin.log_change(request, hand_off, f"Given to {to}.")
    if given:
        messages.success(request, f"{given} hand-off{'s are' if given > 1 else ' is'} with {to} now.")
    else:
        messages.info(request, f"Nothing changed: what was chosen is with {to} already, or closed.")


def snooze(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    hand_off = _find(pk)
    if not (model_admin.has_change_permission(request, hand_off) and desk.may_answer(request)):
        raise PermissionDenied
    if request.method != "POST":
        return _only_post()
    form = SnoozeForm(request.POST, hand_off=hand_off)
    if not form.is_valid():
        messages.error(request, "Choose a later day, and say in one line why it has to wait.")
        return redirect("admin:messaging_handoff_compose", hand_off.pk)
    until = date.fromisoformat(form.cleaned_data["until"])
    put_off = handoffs.snooze(
        hand_off, until=until, reason=form.cleaned_data["why"], by=desk.person_of(request), now=timezone.now()
    )
    if isinstance(put_off, Refusal):
        messages.error(request, put_off.sentence)
        return redirect("admin:messaging_handoff_compose", hand_off.pk)
    model_admin.log_change(request, hand_off, f"Put off until {until.isoformat()}.")
    return redirect(LIST)  # where `just_put_off` says so


def end_snooze(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """The undo of putting off."""
    hand_off = _find(pk)
    if not (model_admin.has_change_permission(request, hand_off) and desk.may_answer(request)):
        raise PermissionDenied
    if request.method != "POST":
        return _only_post()
    due_again = handoffs.end_snooze(hand_off, by=desk.person_of(request), now=timezone.now())
    if isinstance(due_again, Refusal):
        messages.error(request, due_again.sentence)
    else:
        model_admin.log_change(request, hand_off, "Put off no longer.")
        messages.success(request, f"{hand_off} is due on {date_format(hand_off.due_at, 'l j F')} again.")
    return _back(request, hand_off)


def just_put_off(request: HttpRequest, *, now: datetime) -> list[Snooze]:
    """What this person put off a moment ago, while that can be undone beside the list to which it led."""
    since = now - timedelta(seconds=OFFERED)
    by_them = Snooze.objects.filter(
        snoozed_by=desk.person_of(request),
        snoozed_at__gte=since,
        due_after=F("hand_off__due_at"),
        due_before__lt=F("due_after"),
        hand_off__status=HandOff.Status.OPEN,
    )
    newest = by_them.select_related("hand_off__application__candidate").order_by("pk")
    # Put off to the same day twice, it is undone once.
    return list({snooze.hand_off_id: snooze for snooze in newest}.values())[::-1]


def _find(pk: int) -> HandOff:
    found = HandOff.objects.select_related("application__candidate").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _back(request: HttpRequest, hand_off: HandOff) -> HttpResponse:
    """To the list as it was narrowed, where that is where the person came from; never out of the admin."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.path == reverse(LIST):
        return HttpResponseRedirect(f"{reverse(LIST)}?{came_from.query}" if came_from.query else reverse(LIST))
    return redirect("admin:messaging_handoff_compose", hand_off.pk)


def _only_post() -> HttpResponse:
    return HttpResponse(status=405, headers={"Allow": "POST"})
