"""The page of an automation: contradictions are refused in a sentence, and what will not go as expected is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, ForeignKey, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from messaging.admin import automation_effects, reserves
from messaging.admin.rules import RuleAdmin, written_down
from messaging.admin.what_if import ShownFirst, WhatIfAdmin
from messaging.admin.what_if_words import Panel
from messaging.models import Automation, Message
from messaging.policy.floor import Reserve, Touchpoint
from pipeline.admin.as_read import AsReadAdmin
from pipeline.milestones import Milestone
from pipeline.models import Stage

Event = Automation.Event
Unit = Automation.DelayUnit

STAGE_EVENTS = (Event.STAGE_ENTERED, Event.NO_NEWS)
COUNTED = timedelta(days=30)
LONGEST = 260  # business days: a year


def find_contradictions(automation: Automation) -> Iterator[tuple[str, str]]:
    """Pairs of a field and a sentence: what cannot be meant. The automation need not be saved, or complete."""
    event, stage, job = automation.event, automation.stage, automation.job
    if stage and event and event not in STAGE_EVENTS:
        yield "stage", f"“{automation.get_event_display()}” does not look at the stage. Leave the stage empty."
    if job and automation.pipeline and job.pipeline_id != automation.pipeline_id:
        yield "pipeline", f"“{job}” runs in the pipeline “{job.pipeline}”. Choose that one, or leave this empty."
    pipeline = automation.pipeline or (job.pipeline if job else None)
    if stage and pipeline and stage.pipeline_id != pipeline.pk:
        yield "stage", f"“{stage}” is a stage of the pipeline “{stage.pipeline}”. Choose a stage of “{pipeline}”."
    if event == Event.NO_NEWS:
        yield from _find_contradictions_in_waiting(automation)
    elif event and automation.quiet_days is not None:
        yield "quiet_days", f"“{automation.get_event_display()}” waits for no silence. Leave this empty; use the delay."
    if automation.delay_unit == Unit.BUSINESS_DAYS and (automation.delay or 0) > LONGEST:
        yield "delay", f"A delay can be {LONGEST} business days at most, which is a year."


def _find_contradictions_in_waiting(automation: Automation) -> Iterator[tuple[str, str]]:
    if not automation.quiet_days:
        yield "quiet_days", "Say after how many business days without news this should be sent: 1 or more."
    elif automation.quiet_days > LONGEST:
        yield "quiet_days", f"This can be {LONGEST} business days at most, which is a year."
    if automation.delay:
        yield "delay", "The business days without news are the wait already. Set the delay to 0."


def find_surprises(automation: Automation) -> Iterator[str]:
    """What a valid automation will do that its maker may not expect."""
    template = automation.template
    wording = template.wording_to_send()
    if not template.is_active:
        yield (
            f"The template “{template}” is retired, so each of these messages becomes a hand-off. Put it back in use, or "
            "choose another."
        )
    if wording is not None and not wording.signatures.exists():
        yield f"Nobody signed the wording of “{template}”. Each message goes to a person until somebody signs it."
    yield from _find_reserves(automation)
    if template.touchpoint == Touchpoint.REJECTION and automation.event != Event.REJECTED:
        yield f"A rejection follows only from the event “{Event.REJECTED.label}”; here each becomes a hand-off."
    for other in _find_rivals(automation):
        yield (
            f"“{other}” answers the same event with a message of the same kind. Where both apply, a candidate gets "
            "only the message of the one that was made first."
        )


def _find_reserves(automation: Automation) -> Iterator[str]:
    first = Milestone(automation.stage.milestone) if automation.stage else Milestone.APPLIED
    asked = {at: reserve for at, reserve in reserves.reserves_of(automation.template).items() if at >= first}
    kind = automation.template.get_touchpoint_display().lower()
    words = " ".join(reserves.in_words(asked))
    if Reserve.AUTOMATIC not in asked.values():
        yield f"A message of the kind “{kind}” is never sent automatically here; each becomes a hand-off. {words}"
    elif set(asked.values()) != {Reserve.AUTOMATIC}:
        yield f"Not every message of this automation is sent automatically. {words}"


def _find_rivals(automation: Automation) -> QuerySet[Automation]:
    """Automations that the same change can set off with the same touchpoint: one cause sends one message of a kind."""
    if not automation.is_active:
        return Automation.objects.none()
    touchpoint = automation.template.touchpoint
    rivals = Automation.objects.in_use().filter(event=automation.event, template__touchpoint=touchpoint)
    if automation.job_id:
        rivals = rivals.filter(Q(job=None) | Q(job=automation.job_id))
    if automation.pipeline_id:
        rivals = rivals.filter(Q(pipeline=None) | Q(pipeline=automation.pipeline_id))
    if automation.stage_id:
        rivals = rivals.filter(Q(stage=None) | Q(stage=automation.stage_id))
    return rivals.exclude(pk=automation.pk)


class StageField(forms.ModelChoiceField):
    """Stages with their pipelines, because many pipelines call their stages the same."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.pipeline}: {obj}"


