"""The page of one hand-off: why it is there, what the person may draw on, the editor, and the two other ways to close it;
once it is closed, what became of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from messaging import drafts, facts, handoffs, writing
from messaging.admin import acts, desk, opening, undo
from messaging.admin.desk import OwnerForm, WritingForm
from messaging.admin.handoff_acts import SnoozeForm
from messaging.gate import Case
from messaging.models import Draft, HandOff, Message
from messaging.timeline import due_history
from messaging.writing import Look
from pipeline.models import User
from pipeline.outcomes import Refusal

NOTE_LIMIT = 2000  # characters

KEYS = (
    ("Ctrl + Enter", "Send"),
    ("Ctrl + Shift + Enter", "Send and open the next of mine"),
    ("Ctrl + S", "Save the draft now"),
    ("e", "To the message"),
    ("p", "Preview"),
    ("t", "I called them: to the note"),
    ("c", "Claim"),
    ("z", "Put off"),
    ("j", "To the next of mine, without sending"),
    ("l", "To the list"),
    ("u", "Undo what was just sent"),
    ("?", "Show these keys"),
)


class AnswerForm(WritingForm):
    """All three ways to close a hand-off in one form, so that whatever is refused, nothing that was typed is lost."""

    note = forms.CharField(
        label="What was said on the phone",
        max_length=NOTE_LIMIT,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "data-key": "t"}),
    )
    reason = forms.CharField(
        label="Why nothing needs to be sent",
        max_length=NOTE_LIMIT,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )


def show_or_close(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the page; a POST does what its button says."""
    hand_off = _find(pk)
    if not model_admin.has_view_permission(request, hand_off):
        raise PermissionDenied
    if request.method != "POST":
        return _show(model_admin, request, hand_off)
    if not desk.may_answer(request):
        raise PermissionDenied
    form = AnswerForm(request.POST)
    is_readable = form.is_valid()
    if not hand_off.is_open:
        return _somebody_was_first(model_admin, request, hand_off, form)
    if not is_readable:
        return _show(model_admin, request, hand_off, form=form)
    if "_save" in request.POST:
        return _save_draft(request, hand_off, form)
    if "_discard" in request.POST:
        return _discard_draft(request, hand_off)
    if "_phone" in request.POST:
        return _tell_by_phone(model_admin, request, hand_off, form)
    if "_not_needed" in request.POST:
        return _close_as_not_needed(model_admin, request, hand_off, form)
    return _send(model_admin, request, hand_off, form)


