"""Sources: where stage changes come from, and which of them relay decisions that people made."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from pipeline import sources
from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import Source


@admin.register(Source)
class SourceAdmin(AsReadAdmin, ModelAdmin):
    nothing_yet = (
        "Nothing was imported yet. Each file or system that moves candidates gets a row here, and you "
        "say whether it relays decisions of people."
    )
    list_display = ["name", "kind", "relays_decisions", "registered_by", "registered_at"]
    list_filter = ["kind", "relays_decisions"]
    list_select_related = ["registered_by"]
    list_per_page = 50
    search_help_text = "Name"
    search_fields = ["name"]
    readonly_fields = ["registered_by", "registered_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an import or a token makes its own

    def has_delete_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        return ["name", "kind", *self.readonly_fields]

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if obj.relays_decisions:
            sources.register(obj, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        else:
            sources.withdraw_registration(obj)
