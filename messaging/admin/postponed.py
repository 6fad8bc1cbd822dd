"""Undo of what a person just postponed, on the pages of the outbox."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from messaging import outgoing
from messaging.admin.desk import person_of
from messaging.admin.outbox_acts import MAY_ACT
from messaging.models import Message


def offer(request: HttpRequest, *, now: datetime) -> list[Message]:
    """For `messaging/outbox/undo.html`."""
    person = person_of(request)
    return outgoing.can_be_put_back(by=person, now=now) if person.has_perm(MAY_ACT) else []


@require_POST
@permission_required(["messaging.view_message", MAY_ACT], raise_exception=True)
def put_back(request: HttpRequest) -> HttpResponse:
    now, person = timezone.now(), person_of(request)
    waiting = outgoing.can_be_put_back(by=person, now=now)
    answers = [outgoing.put_back(message, by=person, now=now) for message in waiting]
    back = [answer for answer in answers if isinstance(answer, Message)]
    LogEntry.objects.log_actions(person.pk, back, CHANGE, "Given its earlier time again.")
    if back:
        number = "1 message has its" if len(back) == 1 else f"{len(back)} messages have their"
        messages.success(request, f"{number} earlier time again.")
    else:
        messages.warning(request, "What you postponed left, or got another time since. Nothing was changed.")
    return redirect("outbox:list")
