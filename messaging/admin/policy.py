"""The organisation's policy: its rows on top of the floor, the whole of it as a map, and the rejection phrases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action

from messaging import wordings
from messaging.admin import reserves
from messaging.admin.reserves import Policy
from messaging.admin.rules import RuleAdmin
from messaging.models import PolicyRow, RejectionPhrase, Template
from messaging.policy.floor import HUMAN_FROM, Reserve, Rule, Touchpoint, find_loose, floor
from messaging.wording import tripwire
from pipeline.milestones import Milestone

# What the decision asks beside the reserve, for the person who reads the map.
ALSO: dict[Touchpoint, str] = {
    Touchpoint.REJECTION: "only after a person’s decision to reject",
    Touchpoint.SURVEY: "only after the outcome was told and no hand-off is open",
    Touchpoint.TALENT_POOL: "only with the candidate’s consent",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A standing that a message can meet: contact before phone screen counts as phone screen."""

    milestone: Milestone
    contact: bool | None  # None: makes no difference here

    @property
    def standing(self) -> Milestone:
        return max(self.milestone, HUMAN_FROM) if self.contact else self.milestone


COLUMNS = tuple(
    Column(milestone=milestone, contact=contact)
    for milestone in Milestone
    for contact in ((False, True) if milestone < HUMAN_FROM else (None,))
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    reserve: Reserve
    is_stricter: bool  # than the floor: a row of the organisation asks for it

    @property
    def words(self) -> str:
        return ("Automatic", "Person sends", "Person writes")[self.reserve]


@dataclass(frozen=True, kw_only=True)
class MapRow:
    touchpoint: Touchpoint
    also: str
    cells: tuple[Cell, ...]


def map_of(policy: Policy) -> list[MapRow]:
    """Touchpoint by milestone by contact: what floor and policy ask together."""
    return [
        MapRow(
            touchpoint=touchpoint,
            also=ALSO.get(touchpoint, ""),
            cells=tuple(_cell(touchpoint, column.standing, policy.get(touchpoint, ())) for column in COLUMNS),
        )
        for touchpoint in Touchpoint
        if touchpoint is not Touchpoint.UNKNOWN
    ]


def _cell(touchpoint: Touchpoint, standing: Milestone, rules: Any) -> Cell:
    reserve = reserves.reserve_at(touchpoint, standing, rules=rules)
    return Cell(reserve=reserve, is_stricter=reserve > floor(touchpoint, standing))


def find_loose_without(row: PolicyRow) -> tuple[str, ...]:
    """What the other rows of this touchpoint would say less than the floor, if this one were gone."""
    return find_loose(row.touchpoint, reserves.rules_of(_others(row)))


def _others(row: PolicyRow) -> list[PolicyRow]:
    return list(PolicyRow.objects.filter(touchpoint=row.touchpoint).exclude(pk=row.pk))


class PolicyRowForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        touchpoint = data.get("touchpoint") or self.instance.touchpoint
        if touchpoint and {"from_milestone", "reserve"} <= data.keys():
            row = Rule(from_milestone=data["from_milestone"], reserve=data["reserve"])
            others = PolicyRow.objects.filter(touchpoint=touchpoint).exclude(pk=self.instance.pk)
            for sentence in find_loose(touchpoint, [*reserves.rules_of(others), row]):
                self.add_error("reserve", ValidationError("%(sentence)s", params={"sentence": sentence}))
        return data


@admin.register(PolicyRow)
class PolicyRowAdmin(RuleAdmin, ModelAdmin):
    form = PolicyRowForm
    list_display = ("touchpoint", "from_milestone", "reserve", "why")
    list_display_links = ("touchpoint", "from_milestone")
    list_filter = ("touchpoint", "reserve")
    list_per_page = 50
    search_fields = ("why",)
    fields = ("touchpoint", "from_milestone", "reserve", "why")
    actions = None  # rows are removed one at a time, because each removal is checked against the rest
    actions_list = ("map",)

    def get_readonly_fields(self, request: HttpRequest, obj: PolicyRow | None = None) -> tuple[str, ...]:
        # Another touchpoint is another row.
        return ("touchpoint",) if obj else ()

    def save_model(self, request: HttpRequest, obj: PolicyRow, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        loose = reserves.find_loose_templates(obj.touchpoint)
        if loose:
            names = ", ".join(f"“{template}”" for template in loose)
            messages.warning(
                request,
                f"The stage rules of {len(loose)} {'template' if len(loose) == 1 else 'templates'} say less than this "
                f"policy now: {names}. The stricter one always counts when a message leaves; change the rules, so that the "
                "pages of the templates say so too.",
            )

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        row = self.get_object(request, object_id)
        loose = find_loose_without(row) if row else ()
        if loose and self.has_delete_permission(request, row):
            messages.error(request, f"This row cannot be removed before the others. {loose[0]}")
            return redirect("admin:messaging_policyrow_change", object_id)
        return super().delete_view(request, object_id, extra_context)

    @action(description="See the whole policy", url_path="map", permissions=["view"], icon="table")
    def map(self, request: HttpRequest) -> HttpResponse:
        """Read-only: what floor and policy ask together, for every kind of message and every standing."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Who may send what",
            "milestones": [milestone for milestone in Milestone if milestone < HUMAN_FROM],
            "later": [milestone for milestone in Milestone if milestone >= HUMAN_FROM],
            "human_from": HUMAN_FROM,
            "rows": map_of(reserves.read_policy()),
            "rows_url": reverse("admin:messaging_policyrow_changelist"),
        }
        return TemplateResponse(request, "messaging/policy/map.html", context)


def find_touched_templates(phrase: RejectionPhrase) -> list[Template]:
    """Templates in use whose signed wording reads like a rejection by this phrase, and whose kind is another one."""
    touched = []
    for template in Template.objects.in_use():
        wording = template.wording_to_send()
        if wording is not None and wordings.rejection_phrases_of(wording, phrases=[phrase.text]):
            touched.append(template)
    return touched


class RejectionPhraseForm(forms.ModelForm):
    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if not tripwire.rejection_phrases_in(text, phrases=[text]):
            raise ValidationError("There is no word in this phrase, so it would never be found in a text.")
        return text


@admin.register(RejectionPhrase)
class RejectionPhraseAdmin(RuleAdmin, ModelAdmin):
    form = RejectionPhraseForm
    list_display = ("text",)
    list_per_page = 100
    search_fields = ("text",)
    fields = ("text",)

    def save_model(self, request: HttpRequest, obj: RejectionPhrase, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        touched = find_touched_templates(obj)
        if touched:
            names = ", ".join(f"“{template}”" for template in touched)
            messages.warning(
                request,
                f"“{obj}” stands in the wording of {names}. From now on that reads like a rejection, and is handed to "
                "a person unless two people signed it.",
            )
