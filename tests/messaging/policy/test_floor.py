"""The floor against a table that was written a second time, and what may stand on top of it."""

from collections.abc import Sequence

import pytest

from messaging.policy.floor import (
    FLOOR,
    TELLS_THE_OUTCOME,
    Reserve,
    Rule,
    Touchpoint,
    find_loose,
    floor,
    read_reserve,
    standing_of,
    strictest,
    touchpoint_of,
)
from pipeline.milestones import Milestone

A, S, W = Reserve.AUTOMATIC, Reserve.PERSON_SENDS, Reserve.PERSON_WRITES

# Without contact, from applied to hired; then with contact. Read it beside the table of the README, not beside the code.
#                          applied, review, phone, interview, final, offer, hired
TABLE = {
    "acknowledgement":       ((A, A, A, A, A, A, A), (A, A, A, A, A, A, A)),
    "status_update":         ((A, A, A, A, A, A, A), (A, A, A, A, A, A, A)),
    "scheduling":            ((A, A, A, A, A, A, A), (A, A, A, A, A, A, A)),
    "reminder":              ((A, A, A, A, A, A, A), (A, A, A, A, A, A, A)),
    "information_request":   ((A, A, A, A, A, A, A), (A, A, A, A, A, A, A)),
    "interview_preparation": ((S, S, S, S, S, S, S), (S, S, S, S, S, S, S)),
    "rejection":             ((A, A, W, W, W, W, W), (W, W, W, W, W, W, W)),
    "feedback":              ((S, S, W, W, W, W, W), (W, W, W, W, W, W, W)),
    "offer":                 ((S, S, S, S, S, S, S), (S, S, S, S, S, S, S)),
    "check_in":              ((W, W, W, W, W, W, W), (W, W, W, W, W, W, W)),
    "survey":                ((A, A, A, A, A, A, A), (A, A, A, A, A, A, A)),
    "talent_pool":           ((A, A, A, A, A, A, A), (A, A, A, A, A, A, A)),
    "unknown":               ((W, W, W, W, W, W, W), (W, W, W, W, W, W, W)),
}  # fmt: skip

CELLS = [
    (touchpoint, milestone, contact, row[milestone - 1])
    for touchpoint, (without, after) in TABLE.items()
    for contact, row in ((False, without), (True, after))
    for milestone in range(1, 8)
]


def test_the_table_has_a_row_for_every_touchpoint_and_a_cell_for_every_standing() -> None:
    assert set(TABLE) == {touchpoint.value for touchpoint in Touchpoint} == {row.value for row in FLOOR}
    assert len(CELLS) == 13 * 7 * 2


@pytest.mark.parametrize(("touchpoint", "reach", "contact", "reserve"), CELLS)
def test_the_floor_is_the_table(*, touchpoint: str, reach: int, contact: bool, reserve: Reserve) -> None:
    assert floor(touchpoint, standing_of(reach=reach, contact=contact)) is reserve


@pytest.mark.parametrize("touchpoint", TABLE)
def test_unknown_contact_counts_as_contact_and_unknown_reach_as_the_furthest(touchpoint: str) -> None:
    for reach in range(1, 8):
        unknown = floor(touchpoint, standing_of(reach=reach, contact=None))
        assert unknown is TABLE[touchpoint][1][reach - 1]
    assert floor(touchpoint, standing_of(reach=None, contact=False)) is TABLE[touchpoint][0][6]


def test_nobody_can_change_the_table_of_a_running_process() -> None:
    with pytest.raises(TypeError):
        FLOOR[Touchpoint.REJECTION] = (A, A)  # type: ignore[index]


@pytest.mark.parametrize("value", ["", "rejections", "REJECTION", "rejection ", "статус", "\x00", "none"])
def test_a_kind_that_is_not_in_the_table_is_unknown_and_a_person_writes_it(value: str) -> None:
    assert touchpoint_of(value) is Touchpoint.UNKNOWN
    assert floor(value, Milestone.APPLIED) is W
    assert touchpoint_of("rejection") is Touchpoint.REJECTION


@pytest.mark.parametrize("reach", [None, 0, -1, 8, 99, 10**12])
@pytest.mark.parametrize("contact", [None, False, True])
def test_a_reach_that_is_no_milestone_stands_furthest(reach: int | None, contact: bool | None) -> None:
    assert standing_of(reach=reach, contact=contact) is Milestone.HIRED


@pytest.mark.parametrize("reach", range(1, 8))
def test_contact_raises_a_standing_to_phone_screen_and_never_lowers_it(reach: int) -> None:
    assert standing_of(reach=reach, contact=False) == reach
    assert standing_of(reach=reach, contact=True) == standing_of(reach=reach, contact=None) == max(reach, 3)


@pytest.mark.parametrize(("value", "reserve"), [(0, A), (1, S), (2, W), (None, W), (-1, W), (3, W), (99, W)])
def test_what_is_not_a_reserve_is_the_strictest(value: int | None, reserve: Reserve) -> None:
    assert read_reserve(value) is reserve


def test_labels_read_well_in_a_sentence() -> None:
    assert [touchpoint.label for touchpoint in Touchpoint][-4:] == ["check-in", "survey", "talent pool", "unknown"]
    assert [reserve.label for reserve in Reserve] == [
        "sent automatically",
        "sent by a person",
        "written by a person",
    ]


