"""What `decide` has to say, written as data by who read the README's table and not the code; and what reads the data.

VALUES names every value that a fact can have, as far as decisions can tell them apart; what is unknown, out of range or of
no kind is among them. TABLE has the rules of messaging/policy/decision.py by their names, each with the rows under which it
speaks: a row holds where every fact it names has one of the values it names.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=ZoneInfo("Europe/London"))
MOMENT = timedelta(microseconds=1)

YES_NO: Mapping[str, Any] = {"yes": True, "no": False}
YES_NO_UNKNOWN: Mapping[str, Any] = {"yes": True, "no": False, "unknown": None}
RESERVE: Mapping[str, Any] = {"nothing": 0, "sends": 1, "writes": 2, "unknown": None, "no such": 9}

VALUES: Mapping[str, Mapping[str, Any]] = {
    "touchpoint": {
        name: name
        for name in (
            "acknowledgement",
            "status_update",
            "scheduling",
            "reminder",
            "information_request",
            "interview_preparation",
            "feedback",
            "rejection",
            "offer",
            "check_in",
            "survey",
            "talent_pool",
            "unknown",
            "gossip",
        )
    },
    "origin": {"automation": "automation", "person": "person", "robot": "robot"},
    "reach": {
        "unknown": None,
        "too low": 0,
        "applied": 1,
        "review": 2,
        "phone screen": 3,
        "interview": 4,
        "final round": 5,
        "offer": 6,
        "hired": 7,
        "too high": 8,
    },
    "contact": YES_NO_UNKNOWN,
    "policy_reserve": RESERVE,
    "stage_rule_reserve": RESERVE,
    "reads_like_rejection": YES_NO_UNKNOWN,
    "signatures": {"none": 0, "one": 1, "two": 2},
    "template_in_use": YES_NO,
    "automation_in_use": YES_NO,
    "decided_by_a_person": YES_NO_UNKNOWN,
    "application_status": {name: name for name in ("active", "rejected", "withdrawn", "hired")},
    "cause_stands": YES_NO_UNKNOWN,
    "at_home": YES_NO,
    "brake_on": YES_NO,
    "on_hold": YES_NO,
    "told": YES_NO,
    "same_cause_sent": YES_NO,
    "do_not_contact": YES_NO,
    "talent_pool_consent": YES_NO,
    "other_hand_offs_open": {"none": 0, "one": 1},
    "address_problem": {"none": "", "some": "There is no such address."},
    "text_problem": {"none": "", "some": "It is empty."},
    "missing": {"none": (), "some": ("job.location",)},
    "sender_may_send": YES_NO,
    "is_as_released": YES_NO,
    "written_alone": YES_NO,
    "too_short": YES_NO,
    "too_close_to": {"nothing": "", "a text": "the template “No”", "unknown": None},
    "too_close_passage": {"some": "we will not"},
    "now": {"now": NOW},
    "due_at": {
        "not yet": NOW + MOMENT,
        "now": NOW,
        "two weeks ago": NOW - timedelta(days=14),
        "longer ago": NOW - timedelta(days=14) - MOMENT,
    },
    "planned_at": {
        "now": NOW,
        "a month ago": NOW - timedelta(days=30),
        "longer ago": NOW - timedelta(days=30) - MOMENT,
    },
}

# A message that may leave, and that nothing but the row under test keeps from it.
BASE: Mapping[str, str] = {
    "touchpoint": "acknowledgement",
    "origin": "automation",
    "reach": "applied",
    "contact": "no",
    "policy_reserve": "nothing",
    "stage_rule_reserve": "nothing",
    "reads_like_rejection": "no",
    "signatures": "one",
    "template_in_use": "yes",
    "automation_in_use": "yes",
    "decided_by_a_person": "yes",
    "application_status": "rejected",
    "cause_stands": "yes",
    "at_home": "yes",
    "brake_on": "no",
    "on_hold": "no",
    "told": "no",
    "same_cause_sent": "no",
    "do_not_contact": "no",
    "talent_pool_consent": "yes",
    "other_hand_offs_open": "none",
    "address_problem": "none",
    "text_problem": "none",
    "missing": "none",
    "sender_may_send": "yes",
    "is_as_released": "yes",
    "written_alone": "yes",
    "too_short": "no",
    "too_close_to": "nothing",
    "too_close_passage": "some",
    "now": "now",
    "due_at": "now",
    "planned_at": "now",
}

# --- The table ---------------------------------------------------------------------------------------------------------

Row = Mapping[str, tuple[str, ...]]

# Everything that is not a person is a machine.
MACHINE = ("automation", "robot")
PERSON = ("person",)
# Once somebody dealt with them; what nobody knows counts as that.
FAR = ("phone screen", "interview", "final round", "offer", "hired", "unknown", "too low", "too high")
DEALT_WITH = ("yes", "unknown")
MAY_READ_LIKE_ONE = ("yes", "unknown")
# Of no known kind.
NAMELESS = ("unknown", "gossip")
# A person sends these to everybody.
BY_PEOPLE = ("interview_preparation", "feedback", "offer", "check_in", *NAMELESS)
NO_REJECTION = tuple(name for name in VALUES["touchpoint"] if name != "rejection")
NOT_REJECTED = ("active", "withdrawn", "hired")
STRICTER = ("sends", "writes", "no such")
STRICTEST = ("writes", "unknown", "no such")

# Where the words must be a person's own: the strictest reserve. Else where a person sends it.
WRITES: tuple[Row, ...] = (
    {"policy_reserve": STRICTEST},
    {"stage_rule_reserve": STRICTEST},
    {"touchpoint": ("check_in", *NAMELESS)},
    {"touchpoint": ("rejection", "feedback"), "reach": FAR},
    {"touchpoint": ("rejection", "feedback"), "contact": DEALT_WITH},
    {"reads_like_rejection": MAY_READ_LIKE_ONE, "reach": FAR},
    {"reads_like_rejection": MAY_READ_LIKE_ONE, "contact": DEALT_WITH},
)
SENDS: tuple[Row, ...] = (
    {"policy_reserve": ("sends",)},
    {"stage_rule_reserve": ("sends",)},
    {"touchpoint": ("interview_preparation", "feedback", "offer")},
)
RESERVES: tuple[tuple[int, tuple[Row, ...]], ...] = ((2, WRITES), (1, SENDS))


def _own_words(**more: tuple[str, ...]) -> tuple[Row, ...]:
    """A person's message, where the words must be their own."""
    return tuple({"origin": PERSON, **row, **more} for row in WRITES)


