"""Who may send what, for the pages that explain it before there is a message; a message itself asks the gate alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from messaging.models import PolicyRow, StageRule, Template
from messaging.policy.floor import Reserve, Rule, find_loose, floor, strictest
from pipeline.milestones import Milestone


def rules_of(rows: Iterable[PolicyRow | StageRule]) -> list[Rule]:
    return [row.as_rule for row in rows]


def policy_for(touchpoint: str) -> list[Rule]:
    return rules_of(PolicyRow.objects.filter(touchpoint=touchpoint))


def reserve_at(touchpoint: str, standing: Milestone, *, rules: Sequence[Rule]) -> Reserve:
    """What the floor and these rules ask together at a standing (see `messaging.policy.floor.standing_of`)."""
    return max(floor(touchpoint, standing), strictest(rules, standing))


def reserves_of(template: Template) -> dict[Milestone, Reserve]:
    """What floor, policy and the template's stage rules ask together, at each standing."""
    rules = policy_for(template.touchpoint) + rules_of(template.stage_rules.all())
    return {standing: reserve_at(template.touchpoint, standing, rules=rules) for standing in Milestone}


def in_words(reserves: Mapping[Milestone, Reserve]) -> list[str]:
    """One sentence for each run of milestones with one reserve, such as “From phone screen on: written by a person.”"""
    standings = list(reserves)
    starts = [at for at in standings if at == standings[0] or reserves[at] != reserves[Milestone(at - 1)]]
    if len(starts) == 1:
        return [f"For everybody: {reserves[starts[0]].label}."]
    ends = [Milestone(start - 1) for start in starts[1:]]
    spans = [
        f"At {start.label}" if start == end else f"From {start.label} to {end.label}"
        for start, end in zip(starts, ends, strict=False)
    ]
    spans.append(f"From {starts[-1].label} on")
    return [f"{span}: {reserves[start].label}." for span, start in zip(spans, starts, strict=True)]


def find_loose_templates(touchpoint: str) -> list[Template]:
    """Templates whose stage rules say less than floor or policy do by now, so that their pages mislead."""
    policy = policy_for(touchpoint)
    templates = Template.objects.filter(touchpoint=touchpoint).prefetch_related("stage_rules")
    return [one for one in templates if find_loose(touchpoint, rules_of(one.stage_rules.all()), policy=policy)]
