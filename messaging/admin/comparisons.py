"""Two wordings of one template side by side: what was taken out and what was added, word by word."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from messaging.admin.words import day
from messaging.models import Template, Wording
from messaging.wording.differences import differences


def show(
    request: HttpRequest, template: Template, *, numbers: tuple[str, str], model_admin: ModelAdmin
) -> HttpResponse:
    """`numbers`: as they were asked for, in any order; what is empty is the newest one, and the one before the other."""
    wordings = list(template.wordings.select_related("written_by").prefetch_related("signatures").order_by("number"))
    older, newer = _chosen(wordings, numbers)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": template,
        "title": f"{template}: what changed from wording {older.number} to {newer.number}",
        "older": older,
        "newer": newer,
        "both": (older, newer),
        "subject": differences(older.subject, newer.subject),
        "body": differences(older.body, newer.body),
        "is_same": (older.subject, older.body) == (newer.subject, newer.body),
        "choose_older": _chooser("from", wordings, older),
        "choose_newer": _chooser("to", wordings, newer),
    }
    return TemplateResponse(request, "messaging/template/compare.html", context)


def _chosen(wordings: list[Wording], numbers: tuple[str, str]) -> tuple[Wording, Wording]:
    by_number = {wording.number: wording for wording in wordings}
    if not wordings or any(number and not number.isdecimal() for number in numbers):
        raise Http404
    to = int(numbers[1]) if numbers[1] else wordings[-1].number
    start = int(numbers[0]) if numbers[0] else max(to - 1, 1)
    if start not in by_number or to not in by_number:
        raise Http404
    return by_number[min(start, to)], by_number[max(start, to)]


def _chooser(name: str, wordings: list[Wording], chosen: Wording) -> str:
    choices = [
        (wording.number, f"Wording {wording.number}, {wording.written_by}, {day(wording.created_at)}")
        for wording in reversed(wordings)
    ]
    chooser: str = UnfoldAdminSelectWidget(choices=choices).render(name, chosen.number, {"id": f"compare-{name}"})
    return chooser
