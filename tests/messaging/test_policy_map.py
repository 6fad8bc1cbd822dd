"""What the map says is what floor and policy ask, and what it offers is never less."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import PolicyRow
from messaging.policy.floor import FLOOR, Reserve, Rule, Touchpoint, find_loose, strictest
from messaging.policy_map import Cell, choices_from, map_of, read_map
from pipeline.milestones import Milestone
from tests.factories import make_stage_rule, make_template

A, S, W = Reserve


def row(touchpoint: str, from_milestone: int, reserve: int) -> PolicyRow:
    return PolicyRow(touchpoint=touchpoint, from_milestone=from_milestone, reserve=reserve)


def cells(rows: list[PolicyRow], touchpoint: str) -> tuple[Cell, ...]:
    [found] = [one for one in map_of(rows, {}) if one.touchpoint == touchpoint]
    return found.cells


def test_without_rows_the_map_is_the_floor_cell_by_cell() -> None:
    found = {one.touchpoint: [cell.reserve for cell in one.cells] for one in map_of([], {})}
    assert set(found) == set(Touchpoint) - {Touchpoint.UNKNOWN}
    for touchpoint, reserves in found.items():
        early, late = FLOOR[touchpoint]
        # Applied and review, each without and with contact; then five milestones where contact changes nothing.
        assert reserves == [early, late, early, late, late, late, late, late, late]
    assert not any(cell.is_stricter for one in map_of([], {}) for cell in one.cells)


def test_a_row_makes_its_cells_stricter_and_decides_them() -> None:
    asking = row("status_update", Milestone.PHONE_SCREEN, S)
    found = cells([asking], "status_update")
    # With contact, an early milestone counts as phone screen.
    assert [cell.reserve for cell in found] == [A, S, A, S, S, S, S, S, S]
    assert [cell.row for cell in found] == [None, asking, None, *[asking] * 6]


def test_a_row_that_asks_what_the_floor_asks_decides_nothing() -> None:
    asked = map_of([row("rejection", Milestone.PHONE_SCREEN, W)], {})
    assert not any(cell.is_stricter for one in asked for cell in one.cells)


def test_of_several_rows_the_strictest_decides_and_of_two_as_strict_the_first() -> None:
    first, strict, again = row("offer", 1, W), row("offer", 3, W), row("offer", 5, S)
    assert all(cell.row is first for cell in cells([again, strict, first], "offer"))
    early, late = row("survey", 2, S), row("survey", 5, W)
    assert [cell.row for cell in cells([late, early], "survey")] == [
        None,
        early,
        early,
        early,
        early,
        early,
        *[late] * 3,
    ]


@pytest.mark.django_db
def test_templates_in_use_that_ask_for_more_are_named_where_they_do() -> None:
    careful = make_template(name="Careful", touchpoint=Touchpoint.SURVEY)
    make_stage_rule(careful, from_milestone=Milestone.OFFER, reserve=W)
    retired = make_template(name="Retired", touchpoint=Touchpoint.SURVEY, is_active=False)
    make_stage_rule(retired, from_milestone=1, reserve=W)
    equal = make_template(name="Equal", touchpoint=Touchpoint.OFFER)
    make_stage_rule(equal, from_milestone=1, reserve=S)
    found = {one.touchpoint: one.cells for one in read_map()}
    demands = [[(demand.template, demand.reserve) for demand in cell.demands] for cell in found[Touchpoint.SURVEY]]
    assert demands == [[]] * 7 + [[("Careful", W)]] * 2
    assert not any(cell.demands for cell in found[Touchpoint.OFFER])


@pytest.mark.django_db
def test_the_whole_map_is_read_with_as_many_queries_whatever_is_in_it() -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            make_stage_rule(make_template(touchpoint=Touchpoint.SURVEY), from_milestone=2, reserve=W)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            read_map()
        counts.append(len(captured))
    assert counts == [2, 2]


@pytest.mark.parametrize(
    "touchpoint", [touchpoint for touchpoint in Touchpoint if touchpoint is not Touchpoint.UNKNOWN]
)
@pytest.mark.parametrize("standing", Milestone)
def test_whatever_is_offered_is_stricter_than_the_floor_and_can_be_saved(
    touchpoint: Touchpoint, standing: Milestone
) -> None:
    rows = [row(touchpoint, Milestone.FINAL_ROUND, W)]
    others = [one.as_rule for one in rows if one.from_milestone != standing]
    for choice in choices_from(touchpoint, standing, rows=rows):
        made = Rule(from_milestone=standing, reserve=choice.reserve)
        assert choice.reserve > FLOOR[touchpoint][standing >= Milestone.PHONE_SCREEN]
        assert choice.reserve > strictest(others, standing)
        assert bool(choice.problem) is bool(find_loose(touchpoint, [*others, made]))


def test_what_is_asked_now_is_marked_and_so_is_what_is_less() -> None:
    rows = [row("survey", Milestone.OFFER, W)]
    found = choices_from(Touchpoint.SURVEY, Milestone.OFFER, rows=rows)
    assert [(choice.reserve, choice.is_now, choice.is_looser) for choice in found] == [
        (S, False, True),
        (W, True, False),
    ]
    assert choices_from(Touchpoint.SURVEY, Milestone.HIRED, rows=rows) == []
    assert choices_from(Touchpoint.CHECK_IN, Milestone.APPLIED, rows=[]) == []


def test_a_choice_that_would_read_as_less_than_the_floor_further_on_says_so() -> None:
    [sends, writes] = choices_from(Touchpoint.REJECTION, Milestone.REVIEW, rows=[])
    assert sends.problem.startswith("From phone screen on the floor says")
    assert writes.problem == ""
