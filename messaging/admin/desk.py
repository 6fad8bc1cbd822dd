"""What both pages share on which a person writes to one candidate: the editor, the page around it, who may open it, and
what the gate said to a text, in words. What decides lies in messaging/handoffs.py and messaging/writing.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from messaging import acquaintance, letterhead, working_days
from messaging.delivery.reading import lay_out
from messaging.models import HandOff
from messaging.timeline import timeline_of
from messaging.wording.kinship import THRESHOLD
from messaging.wording.rendering import BODY_LIMIT, SUBJECT_LIMIT
from messaging.writing import Look
from pipeline.models import Application, Candidate, User

# What stands in the mail's frame may show itself and nothing else: no script, no picture, no address is called up.
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
# How much of the text is shown on either side of a passage that is too close.
AROUND = 160


class WritingForm(forms.Form):
    """The gate says what is wrong with a text, so nothing is required here; the limits only bound what is read."""

    subject = forms.CharField(max_length=SUBJECT_LIMIT, required=False, widget=UnfoldAdminTextInputWidget)
    body = forms.CharField(label="Message", max_length=BODY_LIMIT, required=False, widget=UnfoldAdminTextareaWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            classes = str(field.widget.attrs.get("class", "")).split()
            field.widget.attrs["class"] = " ".join(name for name in classes if not name.startswith("max-w-"))
        self.fields["subject"].widget.attrs["autocomplete"] = "off"
        self.fields["body"].widget.attrs |= {"rows": 14, "data-key": "e", "aria-describedby": "check-sentence"}

    def clean_body(self) -> str:
        return str(self.cleaned_data["body"]).replace("\r\n", "\n").replace("\r", "\n")


class ColleagueField(forms.ModelChoiceField):
    """Says of whoever is away until when they are."""

    def label_from_instance(self, obj: Any) -> str:
        is_away = obj.is_away(working_days.today(timezone.now()))
        return f"{obj} (away until {date_format(obj.away_until, 'j M')})" if is_away else str(obj)


class OwnerForm(forms.Form):
    owner = ColleagueField(
        queryset=User.objects.with_perm("messaging.answer_handoff").order_by("first_name", "last_name", "pk"),
        empty_label="Choose a person",
        widget=UnfoldAdminSelectWidget,
    )


# --- Who ---------------------------------------------------------------------------------------------------------------


def person_of(request: HttpRequest) -> User:
    """Behind `admin_view` nobody is anonymous."""
    return cast("User", request.user)


def may_answer(request: HttpRequest) -> bool:
    return person_of(request).has_perm("messaging.answer_handoff")


# --- The page ----------------------------------------------------------------------------------------------------------


def around_the_editor(
    model_admin: ModelAdmin, request: HttpRequest, application: Application, *, now: datetime
) -> dict[str, Any]:
    """The part of a page's context that does not depend on what the message is for."""
    person = person_of(request)
    known = acquaintance.get_to_know(application.candidate)
    context: dict[str, Any] = model_admin.admin_site.each_context(request)
    return context | {
        "opts": model_admin.opts,
        "application": application,
        "candidate": application.candidate,
        "may_answer": may_answer(request),
        "known": known,
        "values": acquaintance.values_for(application, known, now=now),
        "entries": timeline_of(application.candidate, now=now),
        "mail_from": str(letterhead.sender_address(person)),
        "reply_to": letterhead.reply_address(person),
        "preview_url": reverse("admin:messaging_message_preview"),
    }


def preview(request: HttpRequest) -> HttpResponse:
    """The HTML part of a text that is being written, for the frame beside the editor."""
    if not may_answer(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    form = WritingForm(request.POST)
    form.is_valid()
    subject, body = (form.cleaned_data.get(name, "") for name in ("subject", "body"))
    return frame(lay_out(sender=person_of(request), recipient="", subject=subject, body=body.strip()).html)


def frame(html: str) -> HttpResponse:
    """The HTML part of a mail, shut in."""
    return HttpResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})


