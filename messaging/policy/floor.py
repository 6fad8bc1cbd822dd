"""The floor: which touchpoints a machine may send to whom. Nothing that anybody configures can go below it.

The table is the division the product exists for; see "How a message gets sent" in the README. Whoever relaxes a cell
changes the product's promise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

from pipeline.milestones import Milestone


class Touchpoint(StrEnum):
    """The kind of a message. What code cannot name is UNKNOWN, and a person writes it."""

    ACKNOWLEDGEMENT = "acknowledgement"
    STATUS_UPDATE = "status_update"
    SCHEDULING = "scheduling"
    REMINDER = "reminder"
    INFORMATION_REQUEST = "information_request"
    INTERVIEW_PREPARATION = "interview_preparation"
    FEEDBACK = "feedback"
    REJECTION = "rejection"
    OFFER = "offer"
    CHECK_IN = "check_in"
    SURVEY = "survey"
    TALENT_POOL = "talent_pool"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return "check-in" if self is Touchpoint.CHECK_IN else self.value.replace("_", " ")


class Reserve(IntEnum):
    """Who may send, ordered by strictness."""

    AUTOMATIC = 0
    PERSON_SENDS = 1
    PERSON_WRITES = 2

    @property
    def label(self) -> str:
        return ("sent automatically", "sent by a person", "written by a person")[self.value]


# From here on somebody of ours has dealt with the candidate, so the words of an end must be somebody's own.
HUMAN_FROM = Milestone.PHONE_SCREEN

_A, _S, _W = Reserve.AUTOMATIC, Reserve.PERSON_SENDS, Reserve.PERSON_WRITES

# touchpoint -> (before anybody spoke with them, after)
FLOOR: Mapping[Touchpoint, tuple[Reserve, Reserve]] = MappingProxyType(
    {
        Touchpoint.ACKNOWLEDGEMENT: (_A, _A),
        Touchpoint.STATUS_UPDATE: (_A, _A),
        Touchpoint.SCHEDULING: (_A, _A),
        Touchpoint.REMINDER: (_A, _A),
        Touchpoint.INFORMATION_REQUEST: (_A, _A),
        Touchpoint.INTERVIEW_PREPARATION: (_S, _S),
        Touchpoint.REJECTION: (_A, _W),
        Touchpoint.FEEDBACK: (_S, _W),
        Touchpoint.OFFER: (_S, _S),
        Touchpoint.CHECK_IN: (_W, _W),
        Touchpoint.SURVEY: (_A, _A),
        Touchpoint.TALENT_POOL: (_A, _A),
        Touchpoint.UNKNOWN: (_W, _W),
    }
)

# With these a candidate learns the outcome of an application.
TELLS_THE_OUTCOME = frozenset({Touchpoint.REJECTION, Touchpoint.OFFER})


def touchpoint_of(value: str) -> Touchpoint:
    """Total: what is not in the table is UNKNOWN."""
    try:
        return Touchpoint(value)
    except ValueError:
        return Touchpoint.UNKNOWN


def floor(touchpoint: str, standing: Milestone) -> Reserve:
    """What the floor asks at a standing (see `standing_of`)."""
    early, late = FLOOR[touchpoint_of(touchpoint)]
    return late if standing >= HUMAN_FROM else early


def standing_of(*, reach: int | None, contact: bool | None) -> Milestone:
    """Reach, raised to phone screen by contact. Unknown reach is the furthest, unknown contact is contact."""
    try:
        milestone = Milestone(reach) if reach is not None else Milestone.HIRED
    except ValueError:
        return Milestone.HIRED
    return milestone if contact is False else max(milestone, HUMAN_FROM)


def read_reserve(value: int | None) -> Reserve:
    """Total: what is not a reserve, or is not known, is the strictest there is."""
    try:
        return Reserve(value) if value is not None else Reserve.PERSON_WRITES
    except ValueError:
        return Reserve.PERSON_WRITES


@dataclass(frozen=True, kw_only=True)
class Rule:
    """From this milestone on, this reserve: a row of the policy or a stage rule of a template."""

    from_milestone: int
    reserve: int


def strictest(rules: Sequence[Rule], standing: Milestone) -> Reserve:
    """What the rules that apply at a standing ask together. A later, looser rule loosens nothing."""
    asked = (read_reserve(rule.reserve) for rule in rules if rule.from_milestone <= standing)
    return max(asked, default=Reserve.AUTOMATIC)


def find_loose(touchpoint: str, rules: Sequence[Rule], *, policy: Sequence[Rule] = ()) -> tuple[str, ...]:
    """Sentences about the first milestone at which the rules say less than floor or policy, for refusal at save.

    A set of rules speaks for every milestone from its first rule on, and each rule until the next one. It could loosen
    nothing, because the strictest always wins, but it would read as if it did. `policy`: the organisation's rows for
    this touchpoint; none when the rules are the policy itself.
    """
    kind = touchpoint_of(touchpoint).label
    for milestone in Milestone:
        said = _as_it_reads(rules, milestone)
        if said is None:
            continue
        demands = (("floor", floor(touchpoint, milestone)), ("policy", strictest(policy, milestone)))
        sentences = tuple(
            f"From {milestone.label} on the {who} says that a message of the kind “{kind}” is {least.label}; "
            f"here it would be {said.label}. Choose “{least.label}” from {milestone.label} on, or remove the row."
            for who, least in demands
            if said < least
        )
        if sentences:
            return sentences  # the later milestones repeat them
    return ()


def _as_it_reads(rules: Sequence[Rule], milestone: Milestone) -> Reserve | None:
    """What the last rule up to here says; None before the first one."""
    last = max((rule.from_milestone for rule in rules if rule.from_milestone <= milestone), default=None)
    return min((read_reserve(rule.reserve) for rule in rules if rule.from_milestone == last), default=None)