@dataclass(frozen=True, kw_only=True)
class Says:
    """What a rule says under any of its rows. `again`: when to ask again, only where it is later. `begins`: how the
    sentence does, where a rule says the same in two."""

    code: str
    outcome: str
    rows: tuple[Row, ...]
    again: str = ""
    begins: str = ""


AGAIN = {"at its time": None, "in an hour": timedelta(hours=1), "in a day": timedelta(days=1)}


def _hand_off(code: str, *rows: Row, begins: str = "") -> Says:
    return Says(code=code, outcome="hand_off", rows=rows, begins=begins)


def _stop(code: str, *rows: Row) -> Says:
    return Says(code=code, outcome="stop", rows=rows)


def _later(code: str, again: str, *rows: Row) -> Says:
    return Says(code=code, outcome="later", rows=rows, again=again)


TABLE: Mapping[str, tuple[Says, ...]] = {
    # Who may send.
    "the_origin_is_known": (_hand_off("unknown_origin", {"origin": ("robot",)}),),
    "the_kind_of_message_is_known": (_hand_off("unknown_touchpoint", {"origin": MACHINE, "touchpoint": NAMELESS}),),
    "the_reach_is_known": (
        _hand_off("unknown_reach", {"origin": MACHINE, "reach": ("unknown", "too low", "too high")}),
    ),
    "the_floor_lets_a_machine_send": (
        _hand_off(
            "floor",
            {"origin": MACHINE, "touchpoint": BY_PEOPLE},
            {"origin": MACHINE, "touchpoint": ("rejection",), "reach": FAR},
            {"origin": MACHINE, "touchpoint": ("rejection",), "contact": DEALT_WITH},
            {"origin": MACHINE, "reads_like_rejection": MAY_READ_LIKE_ONE, "reach": FAR},
            {"origin": MACHINE, "reads_like_rejection": MAY_READ_LIKE_ONE, "contact": DEALT_WITH},
        ),
    ),
    "the_policy_lets_a_machine_send": (
        _hand_off("policy", {"origin": MACHINE, "policy_reserve": STRICTER}, begins="Your policy: "),
        _hand_off(
            "policy", {"origin": MACHINE, "policy_reserve": ("unknown",)}, begins="It is not known what your policy "
        ),
    ),
    "the_stage_rules_let_a_machine_send": (
        _hand_off("stage_rule", {"origin": MACHINE, "stage_rule_reserve": STRICTER}, begins="A stage rule of this "),
        _hand_off(
            "stage_rule",
            {"origin": MACHINE, "stage_rule_reserve": ("unknown",)},
            begins="It is not known what the stage rules ",
        ),
    ),
    "it_does_not_read_like_a_rejection": (
        _hand_off(
            "reads_like_rejection",
            {"origin": MACHINE, "touchpoint": NO_REJECTION, "reads_like_rejection": ("unknown",)},
            {
                "origin": MACHINE,
                "touchpoint": NO_REJECTION,
                "reads_like_rejection": ("yes",),
                "signatures": ("none", "one"),
            },
            # Two signatures open nothing that the floor closes.
            {"origin": MACHINE, "touchpoint": BY_PEOPLE, "reads_like_rejection": ("yes",)},
            {"origin": MACHINE, "touchpoint": NO_REJECTION, "reads_like_rejection": ("yes",), "reach": FAR},
            {"origin": MACHINE, "touchpoint": NO_REJECTION, "reads_like_rejection": ("yes",), "contact": DEALT_WITH},
        ),
    ),
    "a_person_made_the_decision": (
        _hand_off(
            "no_persons_decision",
            {"origin": MACHINE, "touchpoint": ("rejection",), "decided_by_a_person": ("no", "unknown")},
            {"origin": MACHINE, "reads_like_rejection": MAY_READ_LIKE_ONE, "decided_by_a_person": ("no", "unknown")},
        ),
    ),
    "a_rejection_follows_a_decision": (
        _hand_off(
            "not_rejected",
            {"touchpoint": ("rejection",), "application_status": NOT_REJECTED},
            # Whoever writes themselves may use the same words and mean something else.
            {"origin": MACHINE, "reads_like_rejection": MAY_READ_LIKE_ONE, "application_status": NOT_REJECTED},
        ),
    ),
    # What may be sent.
    "somebody_signed_the_wording": (_hand_off("unsigned", {"origin": MACHINE, "signatures": ("none",)}),),
    "the_template_is_in_use": (_hand_off("template_retired", {"origin": MACHINE, "template_in_use": ("no",)}),),
    "the_automation_is_in_use": (_hand_off("automation_off", {"origin": MACHINE, "automation_in_use": ("no",)}),),
    "every_placeholder_has_a_value": (_hand_off("missing_value", {"missing": ("some",)}),),
    "the_text_can_be_rendered": (_hand_off("text_problem", {"text_problem": ("some",)}),),
    # To whom.
    "the_address_can_be_written_to": (_hand_off("address", {"address_problem": ("some",)}),),
    "the_candidate_may_be_contacted": (_stop("do_not_contact", {"do_not_contact": ("yes",)}),),
    "the_candidate_agreed_to_the_talent_pool": (
        _stop("no_consent", {"touchpoint": ("talent_pool",), "talent_pool_consent": ("no",)}),
    ),
    # Whether and when.
    "its_cause_still_stands": (
        _hand_off("unknown_cause", {"origin": MACHINE, "cause_stands": ("unknown",)}),
        _stop("superseded", {"origin": MACHINE, "cause_stands": ("no",)}),
    ),
    "the_candidate_was_not_told_already": (
        _stop("told", {"origin": MACHINE, "touchpoint": ("rejection",), "told": ("yes",)}),
    ),
    "nothing_was_sent_for_the_same_cause": (_stop("repeated", {"same_cause_sent": ("yes",)}),),
    "it_is_due": (_later("not_due", "at its time", {"due_at": ("not yet",)}),),
    "it_is_not_stale": (
        _stop("stale", {"touchpoint": ("survey",), "due_at": ("longer ago",)}),
        _hand_off(
            "stale",
            {
                "touchpoint": tuple(name for name in VALUES["touchpoint"] if name != "survey"),
                "due_at": ("longer ago",),
            },
        ),
    ),
    "a_survey_is_not_asked_too_late": (_stop("too_late", {"touchpoint": ("survey",), "planned_at": ("longer ago",)}),),
    "a_survey_waits_until_they_were_told": (
        _later("not_told", "in a day", {"touchpoint": ("survey",), "told": ("no",)}),
    ),
    "a_survey_waits_for_open_hand_offs": (
        _later("hand_off_open", "in a day", {"touchpoint": ("survey",), "other_hand_offs_open": ("one",)}),
    ),
    "the_installation_is_at_home": (_later("safe_mode", "in an hour", {"at_home": ("no",)}),),
    "no_brake_is_on": (_later("braked", "in an hour", {"origin": MACHINE, "brake_on": ("yes",)}),),
    "nobody_holds_it": (_later("on_hold", "at its time", {"on_hold": ("yes",)}),),
    # What a person sends.
    "the_person_may_send": (_hand_off("sender", {"origin": PERSON, "sender_may_send": ("no",)}),),
    "the_person_let_these_words_go": (_hand_off("not_released", {"origin": PERSON, "is_as_released": ("no",)}),),
    "a_person_writes_to_one_candidate": (_hand_off("not_alone", {"origin": PERSON, "written_alone": ("no",)}),),
    "the_words_are_long_enough_to_be_theirs": (_hand_off("too_short", *_own_words(too_short=("yes",))),),
    "the_words_are_their_own": (
        _hand_off("not_compared", *_own_words(too_close_to=("unknown",))),
        _hand_off("too_close", *_own_words(too_close_to=("a text",))),
    ),
}