class AutomationForm(ShownFirst, forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        template = data.get("template")
        if template is not None and template.wording_to_send() is None:
            self.add_error("template", f"“{template}” has no wording yet. Write one on its page first.")
        # The database asks some of this too, less kindly; it is not asked about fields that have an error already.
        for field, sentence in list(find_contradictions(Automation(**data))):
            self.add_error(field, sentence)
        return data


def with_columns(automations: QuerySet[Automation], *, since: Any) -> QuerySet[Automation]:
    """With what was planned and what was sent since then, in the one query that reads the list."""
    messages_of = Message.objects.filter(automation=OuterRef("pk")).order_by()

    def counted(found: QuerySet[Message]) -> Coalesce:
        return Coalesce(Subquery(found.values("automation").annotate(found=Count("pk")).values("found")), 0)

    return automations.annotate(
        planned=counted(messages_of.filter(created_at__gte=since)), sent=counted(messages_of.filter(sent_at__gte=since))
    )


@admin.register(Automation)
class AutomationAdmin(AsReadAdmin, WhatIfAdmin, RuleAdmin, ModelAdmin):
    form = AutomationForm
    change_form_template = "messaging/automation/change_form.html"
    delete_confirmation_template = "messaging/what_if/delete.html"
    list_display = ("name", "event_words", "scope", "delay_words", "template_link", "is_active", "planned", "sent")
    list_filter = ("is_active", "event", "template__touchpoint", "template", "pipeline")
    list_select_related = ("job", "pipeline", "stage__pipeline", "template")
    list_per_page = 50
    nothing_yet = (
        "An automation sends a template after an event: an application arrives, a stage is entered, nobody heard anything "
        "for days. "
        "What the policy reserves becomes a person’s task."
    )
    search_help_text = "Name, template or job"
    search_fields = ("name", "template__name", "job__title")
    autocomplete_fields = ("job", "template")
    fieldsets = (
        (None, {"fields": ("name", "is_active")}),
        ("When", {"fields": ("event", "stage", "quiet_days")}),
        ("For which jobs", {"fields": ("job", "pipeline")}),
        ("What, and how much later", {"fields": ("template", "delay", "delay_unit")}),
    )
    actions = ("switch_on", "switch_off")

    # --- The list -----------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Automation]:
        return with_columns(super().get_queryset(request), since=timezone.now() - COUNTED)

    @admin.display(description="event", ordering="event")
    def event_words(self, automation: Automation) -> str:
        stage = f"“{automation.stage}”" if automation.stage else "any stage"
        if automation.event == Event.NO_NEWS:
            return f"{_counted(automation.quiet_days or 0, 'business day')} in {stage} without news"
        if automation.event == Event.STAGE_ENTERED:
            return f"Entered {stage}"
        return automation.get_event_display()

    @admin.display(description="for", ordering="job")
    def scope(self, automation: Automation) -> str:
        if automation.job:
            return str(automation.job)
        pipeline = automation.pipeline or (automation.stage.pipeline if automation.stage else None)
        return f"Every job in “{pipeline}”" if pipeline else "Every job"

    @admin.display(description="delay")
    def delay_words(self, automation: Automation) -> str:
        if not automation.delay:
            return "At once"
        return f"After {_counted(automation.delay, Unit(automation.delay_unit).label.lower().removesuffix('s'))}"

    @admin.display(description="template", ordering="template__name")
    def template_link(self, automation: Automation) -> str:
        url = reverse("admin:messaging_template_change", args=[automation.template_id])
        return format_html('<a href="{}">{}</a>', url, automation.template)

    @admin.display(description="planned, 30 days", ordering="planned")
    def planned(self, automation: Any) -> int:
        planned: int = automation.planned
        return planned

    @admin.display(description="sent, 30 days", ordering="sent")
    def sent(self, automation: Any) -> int:
        sent: int = automation.sent
        return sent

    # --- The page -----------------------------------------------------------------------------------------------------

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "stage":
            stages = Stage.objects.select_related("pipeline").order_by("pipeline__name", "position")
            kwargs |= {"form_class": StageField, "queryset": stages}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Automation | None = None, **kwargs: Any
    ) -> HttpResponse:
        context["surprises"] = list(find_surprises(obj)) if obj and request.method == "GET" else []
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response

    def what_if_of(self, request: HttpRequest, form: Any, formsets: Any) -> Panel:
        return automation_effects.what_if_with(request, form.instance)

    def save_model(self, request: HttpRequest, obj: Automation, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        # Whoever goes on editing reads them on the page itself.
        if "_continue" not in request.POST:
            for sentence in find_surprises(obj):
                messages.warning(request, f"{obj}: {sentence}")
        if change and "is_active" in form.changed_data and not obj.is_active:
            self._say_who_waits(request, Automation.objects.filter(pk=obj.pk))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        automation = self.get_object(request, object_id)
        if automation and self.has_delete_permission(request, automation) and automation.messages.exists():
            messages.error(
                request,
                f"“{automation}” has planned messages, and they keep their reason. Switch it off instead: untick “In use”.",
            )
            return redirect("admin:messaging_automation_change", object_id)
        if automation and self.has_delete_permission(request, automation) and request.method == "GET":
            extra_context = {
                "what_if": automation_effects.what_if_without(request, automation),
                **(extra_context or {}),
            }
        return super().delete_view(request, object_id, extra_context)

    # --- Actions ------------------------------------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # One at a time, because each must be free of messages.
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, automations: QuerySet[Automation]) -> HttpResponse | None:
        if page := automation_effects.ask_first(self, request, automations.filter(is_active=False), to=True):
            return page
        switched = self._switch(request, automations.filter(is_active=False), to=True)
        messages.success(request, f"Switched on {_counted(switched, 'automation')}.")
        return None

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, automations: QuerySet[Automation]) -> HttpResponse | None:
        if page := automation_effects.ask_first(self, request, automations.filter(is_active=True), to=False):
            return page
        chosen = list(automations.values_list("pk", flat=True))
        switched = self._switch(request, automations.filter(is_active=True), to=False)
        messages.success(request, f"Switched off {_counted(switched, 'automation')}.")
        self._say_who_waits(request, Automation.objects.filter(pk__in=chosen))
        return None

    def _switch(self, request: HttpRequest, automations: QuerySet[Automation], *, to: bool) -> int:
        changed = list(automations)
        chosen = Automation.objects.filter(pk__in=[one.pk for one in changed], is_active=not to)
        with written_down(request, changed):
            switched = chosen.update(is_active=to)
        for automation in changed:
            self.log_change(request, automation, "Switched on." if to else "Switched off.")
        return switched

    def _say_who_waits(self, request: HttpRequest, automations: QuerySet[Automation]) -> None:
        waiting = Message.objects.waiting().filter(automation__in=automations).count()
        if waiting:
            messages.warning(request, f"{_counted(waiting, 'scheduled message')} will be handed to a person when due.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
