"""What a person is shown before and while they write; the page itself is tested in the admin."""

from dataclasses import replace
from datetime import timedelta

import pytest

from messaging import gate, handoffs, writing
from messaging.models import HandOff, Message
from messaging.policy.floor import Reserve
from tests.factories import NOW, OWN_WORDS, make_application, make_hand_off, make_interview, make_message, make_sender
from tests.guards_off import force


@pytest.mark.django_db
def test_conversations_are_sorted_into_those_to_come_and_those_that_were() -> None:
    hand_off, by = make_hand_off(), make_sender()
    later = make_interview(hand_off.application, starts_at=NOW + timedelta(days=2))
    sooner = make_interview(hand_off.application, starts_at=NOW + timedelta(days=1))
    held = make_interview(hand_off.application, starts_at=NOW - timedelta(days=1), held_at=NOW - timedelta(days=1))
    missed = make_interview(hand_off.application, starts_at=NOW - timedelta(days=2))
    make_interview(hand_off.application, starts_at=NOW + timedelta(days=3), cancelled_at=NOW)
    background = writing.prepare(hand_off, by=by, now=NOW)
    assert (background.upcoming, background.past) == ((sooner, later), (held, missed))


@pytest.mark.django_db
def test_reach_and_contact_are_said_as_the_gate_sees_them() -> None:
    by = make_sender()
    application = make_application()
    new = writing.prepare_new(application, touchpoint="status_update", by=by, now=NOW)
    assert (new.reach, new.was_dealt_with, new.must_be_own_words) == ("applied", False, False)
    make_interview(application, starts_at=NOW, held_at=NOW)
    met = writing.prepare_new(application, touchpoint="rejection", by=by, now=NOW)
    assert (met.reach, met.was_dealt_with, met.must_be_own_words) == ("applied", True, True)
    rejected = writing.prepare(make_hand_off(), by=by, now=NOW)
    assert (rejected.reach, rejected.must_be_own_words) == ("phone screen", True)


@pytest.mark.django_db
def test_an_unknown_reach_is_said_to_be() -> None:
    by = make_sender()
    draft = handoffs.draft(make_application(), touchpoint="status_update", subject="", body="", by=by, now=NOW)
    known = gate.preview(draft, now=NOW).facts
    assert writing._reach_in_words(known) == "applied"
    assert writing._reach_in_words(replace(known, reach=None)) == "not known"


@pytest.mark.django_db
def test_a_reserve_that_was_set_is_not_forgotten_because_the_gate_would_ask_less_now() -> None:
    hand_off, by = make_hand_off(), make_sender()
    message = make_message()
    other = HandOff(message=message, application=message.application, touchpoint="rejection", reasons=[], due_at=NOW)
    for reserve, expected in ((Reserve.PERSON_SENDS, False), (Reserve.PERSON_WRITES, True)):
        other.reserve = reserve
        assert writing.prepare(other, by=by, now=NOW).must_be_own_words is expected
    hand_off.reserve = Reserve.PERSON_SENDS
    assert writing.prepare(hand_off, by=by, now=NOW).must_be_own_words is True


@pytest.mark.django_db
def test_only_what_another_text_could_not_mend_is_an_obstacle() -> None:
    hand_off, by = make_hand_off(), make_sender()
    assert writing.prepare(hand_off, by=by, now=NOW).obstacles == ()
    candidate = hand_off.application.candidate
    candidate.email = "kim@@example.com"
    codes = [finding.code for finding in writing.prepare(hand_off, by=by, now=NOW).obstacles]
    assert codes == ["address"]


@pytest.mark.django_db
def test_a_look_compares_only_where_the_words_must_be_own() -> None:
    by = make_sender()
    hand_off = make_hand_off()
    own = writing.look(handoffs.draft_answer(hand_off, subject="Hi", body=OWN_WORDS, by=by, now=NOW), now=NOW)
    assert own.may_leave
    assert own.must_be_own_words
    free = handoffs.draft(make_application(), touchpoint="status_update", subject="Hi", body="Hi.", by=by, now=NOW)
    assert writing.look(free, now=NOW).kin is None


@pytest.mark.django_db
def test_a_message_without_a_wording_has_no_template_to_show() -> None:
    hand_off, by = make_hand_off(), make_sender()
    force(Message.objects.all(), wording=None)
    hand_off.refresh_from_db()
    beginning = writing.begin(hand_off, must_be_own_words=False, by=by, now=NOW)
    assert (beginning.template, beginning.subject, beginning.body) == (None, "", "")
