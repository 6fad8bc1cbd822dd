"""The outbox: what waits to leave with what the gate says to it now, what left and how it arrived, and what people do about
both. What decides lies in messaging/outgoing.py and messaging/bounces.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET, require_http_methods

from messaging import facts, outlook
from messaging.admin import bounces, outbox_acts, postponed
from messaging.admin.desk import person_of
from messaging.admin.outbox_acts import ACTS, AT_MOST, MAY_ACT, Act
from messaging.admin.outbox_days import by_day
from messaging.admin.outbox_filter import FilterForm
from messaging.models import HandOff, Message
from messaging.outlook import COUNTED_AT_MOST, Outlook, Show
from messaging.policy.decision import Origin, Outcome
from pipeline.models import StageChange

MAY_SEE = "messaging.view_message"
PER_PAGE = 50
MESSAGES = "messages"  # where one comes from: the list of all messages

LABELS = {
    Show.SCHEDULED: "Scheduled",
    Show.ON_HOLD: "On hold",
    Show.BRAKED: "Held by a brake",
    Show.SENDING: "Sending",
    Show.SENT: "Sent",
    Show.FAILED: "Failed",
    Show.UNCERTAIN: "Uncertain",
    Show.BOUNCED: "Bounced",
}
# Where a number is work for somebody.
ASKS_FOR_SOMEBODY = frozenset({Show.FAILED, Show.UNCERTAIN, Show.BOUNCED, Show.BRAKED})
VERDICTS = {
    Outcome.SEND: ("good", "May leave"),
    Outcome.LATER: ("waiting", "Would wait"),
    Outcome.HAND_OFF: ("waiting", "Becomes a hand-off"),
    Outcome.STOP: ("grave", "Will not be sent"),
}
DELIVERIES = {
    Message.Delivery.DELIVERED: "good",
    Message.Delivery.REJECTED: "grave",
    Message.Delivery.BOUNCED: "grave",
    Message.Delivery.COMPLAINED: "grave",
}


@require_GET
@permission_required(MAY_SEE, raise_exception=True)
def show_list(request: HttpRequest) -> HttpResponse:
    now, person = timezone.now(), person_of(request)
    show = _show_of(request.GET.get("show", ""))
    form = FilterForm(request.GET)
    number = max(1, int(page)) if (page := request.GET.get("p", "")).isdecimal() and len(page) < 6 else 1
    rows = form.narrow(_with_rows(outlook.messages_in(show, now=now), show))
    found = list(rows[(number - 1) * PER_PAGE : number * PER_PAGE + 1])
    shown = _rows(found[:PER_PAGE], show, now=now)
    context = admin.site.each_context(request) | {
        "title": "Outbox",
        "show": show.value,
        "tabs": _tabs(show, now=now),
        "form": form,
        "rows": shown,
        "days": by_day(shown, now=now),
        "first": (number - 1) * PER_PAGE + 1,
        "last": (number - 1) * PER_PAGE + len(shown),
        "page": number,
        "has_more": len(found) > PER_PAGE,
        "at_most": AT_MOST,
        "narrowed": [(name, request.GET[name]) for name in form.fields if request.GET.get(name)],
        "kept": _kept(request),
        "acts": _acts_for(show) if person.has_perm(MAY_ACT) else [],
        "postponed": postponed.offer(request, now=now),
    }
    return TemplateResponse(request, "messaging/outbox/list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required([MAY_SEE, MAY_ACT], raise_exception=True)
def act(request: HttpRequest, name: str) -> HttpResponse:
    """Asks what would follow; a POST with `confirmed` does it."""
    doing = ACTS.get(name)
    if doing is None:
        raise Http404
    now = timezone.now()
    sent = request.POST if request.method == "POST" else request.GET
    is_everything = "everything" in sent and "one" not in sent  # the button of a row is about that row
    chosen = _everything(sent, now=now) if is_everything else outbox_acts.find_chosen(sent)
    if not chosen:
        messages.warning(request, "Nothing was chosen. Tick the messages first.")
        return redirect(_back_to(sent.get("back", "")))
    plan = outbox_acts.plan(doing, chosen, now=now)
    back = sent.get("back", "")
    if request.method != "POST" or "confirmed" not in request.POST:
        return ask(request, doing, chosen, back=back)
    form = doing.form(request.POST)
    if not form.is_valid() or not plan.ready:
        return ask(request, doing, chosen, back=back, form=form)
    if plan.must_type and request.POST.get("typed", "").strip() != str(len(plan.ready)):
        messages.error(request, f"Nothing happened yet. Type {len(plan.ready)}, the number of messages, to go on.")
        return ask(request, doing, chosen, back=back, form=form)
    return _carry_out(request, doing, plan, form, now=now)


def ask(
    request: HttpRequest, doing: Act, chosen: list[Message], *, back: str, form: forms.Form | None = None
) -> HttpResponse:
    """The page on which one says yes; see `_back_to` for `back`."""
    now = timezone.now()
    plan = outbox_acts.plan(doing, chosen, now=now)
    context = admin.site.each_context(request) | {
        "title": f"{doing.label} messages" if len(chosen) != 1 else f"{doing.label}: {chosen[0]}",
        "act": doing,
        "plan": plan,
        "form": form or doing.form(),
        "rows": [_what_waits(one) for one in plan.ready],
        "back": back,
        "back_url": _back_to(back),
    }
    return TemplateResponse(request, "messaging/outbox/act.html", context)


def _carry_out(
    request: HttpRequest, doing: Act, plan: outbox_acts.Plan, form: forms.Form, *, now: datetime
) -> HttpResponse:
    person = person_of(request)
    done = outbox_acts.carry_out(doing, plan, form, by=person, now=now)
    LogEntry.objects.log_actions(person.pk, done.changed, CHANGE, doing.logged)
    for level, sentence in done.sentences:
        messages.add_message(request, level, sentence)
    return redirect(_back_to(request.POST.get("back", "")))


def _everything(sent: QueryDict, *, now: datetime) -> list[Message]:
    """All that fits what the list was narrowed to, on whichever page; the next page shows whom that is."""
    show = _show_of(sent.get("back", ""))
    if not show.waits:
        return []
    rows = FilterForm(sent).narrow(outlook.messages_in(show, now=now))
    return outlook.find(list(rows.values_list("pk", flat=True)[:AT_MOST]))


# --- The list ----------------------------------------------------------------------------------------------------------


def _show_of(asked: str) -> Show:
    return Show(asked) if asked in set(Show) else Show.SCHEDULED


def _tabs(open_one: Show, *, now: datetime) -> list[dict[str, Any]]:
    tabs = []
    for show in Show:
        number = outlook.count(show, now=now)
        tabs.append(
            {
                "name": show.value,
                "label": LABELS[show],
                "count": f"{COUNTED_AT_MOST:,}+" if number > COUNTED_AT_MOST else f"{number:,}",
                "is_open": show is open_one,
                "is_grave": show in ASKS_FOR_SOMEBODY and number > 0,
            }
        )
    return tabs


def _acts_for(show: Show) -> list[Act]:
    return [one for one in ACTS.values() if show.waits and show not in one.not_in]


def _with_rows(found: QuerySet[Message], show: Show) -> QuerySet[Message]:
    if show.waits:
        return facts.with_context(found).select_related("stage_change__to_stage")
    tasks = HandOff.objects.open().select_related("owner")
    return found.select_related(
        "application__candidate", "application__job", "automation", "template", "written_by", "stage_change__to_stage"
    ).prefetch_related("provider_events", Prefetch("hand_offs", queryset=tasks, to_attr="tasks"))


def _rows(found: list[Message], show: Show, *, now: datetime) -> list[dict[str, Any]]:
    if not show.waits:
        return [_what_happened(message) for message in found]
    return [_what_waits(one) for one in outlook.outlooks(found, now=now)]


def _what_waits(one: Outlook) -> dict[str, Any]:
    tone, verdict = VERDICTS[one.verdict.outcome]
    return _row(one.message, one.message.due_at) | {
        "subject": one.case.subject,
        "tone": tone,
        "verdict": verdict,
        "sentences": [finding.sentence for finding in one.findings],
        "hold": one.hold,
    }


def _what_happened(message: Any) -> dict[str, Any]:
    delivery = message.delivery
    return _row(message, message.sent_at or message.status_at) | {
        "subject": message.subject,
        "reason": message.status_reason if message.status != Message.Status.SENT else "",
        "tone": DELIVERIES.get(delivery, "waiting") if delivery else "",
        "verdict": message.get_delivery_display() if delivery else "",
        "news": list(message.provider_events.all()),
        "task": message.tasks[0] if message.tasks else None,
        "is_bounced": delivery in Message.NOT_ARRIVED,
    }


def _row(message: Message, moment: datetime) -> dict[str, Any]:
    """What every row shows. A time is the reader's, and beside it the candidate's where that is another one."""
    local = timezone.localtime(moment)
    source = message.written_by if message.origin == Origin.PERSON else message.automation
    there = outlook.time_there(message, local)
    return {
        "message": message,
        "candidate": message.application.candidate,
        "job": message.application.job,
        "kind": message.get_touchpoint_display(),
        "source": source,
        "by_a_person": message.origin == Origin.PERSON,
        "because": _because(message),
        "at": local,
        "there": say_there(there) if there else "",
    }


def _because(message: Message) -> str:
    """What the automation followed."""
    change = message.stage_change
    if change is None:
        return ""
    what = change.to_stage.name if change.kind in StageChange.ENTERS_A_STAGE else change.get_kind_display().lower()
    return f"{what} on {date_format(timezone.localtime(change.at), 'j M')}"


def say_there(moment: datetime) -> str:
    """In words here, because a template would turn it into the reader's time again."""
    place = str(moment.tzinfo).rpartition("/")[2].replace("_", " ")
    return f"{date_format(moment, 'D j M, H:i')} for them ({place})"


# --- Where one comes from ----------------------------------------------------------------------------------------------


def _kept(request: HttpRequest) -> str:
    """The filters, for the links of the tabs and pages."""
    kept = request.GET.copy()
    for name in ("show", "p"):
        kept.pop(name, None)
    return f"&{kept.urlencode()}" if kept else ""


def _back_to(back: str) -> str:
    """A part of the outbox, the list of all messages, or the page of one."""
    if back == MESSAGES:
        return reverse("admin:messaging_message_changelist")
    if back.isdecimal():
        return reverse("admin:messaging_message_change", args=[back])
    return reverse("outbox:list") + (f"?show={back}" if back in set(Show) else "")


app_name = "outbox"
urlpatterns: list[URLPattern] = [
    path("", admin.site.admin_view(show_list), name="list"),
    path("bounce/<int:pk>/", admin.site.admin_view(bounces.show), name="bounce"),
    path("undo/", admin.site.admin_view(postponed.put_back), name="put_back"),
    path("<slug:name>/", admin.site.admin_view(act), name="act"),
]
