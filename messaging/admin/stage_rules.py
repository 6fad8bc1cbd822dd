"""What other stage rules of a template would mean, and another kind, and being in use or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from messaging.admin import reserves, what_if, what_if_words
from messaging.admin.desk import person_of
from messaging.admin.what_if_words import Panel
from messaging.models import Template
from messaging.policy.floor import Rule
from messaging.what_if import changes, past, waiting


def is_to_be_shown(template: Template, rules: Sequence[Rule], *, posted: Mapping[str, Any]) -> bool:
    """Whether saving these would be another rule, of which nobody was shown what it would change. `template`: as it would
    be. Of a new one nothing was ever sent."""
    stored = Template.objects.filter(pk=template.pk).first()
    if stored is None or _token(template, rules) == _token(stored, reserves.rules_of(stored.stage_rules.all())):
        return False
    return posted.get(what_if.FIELD) != _token(template, rules)


def what_if_with(request: HttpRequest, template: Template, rules: Sequence[Rule]) -> Panel:
    now, change = timezone.now(), changes.of_template(template, rules)
    return what_if_words.of_rules(
        title="Nothing is saved yet. This is what it would have changed.",
        token=_token(template, rules),
        behind=past.replay(change, now=now),
        ahead=waiting.look_ahead(change, now=now),
        may_read=person_of(request).has_perm("messaging.view_message"),
    )


def _token(template: Template, rules: Sequence[Rule]) -> str:
    return what_if.token_of(
        template.touchpoint, template.is_active, sorted((rule.from_milestone, rule.reserve) for rule in rules)
    )
