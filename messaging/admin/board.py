"""The board: of one job a column for each stage, and a card for everybody in it. What a move leads to is asked of the same
functions as on the page of an application; without its script, a card leads there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from messaging import board, consequences, undo_move
from messaging.admin import acts, board_cards
from messaging.admin.act_forms import MoveForm
from messaging.admin.desk import person_of
from messaging.board import Filters
from messaging.bulk import CONTEXT
from messaging.consequences import Consequence
from messaging.delivery import doorbell
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Job, Stage, StageChange
from pipeline.outcomes import Refusal

SEE = ("pipeline.view_application", "pipeline.view_job")
LONG_ENOUGH = (3, board.LONG, board.VERY_LONG, 30)
DAYS = [
    ("", "In the stage for any time"),
    *((str(days), f"In the stage for {days} days or more") for days in LONG_ENOUGH),
]


class FilterForm(forms.Form):
    """Stands in the address, so that a board can be sent to a colleague. What cannot be read filters nothing."""

    q = forms.CharField(label="Name or address", required=False, max_length=100, widget=UnfoldAdminTextInputWidget)
    source = forms.ChoiceField(label="Source", required=False, widget=UnfoldAdminSelectWidget)
    days = forms.ChoiceField(label="In the stage for", required=False, choices=DAYS, widget=UnfoldAdminSelectWidget)
    hand_off = forms.BooleanField(label="With an open hand-off", required=False, widget=UnfoldBooleanWidget)

    def __init__(self, *args: Any, sources: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source: Any = self.fields["source"]
        source.choices = [("", "Any source"), *((name, name) for name in sources)]
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = str(field.label)
        search: Any = self.fields["q"].widget
        search.input_type = "search"
        search.attrs |= {"autocomplete": "off", "placeholder": "Name or address"}

    def filters(self) -> Filters:
        self.is_valid()
        chosen = self.cleaned_data
        return Filters(
            search=chosen.get("q", ""),
            source=chosen.get("source", ""),
            days=int(chosen.get("days") or 0),
            has_hand_off=bool(chosen.get("hand_off")),
        )


class JobsForm(forms.Form):
    recruiter = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    closed = forms.BooleanField(label="Closed jobs too", required=False, widget=UnfoldBooleanWidget)

    def __init__(self, *args: Any, jobs: list[Job], me: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = {str(job.recruiter_id): str(job.recruiter) for job in jobs if job.recruiter}
        people[str(me)] = "Mine"
        recruiter: Any = self.fields["recruiter"]
        recruiter.choices = [
            ("", "Every recruiter"),
            *sorted(people.items(), key=lambda one: (one[1] != "Mine", one[1])),
        ]


# --- The pages ---------------------------------------------------------------------------------------------------------


@require_GET
@permission_required(SEE, raise_exception=True)
def show_all(request: HttpRequest) -> HttpResponse:
    """Every open job with what is in its stages; the job switcher of a board comes by here too."""
    if (chosen := request.GET.get("job", "")).isdecimal() and len(chosen) < 19:
        return redirect("board:job", int(chosen))
    jobs = list(_jobs(request).prefetch_related("pipeline__stages"))
    form = JobsForm(request.GET, jobs=jobs, me=person_of(request).pk)
    form.is_valid()
    recruiter = form.cleaned_data.get("recruiter")
    shown = [
        job
        for job in jobs
        if (not recruiter or str(job.recruiter_id) == recruiter)
        and (form.cleaned_data.get("closed") or job.status == Job.Status.OPEN)
    ]
    context = admin.site.each_context(request) | {
        "title": "Board",
        "form": form,
        "standings": board.read_standings(shown, _applications(request), now=timezone.now()),
        "has_jobs": bool(jobs),
        "long": board.LONG,
        "may_add": person_of(request).has_perm("pipeline.add_job"),
    }
    return TemplateResponse(request, "messaging/board/jobs.html", context)


@require_GET
@permission_required(SEE, raise_exception=True)
def show(request: HttpRequest, job_id: int) -> HttpResponse:
    """For the script, which asks again after a filter or a refusal, only the columns."""
    job = get_object_or_404(_jobs(request), pk=job_id)
    applications, person = _applications(request), person_of(request)
    form = FilterForm(request.GET, sources=board.read_sources(job, applications))
    filters = form.filters()
    columns = board.read_columns(job, applications, filters=filters, now=timezone.now())
    around = {"may_move": person.has_perm(acts.MOVE), **_addresses(request.get_full_path())}
    context: dict[str, Any] = around | {
        "job": job,
        "columns": columns,
        "drawn": [*zip(columns, board_cards.draw([column.cards for column in columns], around), strict=True)],
        "shown": sum(len(column.cards) for column in columns),
        "total": sum(column.total for column in columns),
        "filters": filters,
        "here": reverse("board:job", args=[job.pk]),
    }
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, "messaging/board/columns.html", context)
    context |= admin.site.each_context(request) | {
        "title": f"Board · {job}",
        "job_key": str(job.pk),
        "is_fullwidth": "1",
        "form": form,
        "groups": _by_recruiter([*_jobs(request).filter(status=Job.Status.OPEN).exclude(pk=job.pk), job]),
        "may_reject": person.has_perm(acts.REJECT),
        "may_write": person.has_perm("messaging.answer_handoff"),
        "may_add": person.has_perm("pipeline.add_application"),
        "may_import": person.has_perm("pipeline.import_candidates"),
    }
    return TemplateResponse(request, "messaging/board/board.html", context)


def _applications(request: HttpRequest) -> QuerySet[Application]:
    """Those that this person may see, wherever they are."""
    found: QuerySet[Application] = admin.site.get_model_admin(Application).get_queryset(request)
    return found


def _jobs(request: HttpRequest) -> QuerySet[Job]:
    found: QuerySet[Job] = admin.site.get_model_admin(Job).get_queryset(request)
    return found.select_related("pipeline", "recruiter").order_by("title", "pk")


def _by_recruiter(jobs: list[Job]) -> list[tuple[str, list[Job]]]:
    groups: dict[str, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: (str(job.recruiter or "￿"), job.title, job.pk)):
        groups.setdefault(str(job.recruiter or "No recruiter"), []).append(job)
    return list(groups.items())


def _addresses(next_page: str) -> dict[str, str]:
    """Of the pages that a card leads to: begun here once, and ended with its number in the template."""
    return {
        "application_url": reverse("admin:pipeline_application_changelist"),
        "and_back": urlencode({"next": next_page}),
    }


# --- What is done with a card ------------------------------------------------------------------------------------------


@require_POST
@permission_required((*SEE, acts.MOVE), raise_exception=True)
def move(request: HttpRequest, job_id: int) -> JsonResponse:
    """Without `confirmed` it is done where nothing follows from it; else what would follow comes back as a question."""
    wanted = request.POST.get("application", "")
    found = _applications(request).filter(job=job_id).select_related(*CONTEXT)
    application = get_object_or_404(found, pk=wanted if wanted.isdecimal() else None)
    form = MoveForm(request.POST, application=application)
    if not form.is_valid():
        moved = form.errors.get("seen")
        return _refuse(str(moved[0]) if moved else "This stage is not in the pipeline of the job any more.")
    now, to = timezone.now(), form.cleaned_data["to"]
    act = form.act(by=actors.person(person_of(request).pk), now=now)
    is_hire = to.milestone == Milestone.HIRED

    def step(moving: Application) -> StageChange | Refusal:
        return moves.hire(moving, act=act) if is_hire else moves.move(moving, to, act=act)

    if "confirmed" in request.POST:
        done = consequences.carry_out(application, step, now=now)
    elif is_hire:  # ends the application, so it is asked about in any case
        return _ask(request, application, to, consequences.rehearse(application, step, now=now))
    else:
        done = consequences.carry_out_in_silence(application, step, now=now)
        if not (done.refusal or done.nothing_follows):
            return _ask(request, application, to, done)
    return _refuse(done.refusal) if done.refusal else _answer(request, application, to, done)


def _ask(request: HttpRequest, application: Application, to: Stage, consequence: Consequence) -> JsonResponse:
    if consequence.refusal:
        return _refuse(consequence.refusal)
    context = {
        "application": application,
        "to": to,
        "is_hire": to.milestone == Milestone.HIRED,
        "consequence": consequence,
        "can_be_quiet": bool(consequence.messages or consequence.hand_offs),
    }
    html = render_to_string("messaging/board/confirm.html", context, request=request)
    return JsonResponse({"state": "ask", "html": html})


def _answer(request: HttpRequest, application: Application, to: Stage, done: Consequence) -> JsonResponse:
    """The card as it looks in its new column, what follows in a sentence, and where to undo it while that is honest."""
    if done.messages:
        doorbell.ring()
    person, now = person_of(request), timezone.now()
    change = application.stage_changes.select_related("application__candidate").latest("pk")
    is_hired = change.kind == StageChange.Kind.HIRED
    sentence = f"{application.candidate} is hired." if is_hired else f"{application.candidate} is in “{to}”."
    admin.site.get_model_admin(Application).log_change(request, application, sentence)
    can_undo = undo_move.why_not(change, by=person, now=now) is None
    return JsonResponse(
        {
            "state": "done",
            "sentence": f"{sentence} {acts.in_words(done)}".strip(),
            "card": "" if is_hired else _draw_card(application),
            "undo": reverse("board:undo", args=[change.pk]) if can_undo else "",
        }
    )


def _draw_card(application: Application) -> str:
    around = {"may_move": True, **_addresses(reverse("board:job", args=[application.job_id]))}
    [html] = board_cards.draw([[board.read_card(application.pk, now=timezone.now())]], around)
    return html


@require_POST
@permission_required((*SEE, acts.MOVE), raise_exception=True)
def undo(request: HttpRequest, change_id: int) -> JsonResponse:
    change = get_object_or_404(
        StageChange.objects.select_related("application__candidate", "from_stage"),
        pk=change_id,
        application__in=_applications(request).values("pk"),
    )
    person, now = person_of(request), timezone.now()
    undone = undo_move.undo(change, by=person, now=now)
    if isinstance(undone, Refusal):
        return _refuse(undone.sentence)
    candidate = undone.application.candidate
    sentence = f"{candidate} is back in “{undone.to_stage}”. Nothing was sent because of the move."
    if candidate.reach > undone.to_milestone:
        sentence += f" It still counts that they reached “{candidate.get_reach_display()}”."
    admin.site.get_model_admin(Application).log_change(request, undone.application, sentence)
    return JsonResponse({"state": "undone", "sentence": sentence})


def _refuse(sentence: str) -> JsonResponse:
    return JsonResponse({"state": "refused", "sentence": sentence})


app_name = "board"
urlpatterns: list[URLPattern] = [
    path("", admin.site.admin_view(show_all), name="list"),
    path("<int:job_id>/", admin.site.admin_view(show), name="job"),
    path("<int:job_id>/move/", admin.site.admin_view(move), name="move"),
    path("undo/<int:change_id>/", admin.site.admin_view(undo), name="undo"),
]
