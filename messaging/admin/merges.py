"""The pages on which two records of one person are seen side by side and merged, and on which a merge is taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from messaging import merging
from messaging.admin.act_forms import CandidateChoice, CandidateSearch
from messaging.admin.candidate_page import MERGE
from messaging.admin.desk import person_of
from messaging.admin.words import day
from messaging.delivery import doorbell
from messaging.merging import Merged, TakenApart
from pipeline.actors import person
from pipeline.duplicates import compare, find_distinction, suggest_again, tell_apart
from pipeline.merging import Outlook, came_since, look_ahead
from pipeline.models import Application, Candidate, Merge
from pipeline.outcomes import Refusal


class OtherForm(forms.Form):
    other = CandidateChoice(queryset=Candidate.objects.standing(), label="The other record")

    def __init__(self, *args: Any, candidate: Candidate, admin_site: AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        other: Any = self.fields["other"]
        other.queryset = Candidate.objects.standing().exclude(pk=candidate.pk)
        field: Any = Application._meta.get_field("candidate")
        other.widget = CandidateSearch(field, admin_site)
        other.widget.choices = other.choices


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that both records say, and what the kept one will say."""

    label: str
    kept: str
    away: str
    after: str
    note: str = ""


def merge(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET without `other` asks for it, with `other` shows both side by side; POST merges them, or says with `two` that they
    are two people, and with `again` that they may be one after all."""
    kept = _open(model_admin, request, object_id)
    form = OtherForm(request.POST or request.GET or None, candidate=kept, admin_site=model_admin.admin_site)
    if not form.is_valid():
        return _ask_for_the_other(model_admin, request, kept, form)
    away: Candidate = form.cleaned_data["other"]
    now, by = timezone.now(), person_of(request)
    if "two" in request.POST or "again" in request.POST:
        return _tell_apart(model_admin, request, kept, away)
    if request.method == "POST":
        merged = merging.merge(kept, away, by=by, now=now)
        return _merged(model_admin, request, merged) if isinstance(merged, Merged) else _refused(request, kept, merged)
    ahead, rehearsed = look_ahead(kept, away), merging.rehearse_merge(kept, away, by=by, now=now)
    if isinstance(ahead, Refusal):
        return _refused(request, kept, ahead)
    if isinstance(rehearsed, Refusal):
        return _refused(request, kept, rehearsed)
    context = _context(model_admin, request, kept, title=f"Merge {away} into {kept}") | {
        "away": away,
        "reasons": compare(kept, away),
        "distinction": find_distinction(kept, away),
        "lines": _lines(ahead),
        "ahead": ahead,
        "kept_runs": _runs(kept),
        "away_runs": _runs(away),
        "consequence": rehearsed.consequence,
    }
    return TemplateResponse(request, "messaging/candidate/merge.html", context)


def unmerge(model_admin: ModelAdmin, request: HttpRequest, object_id: str, merge_id: int) -> HttpResponse:
    """GET shows what each gets back and what cannot be taken apart; POST does it."""
    kept = _open(model_admin, request, object_id)
    record = Merge.objects.select_related("kept", "away", "merged_by").filter(pk=merge_id, kept=kept).first()
    if record is None:
        raise Http404
    act = merging.unmerge if request.method == "POST" else merging.rehearse_unmerge
    apart = act(record, by=person_of(request), now=timezone.now())
    if isinstance(apart, Refusal):
        return _refused(request, kept, apart)
    if request.method == "POST":
        return _taken_apart(model_admin, request, record, apart)
    moved = list(record.applications.select_related("application__job", "application__stage"))
    context = _context(model_admin, request, kept, title=f"Take {record.away} and {kept} apart") | {
        "record": record,
        "going": [row for row in moved if row.was_of_id == record.away_id],
        "waking": [row for row in moved if row.rests],
        "staying": came_since(record),
        "to_reach": apart.record.get_to_reach_display(),
        "consequence": apart.consequence,
    }
    return TemplateResponse(request, "messaging/candidate/unmerge.html", context)


def _refused(request: HttpRequest, kept: Candidate, refusal: Refusal) -> HttpResponse:
    messages.error(request, refusal.sentence)
    return redirect("admin:pipeline_candidate_change", kept.pk)


def _tell_apart(model_admin: ModelAdmin, request: HttpRequest, kept: Candidate, other: Candidate) -> HttpResponse:
    if "again" in request.POST:
        sentence = f"{other} <{other.email}> is suggested again, wherever the two are alike."
        changed = suggest_again(kept, other)
    else:
        said = tell_apart(kept, other, by=person(person_of(request).pk), now=timezone.now())
        if isinstance(said, Refusal):
            return _refused(request, kept, said)
        sentence = f"{other} <{other.email}> is somebody else, and is not suggested any more."
        changed = True
    if changed:
        model_admin.log_change(request, kept, sentence)
        messages.success(request, sentence)
    return redirect("admin:pipeline_candidate_change", kept.pk)


def _open(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> Candidate:
    candidate: Candidate | None = model_admin.get_object(request, object_id)
    if candidate is None:
        raise Http404
    if not (request.user.has_perm(MERGE) and model_admin.has_view_permission(request, candidate)):
        raise PermissionDenied
    return candidate


def _context(model_admin: ModelAdmin, request: HttpRequest, kept: Candidate, *, title: str) -> dict[str, Any]:
    """`candidate`: to whom the way back leads."""
    context: dict[str, Any] = model_admin.admin_site.each_context(request)
    return context | {"title": title, "opts": model_admin.opts, "candidate": kept, "kept": kept}


def _ask_for_the_other(model_admin: ModelAdmin, request: HttpRequest, kept: Candidate, form: OtherForm) -> HttpResponse:
    if not form.data:
        form = OtherForm(candidate=kept, admin_site=model_admin.admin_site)
    context = _context(model_admin, request, kept, title=f"Merge another record into {kept}") | {
        "form": form,
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "messaging/candidate/other.html", context)


def _merged(model_admin: ModelAdmin, request: HttpRequest, merged: Merged) -> HttpResponse:
    kept, away = merged.record.kept, merged.record.away
    if merged.consequence.messages:
        doorbell.ring()
    model_admin.log_change(request, kept, f"Merged {away} <{away.email}> into this record.")
    model_admin.log_change(request, away, f"Merged into {kept} <{kept.email}>.")
    messages.success(
        request, f"{away} <{away.email}> is a part of {kept} <{kept.email}> now. {_in_words(merged)}".strip()
    )
    return redirect("admin:pipeline_candidate_change", kept.pk)


def _in_words(done: Merged | TakenApart) -> str:
    """Counts, because the sentences stood on the page before."""
    tasks, stopped = len(done.consequence.hand_offs), len(done.consequence.stopped)
    words = [f"{tasks} message{'s' if tasks > 1 else ''} became a person’s task." if tasks else ""]
    words += [f"{stopped} message{'s' if stopped > 1 else ''} will not be sent." if stopped else ""]
    return " ".join(filter(None, words))


def _taken_apart(model_admin: ModelAdmin, request: HttpRequest, record: Merge, apart: TakenApart) -> HttpResponse:
    for candidate, other in ((record.kept, record.away), (record.away, record.kept)):
        model_admin.log_change(request, candidate, f"Taken apart from {other} <{other.email}>.")
    messages.success(request, f"{record.away} and {record.kept} are two records again. {_in_words(apart)}".strip())
    return redirect("admin:pipeline_candidate_change", record.kept_id)


def _lines(ahead: Outlook) -> list[Line]:
    kept, away = ahead.kept, ahead.away
    filled = {
        name: Line(label=label, kept=str(getattr(kept, name)), away=str(getattr(away, name)), after=after)
        for name, label in (("phone", "Phone"), ("time_zone", "Time zone"), ("came_from", "Source"))
        for after in [str(getattr(away if name in ahead.filled else kept, name))]
    }
    return [
        Line(label="Name", kept=str(kept), away=str(away), after=str(kept)),
        Line(
            label="Address",
            kept=kept.email,
            away=away.email,
            after=kept.email,
            note="Mail and imports with the other address find this record too.",
        ),
        *filled.values(),
        Line(
            label="Reach",
            kept=_reach(ahead.kept_reach),
            away=_reach(ahead.away_reach),
            after=_reach(ahead.reach),
            note="The further one. What anybody said to either of them counts as contact.",
        ),
        Line(
            label="Do not contact",
            kept=_since(kept.do_not_contact_at),
            away=_since(away.do_not_contact_at),
            after=_since(ahead.do_not_contact_at),
            note="If either asked for it, it holds.",
        ),
        Line(
            label="May hear of other jobs",
            kept=_since(kept.talent_pool_consent_at),
            away=_since(away.talent_pool_consent_at),
            after=_since(ahead.consent_at),
            note="Only if both agreed.",
        ),
    ]


def _reach(milestone: int) -> str:
    return str(dict(Candidate._meta.get_field("reach").flatchoices)[milestone])


def _since(moment: Any) -> str:
    return f"Since {day(moment)}" if moment else "No"


def _runs(candidate: Candidate) -> list[Application]:
    return list(candidate.applications.select_related("job", "stage").order_by("-applied_at", "-pk"))
