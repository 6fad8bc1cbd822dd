"""What is kept of the facts decides as the facts did, and the versions tell apart what decided."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from messaging.policy import record
from messaging.policy.decision import Facts, decide
from messaging.policy.floor import Rule
from tests.messaging.policy.test_decision import BY_A_PERSON, REJECTION, SURVEY, UPDATE

ROOT = Path(__file__).parents[3]
CASES = [
    REJECTION,
    UPDATE,
    SURVEY,
    BY_A_PERSON,
    replace(REJECTION, reach=3),
    replace(REJECTION, address_problem="kim at example.com is no address.", missing=("job.title", "sender.name")),
    replace(UPDATE, text_problem="This cannot be read: {{", reads_like_rejection=None),
    replace(BY_A_PERSON, too_close_to="the template “No”", too_close_passage="we chose somebody"),
    replace(UPDATE, due_at=UPDATE.now.replace(day=20)),
    replace(UPDATE, now=UPDATE.now.replace(month=11)),
]


def as_json(facts: Facts) -> Any:
    return json.loads(json.dumps(record.without_personal_data(facts)))


@pytest.mark.parametrize("facts", CASES)
def test_what_is_kept_is_decided_as_it_was(facts: Facts) -> None:
    then, again = decide(facts), decide(record.facts_of(as_json(facts)))
    assert (again.outcome, again.reserve, again.retry_at) == (then.outcome, then.reserve, then.retry_at)
    assert [finding.code for finding in again.findings] == [finding.code for finding in then.findings]


def test_of_a_text_only_its_being_there_is_kept() -> None:
    facts = replace(REJECTION, address_problem="kim@", text_problem="kim@", too_close_passage="kim@")
    assert "kim@" not in json.dumps(as_json(facts))
    again = record.facts_of(as_json(facts))
    assert {again.address_problem, again.text_problem, again.too_close_passage} == {record.STAND_IN}
    assert record.facts_of(as_json(REJECTION)) == REJECTION


@pytest.mark.parametrize("change", [{"now": None}, {"now": "today"}, {"missing": None}, {"mood": "good"}])
def test_facts_that_are_not_whole_are_no_facts(change: dict[str, Any]) -> None:
    whole = as_json(REJECTION)
    assert record.facts_of(whole) == REJECTION
    with pytest.raises(ValueError, match=r"not whole|isoformat"):
        record.facts_of(whole | change)
    del whole["reach"]
    with pytest.raises(ValueError, match="reach"):
        record.facts_of(whole)


def test_a_decision_that_was_made_before_there_were_holds_can_be_made_again() -> None:
    kept = as_json(REJECTION)
    del kept["on_hold"]
    assert record.facts_of(kept) == REJECTION


def test_the_version_of_the_rules_goes_by_what_they_ask_and_not_by_their_order() -> None:
    early, late = Rule(from_milestone=1, reserve=1), Rule(from_milestone=5, reserve=2)
    versions = {
        record.version_of_rules({}, []),
        record.version_of_rules({"survey": [early]}, []),
        record.version_of_rules({"survey": [late]}, []),
        record.version_of_rules({"offer": [early]}, []),
        record.version_of_rules({}, [early]),
    }
    assert len(versions) == 5
    both = record.version_of_rules({"offer": [early], "survey": [early, late]}, [late, early])
    assert both == record.version_of_rules({"survey": [late, early], "offer": [early]}, [early, late])


def test_the_version_of_the_code_is_the_same_in_every_process() -> None:
    command = [sys.executable, "-c", "from messaging.policy import record; print(record.CODE)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == record.CODE


def test_versions_are_sixteen_digits_and_that_of_the_code_is_of_all_that_decides() -> None:
    sources = [Path("messaging/policy/decision.py"), Path("messaging/policy/floor.py"), Path("pipeline/milestones.py")]
    whole = hashlib.sha256(b"\0".join((ROOT / source).read_bytes() for source in sources)).hexdigest()
    assert record._version_of_code() == record.CODE == whole[:16]
    # It stands in rows that were written long ago, so the same rules have the same version for ever.
    early, late = Rule(from_milestone=1, reserve=1), Rule(from_milestone=5, reserve=2)
    assert record.version_of_rules({"offer": [early]}, [late]) == "1829fc78e5ffcd2e"
