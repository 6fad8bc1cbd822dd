"""The page on which a candidate's wish to hear nothing more is recorded, and on which it ends."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from messaging import silence
from messaging.admin.desk import person_of
from messaging.consequences import Consequence
from messaging.models import LedgerEntry
from pipeline.models import Candidate, SilenceEnd, User
from pipeline.outcomes import Refusal


class EndForm(forms.Form):
    reason = forms.CharField(
        label="How you know that they want to hear from you",
        max_length=500,
        help_text="It stands in their timeline.",
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


def show(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET says what it cancels; POST with `begin` or `end` does it, so that no button does what its page did not say."""
    candidate: Candidate | None = model_admin.get_object(request, object_id)
    if candidate is None:
        raise Http404
    if not model_admin.has_change_permission(request, candidate):
        raise PermissionDenied
    is_silent = candidate.do_not_contact_at is not None
    form = EndForm(request.POST if "end" in request.POST else None)
    if request.method == "POST" and not (is_silent and form.is_bound and not form.is_valid()):
        return _answer(model_admin, request, candidate, form)
    context = model_admin.admin_site.each_context(request) | {
        "title": f"Contact {candidate} again" if is_silent else f"Do not contact {candidate}",
        "opts": model_admin.opts,
        "candidate": candidate,
        "form": form,
        "recorded_by": _recorded_by(candidate) if is_silent else None,
        "consequence": None if is_silent else silence.rehearse(candidate, by=person_of(request), now=timezone.now()),
    }
    return TemplateResponse(request, "messaging/candidate/silence.html", context)


def _answer(model_admin: ModelAdmin, request: HttpRequest, candidate: Candidate, form: EndForm) -> HttpResponse:
    """`form`: with the reason, where the wish ends."""
    now, person = timezone.now(), person_of(request)
    done: SilenceEnd | Consequence | Refusal
    if form.is_bound:
        done = silence.end(candidate, reason=form.data.get("reason", ""), by=person, now=now)
        sentence = f"{candidate} may be contacted again. What was cancelled stays cancelled."
    else:
        done = silence.begin(candidate, by=person, now=now)
        count = 0 if isinstance(done, Refusal) else len(done.stopped)
        cancelled = f" {count} message{'s' if count != 1 else ''} will not be sent." if count else ""
        sentence = f"Nothing is sent to {candidate} any more.{cancelled}"
    if isinstance(done, Refusal):
        messages.warning(request, done.sentence)
    else:
        model_admin.log_change(request, candidate, sentence)
        messages.success(request, sentence)
    return redirect("admin:pipeline_candidate_change", candidate.pk)


def _recorded_by(candidate: Candidate) -> User | None:
    """None: an import, or a time before the ledger."""
    entries = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.SILENCE, subject=f"candidate:{candidate.pk}")
    last = entries.order_by("-pk").first()
    return User.objects.filter(pk=last.actor_id).first() if last and last.actor_id else None
