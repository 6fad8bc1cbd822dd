"""Nobody saves a rule before they were shown what it would have changed: the first Save shows it and saves nothing, the
second one, for the same rule, saves. It works without a script, and a rule that is none other than before is just saved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.contrib.admin import helpers
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse

from messaging import ledger
from messaging.admin.what_if_words import Panel

# The field that says for which rule the page has shown what it would change.
FIELD = "what_if"
CODE = "what_if"
# Only read where the page cannot show the panel itself.
SENTENCE = "Nothing is saved yet. See what this would change, then save it."


def token_of(*rules: Any) -> str:
    """Of what a rule says, not of how it is called."""
    return hashlib.sha256(json.dumps(rules, sort_keys=True, default=str).encode()).hexdigest()[:32]


def rule_of(instance: Model) -> dict[str, ledger.Plain]:
    """What the row will say once it is saved."""
    return {name: getattr(instance, name) for name in ledger.RULES[type(instance)]}


class ShownFirst:
    """For forms of one rule. What they would save is on `instance` once they are valid."""

    def full_clean(self) -> None:
        super().full_clean()  # type: ignore[misc]
        form: Any = self
        if not form.is_bound or form.errors or rule_of(form.instance) == ledger.read_rule(form.instance):
            return
        if form.data.get(FIELD) != token_of(rule_of(form.instance)):
            form.add_error(None, ValidationError(SENTENCE, code=CODE))


def is_pending(form: Any, formsets: Sequence[BaseFormSet] = ()) -> bool:
    """Whether nothing is wrong with what was posted but that nobody saw yet what it would change. Takes that fault away,
    because it is none."""
    own = form.errors.get(NON_FIELD_ERRORS)
    lists = [errors for errors in (own, *(formset.non_form_errors() for formset in formsets)) if errors]
    found = False
    for errors in lists:
        others = [fault for fault in errors.as_data() if fault.code != CODE]
        found = found or len(others) < len(errors)
        errors.data = others
    if own is not None and not own:
        del form.errors[NON_FIELD_ERRORS]
    return found and not form.errors and not any(one.non_form_errors() or any(one.errors) for one in formsets)


class WhatIfAdmin:
    """For admin classes whose form is a ShownFirst, or has a formset that asks in the same way."""

    def what_if_of(self, request: HttpRequest, form: Any, formsets: Sequence[BaseFormSet]) -> Panel:
        """What the valid form would change."""
        raise NotImplementedError

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method == "POST":
            form = context["adminform"].form
            formsets = [inline.formset for inline in context["inline_admin_formsets"]]
            if is_pending(form, formsets):
                context["what_if"] = self.what_if_of(request, form, formsets)
            context["errors"] = helpers.AdminErrorList(form, formsets)
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]
        return response
