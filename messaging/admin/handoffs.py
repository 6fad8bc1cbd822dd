"""The list of hand-offs: what waits for a person, whose it is and when it is due. Opening one leads to its page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.views.main import ChangeList
from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.decorators import display

from messaging.admin import compose, desk, handoff_acts, handoff_shows, undo
from messaging.admin.desk import OwnerForm
from messaging.admin.words import short_time
from messaging.models import Escalation, HandOff, Snooze

KEYS = (
    ("j", "Down"),
    ("k", "Up"),
    ("Enter", "Open"),
    ("c", "Claim"),
    ("x", "Choose for an action"),
    ("/", "Search"),
    ("u", "Undo what was just sent or put off"),
    ("?", "Show these keys"),
)


@admin.register(HandOff)
class HandOffAdmin(ModelAdmin):
    class Media:
        css = {"all": [f"messaging/{name}.css" for name in ("desk", "handoffs", "keys", "undo")]}
        js = [Script("messaging/keys.js", type="module"), Script("messaging/handoffs.js", type="module")]

    nothing_yet = (
        "Nobody waits for a person. A message that the gate keeps from leaving by itself becomes a hand-off here."
    )
    list_display = ["candidate", "about", "why", "owned_by", "due", "handed_off", "state"]
    list_filter = [
        handoff_shows.ShowFilter,
        "touchpoint",
        "application__job",
        "reserve",
        ("owner", admin.RelatedOnlyFieldListFilter),
    ]
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
    actions = ["claim_all", "assign"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HandOff]:
        """With what its row says beside its own columns; `may_claim` is about who is looking."""
        user = desk.person_of(request)
        may_claim = self.has_change_permission(request) and desk.may_answer(request)
        rows: QuerySet[HandOff] = super().get_queryset(request)
        return rows.annotate(
            may_claim=Case(
                When(owner=user, then=False), When(status=HandOff.Status.OPEN, then=may_claim), default=False
            )
            if may_claim
            else Value(value=False),
            put_off_by=Subquery(Snooze.objects.filter(hand_off=OuterRef("pk")).order_by("-pk").values("reason")[:1]),
            escalated_to=Subquery(handoff_shows.escalations().order_by("-step").values("step")[:1]),
        )

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """How it was closed is told where closed ones are shown."""
        shows_closed = request.GET.get(handoff_shows.ShowFilter.parameter_name) in ("answered", "closed", "all")
        return [name for name in self.list_display if name != "state" or shows_closed]

    # --- Columns ---

    @display(description="candidate", ordering="application__candidate__first_name", header=True)
    def candidate(self, hand_off: HandOff) -> list[str]:
        candidate = hand_off.application.candidate
        return [candidate.full_name, candidate.email]

    @display(description="message", ordering="touchpoint", header=True)
    def about(self, hand_off: HandOff) -> list[str]:
        return [hand_off.get_touchpoint_display(), hand_off.application.job.title]

    @display(description="why")
    def why(self, hand_off: HandOff) -> SafeString:
        sentence = hand_off.sentences[0] if hand_off.sentences else ""
        badges = [("waiting", f"Put off: {hand_off.put_off_by}")] if hand_off.put_off_by else []  # type: ignore[attr-defined]
        if step := hand_off.escalated_to:  # type: ignore[attr-defined]
            badges.append(("grave", f"Escalated to {Escalation.Step(step).label}"))
        marks = format_html_join("", '<span class="desk-note desk-note-{}">{}</span>', badges)
        return format_html('<div><span title="{}">{}</span>{}</div>', sentence, _in_short(sentence), marks)

    @display(description="owner", ordering="owner__first_name")
    def owned_by(self, hand_off: HandOff) -> SafeString:
        owner = str(hand_off.owner) if hand_off.owner else "Nobody yet"
        if not hand_off.may_claim:  # type: ignore[attr-defined]
            return format_html("{}", owner)
        return format_html(
            '{} <button type="submit" class="desk-claim" formaction="{}" name="seen_with" value="{}" '
            'aria-label="Claim {}">Claim</button>',
            owner,
            reverse("admin:messaging_handoff_claim", args=[hand_off.pk]),
            hand_off.owner_id or "",
            hand_off,
        )

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

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request)) and desk.may_answer(request)

    def has_delete_permission(self, request: HttpRequest, obj: HandOff | None = None) -> bool:
        return False  # history

    # --- Pages ---

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/compose/", view(self.compose_view), name="messaging_handoff_compose"),
            path("<int:pk>/draft/", view(self.draft_view), name="messaging_handoff_draft"),
            path("undo/<int:message_pk>/", view(self.undo_view), name="messaging_handoff_undo"),
            path("<int:pk>/check/", view(self.check_view), name="messaging_handoff_check"),
            path("<int:pk>/claim/", view(self.claim_view), name="messaging_handoff_claim"),
            path("<int:pk>/give/", view(self.give_view), name="messaging_handoff_give"),
            path("<int:pk>/snooze/", view(self.snooze_view), name="messaging_handoff_snooze"),
            path("<int:pk>/snooze/end/", view(self.end_snooze_view), name="messaging_handoff_end_snooze"),
            *super().get_urls(),
        ]

    def compose_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return compose.show_or_close(self, request, pk)

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return compose.autosave(self, request, pk)

    def undo_view(self, request: HttpRequest, message_pk: int) -> HttpResponse:
        return undo.take_back(self, request, message_pk)

    def check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return compose.check(self, request, pk)

    def claim_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return handoff_acts.claim(self, request, pk)

    def give_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return handoff_acts.give(self, request, pk)

    def snooze_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return handoff_acts.snooze(self, request, pk)

    def end_snooze_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return handoff_acts.end_snooze(self, request, pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A hand-off has one page, open or closed; there is no form of its fields."""
        if not (object_id.isdecimal() and self.has_view_permission(request)):
            refused: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return refused
        return redirect("admin:messaging_handoff_compose", int(object_id))

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        shown: ChangeList = super().get_changelist_instance(request)
        if not request.GET.keys() - {handoff_shows.ShowFilter.parameter_name}:
            chosen = request.GET.get(handoff_shows.ShowFilter.parameter_name, "")
            shown.nothing_yet = handoff_shows.EMPTY.get(chosen, "")  # type: ignore[attr-defined]
        return shown

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        around = {
            "shows": handoff_shows.count(request),
            "undoable": undo.offers(request, now=timezone.now()),
            "just_put_off": handoff_acts.just_put_off(request, now=timezone.now()),
            "keys": KEYS,
        }
        page: HttpResponse = super().changelist_view(request, around | (extra_context or {}))
        return page

    @admin.action(description="Claim", permissions=["answer"])
    def claim_all(self, request: HttpRequest, queryset: QuerySet[HandOff]) -> None:
        handoff_acts.assign(self, request, list(queryset), to=desk.person_of(request))

    @admin.action(description="Give to a person", permissions=["change"])
    def assign(self, request: HttpRequest, queryset: QuerySet[HandOff]) -> HttpResponse | None:
        chosen = list(queryset.select_related("application__candidate", "owner"))
        form = OwnerForm(request.POST if "owner" in request.POST else None)
        if form.is_valid():
            handoff_acts.assign(self, request, chosen, to=form.cleaned_data["owner"])
            return None
        context = self.admin_site.each_context(request) | {
            "title": "Give hand-offs to a person",
            "opts": self.opts,
            "form": form,
            "hand_offs": chosen,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "messaging/handoff/assign.html", context)


def _in_short(sentence: str) -> str:
    """What the reason rests on; the kind of message and who sends it stand beside it."""
    because = sentence.partition(" because ")[2]
    return Truncator(because[:1].upper() + because[1:] if because else sentence).chars(90)
