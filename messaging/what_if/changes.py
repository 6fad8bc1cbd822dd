"""A change that nobody made yet, as something to decide with: the rules as they are, and as they would be."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from messaging.models import Automation, Template, Wording
from messaging.policy.decision import Facts
from messaging.policy.floor import Rule, Touchpoint
from messaging.rulebook import Rulebook
from messaging.wording import tripwire
from messaging.wordings import read_phrases

# Of all that were ever written; reading one takes about a millisecond.
WORDINGS_AT_MOST = 2_000


@dataclass(frozen=True, kw_only=True)
class Change:
    """What it cannot concern is not looked at: `verdicts` and `messages` say what it can. None: that stays as it is."""

    verdicts: Q
    messages: Q
    today: Rulebook
    rules: Rulebook  # as they would be
    touchpoint: str | None = None  # of new messages; what is scheduled keeps its own
    template_in_use: bool | None = None
    automations: Mapping[int, Automation] = field(default_factory=dict)  # as they would be, for what they planned
    reads: Mapping[int, bool] = field(default_factory=dict)  # wording: whether it would read like a rejection

    def as_it_is(self, facts: Facts, *, template: int | None) -> Facts:
        return self.today.ask(facts, template=template)

    def as_it_will_be(self, facts: Facts, *, template: int | None, wording: int | None) -> Facts:
        """Of what is planned already."""
        if self.template_in_use is not None:
            facts = dataclasses.replace(facts, template_in_use=self.template_in_use)
        if wording is not None and wording in self.reads:
            facts = dataclasses.replace(facts, reads_like_rejection=self.reads[wording])
        return self.rules.ask(facts, template=template)

    def as_it_would_have_been(self, facts: Facts, *, template: int | None, wording: int | None) -> Facts:
        if self.touchpoint is not None:
            facts = dataclasses.replace(facts, touchpoint=self.touchpoint)
        return self.as_it_will_be(facts, template=template, wording=wording)


def of_policy(touchpoint: str, rules: Sequence[Rule]) -> Change:
    """`rules`: all rows of the organisation for this touchpoint, as they would be."""
    today = Rulebook.read()
    verdicts, messages = Q(message__touchpoint=touchpoint), Q(touchpoint=touchpoint)
    if touchpoint == Touchpoint.REJECTION:
        # Of what waits, only the text tells whether it reads like one, and the gate reads it.
        verdicts, messages = verdicts | Q(facts__reads_like_rejection=True), Q()
    return Change(verdicts=verdicts, messages=messages, today=today, rules=today.with_policy(touchpoint, rules))


def of_template(template: Template, rules: Sequence[Rule]) -> Change:
    """`template`: as it would be, over the row that is stored; `rules`: all of its stage rules, as they would be."""
    today, stored = Rulebook.read(), Template.objects.get(pk=template.pk)
    return Change(
        verdicts=Q(message__template=template),
        messages=Q(template=template),
        today=today,
        rules=today.with_stage_rules(template.pk, rules),
        touchpoint=template.touchpoint if template.touchpoint != stored.touchpoint else None,
        template_in_use=template.is_active if template.is_active != stored.is_active else None,
    )


def of_automations(automations: Sequence[Automation]) -> Change:
    """What these planned, if they were as they are given."""
    today, by_key = Rulebook.read(), {automation.pk: automation for automation in automations}
    return Change(
        verdicts=Q(message__automation__in=by_key),
        messages=Q(automation__in=by_key),
        today=today,
        rules=today,
        automations=by_key,
    )


def of_phrases(phrases: Sequence[str]) -> Change:
    """`phrases`: all that would mean a rejection. Told from the wordings as they were written; what people wrote themselves
    is not read again."""
    today = Rulebook.read()
    reads = _read_again(before=read_phrases(), after=phrases)
    return Change(
        verdicts=Q(message__wording__in=reads), messages=Q(wording__in=reads), today=today, rules=today, reads=reads
    )


def _read_again(*, before: Sequence[str], after: Sequence[str]) -> dict[int, bool]:
    """The wordings that would read otherwise, of the newest of them."""
    known = dict.fromkeys([*before, *after])
    reads = {}
    for pk, subject, body in Wording.objects.order_by("-pk").values_list("pk", "subject", "body")[:WORDINGS_AT_MOST]:
        found = set(tripwire.rejection_phrases_in(f"{subject}\n\n{body}", phrases=known))
        would_read = not found.isdisjoint(after)
        if would_read is found.isdisjoint(before):
            reads[pk] = would_read
    return reads
