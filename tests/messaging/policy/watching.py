"""Asks one rule about every combination of the facts that its table names, and watches what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from messaging.policy.decision import Facts
from tests.messaging.policy import oracle


class Watched:
    """Facts that remember which of them were looked at."""

    def __init__(self) -> None:
        self._values: Mapping[str, Any] = {}
        self.seen: set[str] = set()

    def look_at(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        self.seen.add(name)
        return self._values[name]


# Looked at for the words of a sentence, or to compare times with.
FOR_SENTENCES = frozenset({"too_close_passage", "now"})
# The words of "who may send" tell how far somebody came, and what kind it is.
MORE_FOR_SENTENCES: Mapping[str, frozenset[str]] = {
    "the_policy_lets_a_machine_send": frozenset({"touchpoint", "reads_like_rejection"}),
}


def disagreement_of(rule: Callable[..., Any]) -> str | None:
    """The first combination in which a rule and its table differ, in words; None where there is none."""
    name = rule.__name__
    facts = oracle.facts_named_by(name)
    allowed = FOR_SENTENCES | {*facts} | MORE_FOR_SENTENCES.get(name, frozenset())
    has_two_sentences = any(says.begins for says in oracle.TABLE[name])
    watched = Watched()
    for named, values in oracle.space(facts):
        watched.look_at(values)
        finding = rule(cast("Any", watched))
        said = None if finding is None else _as_answer(finding)
        expected = oracle.answer_of(name, named)
        if said != expected:
            return f"{name} says {said} instead of {expected}: { {fact: named[fact] for fact in facts} }"
        if has_two_sentences and finding is not None and not _begins_as_it_should(finding, name, named):
            return f"{name} says “{finding.sentence}”: { {fact: named[fact] for fact in facts} }"
    others = watched.seen - allowed
    return f"{name} looks at {sorted(others)}, which its rows do not name" if others else None


# --- All rules together ------------------------------------------------------------------------------------------------

# Who may send, together: the rules that people configure, the kind, how far they came and what the text says.
WHO = ("touchpoint", "origin", "reach", "contact", "policy_reserve", "stage_rule_reserve", "reads_like_rejection")
# Whether and when, of the kind that most of it is about.
WHEN = (
    "due_at",
    "planned_at",
    "told",
    "other_hand_offs_open",
    "at_home",
    "brake_on",
    "on_hold",
    "do_not_contact",
    "same_cause_sent",
    "cause_stands",
    "missing",
)
# What a person sends, where the words must be their own.
THEIRS = (
    "sender_may_send", "is_as_released", "written_alone", "too_short", "too_close_to", "text_problem",
    "address_problem", "application_status", "on_hold", "due_at",
)  # fmt: skip
SPACES = {
    "who": (WHO, oracle.BASE),
    "when": (WHEN, {**oracle.BASE, "touchpoint": "survey"}),
    "theirs": (THEIRS, {**oracle.BASE, "touchpoint": "rejection", "origin": "person", "reach": "final round"}),
}


def verdict_disagreement_of(decide: Callable[..., Any], name: str) -> str | None:
    """The first combination of one of these spaces in which a verdict and the table differ; None where there is none."""
    facts, base = SPACES[name]
    rules = oracle.rules_about(facts)
    for named, values in oracle.space(facts, base):
        verdict = decide(Facts(**values))
        expected = oracle.answers_of(rules, named)
        outcome = oracle.gravest(expected)
        asked_again = [again for _, _, again in expected if again] if outcome == "later" else []
        said = ([_as_answer(one) for one in verdict.findings], verdict.outcome, verdict.reserve, verdict.retry_at)
        if said != (expected, outcome, oracle.reserve_of(named), max(asked_again, default=None)):
            return f"The verdict is {said}: { {fact: named[fact] for fact in facts} }"
    return None


def _begins_as_it_should(finding: Any, rule: str, named: oracle.Named) -> bool:
    says = oracle.says_of(rule, named)
    return says is not None and finding.sentence.startswith(says.begins)


def _as_answer(finding: Any) -> oracle.Answer:
    return finding.code, str(finding.outcome), finding.retry_at
