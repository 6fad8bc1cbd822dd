"""What is on record about messages: every attempt to hand one over and every verdict of the gate, as lists and inside a
message; and the ledger with its seals. It is read, and never added to, changed or deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from messaging.admin import ledger_words
from messaging.admin.words import short_time
from messaging.models import Attempt, HandOff, LedgerEntry, ProviderEvent, RecordedVerdict, Seal
from messaging.policy.decision import Outcome
from pipeline.models import User

OUTCOME_COLOURS = {
    Outcome.SEND: "success",
    Outcome.LATER: "info",
    Outcome.HAND_OFF: "warning",
    Outcome.STOP: "default",
}
ATTEMPT_COLOURS = {
    Attempt.Outcome.ACCEPTED: "success",
    Attempt.Outcome.REFUSED: "warning",
    Attempt.Outcome.REJECTED: "danger",
    Attempt.Outcome.UNCERTAIN: "danger",
    "open": "info",
}


class History:
    """For admin classes of what happened: it stays as it happened."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _sentences(verdict: RecordedVerdict) -> SafeString:
    sentences = [finding["sentence"] for finding in verdict.findings] or ["Nothing spoke against it."]
    return format_html_join("", "<p>{}</p>", ((sentence,) for sentence in sentences))


def _facts_of(verdict: RecordedVerdict) -> SafeString:
    rows = ((name.replace("_", " "), value) for name, value in verdict.facts.items())
    return format_html('<dl class="desk-facts">{}</dl>', format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows))


# --- Inside a message --------------------------------------------------------------------------------------------------


class AttemptInline(History, TabularInline):
    model = Attempt
    fields = readonly_fields = ["number", "started", "provider", "answer", "detail"]
    extra = 0
    hide_title = True
    verbose_name_plural = "Attempts to hand it to the provider"

    @display(description="started")
    def started(self, attempt: Attempt) -> str:
        return short_time(attempt.started_at)

    @display(description="outcome")
    def answer(self, attempt: Attempt) -> str:
        return attempt.get_outcome_display() or "Still open"


class ProviderEventInline(History, TabularInline):
    model = ProviderEvent
    fields = readonly_fields = ["happened", "kind", "provider", "description"]
    extra = 0
    hide_title = True
    verbose_name_plural = "What the provider reported"

    @display(description="happened")
    def happened(self, event: ProviderEvent) -> str:
        return short_time(event.at)


class VerdictInline(History, TabularInline):
    model = RecordedVerdict
    fields = readonly_fields = ["decided", "outcome", "reserve", "reasons", "facts_then"]
    extra = 0
    hide_title = True
    verbose_name_plural = "What the gate said"

    @display(description="decided")
    def decided(self, verdict: RecordedVerdict) -> str:
        return short_time(verdict.decided_at)

    @display(description="reasons")
    def reasons(self, verdict: RecordedVerdict) -> SafeString:
        return _sentences(verdict)

    @display(description="facts")
    def facts_then(self, verdict: RecordedVerdict) -> SafeString:
        return format_html("<details><summary>Facts it went by</summary>{}</details>", _facts_of(verdict))


class HandOffInline(History, TabularInline):
    model = HandOff
    fk_name = "message"
    fields = readonly_fields = ["page", "owned_by", "due", "status", "note"]
    extra = 0
    hide_title = True
    verbose_name_plural = "Hand-offs"

    def get_queryset(self, request: HttpRequest) -> QuerySet[HandOff]:
        hand_offs: QuerySet[HandOff] = super().get_queryset(request)
        return hand_offs.select_related("owner")

    @display(description="page")
    def page(self, hand_off: HandOff) -> SafeString:
        url = reverse("admin:messaging_handoff_compose", args=[hand_off.pk])
        return format_html('<a class="desk-link" href="{}">Open the hand-off</a>', url)

    @display(description="owner")
    def owned_by(self, hand_off: HandOff) -> str:
        return str(hand_off.owner or "Nobody yet")

    @display(description="due")
    def due(self, hand_off: HandOff) -> str:
        return short_time(hand_off.due_at)


# --- Attempts and verdicts, over all messages --------------------------------------------------------------------------


