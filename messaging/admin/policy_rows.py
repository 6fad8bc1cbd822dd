"""What a change of the organisation's rows for one kind of message would mean, for every page on which they are changed."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils import timezone

from messaging.admin import reserves, what_if, what_if_words
from messaging.admin.desk import person_of
from messaging.admin.what_if_words import Panel
from messaging.models import PolicyRow
from messaging.policy.floor import Rule, find_loose
from messaging.what_if import changes, past, waiting


def others_of(row: PolicyRow) -> list[PolicyRow]:
    return list(PolicyRow.objects.filter(touchpoint=row.touchpoint).exclude(pk=row.pk))


def find_loose_without(row: PolicyRow) -> tuple[str, ...]:
    """What the other rows of this touchpoint would say less than the floor, if this one were gone."""
    return find_loose(row.touchpoint, reserves.rules_of(others_of(row)))


def what_if_with(request: HttpRequest, row: PolicyRow) -> Panel:
    """`row`: as it would be, saved or not."""
    return _what_if(
        request,
        row.touchpoint,
        [*reserves.rules_of(others_of(row)), row.as_rule],
        title="Nothing is saved yet. This is what it would have changed.",
        token=what_if.token_of(what_if.rule_of(row)),
    )


def what_if_without(request: HttpRequest, row: PolicyRow) -> Panel:
    return _what_if(
        request,
        row.touchpoint,
        reserves.rules_of(others_of(row)),
        title="Nothing is removed yet. This is what it would have changed.",
        token=token_without(row),
    )


def token_without(row: PolicyRow) -> str:
    return what_if.token_of("without", what_if.rule_of(row))


def _what_if(request: HttpRequest, touchpoint: str, rules: Sequence[Rule], *, title: str, token: str) -> Panel:
    now, change = timezone.now(), changes.of_policy(touchpoint, rules)
    return what_if_words.of_rules(
        title=title,
        token=token,
        behind=past.replay(change, now=now),
        ahead=waiting.look_ahead(change, now=now),
        may_read=person_of(request).has_perm("messaging.view_message"),
    )