def check(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """What the gate says to the text so far."""
    hand_off = _find(pk)
    if not (model_admin.has_view_permission(request, hand_off) and desk.may_answer(request)):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return desk.say_what_is_wrong(form)
    now = timezone.now()
    draft = handoffs.draft_answer(hand_off, **_text(form), by=desk.person_of(request), now=now)
    return desk.say(writing.look(draft, now=now))


def autosave(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """The text as it is now, while somebody writes; says when it was saved."""
    hand_off = _find(pk)
    if not (model_admin.has_view_permission(request, hand_off) and desk.may_answer(request)):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    form = AnswerForm(request.POST)
    if not hand_off.is_open:
        return JsonResponse({"sentence": handoffs.closed_already(hand_off).sentence}, status=409)
    if not form.is_valid():
        return JsonResponse(
            {"sentence": "Not saved: the text is too long, or holds what no text may hold."}, status=422
        )
    return JsonResponse({"sentence": _saved(_keep(hand_off, form, by=desk.person_of(request)))})


def _keep(hand_off: HandOff, form: AnswerForm, *, by: User) -> Draft | None:
    written = {name: form.cleaned_data.get(name, "") for name in ("subject", "body", "note")}
    return drafts.save(hand_off, **written, by=by, now=timezone.now())


def _saved(draft: Draft | None) -> str:
    return f"Draft saved at {timezone.localtime(draft.saved_at):%H:%M:%S}." if draft else "Nothing to save."


def _save_draft(request: HttpRequest, hand_off: HandOff, form: AnswerForm) -> HttpResponse:
    messages.success(request, _saved(_keep(hand_off, form, by=desk.person_of(request))))
    return redirect("admin:messaging_handoff_compose", hand_off.pk)


def _discard_draft(request: HttpRequest, hand_off: HandOff) -> HttpResponse:
    drafts.throw_away(hand_off, by=desk.person_of(request))
    messages.success(request, "Your draft is thrown away.")
    return redirect("admin:messaging_handoff_compose", hand_off.pk)


# --- The three ways to close it ----------------------------------------------------------------------------------------


def _send(model_admin: ModelAdmin, request: HttpRequest, hand_off: HandOff, form: AnswerForm) -> HttpResponse:
    now = timezone.now()
    by, opened_at = desk.person_of(request), opening.read(request, now=now)
    answered = handoffs.answer(hand_off, **_text(form), by=by, now=now, opened_at=opened_at)
    if isinstance(answered, Case):
        _keep(hand_off, form, by=by)
        look = writing.explain(answered, now=now)
        return _show(model_admin, request, hand_off, form=form, look=look)
    if isinstance(answered, Refusal):
        return _somebody_was_first(model_admin, request, _find(hand_off.pk), form)
    model_admin.log_change(request, hand_off, "Answered by mail.")
    messages.success(request, desk.on_its_way(hand_off.application.candidate))
    return _go_on(request)


def _tell_by_phone(model_admin: ModelAdmin, request: HttpRequest, hand_off: HandOff, form: AnswerForm) -> HttpResponse:
    note = form.cleaned_data["note"]
    told = handoffs.tell_by_phone(hand_off, note=note, by=desk.person_of(request), now=timezone.now())
    if isinstance(told, Refusal):
        return _refused(model_admin, request, hand_off, form, field="note", sentence=told.sentence)
    model_admin.log_change(request, hand_off, "Closed: told by phone.")
    messages.success(request, f"Noted: you told {hand_off.application.candidate} by phone.")
    return _go_on(request)


def _close_as_not_needed(
    model_admin: ModelAdmin, request: HttpRequest, hand_off: HandOff, form: AnswerForm
) -> HttpResponse:
    reason = form.cleaned_data["reason"]
    closed = handoffs.close_as_not_needed(hand_off, reason=reason, by=desk.person_of(request), now=timezone.now())
    if isinstance(closed, Refusal):
        return _refused(model_admin, request, hand_off, form, field="reason", sentence=closed.sentence)
    model_admin.log_change(request, hand_off, "Closed: not needed.")
    application = hand_off.application
    messages.success(request, f"Closed: nothing goes to {application.candidate}, and your reason is noted.")
    told = acts.BY_VERB["told"]
    if told.is_offered(application, desk.person_of(request)):
        sentence = 'As far as Byhand knows, {} was never told. <a class="desk-link" href="{}">They were told</a>'
        messages.warning(request, format_html(sentence, application.candidate, told.url(application)))
    return _go_on(request)


def _refused(
    model_admin: ModelAdmin, request: HttpRequest, hand_off: HandOff, form: AnswerForm, *, field: str, sentence: str
) -> HttpResponse:
    current = _find(hand_off.pk)
    if not current.is_open:
        return _somebody_was_first(model_admin, request, current, form)
    form.add_error(field, sentence)
    return _show(model_admin, request, current, form=form)


def _somebody_was_first(
    model_admin: ModelAdmin, request: HttpRequest, hand_off: HandOff, form: AnswerForm
) -> HttpResponse:
    """Who was first, what came of it, and everything that this person had written, which stays theirs."""
    if form.is_valid():
        _keep(hand_off, form, by=desk.person_of(request))
    messages.error(request, handoffs.closed_already(hand_off).sentence)
    written = [(str(form[name].label), str(form.data.get(name, ""))) for name in form.fields]
    return _show(model_admin, request, hand_off, unsent=written)


def _go_on(request: HttpRequest) -> HttpResponse:
    """To the list, or to this person's next hand-off if they asked for it."""
    if "_send_next" in request.POST:
        following = _next_of_mine(request)
        if following is not None:
            return redirect("admin:messaging_handoff_compose", following.pk)
        messages.info(request, "That was the last of your open hand-offs.")
    return redirect("admin:messaging_handoff_changelist")


def _goes_on_in(hand_off: HandOff) -> HandOff | None:
    """The open one that took its place after its answer was taken back or cancelled."""
    if hand_off.answer is None or hand_off.answer.status != Message.Status.CANCELLED:
        return None
    return HandOff.objects.open().filter(message__in=[hand_off.message_id, hand_off.answer_id]).first()


def _next_of_mine(request: HttpRequest, *, but: HandOff | None = None) -> HandOff | None:
    mine = HandOff.objects.open().filter(owner=desk.person_of(request)).order_by("due_at", "pk")
    return (mine.exclude(pk=but.pk) if but else mine).first()


# --- The page ----------------------------------------------------------------------------------------------------------


def _show(
    model_admin: ModelAdmin,
    request: HttpRequest,
    hand_off: HandOff,
    *,
    form: AnswerForm | None = None,
    look: Look | None = None,
    unsent: list[tuple[str, str]] | None = None,
) -> HttpResponse:
    now = timezone.now()
    urgency, due = desk.due_label(hand_off, now=now)
    draft = drafts.find(hand_off, by=desk.person_of(request))
    if draft and not hand_off.is_open and not unsent:
        unsent = [("Subject", draft.subject), ("Message", draft.body), ("What was said on the phone", draft.note)]
    context = desk.around_the_editor(model_admin, request, hand_off.application, now=now) | {
        "title": str(hand_off),
        "opened": opening.remember(request, now=now),
        "original": hand_off,
        "hand_off": hand_off,
        "urgency": urgency,
        "due": due,
        "unsent": [(label, text) for label, text in unsent or [] if text.strip()],
        "undoable": undo.offers(request, now=now),
        "following": _next_of_mine(request, but=hand_off),
        "history": due_history(hand_off),
        "taken_back": _goes_on_in(hand_off),
        "attempts": list(hand_off.message.attempts.order_by("number")),
        "is_uncertain": hand_off.message.status == Message.Status.UNCERTAIN,
    }
    if hand_off.is_open:
        context |= _while_open(model_admin, request, hand_off, form=form, look=look, draft=draft)
    return TemplateResponse(request, "messaging/compose/answer.html", context)


def _while_open(
    model_admin: ModelAdmin,
    request: HttpRequest,
    hand_off: HandOff,
    *,
    form: AnswerForm | None,
    look: Look | None,
    draft: Draft | None,
) -> dict[str, Any]:
    now, by = timezone.now(), desk.person_of(request)
    background = writing.prepare(hand_off, by=by, now=now)
    beginning = writing.begin(hand_off, must_be_own_words=background.must_be_own_words, by=by, now=now)
    may_assign = model_admin.has_change_permission(request, hand_off)
    may_take = may_assign and desk.may_answer(request)
    begun = draft or beginning
    return {
        "background": background,
        "beginning": beginning,
        "form": form
        or AnswerForm(initial={"subject": begun.subject, "body": begun.body, "note": draft.note if draft else ""}),
        "draft": draft,
        "check": desk.describe(look) if look else None,
        "check_url": reverse("admin:messaging_handoff_check", args=[hand_off.pk]),
        "draft_url": reverse("admin:messaging_handoff_draft", args=[hand_off.pk]),
        "owner_form": OwnerForm(initial={"owner": hand_off.owner_id}) if may_assign else None,
        "may_claim": may_take and hand_off.owner_id != by.pk,
        "snooze_form": SnoozeForm(hand_off=hand_off) if may_take else None,
        "snooze": handoffs.latest_snooze(hand_off),
        "keys": KEYS,
    }


def _text(form: WritingForm) -> dict[str, str]:
    return {"subject": form.cleaned_data["subject"], "body": form.cleaned_data["body"]}


def _find(pk: int) -> HandOff:
    """With what the gate needs joined."""
    found = HandOff.objects.select_related("owner", "closed_by", "answer__written_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    found.message = facts.with_context(Message.objects.all()).get(pk=found.message_id)
    found.application = found.message.application
    return found
