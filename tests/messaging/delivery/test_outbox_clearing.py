"""What a drain asks the gate for and when: of whom, how far ahead, and not again what came back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from messaging import gate
from messaging.delivery import outbox
from messaging.gate import Clearance
from messaging.models import Message
from tests.factories import NOW, make_message
from tests.messaging.delivery.asking import AGAIN, DUE, SENT, Fate, fate_of, make_survey
from tests.messaging.delivery.turns import NUMBER, Clock, Turns, Watch, keys, make_messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(turns: Turns, clock: Clock) -> outbox._Run:
    """Of a drain whose first mail got out."""
    run = outbox._Run(turns, clock)  # type: ignore[arg-type]
    run._got_out = True
    return run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many the gate was asked for, each time."""
    asked: list[int] = []
    clear_many = gate.clear_many

    def clear(due: list[int], *, at_most: int, **options: Any) -> Any:
        asked.append(at_most)
        return clear_many(due, at_most=at_most, **options)

    monkeypatch.setattr(gate, "clear_many", clear)
    return asked


def clear(message: Message, clock: Clock) -> Clearance:
    answer = gate.clear(message.pk, now=clock())
    assert isinstance(answer, Clearance)
    return answer


class TestAhead:
    def test_what_is_cleared_begins_before_the_gate_is_asked_for_the_next(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So no connection waits for the gate; before the first got out nothing is asked for ahead."""
        make_messages(1 + 3 * NUMBER)
        happened: list[str] = []

        def noting(where: Any, name: str, word: str) -> None:
            does = getattr(where, name)

            def do(*arguments: Any, **options: Any) -> Any:
                happened.append(word)
                return does(*arguments, **options)

            monkeypatch.setattr(where, name, do)

        noting(gate, "clear_many", "ask")
        noting(turns, "start", "begin")
        noting(turns, "answers", "wait")
        outbox.drain(clock=lambda: DUE)
        first_turn, second_turn, third_turn = "ask begin wait", "ask begin ask wait", "begin ask wait"
        assert " ".join(happened) == f"{first_turn} {second_turn} {third_turn} begin wait"

    def test_no_more_is_cleared_while_as_many_wait_as_there_are_connections(self, turns: Turns) -> None:
        turns.number, turns.at_a_time = 2, 1
        make_messages(10)
        outbox.drain(clock=lambda: DUE)
        # Behind the first nothing; one connection is free in each turn from then on.
        assert turns.waiting[:4] == [0, 2, 3, 2]
        assert len(turns.waiting) == 10

    @pytest.mark.parametrize(
        ("seconds", "answers", "number"), [(0.06, 3, 50), (0.03, 1, 30), (0.001, 1, 100), (0.6, 3, NUMBER)]
    )
    def test_what_leaves_within_a_second_is_cleared_ahead_by_the_pace_of_the_last(
        self, run: outbox._Run, turns: Turns, watch: Watch, asked: list[int], seconds: float, answers: int, number: int
    ) -> None:
        """In tens, a hundred at most, and no fewer than there are connections."""
        turns.seconds = seconds
        make_messages(answers)
        run.begin()
        run.write_down(turns.answers())
        make_message()
        run.begin()
        assert asked == [NUMBER, number]

    def test_what_begins_is_counted_whether_it_was_just_looked_at_or_before(
        self, run: outbox._Run, turns: Turns, watch: Watch
    ) -> None:
        make_messages(2 * NUMBER)
        assert run.begin() == 2 * NUMBER
        watch.go_on(0.1)
        run.write_down(turns.answers())
        run.look_ahead()
        assert run.begin() == NUMBER
        run.write_down(turns.answers())
        assert run.begin() == 0

    @pytest.mark.parametrize(("seconds", "rest"), [(5, ("accepted",)), (5.01, ("refused", "accepted"))])
    def test_what_was_cleared_longer_than_five_seconds_ago_is_asked_for_anew(
        self, run: outbox._Run, turns: Turns, clock: Clock, seconds: float, rest: tuple[str, ...]
    ) -> None:
        """What it was decided on may have changed since. The oldest counts, and with it all are given back."""
        old, young = make_messages(2)
        run._cleared.append(clear(old, clock))
        clock.go_on(seconds=1)
        run._cleared.append(clear(young, clock))
        clock.go_on(seconds=seconds - 1)
        run.begin()
        run.finish()
        assert [fate_of(message).attempts for message in (old, young)] == [rest, rest]

    def test_what_is_given_back_waits_at_its_time(self, run: outbox._Run, clock: Clock) -> None:
        messages = make_messages(2)
        run._cleared.extend(clear(message, clock) for message in messages)
        clock.go_on(seconds=7)
        run.give_back()
        assert [fate_of(message) for message in messages] == [AGAIN, AGAIN]
        assert [(message.due_at, message.status_at) for message in messages] == [(DUE, clock.now)] * 2


class TestOfWhom:
    def test_the_oldest_first_and_of_a_candidate_the_oldest_alone(self, run: outbox._Run) -> None:
        young = make_message(now=NOW + timedelta(minutes=5))
        old = make_message()
        make_survey(old)
        assert outbox._Run(run._connections, lambda: DUE + timedelta(hours=1))._due() == keys([old, young])

    def test_not_of_a_candidate_whose_mail_is_cleared_or_under_way(
        self, run: outbox._Run, turns: Turns, clock: Clock
    ) -> None:
        """What becomes of it is a fact for the next."""
        under_way, cleared, free = make_messages(3)
        for message in (under_way, cleared):
            make_survey(message)
        turns.start([clear(under_way, clock)])
        run._cleared.append(clear(cleared, clock))
        assert run._due() == [free.pk]

    @pytest.mark.parametrize("end", ["scheduled", "fault", "later", "hand_off", ""])
    def test_not_what_came_back_however_long_the_drain_takes(self, run: outbox._Run, end: str) -> None:
        message = make_message()
        assert run._due() == [message.pk]
        run._note(message.pk, end)
        assert run._due() == []

    def test_what_was_sent_needs_no_further_room(
        self, run: outbox._Run, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As many more are read as came back, so that behind them others are found."""
        monkeypatch.setattr(outbox, "BATCH", 2)
        read: list[int] = []
        oldest_due = outbox._oldest_due

        def reads(at_most: int) -> Any:
            read.append(at_most)
            return oldest_due(at_most)

        monkeypatch.setattr(outbox, "_oldest_due", reads)
        messages = make_messages(4)
        for message in messages[:2]:
            run._note(message.pk, "sent")
        run._due()
        for message in messages[2:]:
            run._note(message.pk, "scheduled")
        run._due()
        assert read == [6, 8]

    def test_no_more_are_read_than_are_asked_for(self) -> None:
        messages = make_messages(3)
        found = outbox._oldest_due(2)(now=DUE)
        assert [pk for pk, _ in found] == keys(messages[:2])


class TestWhereTheGateFindsNone:
    """Others hold them all."""

    @pytest.fixture(autouse=True)
    def _none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gate, "clear_many", lambda *_, **__: [])

    def test_the_oldest_is_waited_for(self, run: outbox._Run) -> None:
        oldest, other = make_messages(2)
        [(key, answer)] = run._look_at(keys([oldest, other]), NUMBER)
        assert isinstance(answer, Clearance)
        assert (key, answer.attempt.message) == (oldest.pk, oldest)
        assert fate_of(other) == Fate(status="scheduled")

    def test_nobody_waits_while_a_mail_is_under_way(self, run: outbox._Run, turns: Turns, clock: Clock) -> None:
        under_way, held = make_messages(2)
        turns.start([clear(under_way, clock)])
        assert list(run._look_at([held.pk], NUMBER)) == []
        assert fate_of(held) == Fate(status="scheduled")


