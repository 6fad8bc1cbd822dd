"""How a drain goes about it, turn by turn: who leaves with whom, what is given back, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from messaging import gate
from messaging.delivery import brake, outbox, safe_mode
from messaging.delivery.egress import Egress
from messaging.delivery.outcomes import Result
from messaging.delivery.stopping import Stopping
from messaging.models import Attempt, Installation, Message
from pipeline.models import Application
from tests.factories import NOW, make_application, make_message
from tests.guards_off import guards_off
from tests.messaging.delivery.asking import AGAIN, DUE, SENT, Fate, fate_of
from tests.messaging.delivery.database import cursed
from tests.messaging.delivery.turns import (
    ACCEPTED,
    NUMBER,
    REFUSED,
    REJECTED,
    UNKNOWN,
    Clock,
    Turns,
    keys,
    make_messages,
)

pytestmark = pytest.mark.django_db


def drain(**options: float) -> dict[str, int]:
    return dict(outbox.drain(clock=lambda: DUE, **options))


def given_back(messages: Sequence[Message]) -> bool:
    """Each waits, and none was let out."""
    return {fate_of(message).status for message in messages} <= {"scheduled"} and not Attempt.objects.filter(
        message__in=messages, used_at__isnull=False
    ).exists()


class TestWhoLeavesWithWhom:
    def test_the_first_leaves_alone_and_then_as_many_as_there_are_connections(self, turns: Turns) -> None:
        first, *others = keys(make_messages(1 + 2 * NUMBER))
        assert drain() == {"sent": 7}
        assert turns.begun == [[first], others[:NUMBER], others[NUMBER:]]

    @pytest.mark.parametrize("result", [REFUSED, REJECTED, UNKNOWN])
    def test_after_one_that_did_not_get_out_the_next_leaves_alone(self, turns: Turns, result: Result) -> None:
        messages = keys(make_messages(6))
        turns.results.extend([ACCEPTED, ACCEPTED, ACCEPTED, result])
        drain()
        assert turns.begun == [messages[:1], messages[1:4], messages[4:5], messages[5:]]

    def test_one_that_got_out_after_it_lets_the_others_leave_together_again(self, turns: Turns) -> None:
        messages = keys(make_messages(7))
        turns.results.extend([ACCEPTED, REJECTED, REJECTED, ACCEPTED])
        assert drain() == {"sent": 5, "failed": 2}
        assert turns.begun == [messages[:1], messages[1:4], messages[4:]]

    def test_what_the_gate_turns_away_says_nothing_of_the_provider(self, turns: Turns) -> None:
        """Neither that it takes mail, before any was sent, nor that it does not."""
        stopped, first, second, stopped_too, *others = make_messages(7)
        tell(stopped, stopped_too)
        assert drain() == {"stop": 2, "sent": 5}
        assert turns.begun == [[first.pk], [second.pk, others[0].pk], keys(others[1:])]

    def test_nor_does_a_whole_turn_of_them(self, turns: Turns) -> None:
        first, *others = make_messages(1 + 2 * NUMBER)
        tell(*others[:NUMBER])
        assert drain() == {"stop": NUMBER, "sent": 1 + NUMBER}
        assert turns.begun == [[first.pk], keys(others[NUMBER:])]

    def test_what_leaves_takes_no_more_connections_than_there_are_messages(self, turns: Turns) -> None:
        messages = keys(make_messages(2))
        drain()
        assert turns.begun == [messages[:1], messages[1:]]


def tell(*messages: Message) -> None:
    """They know the outcome already, so the gate stops the mail that would tell them."""
    Application.objects.filter(messages__in=messages).update(told_at=NOW, told_how="phone")


class TestWhenItGivesUp:
    @pytest.mark.parametrize(("result", "end"), [(REFUSED, "scheduled"), (REJECTED, "failed"), (UNKNOWN, "uncertain")])
    def test_three_in_a_row_and_the_others_wait_for_the_next_drain(
        self, turns: Turns, result: Result, end: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        messages = make_messages(5)
        turns.results.extend([result] * 5)
        assert drain() == {end: 3}
        assert turns.begun == [[message.pk] for message in messages[:3]]
        assert given_back(messages[3:])
        assert [record.getMessage() for record in caplog.records].count(
            "3 mails in a row did not get out; the others wait."
        ) == 1

    def test_two_in_a_row_stop_nobody_again_and_again(self, turns: Turns, caplog: pytest.LogCaptureFixture) -> None:
        make_messages(8)
        turns.results.extend([REJECTED, REJECTED, ACCEPTED, REJECTED, REJECTED])
        assert drain() == {"failed": 4, "sent": 4}
        assert "did not get out" not in caplog.text

    def test_an_error_of_our_own_counts_as_well(self, turns: Turns) -> None:
        faulty, *others = make_messages(4)
        turns.results.extend([REFUSED, REFUSED])
        with cursed("messaging_recordedverdict", message=faulty):
            assert drain() == {"fault": 1, "scheduled": 2}
        assert given_back(others[2:])

    def test_what_was_cleared_ahead_is_given_back(self, turns: Turns) -> None:
        """Left open it would be reaped, and its message would be said to be leaving until then."""
        first, *others = make_messages(1 + 2 * NUMBER)
        turns.results.extend([ACCEPTED] + [UNKNOWN] * NUMBER)
        assert drain() == {"sent": 1, "uncertain": NUMBER}
        assert turns.waiting == [0, NUMBER]
        assert [fate_of(message) for message in others[NUMBER:]] == [AGAIN] * NUMBER
        assert fate_of(first) == SENT


class TestWhenItEnds:
    def test_when_nothing_is_due(self, turns: Turns) -> None:
        make_message(now=NOW + timedelta(hours=1))
        assert drain() == {}
        assert turns.begun == []

    @pytest.mark.parametrize(("seconds", "sent"), [(0, 0), (1, 1), (1.1, 1 + NUMBER)])
    def test_when_its_time_is_over_it_begins_nothing_more(self, turns: Turns, seconds: float, sent: int) -> None:
        messages = make_messages(1 + 2 * NUMBER)
        drain(seconds=seconds)
        assert [fate_of(message) for message in messages[:sent]] == [SENT] * sent
        assert given_back(messages[sent:])

    def test_asked_to_end_it_waits_for_what_is_under_way_and_asks_the_gate_for_nothing(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turns.at_a_time = 1
        messages = make_messages(1 + 3 * NUMBER)

        def ask_in_the_second_turn() -> None:
            if len(turns.waiting) == 2:
                monkeypatch.setattr(Stopping, "asked", True)

        turns.before_answers = ask_in_the_second_turn
        assert drain() == {"sent": 1 + NUMBER}
        # What was cleared while the others left is kept until they have, and then given back.
        assert turns.waiting == [0, NUMBER, NUMBER, NUMBER]
        assert given_back(messages[1 + NUMBER :])
        assert [len(fate_of(message).attempts) for message in messages[-NUMBER:]] == [0] * NUMBER

    def test_what_becomes_due_after_that_waits_for_the_next_drain(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turns.at_a_time = 1
        messages = make_messages(1 + NUMBER)
        young = make_message(now=NOW + timedelta(minutes=5))
        clock = Clock()

        def time_goes_on_and_it_is_asked_to_end() -> None:
            if len(turns.waiting) == 2:
                clock.go_on(minutes=5)
                monkeypatch.setattr(Stopping, "asked", True)

        turns.before_answers = time_goes_on_and_it_is_asked_to_end
        assert outbox.drain(clock=clock) == {"sent": len(messages)}
        assert fate_of(young) == Fate(status="scheduled")

    def test_when_the_database_does_not_answer_what_is_under_way_is_written_down_first(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        turns.at_a_time = 1
        messages = make_messages(1 + 2 * NUMBER)
        fail(monkeypatch, gate, "clear_many", after=2, error=OperationalError("gone"))
        assert drain() == {"sent": 1 + NUMBER}
        assert [fate_of(message) for message in messages[1 + NUMBER :]] == [Fate(status="scheduled")] * NUMBER
        assert "The database did not answer; the next drain goes on." in caplog.text

    def test_when_it_meets_a_bug_what_is_under_way_is_written_down_first(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turns.at_a_time = 1
        messages = make_messages(1 + 2 * NUMBER)
        fail(monkeypatch, turns, "start", after=2, error=ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            drain()
        assert [fate_of(message) for message in messages[: 1 + NUMBER]] == [SENT] * (1 + NUMBER)


def fail(patch: pytest.MonkeyPatch, where: Any, name: str, *, after: int, error: Exception) -> None:
    """It does what it does so many times, and never again."""
    does, times = getattr(where, name), iter(range(after))

    def do(*arguments: Any, **options: Any) -> Any:
        if next(times, None) is None:
            raise error
        return does(*arguments, **options)

    patch.setattr(where, name, do)


class TestWhenNothingMayLeave:
    def test_in_safe_mode(self, turns: Turns) -> None:
        message = make_message()
        drain(seconds=0)
        Installation.objects.update(safe_since=DUE, safe_why=Installation.Why.ELSEWHERE)
        assert drain() == {}
        assert (turns.begun, fate_of(message)) == ([], Fate(status="scheduled"))

    def test_while_the_guards_of_the_database_do_not_stand(self, turns: Turns) -> None:
        message = make_message()
        with guards_off():
            assert drain() == {}
        assert (turns.begun, fate_of(message)) == ([], Fate(status="scheduled"))
        assert drain() == {"sent": 1}

    def test_where_the_brake_is_put_on_as_it_begins(self, turns: Turns, settings: Settings) -> None:
        settings.BRAKE_AN_HOUR = settings.BRAKE_A_DAY = 1
        first = make_message()
        make_message(application=make_application(job=first.application.job))
        other = make_message()
        assert drain() == {"sent": 1}
        assert turns.begun == [[other.pk]]

    def test_while_nobody_knows_whether_the_brake_is_to_be_put_on(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        make_message()
        fail(monkeypatch, brake, "put_on_where_needed", after=0, error=OperationalError("gone"))
        assert drain() == {}
        assert turns.begun == []
        assert "The database did not answer; the next drain goes on." in caplog.text


class TestTheNewestSend:
    @pytest.fixture
    def noted(self, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
        noted: list[datetime] = []
        monkeypatch.setattr(safe_mode, "note_sends", lambda *, now: noted.append(now))
        return noted

    def test_is_noted_after_a_drain_that_had_something_to_do(self, turns: Turns, noted: list[datetime]) -> None:
        make_message()
        drain()
        assert noted == [DUE]
        drain()
        assert noted == [DUE]

    def test_that_cannot_be_noted_is_noted_by_the_next_drain(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        make_message()
        fail(monkeypatch, safe_mode, "note_sends", after=0, error=OperationalError("gone"))
        assert drain() == {"sent": 1}
        assert "The newest send could not be read" in caplog.text


class TestOneAlone:
    def test_goes_through_the_gate_and_out(self) -> None:
        sent, stopped, taken = make_messages(3)
        tell(stopped)
        gate.clear(taken.pk, now=DUE)
        with Egress(clock=lambda: DUE) as egress:
            ends = [outbox.deliver(key, egress=egress, clock=lambda: DUE) for key in keys([sent, stopped, taken])]
        assert ends == ["sent", "stop", ""]
        assert (fate_of(sent), fate_of(stopped)) == (SENT, Fate(status="cancelled"))
        assert fate_of(taken) == Fate(status="sending", attempts=("",))
