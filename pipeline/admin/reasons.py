"""Reasons: what colleagues read, and apart from it what a candidate may read."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import Reason


@admin.register(Reason)
class ReasonAdmin(AsReadAdmin, ModelAdmin):
    nothing_yet = "No reason yet. Add why you reject people and why they withdraw, and what of it they may read."
    list_display = ["internal", "kind_label", "shareable", "is_active"]
    list_filter = ["kind", "is_active"]
    list_per_page = 50
    search_help_text = "Words of a reason"
    search_fields = ["internal", "shareable"]
    radio_fields = {"kind": admin.HORIZONTAL}
    fieldsets = [
        (None, {"fields": ["kind", "is_active"]}),
        ("For colleagues", {"fields": ["internal"]}),
        ("For the candidate", {"fields": ["shareable"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Reason | None = None) -> list[str]:
        # A decision that was a rejection does not become a withdrawal afterwards.
        return ["kind"] if obj else []

    @display(description="Kind", ordering="kind", label={"Withdrew": "info"})
    def kind_label(self, reason: Reason) -> str:
        return reason.get_kind_display()
