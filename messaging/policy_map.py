"""Who may send what, before there is a message: for every kind and standing what floor, policy and templates ask, which of
them decided, and what the organisation could ask for instead. A message itself asks the gate alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from messaging.models import PolicyRow, StageRule
from messaging.policy.floor import HUMAN_FROM, Reserve, Rule, Touchpoint, find_loose, floor, read_reserve, strictest
from pipeline.milestones import Milestone

KINDS = tuple(touchpoint for touchpoint in Touchpoint if touchpoint is not Touchpoint.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A standing that a message can meet: contact before phone screen counts as phone screen."""

    milestone: Milestone
    contact: bool | None  # None: makes no difference here

    @property
    def standing(self) -> Milestone:
        return max(self.milestone, HUMAN_FROM) if self.contact else self.milestone


COLUMNS = tuple(
    Column(milestone=milestone, contact=contact)
    for milestone in Milestone
    for contact in ((False, True) if milestone < HUMAN_FROM else (None,))
)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What the stage rules of one template ask at a standing, where that is more than floor and policy do."""

    template_id: int
    template: str
    reserve: Reserve


@dataclass(frozen=True, kw_only=True)
class Cell:
    touchpoint: Touchpoint
    column: Column
    floor: Reserve
    row: PolicyRow | None  # of the organisation, where one asks for more than the floor
    demands: tuple[Demand, ...]

    @property
    def reserve(self) -> Reserve:
        return max(self.floor, read_reserve(self.row.reserve)) if self.row else self.floor

    @property
    def is_stricter(self) -> bool:
        return self.row is not None


@dataclass(frozen=True, kw_only=True)
class MapRow:
    touchpoint: Touchpoint
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the organisation could ask from a milestone on; with a sentence where it cannot."""

    reserve: Reserve
    problem: str
    is_now: bool
    is_looser: bool  # than what it asks for now


def read_map() -> list[MapRow]:
    """The whole of it; three queries."""
    return map_of(list(PolicyRow.objects.all()), _read_demands())


def map_of(rows: Sequence[PolicyRow], demands: Mapping[str, Sequence[tuple[int, str, Sequence[Rule]]]]) -> list[MapRow]:
    """Touchpoint by milestone by contact. `demands`: for a touchpoint its templates as key, name and stage rules."""
    return [
        MapRow(
            touchpoint=touchpoint,
            cells=tuple(
                _cell(
                    touchpoint,
                    column,
                    [row for row in rows if row.touchpoint == touchpoint],
                    demands.get(touchpoint, ()),
                )
                for column in COLUMNS
            ),
        )
        for touchpoint in KINDS
    ]


def _cell(
    touchpoint: Touchpoint,
    column: Column,
    rows: Sequence[PolicyRow],
    demands: Sequence[tuple[int, str, Sequence[Rule]]],
) -> Cell:
    least = floor(touchpoint, column.standing)
    asking = [row for row in rows if row.from_milestone <= column.standing and read_reserve(row.reserve) > least]
    # The strictest decides; of two that are as strict, the one that began to.
    deciding = max(asking, key=lambda row: (read_reserve(row.reserve), -row.from_milestone), default=None)
    asked = max(least, read_reserve(deciding.reserve)) if deciding else least
    stricter = [
        Demand(template_id=pk, template=name, reserve=strictest(rules, column.standing))
        for pk, name, rules in demands
        if strictest(rules, column.standing) > asked
    ]
    return Cell(touchpoint=touchpoint, column=column, floor=least, row=deciding, demands=tuple(stricter))


def _read_demands() -> dict[str, list[tuple[int, str, list[Rule]]]]:
    """Of the templates in use that have stage rules."""
    rules = StageRule.objects.filter(template__is_active=True).select_related("template")
    found: dict[str, dict[int, tuple[int, str, list[Rule]]]] = {}
    for rule in rules.order_by("template__name", "template", "from_milestone"):
        template = rule.template
        of_kind = found.setdefault(template.touchpoint, {})
        of_kind.setdefault(template.pk, (template.pk, template.name, []))[2].append(rule.as_rule)
    return {touchpoint: list(templates.values()) for touchpoint, templates in found.items()}


def choices_from(touchpoint: Touchpoint, milestone: Milestone, *, rows: Sequence[PolicyRow]) -> list[Choice]:
    """What can be asked from a milestone on, stricter than the floor and than rows that began before. `rows`: the
    organisation's for this touchpoint."""
    others = [row.as_rule for row in rows if row.from_milestone != milestone]
    own = next((row for row in rows if row.from_milestone == milestone), None)
    least = max(floor(touchpoint, milestone), strictest(others, milestone))
    now = max(least, read_reserve(own.reserve)) if own else least
    return [
        Choice(
            reserve=reserve,
            problem=next(iter(find_loose(touchpoint, [*others, Rule(from_milestone=milestone, reserve=reserve)])), ""),
            is_now=own is not None and reserve == own.reserve,
            is_looser=reserve < now,
        )
        for reserve in Reserve
        if reserve > least
    ]
