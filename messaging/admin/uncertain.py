"""Messages of which nobody can prove whether they left: what is known of each, and the two things that a person can do. What
they lead to is in messaging/delivery/resolving.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldBooleanWidget

from messaging import facts, gate
from messaging.admin import desk
from messaging.delivery import reading, resolving
from messaging.models import Message
from pipeline.outcomes import Refusal

Status = Message.Status
PER_PAGE = 50


class RiskForm(forms.Form):
    accepts = forms.BooleanField(
        label="I accept that the candidate may get this mail twice.",
        widget=UnfoldBooleanWidget,
        error_messages={"required": "Say that you accept it, or leave it as it is."},
    )


def show_all(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Oldest first: who waits longest knows least."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    uncertain = Message.objects.filter(status=Status.UNCERTAIN).order_by("status_at", "pk")
    joined = uncertain.select_related("application__candidate", "application__job")
    context = model_admin.admin_site.each_context(request) | {
        "title": "Uncertain mail",
        "page": Paginator(joined, PER_PAGE).get_page(request.GET.get("p")),
    }
    return TemplateResponse(request, "messaging/message/uncertain_list.html", context)


def show(model_admin: ModelAdmin, request: HttpRequest, pk: int, *, form: RiskForm | None = None) -> HttpResponse:
    message = _find(pk)
    if not model_admin.has_view_permission(request, message):
        raise PermissionDenied
    if message.status != Status.UNCERTAIN:
        return redirect("admin:messaging_message_change", pk)
    attempts = list(message.attempts.order_by("number"))
    case = gate.preview(message, now=timezone.now())
    letter = reading.lay_out(
        sender=case.sender, recipient=message.recipient, subject=message.subject, body=message.body
    )
    context = model_admin.admin_site.each_context(request) | {
        "title": f"Was it sent? {message}",
        "opts": model_admin.opts,
        "original": message,
        "message": message,
        "attempts": attempts,
        "events": list(message.provider_events.all()),
        "hand_off": message.hand_offs.open().select_related("owner").first(),
        "letter": letter,
        "form": form or RiskForm(),
        "may_answer": desk.may_answer(request),
    }
    return TemplateResponse(request, "messaging/message/uncertain.html", context)


def say_it_was_sent(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    message = _find(pk)
    refused = _who_may_not(request)
    if refused is not None:
        return refused
    note = "Said that it was sent."
    return _settle(model_admin, request, message, act=resolving.say_it_was_sent, note=note)


def send_again(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    message = _find(pk)
    refused = _who_may_not(request)
    if refused is not None:
        return refused
    form = RiskForm(request.POST)
    if not form.is_valid() and message.status == Status.UNCERTAIN:
        return show(model_admin, request, pk, form=form)
    note = "Had it sent again, and accepted that it may arrive twice."
    return _settle(model_admin, request, message, act=resolving.send_again, note=note)


def _settle(
    model_admin: ModelAdmin, request: HttpRequest, message: Message, *, act: Callable[..., Any], note: str
) -> HttpResponse:
    answer = act(message, by=desk.person_of(request), now=timezone.now())
    if isinstance(answer, Refusal):
        messages.warning(request, answer.sentence)
    else:
        model_admin.log_change(request, message, note)
        messages.success(request, answer.status_reason)
    return redirect("admin:messaging_message_change", message.pk)


def _who_may_not(request: HttpRequest) -> HttpResponse | None:
    if not desk.may_answer(request):
        raise PermissionDenied
    return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])


def _find(pk: int) -> Message:
    found = facts.with_context(Message.objects.all()).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
