"""Policy and stage rules together, as they are or as they would be: what they ask of facts that are known already."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from messaging.models import PolicyRow, StageRule
from messaging.policy.decision import Facts
from messaging.policy.floor import Reserve, Rule, Touchpoint, standing_of, strictest
from pipeline.milestones import Milestone


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    policy: Mapping[str, Sequence[Rule]]  # touchpoint
    stage_rules: Mapping[int, Sequence[Rule]]  # template

    @classmethod
    def read(cls) -> Rulebook:
        """As they are today; two queries."""
        policy: defaultdict[str, list[Rule]] = defaultdict(list)
        for row in PolicyRow.objects.all():
            policy[row.touchpoint].append(row.as_rule)
        stage_rules: defaultdict[int, list[Rule]] = defaultdict(list)
        for rule in StageRule.objects.all():
            stage_rules[rule.template_id].append(rule.as_rule)
        return cls(policy=dict(policy), stage_rules=dict(stage_rules))

    def with_policy(self, touchpoint: str, rules: Sequence[Rule]) -> Rulebook:
        return dataclasses.replace(self, policy={**self.policy, touchpoint: tuple(rules)})

    def with_stage_rules(self, template: int, rules: Sequence[Rule]) -> Rulebook:
        return dataclasses.replace(self, stage_rules={**self.stage_rules, template: tuple(rules)})

    def policy_at(self, touchpoint: str, standing: Milestone) -> Reserve:
        return strictest(self.policy.get(touchpoint, ()), standing)

    def stage_rules_at(self, template: int | None, standing: Milestone) -> Reserve:
        return strictest(self.stage_rules.get(template or 0, ()), standing)

    def ask(self, facts: Facts, *, template: int | None) -> Facts:
        """The facts, but for what the rules ask; as messaging/facts.py reads it."""
        standing = standing_of(reach=facts.reach, contact=facts.contact)
        # What the policy asks of a rejection, it asks of a text that reads like one.
        kinds = {facts.touchpoint} | ({Touchpoint.REJECTION.value} if facts.reads_like_rejection else set())
        return dataclasses.replace(
            facts,
            policy_reserve=max(self.policy_at(kind, standing) for kind in kinds),
            stage_rule_reserve=self.stage_rules_at(template, standing),
        )