# --- Rules on top -----------------------------------------------------------------------------------------------------


def rules(*pairs: tuple[int, int]) -> list[Rule]:
    return [Rule(from_milestone=milestone, reserve=reserve) for milestone, reserve in pairs]


@pytest.mark.parametrize(
    ("standing", "asked"),
    [(1, A), (2, S), (3, S), (4, W), (5, W), (6, W), (7, W)],
)
def test_the_strictest_rule_that_applies_wins_and_a_later_looser_one_loosens_nothing(standing: int, asked: int) -> None:
    assert strictest(rules((5, A), (2, S), (4, W)), Milestone(standing)) is asked


def test_without_rules_nothing_is_asked() -> None:
    assert strictest([], Milestone.HIRED) is A
    assert strictest(rules((8, W)), Milestone.HIRED) is A


def test_a_rule_with_a_reserve_that_nobody_knows_asks_for_the_strictest() -> None:
    assert strictest(rules((1, 7)), Milestone.APPLIED) is W


def _is_loose(touchpoint: str, pairs: Sequence[tuple[int, int]], policy: Sequence[tuple[int, int]]) -> set[str]:
    """Who is undercut first, found by hand: at every milestone the last row so far against the table and the policy."""
    for milestone in range(1, 8):
        so_far = [reserve for start, reserve in sorted(pairs) if start <= milestone]
        if not so_far:
            continue
        undercut = {"floor"} if so_far[-1] < TABLE[touchpoint][0][milestone - 1] else set()
        if so_far[-1] < max([reserve for start, reserve in policy if start <= milestone], default=0):
            undercut.add("policy")
        if undercut:
            return undercut
    return set()


@pytest.mark.parametrize("touchpoint", TABLE)
def test_every_pair_of_rules_is_refused_exactly_where_it_undercuts_the_floor_or_the_policy(touchpoint: str) -> None:
    singles = [[(start, reserve)] for start in range(1, 8) for reserve in (A, S, W)]
    doubles = [
        [one, (start, reserve)] for [one] in singles for start in (2, 3, 5) for reserve in (A, S, W) if start > one[0]
    ]
    policies: list[list[tuple[int, int]]] = [[], [(2, S)], [(5, W)], [(1, W), (3, A)]]
    for pairs in [[], *singles, *doubles]:
        for policy in policies:
            sentences = find_loose(touchpoint, rules(*pairs), policy=rules(*policy))
            named = {who for who in ("floor", "policy") for sentence in sentences if f"the {who} says" in sentence}
            assert named == _is_loose(touchpoint, pairs, policy), (pairs, policy)
            assert len(sentences) == len(named)


def test_a_rule_looser_than_the_floor_is_refused_with_the_milestone_and_what_to_choose() -> None:
    [sentence] = find_loose("rejection", rules((1, A)))
    assert sentence == (
        "From phone screen on the floor says that a message of the kind “rejection” is written by a person; here it would "
        "be sent automatically. Choose “written by a person” from phone screen on, or remove the row."
    )
    assert find_loose("rejection", rules((1, A), (3, W))) == ()
    assert find_loose("rejection", rules((3, S)))[0].startswith("From phone screen on the floor says")
    assert find_loose("rejection", rules((5, S)))[0].startswith("From final round on the floor says")


def test_a_rule_looser_than_the_policy_is_refused_and_one_as_strict_is_taken() -> None:
    policy = rules((2, S))
    [sentence] = find_loose("status_update", rules((1, A)), policy=policy)
    assert sentence == (
        "From review on the policy says that a message of the kind “status update” is sent by a person; here it would be "
        "sent automatically. Choose “sent by a person” from review on, or remove the row."
    )
    assert find_loose("status_update", rules((1, A), (2, S)), policy=policy) == ()
    assert find_loose("status_update", rules((2, W)), policy=policy) == ()


def test_a_later_row_cannot_read_as_if_it_took_a_stricter_one_back() -> None:
    assert find_loose("rejection", rules((1, W), (3, A)))[0].startswith("From phone screen on the floor says")
    assert find_loose("rejection", rules((1, W), (3, W))) == ()


@pytest.mark.parametrize("pairs", [((3, A), (3, W)), ((3, W), (3, A))])
def test_of_two_rows_from_one_milestone_on_the_looser_is_read(pairs: tuple[tuple[int, int], ...]) -> None:
    assert find_loose("rejection", rules(*pairs))[0].startswith("From phone screen on the floor says")


def test_a_rejection_or_an_offer_tells_the_outcome_and_nothing_else_does() -> None:
    assert {touchpoint for touchpoint in TABLE if touchpoint in TELLS_THE_OUTCOME} == {"rejection", "offer"}


def test_floor_and_policy_are_both_named_where_both_are_undercut() -> None:
    sentences = find_loose("feedback", rules((1, A)), policy=rules((1, W)))
    assert [sentence.split(" says")[0] for sentence in sentences] == [
        "From applied on the floor",
        "From applied on the policy",
    ]


def test_before_its_first_row_a_set_of_rules_says_nothing() -> None:
    assert find_loose("rejection", []) == ()
    assert find_loose("rejection", rules((6, W))) == ()


def test_rules_for_a_kind_that_nobody_knows_are_held_to_the_strictest() -> None:
    assert find_loose("gossip", rules((1, S))) != ()
    assert find_loose("gossip", rules((1, W))) == ()
