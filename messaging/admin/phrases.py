"""The phrases that mean a rejection whatever a template calls itself: people keep the list, and each change of it is shown
before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from messaging import wordings
from messaging.admin import what_if, what_if_words
from messaging.admin.desk import person_of
from messaging.admin.rules import RuleAdmin
from messaging.admin.what_if import ShownFirst, WhatIfAdmin
from messaging.admin.what_if_words import Panel
from messaging.models import RejectionPhrase, Template
from messaging.what_if import changes, past, waiting
from messaging.wording import tripwire
from pipeline.admin.as_read import AsReadAdmin


def find_touched_templates(phrase: RejectionPhrase) -> list[Template]:
    """Templates in use whose signed wording reads like a rejection by this phrase, and whose kind is another one."""
    touched = []
    for template in Template.objects.in_use():
        wording = template.wording_to_send()
        if wording is not None and wordings.rejection_phrases_of(wording, phrases=[phrase.text]):
            touched.append(template)
    return touched


class RejectionPhraseForm(ShownFirst, forms.ModelForm):
    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if not tripwire.rejection_phrases_in(text, phrases=[text]):
            raise ValidationError("There is no word in this phrase, so it would never be found in a text.")
        return text


@admin.register(RejectionPhrase)
class RejectionPhraseAdmin(AsReadAdmin, WhatIfAdmin, RuleAdmin, ModelAdmin):
    form = RejectionPhraseForm
    change_form_template = "messaging/what_if/change_form.html"
    delete_confirmation_template = "messaging/what_if/delete.html"
    delete_selected_confirmation_template = delete_confirmation_template
    nothing_yet = (
        "No phrase is listed, so only the kind of a template says whether it rejects. Add the words with "
        "which you say no."
    )
    list_display = ("text",)
    list_per_page = 100
    search_help_text = "Words of a phrase"
    search_fields = ("text",)
    fields = ("text",)
    actions = ("delete_selected",)

    def what_if_of(self, request: HttpRequest, form: Any, formsets: Any) -> Panel:
        phrase = form.instance
        others = RejectionPhrase.objects.exclude(pk=phrase.pk).values_list("text", flat=True)
        title = "Nothing is saved yet. This is what it would have changed."
        return _what_if(request, [*others, phrase.text], title=title, token=what_if.token_of(what_if.rule_of(phrase)))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        phrase = self.get_object(request, object_id)
        if phrase and self.has_delete_permission(request, phrase) and request.method == "GET":
            extra_context = {"what_if": _what_if_without(request, [phrase]), **(extra_context or {})}
        return super().delete_view(request, object_id, extra_context)

    @admin.action(description="Delete selected %(verbose_name_plural)s", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, phrases: QuerySet[RejectionPhrase]) -> Any:
        """Django's own, with what it changes on the page that asks."""
        page: Any = delete_selected(self, request, phrases)
        if page is not None:
            page.context_data |= {
                "what_if": _what_if_without(request, list(phrases)),
                "asks_in": "admin/delete_selected_confirmation.html",
            }
        return page

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


def _what_if_without(request: HttpRequest, phrases: Sequence[RejectionPhrase]) -> Panel:
    gone = [phrase.pk for phrase in phrases]
    others = RejectionPhrase.objects.exclude(pk__in=gone).values_list("text", flat=True)
    return _what_if(request, list(others), title="This is what it would have changed.", token="")


def _what_if(request: HttpRequest, phrases: Sequence[str], *, title: str, token: str) -> Panel:
    now, change = timezone.now(), changes.of_phrases(phrases)
    return what_if_words.of_rules(
        title=title,
        token=token,
        behind=past.replay(change, now=now),
        ahead=waiting.look_ahead(change, now=now),
        may_read=person_of(request).has_perm("messaging.view_message"),
        limits=("Told from the wordings; what people wrote themselves is not read again.",),
    )
