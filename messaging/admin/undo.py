"""Undo, on the pages to which a person comes after they sent something."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from messaging import undo
from messaging.admin import desk
from messaging.models import HandOff, Message
from pipeline.outcomes import Refusal


def offers(request: HttpRequest, *, now: datetime) -> list[dict[str, Any]]:
    """For `messaging/compose/undo.html`: each message with the whole seconds that are left."""
    waiting = undo.can_be_taken_back(by=desk.person_of(request), now=now)
    return [{"message": message, "seconds": int((message.due_at - now).total_seconds())} for message in waiting]


def take_back(model_admin: ModelAdmin, request: HttpRequest, message_pk: int) -> HttpResponse:
    """Leads to where the text is again: the hand-off, or the page on which it was written."""
    if not desk.may_answer(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    person = desk.person_of(request)
    message = Message.objects.select_related("application__candidate").filter(pk=message_pk, written_by=person).first()
    if message is None:
        raise Http404
    taken = undo.take_back(message, by=person, now=timezone.now())
    if isinstance(taken, Refusal):
        messages.error(request, taken.sentence)
        return redirect("admin:messaging_handoff_changelist")
    messages.success(request, f"Taken back: nothing went to {message.application.candidate}. Your text is here again.")
    if isinstance(taken, HandOff):
        model_admin.log_change(request, taken, "Open again: the answer was taken back.")
        return redirect("admin:messaging_handoff_compose", taken.pk)
    page = reverse("admin:messaging_message_write", args=[message.application_id])
    return redirect(f"{page}?again={message.public_id}")
