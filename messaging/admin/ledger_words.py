"""What an entry of the ledger says, for the list of them: times in the reader's zone, words for names and codes. The page of
an entry shows it as it was sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from messaging.admin.words import short_time
from messaging.models import Automation, BounceAnswer, Escalation, HandOff, Incident, Installation, choices
from messaging.rights import SWITCHES
from pipeline import milestones

OF_A_FINGERPRINT = 12  # characters; enough to recognise it
YES_OR_NO = {True: "yes", False: "no"}
MILESTONES = dict(milestones.CHOICES)

# The order in which they are said; the database keeps them in one of its own. A name with the kind of an entry in front of
# it is meant there alone. Without words the value speaks for itself.
NAMES = {
    "act": "",
    "asked": "",
    "closed": "",
    "decision": "",
    "rule_changed.event": "event",
    "event": "",
    "how": "",
    "incident.kind": "",
    "kind": "bulk",
    "status": "",
    "cancelled.undone": "",
    "step": "to",
    "merge": "merge",
    "away": "of candidate",
    "unmerged.from": "reach from",
    "from": "from",
    "hand_off_escalated.to": "person",
    "to": "to",
    "due_at": "was due",
    "until": "until",
    "from_milestone": "milestone",
    "again": "as message",
    "count": "messages",
    "stays": "could not be undone",
    "dropped": "left as they were",
    "is_active": "active",
    "is_superuser": "every right",
    "is_staff": "may use the admin",
}
ORDER = {name: place for place, name in enumerate(NAMES)}
CODES: dict[str, Mapping[Any, str]] = {
    "asked": {True: "asked", False: "ended"},
    "closed": {True: "closed"},
    "cancelled.undone": {True: "taken back before it left"},
    "decision": {"sent": "it was sent", "not_sent": "it was not sent"},
    "how": dict(BounceAnswer.How.choices),
    "incident.kind": dict(Incident.Kind.choices),
    "status": dict(HandOff.Status.choices),
    "step": dict(Escalation.Step.choices),
    "why": dict(Installation.Why.choices),
    "rule_changed.event": dict(Automation.Event.choices),
    "delay_unit": dict(Automation.DelayUnit.choices),
    "touchpoint": dict(choices.TOUCHPOINTS),
    "reserve": dict(choices.RESERVES),
    "from_milestone": MILESTONES,
    "reach_corrected.from": MILESTONES,
    "reach_corrected.to": MILESTONES,
    "unmerged.from": MILESTONES,
    "unmerged.to": MILESTONES,
    **dict.fromkeys(SWITCHES, YES_OR_NO),
}


def say(kind: str, data: Mapping[str, Any]) -> str:
    """What there was none of is left out, but not where it changed."""
    parts = sorted(_parts(kind, data), key=lambda part: ORDER.get(part[0], ORDER.get(_base(part[0]), len(ORDER))))
    return ", ".join(f"{NAMES.get(name, _plain(name))} {words}".strip() for name, words in parts)


def _parts(kind: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        name, _, when = key.rpartition("_")
        if when == "before":
            yield _change(kind, name, value, data.get(f"{name}_after"))
        elif when != "after" and value is not None:
            name = _known(kind, key)
            yield name, _value(name, value)


def _change(kind: str, name: str, before: Any, after: Any) -> tuple[str, str]:
    name = _known(kind, name)
    if before == after:
        return name, _value(name, after)
    return name, f"from {_value(name, before)} to {_value(name, after)}"


def _known(kind: str, name: str) -> str:
    narrow = f"{kind}.{name}"
    return narrow if narrow in NAMES or narrow in CODES else name


def _value(name: str, value: Any) -> str:
    if value is None:
        return "nothing"
    codes = CODES.get(name, {})
    if value in codes:
        return codes[value]
    if not isinstance(value, str):
        return str(value)
    if name == "fingerprint":
        return f"{value[:OF_A_FINGERPRINT]}…"
    return _time(value) or (_plain(value) if value.isidentifier() else value)


def _time(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return ""
    return short_time(moment) if moment.tzinfo else ""


def _base(name: str) -> str:
    return name.rpartition(".")[2]


def _plain(code: str) -> str:
    return _base(code).removesuffix("_id").replace("_", " ")
