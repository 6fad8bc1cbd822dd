"""What the timeline tells, in which order, and at which cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from messaging import automations, handoffs
from messaging.delivery import outbox
from messaging.models import Automation, HandOff, Message
from messaging.timeline import Entry, Kind, Tone, timeline_of
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Interview
from pipeline.moves import Act
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def tell(application: Application, *, at: Any = None) -> list[Entry]:
    return timeline_of(application.candidate, now=at or NOW + 10 * HOUR)


def titles(entries: list[Entry]) -> list[str]:
    return [entry.title for entry in entries]


def test_what_happened_last_comes_first() -> None:
    application = make.make_application()
    ana = make.make_user(first_name="Ana", last_name="Ruiz")
    make.move_to(application, Milestone.REVIEW, by=ana, now=NOW + HOUR)
    make.reject(application, by=ana, now=NOW + 2 * HOUR, note="A pity.")

    rejected, moved, received = tell(application)

    assert titles([rejected, moved, received]) == [
        "Rejected, in “Review”",
        "Moved forward from “Applied” to “Review”",
        "Applied, in “Applied”",
    ]
    assert (rejected.by, rejected.job) == ("Ana Ruiz", application.job.title)
    assert "A pity." in rejected.detail
    assert received.by == "The clock"


def test_an_import_is_named_before_the_person_who_started_it() -> None:
    source, ben = make.make_source(name="Old system"), make.make_user(first_name="Ben", last_name="Okafor")
    application = make.make_application(by=actors.imported(source.pk, started_by=ben.pk))
    [received] = tell(application)
    assert received.by == "An import from “Old system”, started by Ben Okafor"
    assert "No automation follows" in received.detail


def test_a_scheduled_message_stands_at_the_top_as_ahead_and_a_sent_one_where_it_was_sent() -> None:
    message = make.make_message()
    entry = tell(message.application, at=NOW + timedelta(minutes=5))[0]
    assert (entry.kind, entry.is_upcoming, entry.at) == (Kind.MESSAGE, True, message.due_at)

    outbox.drain(clock=lambda: NOW + 2 * HOUR)
    make.make_application(candidate=message.application.candidate, now=NOW + 3 * HOUR)

    received, sent, *_ = tell(message.application)
    assert received.kind == Kind.MOVE
    assert (sent.title, sent.is_upcoming, sent.at) == ("Rejection sent", False, NOW + 2 * HOUR)
    assert sent.by.startswith("The automation “Automation")
    assert "We have read your application" in sent.text


def test_a_message_that_is_due_but_not_delivered_yet_is_still_ahead() -> None:
    message = make.make_message()
    entry = tell(message.application, at=NOW + 5 * HOUR)[0]
    assert (entry.title, entry.is_upcoming, entry.at) == ("Rejection is scheduled", True, NOW + 5 * HOUR)


def hand_off_for(application: Application) -> HandOff:
    make.make_automation()
    [message] = automations.follow(make.reject(application, now=NOW + 2 * HOUR), now=NOW + 2 * HOUR)
    return message.hand_offs.get()


def late_application() -> Application:
    application = make.make_application()
    make.move_to(application, Milestone.PHONE_SCREEN, now=NOW + HOUR)
    return Application.objects.get(pk=application.pk)


def test_a_reserved_message_is_told_by_its_verdict_and_its_hand_off_and_not_a_third_time() -> None:
    application = late_application()
    hand_off = hand_off_for(application)

    handed, verdict, rejected, *_ = tell(application)

    assert handed.title == f"Rejection handed to {hand_off.owner}, due Thursday, 17 September"
    assert (handed.tone, handed.url_label) == (Tone.WAITING, "Write to them")
    assert verdict.kind == Kind.VERDICT
    assert "the candidate reached phone screen" in verdict.detail
    assert rejected.kind == Kind.MOVE
    assert [entry for entry in tell(application) if entry.kind == Kind.MESSAGE] == []


def test_a_hand_off_that_is_overdue_is_grave_until_it_is_closed() -> None:
    application = late_application()
    hand_off = hand_off_for(application)
    assert hand_off.owner is not None

    overdue = tell(application, at=hand_off.due_at + HOUR)[0]
    assert (overdue.tone, overdue.title.endswith(", overdue")) == (Tone.GRAVE, True)

    handoffs.close_as_not_needed(hand_off, reason="She withdrew by phone.", by=hand_off.owner, now=NOW + 3 * HOUR)
    closed, opened, *_ = tell(application, at=hand_off.due_at + HOUR)
    assert (closed.title, closed.by) == ("Hand-off closed: not needed", str(hand_off.owner))
    assert closed.detail == "She withdrew by phone."
    assert opened.tone == Tone.CALM


def test_a_call_that_closed_a_hand_off_is_told_once() -> None:
    application = late_application()
    hand_off = hand_off_for(application)
    assert hand_off.owner is not None
    handoffs.tell_by_phone(hand_off, note="She took it well.", by=hand_off.owner, now=NOW + 3 * HOUR)
    closed, handed, *rest = tell(application)
    assert titles([closed]) == ["Hand-off closed: told by phone"]
    assert handed.kind == Kind.HAND_OFF
    assert {entry.kind for entry in rest} == {Kind.VERDICT, Kind.MOVE}


def test_conversations_are_told_as_held_planned_and_cancelled() -> None:
    application = make.make_application()
    ana = make.make_user(first_name="Ana", last_name="Ruiz")
    moves.log_conversation(application, kind="phone", note="Nice.", by=actors.person(ana.pk), now=NOW + HOUR)
    Interview.objects.create(application=application, kind="video", starts_at=NOW + 30 * HOUR)
    Interview.objects.create(
        application=application, kind="on_site", starts_at=NOW + 40 * HOUR, cancelled_at=NOW + 4 * HOUR
    )
    Interview.objects.create(application=application, kind="video", starts_at=NOW + 3 * HOUR)
    assert titles(tell(application)) == [
        "Video call planned",
        "On site cancelled",
        "Video call was planned; nobody said whether it took place",
        "Phone call took place",
        "Applied, in “Applied”",
    ]
    assert [entry.is_upcoming for entry in tell(application)] == [True, False, False, False, False]


def test_being_told_in_person_is_an_entry_and_being_told_by_mail_is_the_mail() -> None:
    application = make.make_application()
    ana = make.make_user(first_name="Ana", last_name="Ruiz")
    make.reject(application, now=NOW + HOUR)
    moves.record_told(application, how="in_person", by=actors.person(ana.pk), now=NOW + 2 * HOUR)
    told = tell(application)[0]
    assert (told.title, told.by) == ("Told of the outcome in person", "Ana Ruiz")

    Application.objects.filter(pk=application.pk).update(told_how="mail")
    assert tell(application)[0].kind == Kind.MOVE


def test_all_applications_of_a_candidate_are_in_one_timeline_and_nobody_elses() -> None:
    first = make.make_application()
    second = make.make_application(candidate=first.candidate, now=NOW + HOUR)
    make.make_application(now=NOW + 2 * HOUR)
    assert [entry.job for entry in tell(first)] == [second.job.title, first.job.title]


def test_the_number_of_queries_does_not_grow_with_the_history() -> None:
    application = late_application()
    hand_off_for(application)
    moves.log_conversation(application, kind="phone", note="", by=actors.person(make.make_user().pk), now=NOW)
    _close_hand_offs()
    few, short = _count(application)

    for hours in range(3, 9):
        now = NOW + hours * HOUR
        act = Act(by=actors.person(make.make_user().pk), now=now)
        automations.follow(make.done(moves.reopen(application, act=act)), now=now)
        automations.follow(make.reject(application, now=now + HOUR / 2), now=now + HOUR / 2)
        moves.log_conversation(application, kind="phone", note="", by=act.by, now=now)
    _close_hand_offs()
    many, long = _count(application)

    assert len(long) > len(short) + 12
    assert many == few


def _close_hand_offs() -> None:
    for hand_off in HandOff.objects.open():
        handoffs.close_as_not_needed(hand_off, reason="Seen.", by=make.make_user(), now=NOW + 9 * HOUR)


def _count(application: Application) -> tuple[int, list[Entry]]:
    with CaptureQueriesContext(connection) as captured:
        entries = tell(application)
    return len(captured), entries


def test_a_cancelled_message_says_why() -> None:
    message = make.make_message()
    Message.objects.filter(pk=message.pk).update(status="cancelled", status_reason="Ana cancelled it.", status_at=NOW)
    [entry] = [entry for entry in tell(message.application) if entry.kind == Kind.MESSAGE]
    assert entry.title == "Rejection cancelled"
    assert entry.detail.endswith("Ana cancelled it.")


def test_what_candidates_and_colleagues_wrote_is_shown_as_text() -> None:
    application = make.make_application()
    make.reject(application, now=NOW + HOUR, note="<script>alert(1)</script>")
    html = render_to_string("messaging/timeline.html", {"entries": tell(application)})
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_a_scheduled_message_names_its_template() -> None:
    message = make.make_message(template=make.make_template(name="Early rejection"))
    assert message.automation
    assert message.automation.event == Automation.Event.REJECTED
    assert "Early rejection" in tell(message.application, at=NOW)[0].detail
