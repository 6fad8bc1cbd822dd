"""The page on which a person writes to a candidate because they want to, with no hand-off before it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from messaging import handoffs, writing
from messaging.admin import desk, opening
from messaging.admin.desk import WritingForm
from messaging.gate import Case
from messaging.models import HandOff, Message, choices
from messaging.policy.floor import Touchpoint
from messaging.writing import Look
from pipeline.models import Application, User

KEYS = (("Ctrl + Enter", "Send"), ("e", "To the message"), ("p", "Preview"), ("?", "Show these keys"))


class NewMessageForm(WritingForm):
    """`token` becomes the message's id, so that a form that is sent twice makes one message."""

    touchpoint = forms.ChoiceField(
        label="What kind of message is it?", choices=choices.TOUCHPOINTS, widget=UnfoldAdminSelectWidget
    )
    token = forms.UUIDField(widget=forms.HiddenInput)


def show_or_send(model_admin: ModelAdmin, request: HttpRequest, application_pk: int) -> HttpResponse:
    application = _find(application_pk)
    if not desk.may_answer(request):
        raise PermissionDenied
    if request.method != "POST":
        return _show(model_admin, request, application)
    form = NewMessageForm(request.POST)
    if not form.is_valid():
        return _show(model_admin, request, application, form=form)
    now = timezone.now()
    draft = _draft(application, form, by=desk.person_of(request), now=now)
    composed = _compose_once(draft, now=now, opened_at=opening.read(request, now=now))
    if isinstance(composed, Case):
        look = writing.explain(composed, now=now)
        return _show(model_admin, request, application, form=form, look=look)
    if composed is None:
        messages.info(request, f"This message to {application.candidate} was sent already; it was not sent twice.")
    else:
        model_admin.log_addition(request, composed, "Written by hand.")
        messages.success(request, desk.on_its_way(application.candidate))
    return redirect("admin:pipeline_application_change", application.pk)


def check(request: HttpRequest, application_pk: int) -> HttpResponse:
    """What the gate says to the text so far."""
    application = _find(application_pk)
    if not desk.may_answer(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    form = NewMessageForm(request.POST)
    if not form.is_valid():
        return desk.say_what_is_wrong(form)
    now = timezone.now()
    return desk.say(writing.look(_draft(application, form, by=desk.person_of(request), now=now), now=now))


def _draft(application: Application, form: NewMessageForm, *, by: User, now: datetime) -> Message:
    written = form.cleaned_data
    draft = handoffs.draft(
        application, touchpoint=written["touchpoint"], subject=written["subject"], body=written["body"], by=by, now=now
    )
    draft.public_id = written["token"]
    return draft


def _compose_once(draft: Message, *, now: datetime, opened_at: datetime | None) -> Message | Case | None:
    """None: this very form was sent before."""
    with transaction.atomic():
        # Of two presses at the same moment, the second waits here until the first is done.
        Application.objects.select_for_update(of=("self",)).get(pk=draft.application_id)
        if Message.objects.filter(public_id=draft.public_id).exists():
            return None
        return handoffs.compose(draft, now=now, opened_at=opened_at)


def _show(
    model_admin: ModelAdmin,
    request: HttpRequest,
    application: Application,
    *,
    form: NewMessageForm | None = None,
    look: Look | None = None,
) -> HttpResponse:
    now, by = timezone.now(), desk.person_of(request)
    form = form or NewMessageForm(initial=_beginning(request, application))
    waiting = HandOff.objects.open().filter(application__candidate=application.candidate_id)
    context = desk.around_the_editor(model_admin, request, application, now=now) | {
        "title": f"Write to {application.candidate}",
        "opened": opening.remember(request, now=now),
        "background": writing.prepare_new(application, touchpoint=str(form["touchpoint"].value()), by=by, now=now),
        "form": form,
        "check": desk.describe(look) if look else None,
        "check_url": reverse("admin:messaging_message_check", args=[application.pk]),
        "keys": KEYS,
        "open_hand_offs": list(waiting.select_related("application__candidate", "application__job")),
    }
    return TemplateResponse(request, "messaging/compose/new.html", context)


def _beginning(request: HttpRequest, application: Application) -> dict[str, Any]:
    """Empty but for a signature, or with what this person wrote here and took back."""
    signature = writing.begin_with_signature(desk.person_of(request))
    empty = {"touchpoint": Touchpoint.STATUS_UPDATE.value, "token": uuid.uuid4(), "body": signature}
    try:
        public_id = uuid.UUID(request.GET.get("again", ""))
    except ValueError:
        return empty
    mine = Message.objects.filter(written_by=desk.person_of(request), application=application)
    taken_back = mine.filter(public_id=public_id, status=Message.Status.CANCELLED).first()
    if taken_back is None:
        return empty
    return empty | {name: getattr(taken_back, name) for name in ("touchpoint", "subject", "body")}


def _find(pk: int) -> Application:
    """With what the gate needs joined."""
    joined = Application.objects.select_related("candidate", "job__recruiter", "job__coordinator", "stage", "reason")
    found = joined.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
