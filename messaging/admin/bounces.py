"""A mail that did not arrive: what the provider said, the address to correct, and what follows from sending it again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminTextInputWidget

from messaging import bounces, facts
from messaging.admin.desk import person_of
from messaging.bounces import How
from messaging.models import BounceAnswer, Message
from pipeline.intake.addresses import canonical_address
from pipeline.models import User
from pipeline.outcomes import Refusal

NEEDED = ("pipeline.change_candidate", "messaging.cancel_message")


class AddressForm(forms.Form):
    address = forms.CharField(
        label="Address of the candidate",
        max_length=320,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "spellcheck": "false", "inputmode": "email"}),
        error_messages={"required": "Write the address."},
    )


class NoteForm(forms.Form):
    note = forms.CharField(
        label="Why nothing is to be done",
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
    )


def may_answer(person: User) -> bool:
    return person.has_perms(NEEDED)


@require_http_methods(["GET", "POST"])
@permission_required("messaging.view_message", raise_exception=True)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """POST with `again`, `correct` or `leave` does it."""
    message = facts.with_context(Message.objects.filter(pk=pk)).first()
    if message is None or (message.delivery or 0) < Message.Delivery.REJECTED:
        raise Http404
    address, note = AddressForm(initial={"address": message.application.candidate.email}), NoteForm()
    if request.method == "POST":
        if not may_answer(person_of(request)):
            raise PermissionDenied
        if "leave" in request.POST:
            note = NoteForm(request.POST)
            answer = _leave(request, message, note)
        else:
            address = AddressForm(request.POST)
            answer = _correct(request, message, address)
        if answer is not None:
            return answer
    return TemplateResponse(request, "messaging/outbox/bounce.html", _context(request, message, address, note))


def _context(request: HttpRequest, message: Message, address: AddressForm, note: NoteForm) -> dict[str, Any]:
    candidate = message.application.candidate
    answered = BounceAnswer.objects.filter(message=message).select_related("answered_by", "again", "hand_off").first()
    return admin.site.each_context(request) | {
        "title": f"Did not arrive: {message}" if message.delivery in Message.NOT_ARRIVED else f"Spam: {message}",
        "message": message,
        "candidate": candidate,
        "events": list(message.provider_events.all()),
        "answered": answered,
        "arrived": message.delivery not in Message.NOT_ARRIVED,
        "is_corrected": canonical_address(candidate.email) != canonical_address(message.recipient),
        "case": None if answered else bounces.preview_again(message, now=timezone.now()),
        "address": address,
        "note": note,
        "may_answer": may_answer(person_of(request)),
    }


def _correct(request: HttpRequest, message: Message, form: AddressForm) -> HttpResponse | None:
    """None: the page once more, with what is wrong."""
    person, candidate = person_of(request), message.application.candidate
    if not form.is_valid():
        return None
    before = candidate.email
    corrected = bounces.correct_address(candidate, form.cleaned_data["address"])
    if isinstance(corrected, Refusal):
        form.add_error("address", corrected.sentence)
        candidate.refresh_from_db()
        return None
    if corrected.email != before:
        LogEntry.objects.log_actions(person.pk, [corrected], CHANGE, "Corrected the address.", single_object=True)
    if "again" not in request.POST:
        messages.success(request, f"The address of {candidate} is {candidate.email} now. Nothing was sent.")
        return redirect("outbox:bounce", message.pk)
    answer = bounces.send_again(message, by=person, now=timezone.now())
    if isinstance(answer, Refusal):
        form.add_error("address", answer.sentence)
        return None
    return _say(request, answer)


def _say(request: HttpRequest, answer: BounceAnswer) -> HttpResponse:
    person, message = person_of(request), answer.message
    LogEntry.objects.log_actions(person.pk, [message], CHANGE, "Answered that it bounced.", single_object=True)
    if answer.hand_off is not None:
        owner = answer.hand_off.owner or "nobody yet"
        messages.warning(request, f"It became a hand-off for {owner}: a person has to send it.")
        return redirect("admin:messaging_handoff_compose", answer.hand_off_id)
    again = answer.again
    if answer.how == How.AGAIN and again is not None:
        if again.status == Message.Status.CANCELLED:
            messages.warning(request, f"It was not sent again. {again.status_reason}")
        else:
            messages.success(request, "It is scheduled for now and goes to the new address.")
        return redirect("admin:messaging_message_change", again.pk)
    messages.success(request, "It is left as it is.")
    return redirect("outbox:list")


def _leave(request: HttpRequest, message: Message, form: NoteForm) -> HttpResponse | None:
    form.is_valid()
    answer = bounces.leave(message, note=form.cleaned_data.get("note", ""), by=person_of(request), now=timezone.now())
    if isinstance(answer, Refusal):
        form.add_error("note", answer.sentence)
        return None
    return _say(request, answer)