class TestWhereTheGateMeetsABug:
    @pytest.fixture(autouse=True)
    def _bug(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(gate, "clear_many", fails)

    def test_as_many_as_there_is_room_for_are_asked_for_alone(self, run: outbox._Run) -> None:
        messages = make_messages(3)
        answers = dict(run._look_at(keys(messages), 2))
        assert list(answers) == keys(messages[:2])
        assert fate_of(messages[2]) == Fate(status="scheduled")

    def test_only_the_one_that_has_it_is_set_aside(
        self, run: outbox._Run, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        faulty, sound = make_messages(2)
        clears = gate.clear

        def fails_for_one(key: int, **options: Any) -> Any:
            return clears(key if key == sound.pk else 0, **options)

        monkeypatch.setattr(gate, "clear", fails_for_one)
        run.begin()
        run.finish()
        assert (fate_of(sound), fate_of(faulty)) == (SENT, Fate(status="scheduled"))
        assert (faulty.due_at, faulty.status_reason) == (DUE + timedelta(hours=1), outbox.FAULT_SENTENCE)

        clock.go_on(hours=1)
        assert outbox._ask(faulty.pk, now=clock()) == "fault"
        assert fate_of(faulty) == Fate(status="held", hand_offs=("fault",))
        assert faulty.status_at == clock.now
