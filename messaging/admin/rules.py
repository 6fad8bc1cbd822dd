"""Whoever changes a rule on a page leaves a row in the ledger: what it was, what it is, and who changed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from messaging import ledger
from messaging.admin.desk import person_of
from pipeline import actors


@contextmanager
def written_down(request: HttpRequest, rules: Sequence[Model]) -> Iterator[list[Model]]:
    """What happens inside to these rules, and to those that are appended meanwhile, is in the ledger."""
    with transaction.atomic():
        before = {rule.pk: ledger.read_rule(rule) for rule in rules}
        watched = list(rules)
        # Django takes the key from what it deletes.
        keys = [rule.pk for rule in watched]
        yield watched
        for number, rule in enumerate(watched):
            rule.pk = rule.pk or keys[number]
            values = before.get(rule.pk, {})
            ledger.write_rule_change(rule, before=values, by=actors.person(person_of(request).pk), now=timezone.now())


class RuleAdmin:
    """For admin classes of rules, and of what has rules as its inlines."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        with written_down(request, [obj]):
            super().save_model(request, obj, form, change)  # type: ignore[misc]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with written_down(request, [obj]):
            super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with written_down(request, list(queryset)):
            super().delete_queryset(request, queryset)  # type: ignore[misc]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        with written_down(request, list(formset.queryset)) as watched:
            super().save_formset(request, form, formset, change)  # type: ignore[misc]
            watched.extend(formset.new_objects)
