"""The ways to narrow the list of hand-offs, and how many there are of each."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from messaging.admin import desk
from messaging.models import Escalation, HandOff
from messaging.reports import answers
from pipeline.models import User

# How a list of hand-offs can be narrowed: the value in the address, the label, and what it shows.
SHOWS = (
    ("", "Open"),
    ("mine", "Mine"),
    ("team", "My team’s"),
    ("unassigned", "Unassigned"),
    ("overdue", "Overdue"),
    ("escalated", "Escalated to me"),
    ("answered", "Answered"),
    ("closed", "Closed"),
    ("all", "All"),
)


# What a list says that has nothing in it.
EMPTY = {
    "": "Nobody waits for a person. A message that the gate keeps from leaving by itself becomes a hand-off here.",
    "mine": "None is yours. Claim one under “Unassigned” or “My team’s”.",
    "team": "None at the jobs for which you are recruiter, coordinator or hiring manager.",
    "unassigned": "Every hand-off has somebody.",
    "overdue": "Nobody waits longer than they should.",
    "answered": "Nobody answered one yet. What people wrote or said to candidates is counted here.",
    "escalated": "None. What is overdue goes to the job’s recruiter, and a working day later to its hiring manager.",
}


def narrow(show: str, *, user: User) -> Q:
    """What one of SHOWS shows to this person."""
    now = timezone.now()
    is_open = Q(status=HandOff.Status.OPEN)
    return {
        "mine": is_open & Q(owner=user),
        "team": is_open & _is_of_their_jobs(user),
        "unassigned": is_open & Q(owner__isnull=True),
        "overdue": is_open & Q(due_at__lt=now),
        "escalated": is_open & Q(Exists(escalations().filter(to=user))),
        "answered": answers.BY_A_PERSON & Q(status__in=answers.ANSWERED),
        "closed": ~is_open,
        "all": Q(),
    }.get(show, is_open)


def _is_of_their_jobs(user: User) -> Q:
    """My team's are those of the jobs for which I recruit, which I coordinate, or for which I hire."""
    roles = ("recruiter", "coordinator", "hiring_manager")
    return reduce(or_, (Q(**{f"application__job__{role}": user}) for role in roles))


def escalations() -> QuerySet[Escalation]:
    """Of the due date that a hand-off has now."""
    return Escalation.objects.filter(hand_off=OuterRef("pk"), due_at=OuterRef("due_at"))


class ShowFilter(admin.SimpleListFilter):
    """What nobody needs to do any more is left out unless it is asked for."""

    title = "what to show"
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(SHOWS[1:])

    def choices(self, changelist: ChangeList) -> Any:
        for value, label in SHOWS:
            yield {
                "selected": (self.value() or "") == value,
                "query_string": changelist.get_query_string(
                    {"show": value} if value else {}, [] if value else ["show"]
                ),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[HandOff]) -> QuerySet[HandOff]:
        return queryset.filter(narrow(self.value() or "", user=desk.person_of(request)))


def count(request: HttpRequest) -> list[dict[str, Any]]:
    """The ways to narrow the list, and how many there are of each, in one query."""
    user = desk.person_of(request)
    chosen = request.GET.get(ShowFilter.parameter_name, "")
    counted = {f"n_{value}": Count("pk", filter=narrow(value, user=user)) for value, _ in SHOWS}
    counts = HandOff.objects.aggregate(**counted)
    return [
        {"value": value or None, "label": label, "count": counts[f"n_{value}"], "is_chosen": value == chosen}
        for value, label in SHOWS
    ]