@admin.register(Attempt)
class AttemptAdmin(History, ModelAdmin):
    nothing_yet = "No mail was given to the provider yet. Each try is written down here before a byte of it leaves."
    list_display = ["to_whom", "number", "started", "provider", "state", "detail_shortened"]
    list_filter = ["outcome", "provider", "started_at"]
    list_select_related = ["message__application__candidate"]
    search_fields = ["recipient", "provider_message_id", "detail"]
    search_help_text = "Address, the provider’s id, or what the provider said"
    ordering = ["-started_at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    fields = [
        "message",
        "number",
        ("started_at", "finished_at", "expires_at"),
        "recipient",
        ("provider", "provider_message_id"),
        "outcome",
        "detail",
        "fingerprint",
    ]

    @display(description="message", header=True)
    def to_whom(self, attempt: Attempt) -> list[str]:
        return [str(attempt.message), attempt.recipient]

    @display(description="started", ordering="started_at")
    def started(self, attempt: Attempt) -> str:
        return short_time(attempt.started_at)

    @display(description="outcome", ordering="outcome", label=ATTEMPT_COLOURS)
    def state(self, attempt: Attempt) -> tuple[str, str]:
        return attempt.outcome or "open", attempt.get_outcome_display() or "Still open"

    @display(description="what the provider said")
    def detail_shortened(self, attempt: Attempt) -> str:
        return Truncator(attempt.detail).chars(80)


@admin.register(RecordedVerdict)
class RecordedVerdictAdmin(History, ModelAdmin):
    class Media:
        css = {"all": ["messaging/desk.css"]}

    nothing_yet = (
        "The gate decided nothing yet. What it says to a message that is due stays here, with every reason and fact."
    )
    list_display = ["about", "decided", "answer", "reserve", "first_reason"]
    list_filter = ["outcome", "reserve", "message__touchpoint", "decided_at"]
    list_select_related = ["message__application__candidate", "message__application__job"]
    search_fields = [
        "message__application__candidate__first_name",
        "message__application__candidate__last_name",
        "message__application__candidate__email",
    ]
    search_help_text = "Name or address of a candidate"
    ordering = ["-decided_at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["message", "decided_at", "outcome", "reserve", "reasons", "facts_then", "versions", "seal"]
    readonly_fields = ["reasons", "facts_then"]

    @display(description="message", header=True)
    def about(self, verdict: RecordedVerdict) -> list[str]:
        return [str(verdict.message), verdict.message.application.job.title]

    @display(description="decided", ordering="decided_at")
    def decided(self, verdict: RecordedVerdict) -> str:
        return short_time(verdict.decided_at)

    @display(description="answer", ordering="outcome", label=OUTCOME_COLOURS)
    def answer(self, verdict: RecordedVerdict) -> tuple[str, str]:
        return verdict.outcome, verdict.get_outcome_display()

    @display(description="first reason")
    def first_reason(self, verdict: RecordedVerdict) -> str:
        return Truncator(verdict.findings[0]["sentence"] if verdict.findings else "").chars(90)

    @display(description="reasons")
    def reasons(self, verdict: RecordedVerdict) -> SafeString:
        return _sentences(verdict)

    @display(description="facts")
    def facts_then(self, verdict: RecordedVerdict) -> SafeString:
        return _facts_of(verdict)


# --- The ledger --------------------------------------------------------------------------------------------------------


@admin.register(LedgerEntry)
class LedgerEntryAdmin(History, ModelAdmin):
    nothing_yet = (
        "Nothing happened yet that matters. What people do and what changes a rule is written here, and "
        "never changed again."
    )
    list_display = ["kind", "written", "actor", "subject", "said", "seal"]
    list_filter = ["kind", "actor_kind", "at"]
    search_fields = ["subject"]
    search_help_text = "What it is about, for example message:17"
    ordering = ["-at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["kind", "at", "actor", "subject", "data", "seal"]
    readonly_fields = ["actor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        entries: QuerySet[LedgerEntry] = super().get_queryset(request)
        person = User.objects.filter(pk=OuterRef("actor_id"))
        name = Concat("first_name", Value(" "), "last_name")
        return entries.select_related("seal").annotate(actor_name=Subquery(person.values(name=name)[:1]))

    @display(description="when", ordering="at")
    def written(self, entry: LedgerEntry) -> str:
        return short_time(entry.at)

    @display(description="who")
    def actor(self, entry: Any) -> str:
        name: str = (entry.actor_name or "").strip()
        return name or entry.get_actor_kind_display()

    @display(description="what it says")
    def said(self, entry: LedgerEntry) -> str:
        return Truncator(ledger_words.say(entry.kind, entry.data)).chars(300)


@admin.register(Seal)
class SealAdmin(History, ModelAdmin):
    nothing_yet = (
        "Nothing is sealed yet. Every minute what was written to the ledger is closed with a seal, so "
        "that a later change shows."
    )
    list_display = ["number", "sealed", "rows", "head"]
    list_filter = ["sealed_at"]
    search_fields = ["=head", "=digest"]
    search_help_text = "A head, as it was kept elsewhere"
    ordering = ["-number"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["number", "sealed_at", "rows", "digest", "previous", "head", "contents"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Seal]:
        # The contents are long, and only the page of one seal shows them.
        seals: QuerySet[Seal] = super().get_queryset(request)
        return seals.defer("contents")

    @display(description="sealed", ordering="sealed_at")
    def sealed(self, seal: Seal) -> str:
        return short_time(seal.sealed_at)
