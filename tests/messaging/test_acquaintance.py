"""What is on record about a candidate, for somebody who is about to write to them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging import acquaintance, handoffs
from messaging.acquaintance import get_to_know, values_for
from messaging.models import Attempt
from pipeline.models import Candidate
from tests.factories import (
    NOW,
    make_application,
    make_candidate,
    make_hand_off,
    make_interview,
    make_job,
    make_sender,
    make_template,
    make_tried,
    reject,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def fill(candidate: Candidate) -> None:
    application = make_application(candidate=candidate)
    make_interview(application, starts_at=NOW - DAY, held_at=NOW - DAY, note="Asked about trains.")
    make_interview(application, starts_at=NOW + DAY)
    receipt = make_template(touchpoint="acknowledgement", body="Your bridge is here, {{ candidate.first_name }}.")
    make_tried(Attempt.Outcome.ACCEPTED, application=make_application(candidate=candidate), template=receipt)
    reject(application, note="Close call.")


def test_it_is_about_the_whole_person_and_nobody_else() -> None:
    candidate = make_candidate()
    for one in (candidate, make_candidate()):
        fill(one)
    known = get_to_know(candidate)
    assert {one.candidate for one in known.applications} == {candidate}
    assert (len(known.applications), len(known.talks), len(known.mail)) == (2, 2, 1)
    assert [(note.text, note.about.split(" · ")[0]) for note in known.notes] == [("Close call.", "Rejected")]
    assert known.last_talk is not None
    assert known.last_talk.note == "Asked about trains."


def test_the_last_talk_is_the_last_that_took_place() -> None:
    application = make_application()
    assert get_to_know(application.candidate).last_talk is None
    make_interview(application, starts_at=NOW + DAY)
    make_interview(application, starts_at=NOW - 3 * DAY, held_at=NOW - DAY, note="last")
    make_interview(application, starts_at=NOW - 2 * DAY, held_at=NOW - 2 * DAY, note="before")
    talk = get_to_know(application.candidate).last_talk
    assert talk is not None
    assert talk.note == "last"


def test_why_a_hand_off_was_not_needed_is_a_note() -> None:
    hand_off = make_hand_off()
    handoffs.close_as_not_needed(hand_off, reason="They called us.", by=make_sender(first_name="Rita"), now=NOW)
    [note] = get_to_know(hand_off.application.candidate).notes
    assert (note.text, note.by[:4], note.at) == ("They called us.", "Rita", NOW)


def test_values_are_names_days_and_places_and_each_stands_once() -> None:
    job = make_job(title="Bricklayer", location="Leeds")
    application = make_application(candidate=make_candidate(first_name="Mira"), job=job)
    make_interview(application, starts_at=NOW - DAY, held_at=NOW - DAY, interviewers="Bea Stone", note="A secret.")
    make_interview(application, starts_at=NOW + DAY, interviewers="Bea Stone", place="Room 4")
    other = make_application(candidate=application.candidate)
    make_interview(other, starts_at=NOW - DAY, interviewers="Somebody else")
    values = [one.value for one in values_for(application, get_to_know(application.candidate), now=NOW)]
    assert values == [
        "Mira",
        "Bricklayer",
        "Leeds",
        "Monday 14 September",
        "Bea Stone",
        "Wednesday 16 September",
        "10:00",
        "Room 4",
    ]


def test_it_asks_no_more_questions_for_a_longer_history() -> None:
    candidate = make_candidate()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            known = acquaintance.get_to_know(candidate)
            [str(message.written_by or message.automation) for message in known.mail]
            [one.job.title + str(one.reason) for one in known.applications]
        return len(captured)

    fill(candidate)
    few = queries()
    for _ in range(3):
        fill(candidate)
    assert queries() == few
