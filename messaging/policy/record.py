"""Facts as they are kept: plain values without personal data, from which the same decision can be made again."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from messaging.policy import decision, floor
from messaging.policy.decision import Facts
from messaging.policy.floor import Rule
from pipeline import milestones

TIMES = ("now", "planned_at", "due_at")
# Of these only whether they were empty is kept, because they quote an address or a text; nothing else of them decides.
TEXTS = ("address_problem", "text_problem", "too_close_passage")
# Facts that older decisions were made without, with what was so then.
NOT_ASKED_THEN = {"on_hold": False}
STAND_IN = "It was said then, and is not kept."
# Sixteen digits tell versions apart; what guards a row against change is the seal of the ledger.
DIGITS = 16


def _version_of_code() -> str:
    sources = [Path(str(module.__file__)).read_bytes() for module in (decision, floor, milestones)]
    return hashlib.sha256(b"\0".join(sources)).hexdigest()[:DIGITS]


# Of the code that decides, with the floor in it: the same code must say the same again to the same facts.
CODE = _version_of_code()


def version_of_rules(policy: Mapping[str, Sequence[Rule]], stage_rules: Sequence[Rule]) -> str:
    """Of what an organisation configured, as far as it can concern one template. In no matter which order."""
    rows = [[kind, rule.from_milestone, rule.reserve] for kind, rules in policy.items() for rule in rules]
    rows += [["", rule.from_milestone, rule.reserve] for rule in stage_rules]
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:DIGITS]


def without_personal_data(facts: Facts) -> dict[str, Any]:
    """As JSON can hold it."""
    kept = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    kept |= {name: kept[name].isoformat() for name in TIMES}
    kept |= {name: bool(kept[name]) for name in TEXTS}
    return kept


def facts_of(kept: Mapping[str, Any]) -> Facts:
    """The facts again; a text that was not kept has a stand-in. Raises ValueError where they are not whole."""
    try:
        values = {
            **NOT_ASKED_THEN,
            **kept,
            **{name: datetime.fromisoformat(kept[name]) for name in TIMES},
            **{name: STAND_IN if kept[name] else "" for name in TEXTS},
            "missing": tuple(kept["missing"]),
        }
        return Facts(**values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"The facts are not whole: {error}.") from error