def on_its_way(candidate: Candidate) -> str:
    if not settings.UNDO_SECONDS:
        return f"Your message to {candidate} is on its way."
    return f"Your message to {candidate} is on its way. Until it leaves you can take it back."


def due_label(hand_off: HandOff, *, now: datetime) -> tuple[str, str]:
    """How urgent, for a colour, and the same in words."""
    local, today = timezone.localtime(hand_off.due_at), timezone.localtime(now).date()
    day = date_format(local, "D j M")
    if not hand_off.is_open:
        return "later", day
    if hand_off.due_at < now:
        return "overdue", "Overdue since today" if local.date() == today else f"Overdue since {day}"
    if local.date() == today:
        return "today", f"Today, {local:%H:%M}"
    return "later", "Tomorrow" if local.date() == today + timedelta(days=1) else day


# --- What the gate said to a text --------------------------------------------------------------------------------------


def describe(look: Look) -> dict[str, Any]:
    """For `messaging/compose/check.html`."""
    others = [finding for finding in look.findings if finding.code not in ("too_close", "too_short")]
    kin = look.kin
    return {
        "tone": "good" if look.may_leave else "waiting" if look.too_short and not others else "grave",
        "sentence": _in_a_sentence(look, others=bool(others)),
        "too_close": look.too_close and kin is not None,
        "label": kin.label if kin else "",
        "score": round(kin.score) if kin else 0,
        "limit": round(THRESHOLD),
        "pieces": _pieces(look.case.message.body, kin.marks) if kin else [],
        "marked": kin.passage if kin else "",
        "known_passage": kin.known_passage if kin else "",
        "findings": [finding.sentence for finding in others],
    }


def _pieces(text: str, marks: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """The text as it stands, in pieces; True for those that are taken over. Of what lies between, the ends are enough."""
    pieces, place = [], 0
    for start, end in [*marks, (len(text), len(text))]:
        between = text[place:start]
        if len(between) > 2 * AROUND:
            head, tail = "" if place == 0 else between[:AROUND], "" if start == len(text) else between[-AROUND:]
            between = f"{head}…{tail}"
        pieces += [(between, False), (text[start:end], True)]
        place = end
    return [piece for piece in pieces if piece[0]]


def _in_a_sentence(look: Look, *, others: bool) -> str:
    if look.may_leave:
        return "These are your own words. It can leave." if look.must_be_own_words else "It can leave."
    if look.too_close and look.kin:
        return f"Too close to {look.kin.label}. Write it in your own words."
    if others:
        return "It cannot leave like this."
    return "Say a little more: this is too short to be a message of your own."


def say(look: Look) -> JsonResponse:
    """The answer to a text while it is being written."""
    described = describe(look)
    return _json(
        described,
        may_leave=look.may_leave,
        own_words=look.must_be_own_words,
        too_close=look.too_close,
        too_short=look.too_short,
        findings=[{"code": finding.code, "sentence": finding.sentence} for finding in look.findings],
    )


def say_what_is_wrong(form: forms.Form) -> JsonResponse:
    """Too long, or no text at all: it is not measured."""
    sentences = [str(error) for errors in form.errors.values() for error in errors]
    described = {"tone": "grave", "sentence": "It cannot leave like this.", "findings": sentences}
    return _json(
        described,
        may_leave=False,
        own_words=False,
        too_close=False,
        too_short=False,
        findings=[{"code": "form", "sentence": sentence} for sentence in sentences],
    )


def _json(described: dict[str, Any], **facts: Any) -> JsonResponse:
    return JsonResponse(
        facts
        | {
            "label": described.get("label", ""),
            "score": described.get("score", 0),
            "passage": described.get("marked", ""),
            "known_passage": described.get("known_passage", ""),
            "tone": described["tone"],
            "sentence": described["sentence"],
            "html": render_to_string("messaging/compose/check.html", {"check": described}),
        }
    )
