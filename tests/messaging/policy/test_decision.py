"""Every rule broken once, and properties that hold for all facts; test_oracle.py has the whole space of them."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.policy import decision
from messaging.policy.decision import (
    GRAVITY,
    RULES,
    WITHOUT_QUOTES,
    Facts,
    Finding,
    Outcome,
    Verdict,
    decide,
)
from messaging.policy.floor import Reserve

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=ZoneInfo("Europe/London"))
Rule = Callable[[Facts], Finding | None]
# A busy machine is no failure.
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Three messages that may leave. Every refusal below is one of them with one thing changed.
REJECTION = Facts(
    now=NOW,
    planned_at=NOW,
    due_at=NOW,
    touchpoint="rejection",
    origin="automation",
    reach=2,
    contact=False,
    policy_reserve=0,
    stage_rule_reserve=0,
    reads_like_rejection=True,
    signatures=1,
    template_in_use=True,
    automation_in_use=True,
    decided_by_a_person=True,
    application_status="rejected",
    cause_stands=True,
    at_home=True,
    brake_on=False,
    on_hold=False,
    told=False,
    same_cause_sent=False,
    do_not_contact=False,
    talent_pool_consent=False,
    other_hand_offs_open=0,
    address_problem="",
    text_problem="",
    missing=(),
    sender_may_send=False,
    is_as_released=False,
    written_alone=False,
    too_short=False,
    too_close_to=None,
    too_close_passage="",
)
UPDATE = replace(
    REJECTION,
    touchpoint="status_update",
    reach=7,
    contact=True,
    reads_like_rejection=False,
    decided_by_a_person=None,
    application_status="active",
)
SURVEY = replace(UPDATE, touchpoint="survey", told=True)
BY_A_PERSON = replace(
    REJECTION,
    origin="person",
    reach=5,
    contact=True,
    signatures=0,
    template_in_use=False,
    automation_in_use=False,
    decided_by_a_person=None,
    cause_stands=None,
    sender_may_send=True,
    is_as_released=True,
    written_alone=True,
    too_close_to="",
)
BASES = {"rejection": REJECTION, "update": UPDATE, "survey": SURVEY, "by a person": BY_A_PERSON}

# rule, code, outcome, where it starts from, what is changed
BROKEN: list[tuple[Rule, str, Outcome, str, dict[str, Any]]] = [
    (decision.the_origin_is_known, "unknown_origin", Outcome.HAND_OFF, "update", {"origin": "robot"}),
    (decision.the_reach_is_known, "unknown_reach", Outcome.HAND_OFF, "update", {"reach": None}),
    (decision.the_reach_is_known, "unknown_reach", Outcome.HAND_OFF, "update", {"reach": 0}),
    (decision.the_reach_is_known, "unknown_reach", Outcome.HAND_OFF, "update", {"reach": 8}),
    (decision.the_floor_lets_a_machine_send, "floor", Outcome.HAND_OFF, "rejection", {"reach": 3}),
    (decision.the_floor_lets_a_machine_send, "floor", Outcome.HAND_OFF, "rejection", {"contact": True}),
    (decision.the_floor_lets_a_machine_send, "floor", Outcome.HAND_OFF, "rejection", {"contact": None}),
    (decision.the_floor_lets_a_machine_send, "floor", Outcome.HAND_OFF, "update", {"touchpoint": "offer"}),
    (decision.the_policy_lets_a_machine_send, "policy", Outcome.HAND_OFF, "update", {"policy_reserve": 1}),
    (decision.the_policy_lets_a_machine_send, "policy", Outcome.HAND_OFF, "update", {"policy_reserve": 2}),
    (decision.the_policy_lets_a_machine_send, "policy", Outcome.HAND_OFF, "update", {"policy_reserve": 9}),
    (decision.the_policy_lets_a_machine_send, "policy", Outcome.HAND_OFF, "update", {"policy_reserve": None}),
    (decision.the_stage_rules_let_a_machine_send, "stage_rule", Outcome.HAND_OFF, "update", {"stage_rule_reserve": 1}),
    (decision.the_stage_rules_let_a_machine_send, "stage_rule", Outcome.HAND_OFF, "update", {"stage_rule_reserve": -1}),
    (
        decision.the_stage_rules_let_a_machine_send,
        "stage_rule",
        Outcome.HAND_OFF,
        "update",
        {"stage_rule_reserve": None},
    ),
    (
        decision.it_does_not_read_like_a_rejection,
        "reads_like_rejection",
        Outcome.HAND_OFF,
        "rejection",
        {"touchpoint": "status_update"},
    ),
    (
        decision.it_does_not_read_like_a_rejection,
        "reads_like_rejection",
        Outcome.HAND_OFF,
        "rejection",
        {"touchpoint": "status_update", "reads_like_rejection": None, "signatures": 2},
    ),
    (
        decision.a_person_made_the_decision,
        "no_persons_decision",
        Outcome.HAND_OFF,
        "rejection",
        {"decided_by_a_person": False},
    ),
    (
        decision.a_person_made_the_decision,
        "no_persons_decision",
        Outcome.HAND_OFF,
        "rejection",
        {"decided_by_a_person": None},
    ),
    (
        decision.a_rejection_follows_a_decision,
        "not_rejected",
        Outcome.HAND_OFF,
        "rejection",
        {"application_status": "active"},
    ),
    (
        decision.a_rejection_follows_a_decision,
        "not_rejected",
        Outcome.HAND_OFF,
        "by a person",
        {"application_status": "active"},
    ),
    (decision.somebody_signed_the_wording, "unsigned", Outcome.HAND_OFF, "update", {"signatures": 0}),
    (decision.the_template_is_in_use, "template_retired", Outcome.HAND_OFF, "update", {"template_in_use": False}),
    (decision.the_automation_is_in_use, "automation_off", Outcome.HAND_OFF, "update", {"automation_in_use": False}),
    (
        decision.every_placeholder_has_a_value,
        "missing_value",
        Outcome.HAND_OFF,
        "update",
        {"missing": ("job.location",)},
    ),
    (decision.the_text_can_be_rendered, "text_problem", Outcome.HAND_OFF, "update", {"text_problem": "It is empty."}),
    (
        decision.the_text_can_be_rendered,
        "text_problem",
        Outcome.HAND_OFF,
        "by a person",
        {"text_problem": "It is empty."},
    ),
    (decision.the_address_can_be_written_to, "address", Outcome.HAND_OFF, "update", {"address_problem": "It is none."}),
    (decision.the_address_can_be_written_to, "address", Outcome.HAND_OFF, "by a person", {"address_problem": "No."}),
    (decision.the_candidate_may_be_contacted, "do_not_contact", Outcome.STOP, "update", {"do_not_contact": True}),
    (decision.the_candidate_may_be_contacted, "do_not_contact", Outcome.STOP, "by a person", {"do_not_contact": True}),
    (
        decision.the_candidate_agreed_to_the_talent_pool,
        "no_consent",
        Outcome.STOP,
        "update",
        {"touchpoint": "talent_pool"},
    ),
    (
        decision.the_candidate_agreed_to_the_talent_pool,
        "no_consent",
        Outcome.STOP,
        "by a person",
        {"touchpoint": "talent_pool"},
    ),
    (decision.its_cause_still_stands, "superseded", Outcome.STOP, "update", {"cause_stands": False}),
    (decision.its_cause_still_stands, "unknown_cause", Outcome.HAND_OFF, "update", {"cause_stands": None}),
    (decision.the_candidate_was_not_told_already, "told", Outcome.STOP, "rejection", {"told": True}),
    (decision.nothing_was_sent_for_the_same_cause, "repeated", Outcome.STOP, "update", {"same_cause_sent": True}),
    (decision.nothing_was_sent_for_the_same_cause, "repeated", Outcome.STOP, "by a person", {"same_cause_sent": True}),
    (decision.it_is_due, "not_due", Outcome.LATER, "update", {"due_at": NOW + timedelta(minutes=1)}),
    (decision.it_is_not_stale, "stale", Outcome.HAND_OFF, "update", {"due_at": NOW - timedelta(days=15)}),
    (decision.it_is_not_stale, "stale", Outcome.STOP, "survey", {"due_at": NOW - timedelta(days=15)}),
    (
        decision.a_survey_is_not_asked_too_late,
        "too_late",
        Outcome.STOP,
        "survey",
        {"planned_at": NOW - timedelta(days=31)},
    ),
    (decision.a_survey_waits_until_they_were_told, "not_told", Outcome.LATER, "survey", {"told": False}),
    (decision.a_survey_waits_for_open_hand_offs, "hand_off_open", Outcome.LATER, "survey", {"other_hand_offs_open": 1}),
    (decision.the_installation_is_at_home, "safe_mode", Outcome.LATER, "update", {"at_home": False}),
    (decision.the_installation_is_at_home, "safe_mode", Outcome.LATER, "by a person", {"at_home": False}),
    (decision.no_brake_is_on, "braked", Outcome.LATER, "update", {"brake_on": True}),
    (decision.nobody_holds_it, "on_hold", Outcome.LATER, "update", {"on_hold": True}),
    (decision.nobody_holds_it, "on_hold", Outcome.LATER, "by a person", {"on_hold": True}),
    (decision.the_person_may_send, "sender", Outcome.HAND_OFF, "by a person", {"sender_may_send": False}),
    (
        decision.the_person_let_these_words_go,
        "not_released",
        Outcome.HAND_OFF,
        "by a person",
        {"is_as_released": False},
    ),
    (decision.a_person_writes_to_one_candidate, "not_alone", Outcome.HAND_OFF, "by a person", {"written_alone": False}),
    (
        decision.the_words_are_long_enough_to_be_theirs,
        "too_short",
        Outcome.HAND_OFF,
        "by a person",
        {"too_short": True},
    ),
    (decision.the_words_are_their_own, "not_compared", Outcome.HAND_OFF, "by a person", {"too_close_to": None}),
    (
        decision.the_words_are_their_own,
        "too_close",
        Outcome.HAND_OFF,
        "by a person",
        {"too_close_to": "the template “No”", "too_close_passage": "we will not"},
    ),
]
# What nobody can name is written by a person, which the floor says as well.
NEVER_ALONE: list[tuple[Rule, str, Outcome, str, dict[str, Any]]] = [
    (decision.the_kind_of_message_is_known, "unknown_touchpoint", Outcome.HAND_OFF, "update", {"touchpoint": "gossip"}),
]


def codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.findings]


def case_id(value: object) -> str | None:
    return ", ".join(f"{name}={item!r}" for name, item in value.items()) if isinstance(value, dict) else None


@pytest.mark.parametrize("base", BASES.values(), ids=BASES.keys())
def test_each_of_the_shared_messages_may_leave(base: Facts) -> None:
    verdict = decide(base)
    assert verdict.outcome is Outcome.SEND
    assert verdict.findings == ()
    assert verdict.retry_at is None


@pytest.mark.parametrize(("rule", "code", "outcome", "base", "change"), BROKEN, ids=case_id)
def test_one_broken_rule_is_the_only_finding_and_nothing_else_finds_it(
    rule: Rule, code: str, outcome: Outcome, base: str, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(BASES[base], **change)
    verdict = decide(broken)
    assert codes(verdict) == [code]
    assert verdict.outcome is outcome
    assert verdict.findings[0] == rule(broken)

    monkeypatch.setattr(decision, "RULES", tuple(other for other in RULES if other is not rule))
    assert decide(broken).outcome is Outcome.SEND


@pytest.mark.parametrize(("rule", "code", "outcome", "base", "change"), NEVER_ALONE, ids=case_id)
def test_a_rule_that_never_speaks_alone_speaks(
    rule: Rule, code: str, outcome: Outcome, base: str, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(BASES[base], **change)
    verdict = decide(broken)
    assert codes(verdict) == [code, "floor"]
    assert verdict.outcome is outcome

    monkeypatch.setattr(decision, "RULES", tuple(other for other in RULES if other is not rule))
    assert codes(decide(broken)) == ["floor"]


def test_every_rule_is_broken_by_some_case_and_asked_once() -> None:
    assert {rule for rule, *_ in [*BROKEN, *NEVER_ALONE]} == set(RULES)
    assert len(set(RULES)) == len(RULES)
    defined = {
        value for name, value in vars(decision).items() if getattr(value, "__annotations__", {}).get("facts") is Facts
    }
    rules_of_the_module = {value for value in defined if value.__annotations__["return"] == Finding | None}
    assert rules_of_the_module == set(RULES)


def test_what_is_asked_of_one_kind_is_not_asked_of_another() -> None:
    agreed = replace(UPDATE, touchpoint="talent_pool", talent_pool_consent=True)
    assert decide(agreed).outcome is Outcome.SEND
    assert decide(replace(UPDATE, planned_at=NOW - timedelta(days=90))).outcome is Outcome.SEND
    assert decide(replace(UPDATE, other_hand_offs_open=1)).outcome is Outcome.SEND
    assert decide(replace(BY_A_PERSON, brake_on=True)).outcome is Outcome.SEND
    # How long and how new the words are is asked of a person, and only where the words must be theirs.
    copied: dict[str, Any] = {"too_short": True, "too_close_to": "the template “No”"}
    assert codes(decide(replace(REJECTION, reach=5, **copied))) == ["floor"]
    assert decide(replace(BY_A_PERSON, reach=2, contact=False, **copied)).outcome is Outcome.SEND


def test_a_rejection_is_one_whatever_its_words() -> None:
    gentle = replace(REJECTION, reads_like_rejection=False)
    assert decide(gentle).outcome is Outcome.SEND
    assert codes(decide(replace(gentle, decided_by_a_person=False))) == ["no_persons_decision"]
    assert codes(decide(replace(gentle, application_status="active"))) == ["not_rejected"]


def test_what_the_second_signature_is_for() -> None:
    read_twice = replace(REJECTION, touchpoint="status_update", signatures=2)
    assert decide(read_twice).outcome is Outcome.SEND
    assert codes(decide(replace(read_twice, signatures=1))) == ["reads_like_rejection"]
    # It opens nothing that is closed to a rejection.
    assert codes(decide(replace(read_twice, reach=3))) == ["floor", "reads_like_rejection"]
    assert codes(decide(replace(read_twice, contact=True))) == ["floor", "reads_like_rejection"]
    assert codes(decide(replace(read_twice, decided_by_a_person=False))) == ["no_persons_decision"]
    assert codes(decide(replace(read_twice, application_status="active"))) == ["not_rejected"]


def test_all_findings_are_collected_and_the_gravest_is_the_outcome() -> None:
    everything = replace(
        REJECTION, due_at=NOW + timedelta(days=1), signatures=0, missing=("job.location", "reason.shared"), reach=4
    )
    assert codes(decide(everything)) == ["floor", "unsigned", "missing_value", "not_due"]
    assert decide(everything).outcome is Outcome.HAND_OFF
    assert decide(replace(everything, do_not_contact=True)).outcome is Outcome.STOP
    assert decide(replace(UPDATE, due_at=NOW + timedelta(days=1))).outcome is Outcome.LATER


def test_gravity_orders_every_outcome() -> None:
    assert sorted(Outcome, key=GRAVITY.__getitem__) == [Outcome.SEND, Outcome.LATER, Outcome.HAND_OFF, Outcome.STOP]


def test_only_later_says_when_to_ask_again_and_then_the_latest_of_its_times() -> None:
    waiting = replace(SURVEY, told=False, due_at=NOW + timedelta(days=3))
    assert codes(decide(waiting)) == ["not_due", "not_told"]
    assert decide(waiting).retry_at == NOW + timedelta(days=3)
    assert decide(replace(waiting, due_at=NOW)).retry_at == NOW + timedelta(days=1)
    assert decide(replace(SURVEY, other_hand_offs_open=1)).retry_at == NOW + timedelta(days=1)
    assert decide(replace(waiting, signatures=0)).retry_at is None
    assert decide(replace(waiting, do_not_contact=True)).retry_at is None


def test_due_and_stale_begin_and_end_to_the_moment() -> None:
    moment = timedelta(microseconds=1)
    assert decide(replace(UPDATE, due_at=NOW)).outcome is Outcome.SEND
    assert decide(replace(UPDATE, due_at=NOW + moment)).outcome is Outcome.LATER
    assert decide(replace(UPDATE, due_at=NOW - timedelta(days=14))).outcome is Outcome.SEND
    assert decide(replace(UPDATE, due_at=NOW - timedelta(days=14) - moment)).outcome is Outcome.HAND_OFF
    assert decide(replace(SURVEY, planned_at=NOW - timedelta(days=30))).outcome is Outcome.SEND
    assert codes(decide(replace(SURVEY, planned_at=NOW - timedelta(days=30) - moment))) == ["too_late"]


@pytest.mark.parametrize("change", [{"at_home": False}, {"brake_on": True}])
def test_what_holds_everything_up_is_asked_about_again_in_an_hour(change: dict[str, Any]) -> None:
    assert decide(replace(UPDATE, **change)).retry_at == NOW + timedelta(hours=1)


def test_a_wait_without_a_time_has_none() -> None:
    waiting = decide(replace(UPDATE, due_at=NOW + timedelta(days=1)))
    without = replace(waiting.findings[0], retry_at=None)
    assert replace(waiting, findings=()).retry_at is None
    assert replace(waiting, findings=(without,)).retry_at is None
    assert replace(waiting, findings=(without, *waiting.findings)).retry_at == NOW + timedelta(days=1)


def test_a_person_may_send_what_a_machine_may_not() -> None:
    changes: list[dict[str, Any]] = [
        {"touchpoint": "gossip"},
        {"reach": None},
        {"policy_reserve": 2},
        {"stage_rule_reserve": None},
        {"touchpoint": "feedback"},
        {"touchpoint": "check_in"},
        {"told": True},
        {"touchpoint": "offer", "application_status": "active"},
    ]
    for change in changes:
        by_a_machine = replace(REJECTION, **{"reach": 5} | change)
        assert decide(by_a_machine).outcome is not Outcome.SEND
        assert decide(replace(BY_A_PERSON, **change)).outcome is Outcome.SEND


def test_a_person_never_gets_around_their_own_words() -> None:
    copied = replace(BY_A_PERSON, too_close_to="the template “No”", too_close_passage="we will not")
    assert decide(copied).outcome is Outcome.HAND_OFF
    assert decide(copied).reserve is Reserve.PERSON_WRITES
    # Where a person only has to send it, the words may be the template's.
    early = replace(copied, reach=2, contact=False)
    assert decide(early).outcome is Outcome.SEND
    reserved: list[dict[str, Any]] = [
        {"policy_reserve": 2},
        {"stage_rule_reserve": 2},
        {"policy_reserve": None},
        {"touchpoint": "check_in"},
    ]
    for stricter in reserved:
        assert codes(decide(replace(early, **stricter))) == ["too_close"]
        assert codes(decide(replace(early, too_short=True, **stricter))) == ["too_short", "too_close"]
    # A kind whose name is harmless does not help a text that reads like a rejection.
    renamed = replace(copied, touchpoint="status_update", application_status="active")
    assert codes(decide(renamed)) == ["too_close"]
    assert decide(replace(renamed, reads_like_rejection=False)).outcome is Outcome.SEND


# --- Sentences --------------------------------------------------------------------------------------------------------


def sentence_of(facts: Facts) -> str:
    [finding] = decide(facts).findings
    return finding.sentence


def test_the_floor_says_what_kind_it_is_and_why() -> None:
    assert sentence_of(replace(REJECTION, reach=3)) == (
        "The floor: a message of the kind “rejection” is written by a person here, because the candidate reached phone "
        "screen."
    )
    assert sentence_of(replace(REJECTION, reach=3, contact=True)) == sentence_of(replace(REJECTION, reach=3))
    offer = replace(UPDATE, touchpoint="offer", reach=2, contact=False)
    assert sentence_of(offer).endswith("because the candidate reached review.")
    assert sentence_of(replace(REJECTION, contact=True)).endswith(
        "because somebody already dealt with the candidate, although they only reached review."
    )
    assert sentence_of(replace(REJECTION, contact=None)).endswith(
        "because contact is not ruled out, although they only reached review."
    )
    by_name = decide(replace(REJECTION, touchpoint="status_update", reach=4)).findings[0].sentence
    assert by_name.startswith(
        "The floor: a message of the kind “status update” that reads like a rejection is written by"
    )
    perhaps = decide(replace(UPDATE, reads_like_rejection=None)).findings[0].sentence
    assert "“status update” that may read like a rejection is written by" in perhaps


@pytest.mark.parametrize("reach", [1, 7])
def test_the_first_and_the_last_milestone_are_known(reach: int) -> None:
    assert decide(replace(UPDATE, reach=reach)).outcome is Outcome.SEND


@pytest.mark.parametrize("reach", [None, 0, 8, -3])
def test_a_reach_that_nobody_knows_is_not_given_a_name(reach: int | None) -> None:
    verdict = decide(replace(REJECTION, reach=reach))
    assert codes(verdict) == ["unknown_reach", "floor"]
    assert verdict.findings[1].sentence.endswith("because nobody knows how far the candidate came.")


def test_policy_and_stage_rules_say_what_they_ask_and_what_is_not_known() -> None:
    assert sentence_of(replace(UPDATE, policy_reserve=1)) == (
        "Your policy: a message of the kind “status update” is sent by a person from here on."
    )
    assert sentence_of(replace(UPDATE, stage_rule_reserve=2)) == (
        "A stage rule of this template: it is written by a person from here on."
    )
    assert sentence_of(replace(UPDATE, policy_reserve=None)).startswith("It is not known what your policy asks")
    assert sentence_of(replace(UPDATE, stage_rule_reserve=None)).startswith("It is not known what the stage rules ask")


def test_times_are_said_as_people_say_them() -> None:
    due = datetime(2026, 10, 5, 8, 5, tzinfo=ZoneInfo("Europe/London"))
    assert sentence_of(replace(UPDATE, due_at=due)) == "It is due on 5 October 2026, 08:05 BST."


@pytest.mark.parametrize(
    "passage", ["we will not go on.", "we will not go on", "we will not go on … ", "we will not go on?!"]
)
def test_a_passage_is_quoted_without_its_own_full_stop(passage: str) -> None:
    copied = replace(BY_A_PERSON, too_close_to="the template “No”", too_close_passage=passage)
    assert sentence_of(copied) == (
        "This is too close to the template “No”: “we will not go on”. Write it in your own words."
    )


@pytest.mark.parametrize(("rule", "code", "outcome", "base", "change"), [*BROKEN, *NEVER_ALONE], ids=case_id)
def test_every_finding_is_a_sentence(
    rule: Rule, code: str, outcome: Outcome, base: str, change: dict[str, Any]
) -> None:
    finding = rule(replace(BASES[base], **change))
    assert finding is not None
    sentence = finding.sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "!" not in sentence
    assert not any(odd in sentence for odd in ("..", ".”.", "None", "  ", " .", "()", "Outcome", "Reserve", "_"))


def test_what_stands_in_for_a_quoting_sentence_is_a_code_that_exists() -> None:
    assert set(WITHOUT_QUOTES) <= {code for _, code, *_ in BROKEN}


# --- All facts --------------------------------------------------------------------------------------------------------

KINDS = [
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
]
times = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001  (the zone is drawn)
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, ZoneInfo("Asia/Tokyo")]),
)
soon = st.timedeltas(min_value=timedelta(days=-20), max_value=timedelta(days=20))
perhaps = st.sampled_from([None, False, True])
reserves = st.sampled_from([None, -1, 0, 1, 2, 3])
words = st.sampled_from(["", "a problem", "the template “No”"])


# Of each fact but the times.
ANY: dict[str, st.SearchStrategy[Any]] = {
    "touchpoint": st.one_of(st.sampled_from(KINDS), st.text(max_size=5)),
    "origin": st.sampled_from(["automation", "automation", "person", "person", "", "PERSON", "api"]),
    "reach": st.one_of(st.none(), st.integers(1, 7), st.integers()),
    "contact": perhaps,
    "policy_reserve": reserves,
    "stage_rule_reserve": reserves,
    "reads_like_rejection": perhaps,
    "signatures": st.integers(0, 3),
    "template_in_use": st.booleans(),
    "automation_in_use": st.booleans(),
    "decided_by_a_person": perhaps,
    "application_status": st.sampled_from(["active", "rejected", "withdrawn", "hired", "gone"]),
    "cause_stands": perhaps,
    "told": st.booleans(),
    "same_cause_sent": st.booleans(),
    "at_home": st.booleans(),
    "brake_on": st.booleans(),
    "on_hold": st.booleans(),
    "do_not_contact": st.booleans(),
    "talent_pool_consent": st.booleans(),
    "other_hand_offs_open": st.integers(0, 3),
    "address_problem": words,
    "text_problem": words,
    "missing": st.lists(st.sampled_from(["job.location", "sender.phone"]), max_size=2).map(tuple),
    "sender_may_send": st.booleans(),
    "is_as_released": st.booleans(),
    "written_alone": st.booleans(),
    "too_short": st.booleans(),
    "too_close_to": st.one_of(st.none(), words),
    "too_close_passage": words,
}


def any_time(now: datetime) -> st.SearchStrategy[datetime]:
    return st.one_of(times, st.just(now), soon.map(lambda wait: now + wait))


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    now = draw(times)
    return Facts(
        now=now,
        planned_at=draw(any_time(now)),
        due_at=draw(any_time(now)),
        **{name: draw(values) for name, values in ANY.items()},
    )


@st.composite
def nearly_sendable(draw: st.DrawFn) -> Facts:
    """Facts of which some may leave: a shared message with a few things of arbitrary facts, and no more is drawn of them."""
    base, now = draw(st.sampled_from(list(BASES.values()))), draw(times)
    values = ANY | {"now": st.just(now), "planned_at": any_time(now), "due_at": any_time(now)}
    names = draw(st.lists(st.sampled_from(sorted(vars(base))), max_size=4))
    return replace(base, **{name: draw(values[name]) for name in names})


@settings(SLOW, max_examples=200)
@given(any_facts())
def test_every_facts_gets_a_verdict_and_reading_them_raises_nothing(facts: Facts) -> None:
    verdict = decide(facts)
    assert verdict.outcome in Outcome
    assert verdict.reserve in Reserve
    assert (verdict.outcome is Outcome.SEND) is (verdict.findings == ())
    assert (verdict.retry_at is not None) is (verdict.outcome is Outcome.LATER)
    assert all(finding.sentence for finding in verdict.findings)
    assert all((finding.retry_at is not None) is (finding.outcome is Outcome.LATER) for finding in verdict.findings)


@settings(SLOW, max_examples=200)
@given(nearly_sendable())
def test_no_machine_sends_what_is_reserved_and_no_person_sends_words_that_are_not_theirs(facts: Facts) -> None:
    verdict = decide(facts)
    if verdict.outcome is not Outcome.SEND:
        return
    assert facts.origin in {"automation", "person"}
    if facts.origin == "automation":
        assert verdict.reserve is Reserve.AUTOMATIC
        assert facts.signatures
    elif verdict.reserve is Reserve.PERSON_WRITES:
        assert facts.too_close_to == ""
        assert not facts.too_short
        assert facts.written_alone
        assert facts.sender_may_send
        assert facts.is_as_released


# Each from loose to strict; a value further right may never make a verdict looser.
SCALES: dict[str, list[Any]] = {
    "contact": [False, True, None],
    "reach": [1, 2, 3, 4, 5, 6, 7, None],
    "policy_reserve": [0, 1, 2, None],
    "stage_rule_reserve": [0, 1, 2, None],
    "reads_like_rejection": [False, True, None],
    "signatures": [3, 2, 1, 0],
    "decided_by_a_person": [True, False, None],
    "cause_stands": [True, None, False],
    "do_not_contact": [False, True],
    "at_home": [True, False],
    "brake_on": [False, True],
    "on_hold": [False, True],
    "same_cause_sent": [False, True],
    "sender_may_send": [True, False],
    "too_close_to": ["", "the template “No”", None],
}


@pytest.mark.parametrize("name", SCALES)
@settings(SLOW, max_examples=40)
@given(facts=nearly_sendable())
def test_nothing_stricter_ever_loosens_a_verdict(name: str, facts: Facts) -> None:
    verdicts = [decide(replace(facts, **{name: value})) for value in SCALES[name]]
    for looser, stricter in itertools.pairwise(verdicts):
        assert GRAVITY[looser.outcome] <= GRAVITY[stricter.outcome]
        assert looser.reserve <= stricter.reserve
