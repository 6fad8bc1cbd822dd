"""What was decided in the last weeks is decided again as if a change had stood, and what cannot be is counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging import handoffs
from messaging.delivery import outbox
from messaging.models import Message, PolicyRow, RecordedVerdict, RejectionPhrase, Template
from messaging.policy.floor import Reserve, Rule, Touchpoint
from messaging.what_if import changes, past
from messaging.what_if.past import Answer, Past, Turn
from messaging.wordings import read_phrases
from tests.factories import NOW, OWN_WORDS, make_hand_off, make_message, make_sender, make_stage_rule, make_template
from tests.guards_off import force, guards_off

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=2)
NEWS = "Dear {{ candidate.first_name }}, we are still reading. {{ sender.name }}"

BY_ITSELF = Answer(outcome="send", reserve=0)
WAITS = Answer(outcome="later", reserve=0)
SENT_BY_A_PERSON = Answer(outcome="hand_off", reserve=1)
WRITTEN = Answer(outcome="hand_off", reserve=2)


def from_applied(reserve: int) -> list[Rule]:
    return [Rule(from_milestone=1, reserve=reserve)]


def sent(**automation: Any) -> Message:
    message = make_message(**automation)
    outbox.drain(clock=lambda: LATER)
    message.refresh_from_db()
    assert message.status == Message.Status.SENT
    return message


def replay(change: changes.Change, **options: Any) -> Past:
    return past.replay(change, **{"now": LATER} | options)


def turns(found: Past) -> dict[tuple[Answer, Answer], int]:
    return {(turn.was, turn.would_be): number for turn, number in found.turns.items()}


def by_a_machine(was: Answer, would_be: Answer) -> Turn:
    return Turn(origin="automation", was=was, would_be=would_be)


# --- Other policy -----------------------------------------------------------------------------------------------------


def test_a_stricter_policy_would_have_handed_over_what_left() -> None:
    message = sent()
    found = replay(changes.of_policy("rejection", from_applied(2)))
    assert (found.looked_at, found.turns) == (1, {by_a_machine(BY_ITSELF, WRITTEN): 1})
    [shown] = found.shown
    assert (shown.message, shown.at, shown.turn) == (message, LATER, by_a_machine(BY_ITSELF, WRITTEN))
    assert (found.unreadable, found.undecided, found.is_cut_off) == (0, 0, False)


def test_the_rules_as_they_are_change_nothing() -> None:
    sent()
    make_hand_off()
    assert replay(changes.of_policy("rejection", [])).turned == 0
    PolicyRow.objects.create(touchpoint="rejection", from_milestone=3, reserve=2)
    assert replay(changes.of_policy("rejection", [Rule(from_milestone=3, reserve=2)])).turned == 0


def test_a_row_that_goes_would_have_let_wait_what_it_handed_over() -> None:
    PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=1)
    make_message()
    found = replay(changes.of_policy("rejection", []))
    assert turns(found) == {(SENT_BY_A_PERSON, WAITS): 1}
    assert all(turn.is_looser for turn in found.turns)


def test_what_the_floor_reserves_stays_reserved_and_a_stricter_row_changes_who_writes_it() -> None:
    template = make_template(touchpoint=Touchpoint.OFFER, body=NEWS)
    make_message(template=template)
    assert turns(replay(changes.of_policy("offer", from_applied(2)))) == {(SENT_BY_A_PERSON, WRITTEN): 1}
    assert replay(changes.of_policy("offer", from_applied(1))).turned == 0


def test_a_row_for_rejections_reaches_what_reads_like_one() -> None:
    news = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS)
    sent(template=news)
    make_message(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE))  # its text is a rejection
    found = replay(changes.of_policy("rejection", from_applied(2)))
    assert (found.looked_at, turns(found)) == (1, {(Answer(outcome="hand_off", reserve=0), WRITTEN): 1})
    assert replay(changes.of_policy("survey", from_applied(2))).looked_at == 0


def test_what_a_person_wrote_is_asked_for_their_own_words() -> None:
    hand_off = make_hand_off(template=make_template(touchpoint=Touchpoint.OFFER, body=NEWS))
    made = handoffs.answer(hand_off, subject="Our talk", body=OWN_WORDS, by=make_sender(), now=NOW)
    assert isinstance(made, Message)
    outbox.drain(clock=lambda: LATER)
    found = replay(changes.of_policy("offer", from_applied(2)))
    by_a_person = Turn(
        origin="person", was=Answer(outcome="send", reserve=1), would_be=Answer(outcome="send", reserve=2)
    )
    assert found.turns == {by_a_machine(SENT_BY_A_PERSON, WRITTEN): 1, by_a_person: 1}


def test_what_was_said_then_is_told_although_the_rules_changed_since() -> None:
    sent()
    PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=1)
    found = replay(changes.of_policy("rejection", from_applied(2)))
    assert turns(found) == {(BY_ITSELF, WRITTEN): 1}
    # Taken back again, it would have been as it was.
    assert replay(changes.of_policy("rejection", [])).turned == 0


# --- Another template -------------------------------------------------------------------------------------------------


def test_a_stage_rule_reaches_its_template_alone() -> None:
    message = sent()
    sent()
    assert message.template
    found = replay(changes.of_template(message.template, from_applied(1)))
    assert (found.looked_at, turns(found)) == (1, {(BY_ITSELF, SENT_BY_A_PERSON): 1})


def test_a_stage_rule_that_goes_lets_leave_what_it_held() -> None:
    template = make_template()
    make_stage_rule(template, from_milestone=1, reserve=Reserve.PERSON_SENDS)
    make_message(template=template)
    assert turns(replay(changes.of_template(template, []))) == {(SENT_BY_A_PERSON, WAITS): 1}
    assert replay(changes.of_template(template, from_applied(1))).turned == 0


def test_another_kind_has_another_floor() -> None:
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS)
    sent(template=template)
    template.touchpoint = Touchpoint.OFFER
    assert turns(replay(changes.of_template(template, []))) == {(BY_ITSELF, SENT_BY_A_PERSON): 1}


def test_a_template_that_is_retired_would_have_gone_to_a_person() -> None:
    message = sent()
    assert message.template
    template = Template.objects.get(pk=message.template.pk)
    template.is_active = False
    assert turns(replay(changes.of_template(template, []))) == {(BY_ITSELF, Answer(outcome="hand_off", reserve=0)): 1}


# --- Other phrases ----------------------------------------------------------------------------------------------------


def test_another_phrase_reaches_the_wordings_in_which_it_stands() -> None:
    news = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=f"{NEWS} We chose another path.")
    sent(template=news)
    sent(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS))
    sent()
    change = changes.of_phrases([*read_phrases(), "chose another path"])
    assert change.reads == {news.wordings.get().pk: True}
    found = replay(change)
    assert (found.looked_at, turns(found)) == (1, {(BY_ITSELF, Answer(outcome="hand_off", reserve=0)): 1})


def test_a_phrase_that_goes_reaches_where_no_other_stands() -> None:
    RejectionPhrase.objects.create(text="chose another path")
    alone = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=f"{NEWS} We chose another path.")
    both = make_template(
        touchpoint=Touchpoint.STATUS_UPDATE, body=f"{NEWS} We chose another path. We regret to inform you."
    )
    for template in (alone, both):
        make_message(template=template)
    change = changes.of_phrases([phrase for phrase in read_phrases() if phrase != "chose another path"])
    assert change.reads == {alone.wordings.get().pk: False}
    assert turns(replay(change)) == {(Answer(outcome="hand_off", reserve=0), WAITS): 1}
    assert changes.of_phrases(read_phrases()).reads == {}


# --- What is looked at ------------------------------------------------------------------------------------------------


def test_ninety_days_are_looked_back_on_and_no_more() -> None:
    sent()
    change = changes.of_policy("rejection", from_applied(2))
    assert replay(change, now=LATER + timedelta(days=90)).looked_at == 1
    assert replay(change, now=LATER + timedelta(days=90, seconds=1)).looked_at == 0


def test_each_message_counts_once_by_the_decision_that_met_it_first() -> None:
    message = sent()
    first = message.verdicts.get()
    again = RecordedVerdict.objects.get(pk=first.pk)
    again.pk, again.decided_at, again.seal = None, LATER + timedelta(minutes=1), None
    again.outcome, again.reserve = "hand_off", 0
    with guards_off():
        again.save(force_insert=True)
    found = replay(changes.of_policy("rejection", from_applied(2)))
    assert (found.looked_at, turns(found)) == (1, {(BY_ITSELF, WRITTEN): 1})


def test_facts_that_cannot_be_decided_again_are_counted_and_said_to_be() -> None:
    for change in ({"reach": None}, {"facts": {"mood": "good"}}):
        verdict = sent().verdicts.get()
        facts = change.get("facts") or {name: value for name, value in verdict.facts.items() if name != "reach"}
        force(RecordedVerdict.objects.filter(pk=verdict.pk), facts=facts)
    sent()
    found = replay(changes.of_policy("rejection", from_applied(2)))
    assert (found.looked_at, found.unreadable, found.turned) == (3, 2, 1)


def test_what_this_code_would_not_have_decided_so_is_no_replay() -> None:
    force(sent().verdicts.all(), outcome="stop")
    found = replay(changes.of_policy("rejection", from_applied(2)))
    assert (found.unreadable, found.turned) == (1, 0)


def test_what_nobody_had_to_ask_then_is_no_obstacle() -> None:
    verdict = sent().verdicts.get()
    known = {name: value for name, value in verdict.facts.items() if name not in past.NOT_ON_RECORD_YET}
    assert known != verdict.facts
    force(RecordedVerdict.objects.filter(pk=verdict.pk), facts=known)
    assert replay(changes.of_policy("rejection", from_applied(2))).turned == 1


def test_what_ended_before_anything_was_decided_is_counted() -> None:
    message = make_message()
    assert replay(changes.of_policy("rejection", from_applied(2))).undecided == 0  # it still waits
    force(Message.objects.filter(pk=message.pk), status="cancelled")
    found = replay(changes.of_policy("rejection", from_applied(2)))
    assert (found.looked_at, found.undecided) == (0, 1)
    assert replay(changes.of_policy("survey", from_applied(2))).undecided == 0


def test_the_newest_are_shown_all_are_counted_and_where_there_are_too_many_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = [sent() for _ in range(4)]
    change = changes.of_policy("rejection", from_applied(2))
    monkeypatch.setattr(past, "PAGE", 2)
    monkeypatch.setattr(past, "SHOWN", 3)
    found = replay(change)
    assert (found.looked_at, found.turned, found.is_cut_off) == (4, 4, False)
    assert [one.message.pk for one in found.shown] == [message.pk for message in reversed(messages)][:3]
    monkeypatch.setattr(past, "AT_MOST", 3)
    assert (replay(change).looked_at, replay(change).is_cut_off) == (3, True)


def test_a_page_of_decisions_costs_one_query() -> None:
    change = changes.of_policy("rejection", from_applied(2))
    counts = []
    for _ in range(2):
        for _ in range(3):
            sent()
        with CaptureQueriesContext(connection) as captured:
            replay(change)
        counts.append(len(captured))
    # The page, the one after it that is empty, what is shown of them, and what was never decided on.
    assert counts == [4, 4]
