"""What an automation would do: on its page, before it is deleted, and before the list switches several on or off."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from messaging.admin import what_if, what_if_words
from messaging.admin.desk import person_of
from messaging.admin.what_if_words import Panel
from messaging.models import Automation
from messaging.what_if import changes, following, waiting

# Of several at once, as many are looked at one by one; a person waits for the answer.
TOLD_ONE_BY_ONE = 10


def what_if_with(request: HttpRequest, automation: Automation) -> Panel:
    """`automation`: as it would be, saved or not."""
    now = timezone.now()
    stored = Automation.objects.filter(pk=automation.pk).select_related("template").first()
    ahead = waiting.look_ahead(changes.of_automations([automation]), now=now) if stored else None
    behind = following.look_back(automation, stored=stored, now=now)
    limits = what_if_words.limits_of_following([behind])
    if stored and ahead and ahead.all and stored.template_id != automation.template_id:
        limits.append(f"What is scheduled keeps the template it was planned with, “{stored.template}”.")
    parts = [what_if_words.of_following(automation, behind, may_read=_may_read(request))]
    return Panel(
        title="Nothing is saved yet. This is what it would have done.",
        token=what_if.token_of(what_if.rule_of(automation)),
        parts=(*parts, what_if_words.of_what_waits(ahead, may_read=_may_read(request))) if ahead else tuple(parts),
        limits=tuple(limits),
    )


def what_if_without(request: HttpRequest, automation: Automation) -> Panel:
    """Of one that planned nothing, which is the only one that can be deleted."""
    return _of_many(request, [automation], to=False, title="This is what it would have done.")


def ask_first(
    model_admin: ModelAdmin, request: HttpRequest, automations: QuerySet[Automation], *, to: bool
) -> HttpResponse | None:
    """The page between choosing and switching; None where it was seen, or nothing is left to switch."""
    chosen = list(automations.select_related("template", "job", "pipeline", "stage"))
    if "confirm" in request.POST or not chosen:
        return None
    verb = "on" if to else "off"
    title = f"Switch {verb} {len(chosen)} automation{'' if len(chosen) == 1 else 's'}?"
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": title,
        "what_if": _of_many(request, chosen, to=to, title=title),
        "chosen": chosen,
        "action": f"switch_{verb}",
        "verb": f"Switch {verb}",
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "messaging/automation/switch.html", context)


def _of_many(request: HttpRequest, automations: Sequence[Automation], *, to: bool, title: str) -> Panel:
    now, may_read = timezone.now(), _may_read(request)
    switched = [_as(automation, is_active=to) for automation in automations]
    looked_at = [
        (one, following.look_back(one, stored=None if to else before, now=now))
        for before, one in list(zip(automations, switched, strict=True))[:TOLD_ONE_BY_ONE]
    ]
    ahead = waiting.look_ahead(changes.of_automations(switched), now=now)
    limits = what_if_words.limits_of_following([behind for _, behind in looked_at])
    if len(switched) > TOLD_ONE_BY_ONE:
        limits.append(f"Only the first {TOLD_ONE_BY_ONE} of {len(switched)} automations were looked at one by one.")
    return Panel(
        title=title,
        token="",
        parts=(
            *(what_if_words.of_following(one, behind, may_read=may_read, name=one.name) for one, behind in looked_at),
            what_if_words.of_what_waits(ahead, may_read=may_read),
        ),
        limits=tuple(limits),
    )


def _as(automation: Automation, *, is_active: bool) -> Automation:
    other = copy.copy(automation)
    other.is_active = is_active
    return other


def _may_read(request: HttpRequest) -> bool:
    return person_of(request).has_perm("messaging.view_message")