GRAVER = ("send", "later", "hand_off", "stop")


# --- What reads it -----------------------------------------------------------------------------------------------------

Named = Mapping[str, str]  # fact: the name of its value
Answer = tuple[str, str, datetime | None]  # code, outcome, when to ask again


def holds(rows: Sequence[Row], named: Named) -> bool:
    for row in rows:
        for fact, names in row.items():
            if named[fact] not in names:
                break
        else:
            return True
    return False


def answer_of(rule: str, named: Named) -> Answer | None:
    """What one rule has to say."""
    says = says_of(rule, named)
    return _as_answer(says, named) if says else None


def says_of(rule: str, named: Named) -> Says | None:
    """Two answers of one rule at once would be a fault in the table."""
    answers = [says for says in TABLE[rule] if holds(says.rows, named)]
    if len(answers) > 1:
        raise ValueError(f"The table says two things of {rule} at once: {named}")
    return answers[0] if answers else None


def _as_answer(says: Says, named: Named) -> Answer:
    if not says.again:
        return says.code, says.outcome, None
    wait = AGAIN[says.again]
    return says.code, says.outcome, VALUES["due_at"][named["due_at"]] if wait is None else NOW + wait


def reserve_of(named: Named) -> int:
    return next((reserve for reserve, rows in RESERVES if holds(rows, named)), 0)


