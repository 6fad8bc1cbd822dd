"""What a person can do with one application: the buttons on its page, and the small page behind each of them, which says
what will follow before it is done."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.admin import ModelAdmin

from messaging import consequences
from messaging.admin import act_forms as forms
from messaging.admin.desk import person_of
from messaging.consequences import Consequence
from messaging.delivery import doorbell
from pipeline import actors
from pipeline.models import Application, User

Status = Application.Status


@dataclass(frozen=True, kw_only=True)
class ActPage:
    """`applies`: whether it makes sense now; whether it is possible is decided by the move itself."""

    verb: str
    label: str
    icon: str
    permission: str
    form: type[forms.ActForm]
    applies: Callable[[Application], bool]
    button: str
    done: str
    tone: str = ""

    def url(self, application: Application) -> str:
        return reverse("admin:pipeline_application_act", args=[application.pk, self.verb])

    def is_offered(self, application: Application, user: User) -> bool:
        return self.applies(application) and user.has_perm(self.permission)


def _is_active(application: Application) -> bool:
    return application.status == Status.ACTIVE


def _is_ended(application: Application) -> bool:
    return application.status in Application.ENDED


MOVE, REJECT = "pipeline.move_application", "pipeline.reject_application"

ACTS: tuple[ActPage, ...] = (
    ActPage(
        verb="move",
        label="Move to stage…",
        icon="arrow_forward",
        permission=MOVE,
        form=forms.MoveForm,
        applies=_is_active,
        button="Move",
        done="{candidate} was moved.",
        tone="primary",
    ),
    ActPage(
        verb="reject",
        label="Reject…",
        icon="do_not_disturb_on",
        permission=REJECT,
        form=forms.RejectForm,
        applies=_is_active,
        button="Reject",
        done="{candidate} is rejected.",
        tone="danger",
    ),
    ActPage(
        verb="hire",
        label="Hire…",
        icon="celebration",
        permission=MOVE,
        form=forms.HireForm,
        applies=_is_active,
        button="Hire",
        done="{candidate} is hired.",
    ),
    ActPage(
        verb="withdraw",
        label="Withdraw…",
        icon="logout",
        permission=MOVE,
        form=forms.WithdrawForm,
        applies=_is_active,
        button="They withdrew",
        done="{candidate} withdrew.",
    ),
    ActPage(
        verb="reopen",
        label="Reopen…",
        icon="replay",
        permission=MOVE,
        form=forms.ReopenForm,
        applies=_is_ended,
        button="Reopen",
        done="The application of {candidate} is open again.",
    ),
    ActPage(
        verb="told",
        label="They were told…",
        icon="record_voice_over",
        permission=MOVE,
        form=forms.ToldForm,
        applies=operator.attrgetter("is_decided_but_not_told"),
        button="Record it",
        done="It is recorded that {candidate} was told.",
    ),
    ActPage(
        verb="call",
        label="Log a call…",
        icon="call",
        permission="pipeline.add_interview",
        form=forms.CallForm,
        applies=lambda _: True,
        button="Log it",
        done="The conversation with {candidate} is logged.",
    ),
)
BY_VERB = {page.verb: page for page in ACTS}


def buttons_for(application: Application, user: User) -> list[dict[str, str]]:
    """What this person can do with it now, for `messaging/application/buttons.html`."""
    return [
        {"url": page.url(application), "label": page.label, "icon": page.icon, "tone": page.tone}
        for page in ACTS
        if page.is_offered(application, user)
    ]


def act(request: HttpRequest, object_id: str, verb: str, *, model_admin: ModelAdmin) -> HttpResponse:
    """GET shows the form. POST with `preview` shows what would follow, POST without it does it."""
    application = model_admin.get_object(request, object_id)
    page = BY_VERB.get(verb)
    if application is None or page is None:
        raise Http404
    person = person_of(request)
    if not (person.has_perm(page.permission) and model_admin.has_view_permission(request, application)):
        raise PermissionDenied
    form = page.form(request.POST or None, application=application)
    consequence = None
    if form.is_valid():
        now = timezone.now()
        step = form.step(by=actors.person(person.pk), now=now)
        if "preview" not in request.POST:
            done = consequences.carry_out(application, step, now=now)
            return _answer(request, page, application, done, model_admin=model_admin)
        consequence = consequences.rehearse(application, step, now=now)
    context = {
        "title": page.label.rstrip("…"),
        "subtitle": str(application),
        "opts": model_admin.opts,
        "application": application,
        "page": page,
        "form": form,
        "consequence": consequence,
        "back": _where_from(request, application),
    }
    if request.headers.get("HX-Request"):  # the theme's script asks for what will follow, while the form is filled in
        return TemplateResponse(request, "messaging/application/follows.html", context)
    return TemplateResponse(
        request, "messaging/application/act.html", model_admin.admin_site.each_context(request) | context
    )


def _where_from(request: HttpRequest, application: Application) -> str:
    """The page that led here and named itself, the board for example; nowhere outside of these pages."""
    there = request.GET.get("next", "")
    if there and url_has_allowed_host_and_scheme(there, allowed_hosts=None):
        return there
    return reverse("admin:pipeline_application_change", args=[application.pk])


def _answer(
    request: HttpRequest, page: ActPage, application: Application, done: Consequence, *, model_admin: ModelAdmin
) -> HttpResponse:
    if done.refusal:
        messages.error(request, done.refusal)
    else:
        if done.messages:
            doorbell.ring()
        sentence = page.done.format(candidate=application.candidate)
        model_admin.log_change(request, application, sentence)
        messages.success(request, f"{sentence} {in_words(done)}".strip())
    return redirect(_where_from(request, application))


def in_words(consequence: Consequence) -> str:
    """What follows, in a sentence or two, for the message after the act."""
    words = [
        f"“{planned.template or planned.kind}” leaves on {date_format(timezone.localtime(planned.due_at), 'l j F, H:i')}."
        for planned in consequence.messages
    ]
    words += [
        f"The {task.kind.lower()} is a hand-off for {task.owner or 'nobody yet'}, due on "
        f"{date_format(timezone.localtime(task.due_at), 'l j F')}."
        for task in consequence.hand_offs
    ]
    words += [f"“{stopped.template or stopped.kind}” will not be sent." for stopped in consequence.stopped]
    return " ".join(words)


def context_of(application: Application, request: HttpRequest) -> dict[str, Any]:
    person = person_of(request)
    return {
        "buttons": buttons_for(application, person),
        "may_write": person.has_perm("messaging.answer_handoff"),
    }
