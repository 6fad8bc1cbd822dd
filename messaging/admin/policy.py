"""The organisation's policy: its rows on top of the floor, as a list; the map of the whole is in policy_map.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action

from messaging.admin import policy_map, policy_rows, reserves
from messaging.admin.rules import RuleAdmin
from messaging.admin.what_if import ShownFirst, WhatIfAdmin
from messaging.admin.what_if_words import Panel
from messaging.models import PolicyRow
from messaging.policy.floor import Rule, find_loose
from pipeline.admin.as_read import AsReadAdmin


class PolicyRowForm(ShownFirst, forms.ModelForm):
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
class PolicyRowAdmin(AsReadAdmin, WhatIfAdmin, RuleAdmin, ModelAdmin):
    form = PolicyRowForm
    change_form_template = "messaging/what_if/change_form.html"
    delete_confirmation_template = "messaging/what_if/delete.html"
    list_display = ("touchpoint", "from_milestone", "reserve", "why")
    list_display_links = ("touchpoint", "from_milestone")
    list_filter = ("touchpoint", "reserve")
    list_per_page = 50
    search_help_text = "Words of its reason"
    search_fields = ("why",)
    fields = ("touchpoint", "from_milestone", "reserve", "why")
    actions = None  # rows are removed one at a time, because each removal is checked against the rest
    nothing_yet = (
        "The floor alone decides who may send what. A row asks for more than it, never for less; "
        "the map “Who may send what” shows both."
    )
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

    def what_if_of(self, request: HttpRequest, form: Any, formsets: Any) -> Panel:
        return policy_rows.what_if_with(request, form.instance)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        row = self.get_object(request, object_id)
        if row is None or not self.has_delete_permission(request, row):
            return super().delete_view(request, object_id, extra_context)
        if loose := policy_rows.find_loose_without(row):
            messages.error(request, f"This row cannot be removed before the others. {loose[0]}")
            return redirect("admin:messaging_policyrow_change", object_id)
        if request.method == "GET":
            extra_context = {"what_if": policy_rows.what_if_without(request, row), **(extra_context or {})}
        return super().delete_view(request, object_id, extra_context)

    @action(description="See the whole policy", url_path="map", permissions=["view"], icon="table")
    def map(self, request: HttpRequest) -> HttpResponse:
        return policy_map.show(self, request)

    def get_urls(self) -> list[URLPattern]:
        change = self.admin_site.admin_view(require_POST(partial(policy_map.change, self)))
        return [path("map/row/", change, name="messaging_policyrow_map_row"), *super().get_urls()]
