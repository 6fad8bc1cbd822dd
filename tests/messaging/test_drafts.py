"""What somebody wrote and did not send is kept for them alone."""

from datetime import timedelta

import pytest

from messaging import drafts, handoffs, tasks
from messaging.models import Draft, HandOff
from pipeline.models import User
from tests.factories import NOW, OWN_WORDS, make_hand_off, make_sender

pytestmark = pytest.mark.django_db


def keep(hand_off: HandOff, *, by: User, body: str = "Dear Kim", note: str = "") -> Draft | None:
    return drafts.save(hand_off, subject="", body=body, note=note, by=by, now=NOW)


def test_there_is_one_for_each_person_and_the_newest_text_counts() -> None:
    hand_off, ana, tom = make_hand_off(), make_sender(), make_sender()
    for body in ("Dear", "Dear Kim"):
        keep(hand_off, by=ana, body=body)
    keep(hand_off, by=tom, body="Hello Kim")
    texts = {person: draft.body for person in (ana, tom) if (draft := drafts.find(hand_off, by=person))}
    assert texts == {ana: "Dear Kim", tom: "Hello Kim"}


def test_a_text_that_was_emptied_is_not_kept() -> None:
    hand_off, by = make_hand_off(), make_sender()
    keep(hand_off, by=by)
    assert keep(hand_off, by=by, body=" \n") is None
    assert drafts.find(hand_off, by=by) is None
    assert keep(hand_off, by=by, body="", note="She was out.")


def test_it_goes_when_its_writer_closes_the_hand_off_and_stays_when_somebody_else_does() -> None:
    hand_off, ana, tom = make_hand_off(), make_sender(), make_sender()
    keep(hand_off, by=ana)
    keep(hand_off, by=tom)
    handoffs.answer(hand_off, subject="Your talk", body=OWN_WORDS, by=ana, now=NOW)
    assert drafts.find(hand_off, by=ana) is None
    assert drafts.find(hand_off, by=tom)


def test_the_clock_forgets_those_of_hand_offs_that_were_closed_long_ago() -> None:
    old, fresh, open_one = (make_hand_off() for _ in range(3))
    ana, tom = make_sender(), make_sender()
    for hand_off in (old, fresh, open_one):
        keep(hand_off, by=ana)
    for hand_off, days in ((old, 31), (fresh, 29)):
        handoffs.close_as_not_needed(hand_off, reason="They called.", by=tom, now=NOW - timedelta(days=days))
    assert drafts.forget_old(now=NOW) == 1
    assert {draft.hand_off for draft in Draft.objects.all()} == {fresh, open_one}
    tasks.sweep()
