"""The whole space of facts against the table in oracle.py.

No machine walks through all combinations of some thirty facts. But a rule that looks at four of them says the same whatever
the others are: so each rule is asked in every combination of the facts that its rows name, and is watched to look at no
other one. With that, and with `decide` being no more than all rules and the gravest answer, which is held against the table
where most rules meet, every combination there is has been asked about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import pytest

from messaging.policy import decision
from messaging.policy.decision import RULES, Facts, Finding, decide
from tests.chaos.figures import counted
from tests.messaging.policy import oracle
from tests.messaging.policy.watching import SPACES, Watched, disagreement_of, verdict_disagreement_of

Record = Callable[[str, object], None]


def test_the_table_is_about_every_rule_and_every_fact_has_its_values() -> None:
    assert list(oracle.TABLE) == [rule.__name__ for rule in RULES]
    facts = set(Facts.__dataclass_fields__)
    assert set(oracle.VALUES) == set(oracle.BASE) == facts
    named = {fact for rule in oracle.TABLE for fact in oracle.facts_named_by(rule)}
    # These only fill a sentence, or are what times are held against.
    assert facts - named == {"too_close_passage", "now"}
    assert oracle.answers_of(oracle.TABLE, oracle.BASE) == []


@pytest.mark.no_cover  # every line is covered elsewhere, and watching some hundred thousand decisions takes its time
def test_each_rule_says_what_the_table_says_whatever_the_facts_and_looks_at_no_other(record_property: Record) -> None:
    everything = math.prod(len(values) for values in oracle.VALUES.values())
    with counted(
        record_property, f"rules against their table, for all {everything:.0e} combinations of facts"
    ) as count:
        for rule in RULES:
            count.size += oracle.size_of(oracle.facts_named_by(rule.__name__))
            assert disagreement_of(rule) is None


@pytest.mark.no_cover
def test_the_reserve_is_the_tables_in_every_combination() -> None:
    facts = tuple(sorted({fact for _, rows in oracle.RESERVES for row in rows for fact in row}))
    watched = Watched()
    for named, values in oracle.space(facts):
        watched.look_at(values)
        assert decision.reserve_of(cast("Facts", watched)).value == oracle.reserve_of(named), named
    assert watched.seen == set(facts)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", SPACES)
def test_a_verdict_is_all_that_the_rules_say_and_the_gravest_of_it(name: str, record_property: Record) -> None:
    facts, base = SPACES[name]
    # The rules that are about other facts say the same throughout, which is nothing.
    assert oracle.answers_of(set(oracle.TABLE) - set(oracle.rules_about(facts)), base) == []
    with counted(record_property, f"verdicts against the table: {name}") as count:
        count.size = oracle.size_of(facts)
        assert verdict_disagreement_of(decide, name) is None


# --- The table itself --------------------------------------------------------------------------------------------------


def test_a_table_that_says_two_things_at_once_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    twice: Any = {**oracle.TABLE, "it_is_due": oracle.TABLE["it_is_due"] * 2}
    monkeypatch.setattr(oracle, "TABLE", twice)
    assert oracle.answer_of("it_is_due", oracle.BASE) is None
    with pytest.raises(ValueError, match="two things"):
        oracle.answer_of("it_is_due", {**oracle.BASE, "due_at": "not yet"})


def test_a_rule_that_looks_at_a_fact_its_rows_do_not_name_is_noticed() -> None:
    def it_is_due(facts: Facts) -> Finding | None:
        return decision.it_is_due(facts) if facts.contact is not None else None

    assert disagreement_of(decision.it_is_due) is None
    assert "contact" in str(disagreement_of(it_is_due))
