"""However a rule is broken, the table notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from messaging.policy.decision import RULES
from tests.chaos.figures import counted
from tests.messaging.policy.breaking import NUMBERS, PARTS, Broken, broken_in_every_way, rules_made_of
from tests.messaging.policy.watching import disagreement_of, verdict_disagreement_of


def is_noticed(broken: Broken) -> bool:
    """In the space of any rule that the fault can reach. What cannot even answer is noticed by everybody."""
    try:
        if broken.place == "decide":
            return verdict_disagreement_of(broken.code["decide"], "when") is not None
        return any(disagreement_of(broken.code[name]) is not None for name in rules_made_of(broken.place))
    except (AttributeError, TypeError, ValueError):
        return True


@pytest.mark.no_cover
def test_no_fault_in_any_rule_goes_unnoticed(record_property: Callable[[str, object], None]) -> None:
    places = set()
    with counted(record_property, "faults in the rules, noticed by their table") as count:
        for broken in broken_in_every_way():
            count.size += 1
            places.add(broken.place)
            if is_noticed(broken):
                count.faults += 1
            else:
                count.violations += 1
                pytest.fail(f"Nobody noticed this fault: {broken}")
    assert {rule.__name__ for rule in RULES} | PARTS | NUMBERS == places
