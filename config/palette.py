"""The search that opens on every page with Ctrl + K: pages, my hand-offs, candidates, jobs and templates. Nobody is shown
what they may not see. Of each kind a few; whoever needs more uses the list and its filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Case, Q, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from config import frame
from messaging.admin import desk
from messaging.models import HandOff, Template
from messaging.models.choices import TOUCHPOINTS
from pipeline.candidates import called
from pipeline.models import Application, Candidate, Job

AT_MOST = 6  # of each kind
NAMES: dict[type[Any], tuple[str, ...]] = {
    Candidate: ("first_name", "last_name"),
    Job: ("title",),
    Template: ("name",),
}
LONGEST = 100  # characters that are looked for; nobody's name is longer


@dataclass(frozen=True, kw_only=True)
class Found:
    """`more`: what tells two of one title apart."""

    title: str
    more: str
    url: str
    icon: str


@dataclass(frozen=True, kw_only=True)
class Group:
    title: str
    found: tuple[Found, ...]


def find(request: HttpRequest, term: str) -> list[Group]:
    """Groups with something in them. Without a term: what waits for me, and the pages."""
    term = " ".join(term.replace("\x00", " ").split())[:LONGEST]
    has_board = desk.person_of(request).has_perm("pipeline.view_application")
    kinds = (
        ("Pages", _pages(request, term)),
        ("My hand-offs", _hand_offs(request, term)),
        ("Candidates", _rows(request, Candidate, term, _candidate)),
        ("Jobs", _rows(request, Job, term, partial(_job, has_board=has_board))),
        ("Templates", _rows(request, Template, term, _template)),
    )
    pages, *others = (Group(title=title, found=tuple(found)) for title, found in kinds)
    # Who types the beginning of a page's name wants that page; else a person is more likely.
    is_meant = term and any(_begins(page.title, term) for page in pages.found)
    return [group for group in ([pages, *others] if is_meant else [*others, pages]) if group.found]


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """For the script the results alone; without it, a page with a form."""
    term = request.GET.get("s", "")
    groups = find(request, term)
    context: dict[str, Any] = {
        "groups": groups,
        "count": sum(len(group.found) for group in groups),
        "term": term.strip(),
    }
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, "messaging/palette/results.html", context)
    context |= admin.site.each_context(request) | {"title": "Search"}
    return TemplateResponse(request, "messaging/palette/page.html", context)


def _pages(request: HttpRequest, term: str) -> Iterator[Found]:
    """Those of which a word begins with what was typed; without a term the first of each group."""
    for group, pages in frame.GROUPS:
        allowed = [page for page in pages if frame.may_open(page, request)]
        fitting = [page for page in allowed if _begins_a_word(page.title, term)] if term else allowed[:1]
        for page in fitting:
            yield Found(title=page.title, more=group, url=reverse(page.name), icon=page.icon)


def _begins(title: str, term: str) -> bool:
    return title.casefold().startswith(term.casefold())


def _begins_a_word(title: str, term: str) -> bool:
    return _begins(title, term) or f" {term.casefold()}" in title.casefold().replace("-", " ")


def _hand_offs(request: HttpRequest, term: str) -> Iterator[Found]:
    """Open ones of mine, most urgent first."""
    page = admin.site.get_model_admin(HandOff)
    if not page.has_view_permission(request):
        return
    rows = page.get_queryset(request).filter(owner=request.user.pk, status=HandOff.Status.OPEN)
    for word in term.split():
        rows = rows.filter(
            called(word, of="application__candidate")
            | Q(touchpoint__in=[value for value, label in TOUCHPOINTS if word.casefold() in label.casefold()])
        )
    now = timezone.now()
    for hand_off in rows.select_related("application__candidate", "application__job").order_by("due_at", "pk")[
        :AT_MOST
    ]:
        _, due = desk.due_label(hand_off, now=now)
        yield Found(
            title=str(hand_off),
            more=f"{hand_off.application.job} · {due}",
            url=reverse("admin:messaging_handoff_compose", args=[hand_off.pk]),
            icon="edit_note",
        )


def _rows(request: HttpRequest, model: type[Any], term: str, describe: Callable[[Any], Found]) -> Iterator[Found]:
    """As the list of the model searches, with what this person may see of it; whose name begins like this comes first."""
    page = admin.site.get_model_admin(model)
    if not term or not page.has_view_permission(request):
        return
    rows, may_repeat = page.get_search_results(request, page.get_queryset(request), term)
    begins = Q(*((f"{name}__istartswith", word) for name in NAMES[model] for word in term.split()), _connector=Q.OR)
    rows = rows.annotate(begins=Case(When(begins, then=0), default=1)).order_by("begins", *model._meta.ordering)
    for row in (rows.distinct() if may_repeat else rows)[:AT_MOST]:
        yield describe(row)


def _candidate(candidate: Candidate) -> Found:
    applications = list(candidate.applications.all())  # the list's queryset brings them, with jobs and stages
    latest = next((one for one in applications if one.status == Application.Status.ACTIVE), None)
    latest = latest or next(iter(applications), None)
    where = ""
    if latest is not None:
        state = latest.stage if latest.status == Application.Status.ACTIVE else latest.get_status_display().lower()
        where = f" · {latest.job}, {state}"
    return Found(
        title=str(candidate),
        more=f"{candidate.email}{where}",
        url=reverse("admin:pipeline_candidate_change", args=[candidate.pk]),
        icon="person",
    )


def _job(job: Job, *, has_board: bool) -> Found:
    return Found(
        title=str(job),
        more=" · ".join(filter(None, ["Board" if has_board else "", job.department, job.location])),
        url=reverse("board:job" if has_board else "admin:pipeline_job_change", args=[job.pk]),
        icon="view_kanban" if has_board else "work",
    )


def _template(template: Template) -> Found:
    return Found(
        title=str(template),
        more=template.get_touchpoint_display(),
        url=reverse("admin:messaging_template_change", args=[template.pk]),
        icon="description",
    )