def answers_of(rules: Iterable[str], named: Named) -> list[Answer]:
    return [answer for rule in rules if (answer := answer_of(rule, named)) is not None]


def gravest(answers: Sequence[Answer]) -> str:
    return max((outcome for _, outcome, _ in answers), key=GRAVER.index, default="send")


def facts_named_by(rule: str) -> tuple[str, ...]:
    """What the answer of a rule can depend on."""
    named = {fact for says in TABLE[rule] for row in says.rows for fact in row}
    asks_at = any(says.again == "at its time" for says in TABLE[rule])
    return tuple(sorted(named | ({"due_at"} if asks_at else set())))


def rules_about(facts: Sequence[str]) -> list[str]:
    """In their order."""
    return [rule for rule in TABLE if not set(facts).isdisjoint(facts_named_by(rule))]


def space(facts: Sequence[str], base: Named = BASE) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Every combination of every value of these facts, named and as values; the others stay as they are in the base. The
    two dictionaries are filled anew each time, because there are many."""
    named, values = dict(base), {fact: VALUES[fact][name] for fact, name in base.items()}
    for combination in itertools.product(*(VALUES[fact].items() for fact in facts)):
        for fact, (name, value) in zip(facts, combination, strict=True):
            named[fact] = name
            values[fact] = value
        yield named, values


def size_of(facts: Sequence[str]) -> int:
    return math.prod(len(VALUES[fact]) for fact in facts)
