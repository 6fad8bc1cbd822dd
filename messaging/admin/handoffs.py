"""The list of hand-offs: what waits for a person, whose it is and when it is due. Opening one leads to its page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.decorators import display

from messaging.admin import compose, desk
from messaging.admin.desk import OwnerForm
from messaging.admin.records import short_time
from messaging.models import HandOff
from pipeline.models import User

# How a list of hand-offs can be narrowed: the value in the address, the label, and what it shows.
SHOWS = (
    ("", "Open"),
    ("mine", "Mine"),
    ("unassigned", "Unassigned"),
    ("overdue", "Overdue"),
    ("closed", "Closed"),
    ("all", "All"),
)


def narrow(show: str, *, user: User) -> Q:
    """What one of SHOWS shows to this person."""
    now = timezone.now()
    is_open = Q(status=HandOff.Status.OPEN)
    return {
        "mine": is_open & Q(owner=user),
        "unassigned": is_open & Q(owner__isnull=True),
        "overdue": is_open & Q(due_at__lt=now),
        "closed": ~is_open,
        "all": Q(),
    }.get(show, is_open)


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


@admin.register(HandOff)
class HandOffAdmin(ModelAdmin):
    class Media:
        css = {"all": ["messaging/compose.css"]}

    list_display = ["candidate", "about", "why", "owned_by", "due", "state", "handed_off"]
    list_filter = [ShowFilter, "touchpoint", "reserve", ("owner", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["application__candidate", "application__job", "owner"]
    search_fields = [
        "application__candidate__first_name",
        "application__candidate__last_name",
        "application__candidate__email",
    ]
    search_help_text = "Name or address of a candidate"
    ordering = ["due_at", "pk"]
    list_per_page = 50
    list_before_template = "messaging/handoff/shows.html"
    actions = ["assign"]

    # --- Columns ---

    @display(description="candidate", ordering="application__candidate__first_name", header=True)
    def candidate(self, hand_off: HandOff) -> list[str]:
        candidate = hand_off.application.candidate
        return [candidate.full_name, candidate.email]

    @display(description="message", ordering="touchpoint", header=True)
    def about(self, hand_off: HandOff) -> list[str]:
        return [hand_off.get_touchpoint_display(), hand_off.application.job.title]

    @display(description="why")
    def why(self, hand_off: HandOff) -> str:
        return Truncator(hand_off.sentences[0] if hand_off.sentences else "").chars(90)

    @display(description="owner", ordering="owner__first_name", empty_value="Nobody yet")
    def owned_by(self, hand_off: HandOff) -> str | None:
        return str(hand_off.owner) if hand_off.owner else None

    @display(description="due", ordering="due_at", label={"overdue": "danger", "today": "warning", "later": "default"})
    def due(self, hand_off: HandOff) -> tuple[str, str]:
        return desk.due_label(hand_off, now=timezone.now())

    @display(
        description="status",
        ordering="status",
        label={
            HandOff.Status.OPEN: "warning",
            HandOff.Status.ANSWERED: "success",
            HandOff.Status.TOLD_BY_PHONE: "success",
            HandOff.Status.NOT_NEEDED: "default",
        },
    )
    def state(self, hand_off: HandOff) -> tuple[str, str]:
        return hand_off.status, hand_off.get_status_display()

    @display(description="handed off", ordering="created_at")
    def handed_off(self, hand_off: HandOff) -> str:
        return short_time(hand_off.created_at)

    # --- Who may do what ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the gate hands off, nobody else

    def has_delete_permission(self, request: HttpRequest, obj: HandOff | None = None) -> bool:
        return False  # history

    # --- Pages ---

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/compose/", view(self.compose_view), name="messaging_handoff_compose"),
            path("<int:pk>/check/", view(self.check_view), name="messaging_handoff_check"),
            path("<int:pk>/give/", view(self.give_view), name="messaging_handoff_give"),
            *super().get_urls(),
        ]

    def compose_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return compose.show_or_close(self, request, pk)

    def check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return compose.check(self, request, pk)

    def give_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return compose.give(self, request, pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A hand-off has one page, open or closed; there is no form of its fields."""
        if not object_id.isdecimal():
            not_found: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return not_found
        return redirect("admin:messaging_handoff_compose", int(object_id))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, {"shows": _count_shows(request)} | (extra_context or {}))
        return page

    @admin.action(description="Give to a person", permissions=["change"])
    def assign(self, request: HttpRequest, queryset: QuerySet[HandOff]) -> HttpResponse | None:
        chosen = list(queryset.select_related("application__candidate", "owner"))
        form = OwnerForm(request.POST if "owner" in request.POST else None)
        if form.is_valid():
            compose.assign(self, request, chosen, to=form.cleaned_data["owner"])
            return None
        context = self.admin_site.each_context(request) | {
            "title": "Give hand-offs to a person",
            "opts": self.opts,
            "form": form,
            "hand_offs": chosen,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "messaging/handoff/assign.html", context)


def _count_shows(request: HttpRequest) -> list[dict[str, Any]]:
    """The ways to narrow the list, and how many there are of each, in one query."""
    user = desk.person_of(request)
    chosen = request.GET.get(ShowFilter.parameter_name, "")
    counted = {f"n_{value}": Count("pk", filter=narrow(value, user=user)) for value, _ in SHOWS}
    counts = HandOff.objects.aggregate(**counted)
    return [
        {"value": value or None, "label": label, "count": counts[f"n_{value}"], "is_chosen": value == chosen}
        for value, label in SHOWS
    ]
