"""Several mails at a time: as many in doubt as connections, one at a time to a candidate, nothing lost by a fault."""

from __future__ import annotations

import itertools
import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connections
from pytest_django.fixtures import Settings

from messaging import gate
from messaging.delivery import outbox
from messaging.delivery.connections import Connections
from messaging.delivery.egress import Egress
from messaging.delivery.outcomes import Result
from messaging.gate import Clearance
from messaging.models import Attempt, Message
from pipeline.models import Application
from tests.factories import NOW, let_out, make_application, make_message
from tests.messaging.delivery.asking import DUE, SENT, UNCERTAIN, Fate, drain, fate_of, make_survey
from tests.messaging.delivery.database import cursed, locked
from tests.messaging.delivery.doubles import PATIENCE, Exchange, Provider, Sink, accepts
from tests.messaging.delivery.test_outbox import listening

NUMBER = 3
MUCH_LATER = NOW + timedelta(days=3)


@pytest.fixture(autouse=True)
def several(live: Settings) -> None:
    live.MAIL_CONNECTIONS = NUMBER


class Together:
    """Accepts the first request at once; of the others, none before `number` of them are there."""

    def __init__(self, provider: Provider, *, then: Callable[[Exchange], None] = accepts, number: int = NUMBER) -> None:
        self.barrier = threading.Barrier(number, timeout=PATIENCE)
        self.then = then
        provider.behaviour = self

    def __call__(self, exchange: Exchange) -> None:
        if len(exchange.server.provider.requests) == 1:
            accepts(exchange)
        else:
            self.barrier.wait()
            self.then(exchange)


def attempts_of(*messages: Message) -> list[tuple[str, ...]]:
    return [fate_of(message).attempts for message in messages]


@pytest.mark.django_db
class TestAtATime:
    def test_the_first_goes_alone_and_the_others_as_many_as_there_are_connections(self, provider: Provider) -> None:
        messages = [make_message() for _ in range(1 + 2 * NUMBER)]
        Together(provider)
        assert drain() == {"sent": len(messages)}
        assert {fate_of(message) for message in messages} == {SENT}
        assert {message.application.told_how for message in Message.objects.select_related("application")} == {"mail"}

    def test_threads_take_turns_quickly_only_while_mail_leaves(self, provider: Provider) -> None:
        make_message()
        seen: list[float] = []

        def looks(exchange: Exchange) -> None:
            seen.append(sys.getswitchinterval())
            accepts(exchange)

        provider.behaviour = looks
        before = sys.getswitchinterval()
        assert drain() == {"sent": 1}
        assert sys.getswitchinterval() == before
        assert seen[0] < before

    def test_the_gate_is_asked_while_the_provider_is_waited_for(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "AHEAD", 0)  # no more at a time than there are connections
        monkeypatch.setattr("messaging.delivery.connections.TOGETHER", PATIENCE)  # however busy the machine is
        messages = [make_message() for _ in range(1 + 3 * NUMBER)]
        cleared_and_waiting: list[int] = []
        answers = Connections.answers

        def look_and_wait(self: Connections) -> list[tuple[Clearance, Result]]:
            cleared_and_waiting.append(Attempt.objects.open().filter(used_at__isnull=True).count())
            return answers(self)

        monkeypatch.setattr(Connections, "answers", look_and_wait)
        Together(provider)
        assert drain() == {"sent": len(messages)}
        # Nothing behind the first, which goes alone; a full turn behind the next two; nothing is left behind the last.
        assert cleared_and_waiting == [0, NUMBER, NUMBER, 0]

    def test_each_keeps_its_connection(self, sink: Sink) -> None:
        for _ in range(5 * NUMBER):
            make_message()
        drain()
        assert len(sink.accepted) == 5 * NUMBER
        assert 1 < sink.connections <= NUMBER

    def test_after_one_that_did_not_get_out_the_next_goes_alone(self, provider: Provider) -> None:
        messages = [make_message() for _ in range(10)]
        Together(provider, then=lambda exchange: exchange.answer(422, {"ErrorCode": 400, "Message": "No"}))
        assert drain() == {"sent": 1, "failed": NUMBER}
        # Cleared ahead, they were given back unused, and take no try with them.
        assert set(attempts_of(*messages[1 + NUMBER :])) <= {(), ("refused",)}
        assert {fate_of(message).status for message in messages[1 + NUMBER :]} == {"scheduled"}
        assert not Attempt.objects.filter(message__in=messages[1 + NUMBER :], used_at__isnull=False).exists()

    def test_what_cannot_be_prepared_keeps_no_connection(self, provider: Provider) -> None:
        first, faulty, *others = [make_message() for _ in range(6)]
        assert faulty.wording is not None
        signer = faulty.wording.signatures.get().signed_by
        type(signer).objects.filter(pk=signer.pk).update(email="ana")
        assert drain() == {"sent": 5, "failed": 1}
        assert {fate_of(message) for message in (first, *others)} == {SENT}

    def test_two_to_one_candidate_go_one_after_the_other(self, provider: Provider) -> None:
        """Else the survey would not know that the rejection told them."""
        make_message()
        message = make_message()
        make_survey(message)
        assert drain() == {"sent": 3}

    def test_what_came_back_waits_for_the_next_drain_however_long_this_one_takes(self, provider: Provider) -> None:
        message = make_message()
        provider.behaviour = lambda exchange: exchange.answer(429, {"ErrorCode": 0, "Message": "Slow down"})
        calls = itertools.count()
        ends = outbox.drain(clock=lambda: DUE + timedelta(seconds=100 * next(calls)))
        assert (dict(ends), attempts_of(message)) == ({"scheduled": 1}, [("refused",)])

    def test_what_somebody_else_took_meanwhile_is_left_to_them(self, provider: Provider) -> None:
        message = make_message()
        gate.clear(message.pk, now=DUE)
        with Connections(NUMBER, clock=lambda: DUE) as several:
            run = outbox._Run(several, lambda: DUE)
            assert list(run._look_at([message.pk], 1)) == [(message.pk, None)]
        assert provider.requests == []

    @pytest.mark.parametrize(("pace", "ahead"), [(0.001, 100), (0.03, 30), (0.5, NUMBER), (math.inf, NUMBER)])
    def test_it_clears_for_a_second_ahead_in_tens_and_no_more_than_a_hundred(
        self, monkeypatch: pytest.MonkeyPatch, pace: float, ahead: int
    ) -> None:
        make_message()
        asked: list[int] = []

        def finds_nothing(_: object, *, at_most: int, **__: object) -> list[Clearance]:
            asked.append(at_most)
            return []

        monkeypatch.setattr(gate, "clear_many", finds_nothing)
        monkeypatch.setattr(gate, "clear", lambda _, **__: None)
        with Connections(NUMBER, clock=lambda: DUE) as several:
            for got_out in (True, False):
                run = outbox._Run(several, lambda: DUE)
                run._got_out, run._pace = got_out, pace
                assert run.begin() == 1
        assert asked == [ahead, 1]

    def test_it_looks_for_three_batches_and_for_as_many_more_as_came_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []

        def finds_nothing(at_most: int) -> Callable[..., list[int]]:
            asked.append(at_most)
            return lambda **_: []

        monkeypatch.setattr(outbox, "_oldest_due", finds_nothing)
        with Connections(NUMBER, clock=lambda: DUE) as several:
            for came_back in (0, 99, 100, 250):
                run = outbox._Run(several, lambda: DUE)
                run._came_back = set(range(came_back))
                assert run.begin() == 0
        assert asked == [300, 300, 400, 500]

    def test_asked_to_end_it_finishes_what_is_under_way_and_begins_nothing(self, provider: Provider) -> None:
        messages = [make_message() for _ in range(4 + NUMBER)]
        heard: list[int] = []
        former = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))

        def ask(exchange: Exchange) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            accepts(exchange)

        Together(provider, then=ask)
        try:
            assert drain() == {"sent": 1 + NUMBER}
        finally:
            signal.signal(signal.SIGTERM, former)
        assert {fate_of(message).status for message in messages[1 + NUMBER :]} == {"scheduled"}
        assert not Attempt.objects.filter(message__in=messages[1 + NUMBER :], used_at__isnull=False).exists()
        assert heard


@pytest.mark.django_db
class TestAFaultAmongSeveral:
    def test_of_the_gate_the_others_leave(self, provider: Provider) -> None:
        first, faulty, *others = [make_message() for _ in range(5)]
        with cursed("messaging_recordedverdict", message=faulty):
            assert drain() == {"sent": 4, "fault": 1}
        assert {fate_of(message) for message in (first, *others)} == {SENT}
        assert (fate_of(faulty), faulty.status_reason) == (Fate(status="scheduled"), outbox.FAULT_SENTENCE)

    def test_of_writing_down_the_others_are_written_down(self, provider: Provider) -> None:
        first, faulty, *others = [make_message() for _ in range(1 + NUMBER)]
        address = faulty.application.candidate.email.encode()

        def rejects_one(exchange: Exchange) -> None:
            if address in exchange.body:
                exchange.answer(422, {"ErrorCode": 400, "Message": "No"})
            else:
                accepts(exchange)

        Together(provider, then=rejects_one)
        with cursed("messaging_handoff", message=faulty), pytest.raises(DatabaseError):
            drain()
        assert {fate_of(message) for message in (first, *others)} == {SENT}
        assert fate_of(faulty) == Fate(status="sending", attempts=("",))
        outbox.reap(now=MUCH_LATER)
        assert fate_of(faulty) == UNCERTAIN

    def test_one_that_was_reaped_meanwhile_keeps_nobody(self) -> None:
        late, sound = make_message(), make_message()
        cleared = [let_out(message, now=at) for message, at in ((late, DUE), (sound, MUCH_LATER))]
        outbox.reap(now=MUCH_LATER)
        taken = Result(outcome=Attempt.Outcome.ACCEPTED, provider_message_id="provider-1")
        answers = [(found.attempt, taken) for found in cleared]

        assert outbox.record_many(answers, clock=lambda: MUCH_LATER) == ["", "sent"]

        assert (fate_of(late), fate_of(sound)) == (UNCERTAIN, SENT)

    def test_of_writing_down_together_each_is_written_down_alone(self, provider: Provider) -> None:
        """A hand-off of the candidate is taken back when they are told, and that meets the bug."""
        cursed_one, sound = make_message(), make_message()
        gate.hand_off(make_message_beside(cursed_one), findings=[], reserve=2, now=NOW)
        cleared = [gate.clear(message.pk, now=DUE) for message in (cursed_one, sound)]
        taken = Result(outcome=Attempt.Outcome.ACCEPTED, provider_message_id="provider-1")
        answers = [(found.attempt, taken) for found in cleared if isinstance(found, Clearance)]
        beside = Message.objects.get(application=cursed_one.application, status="held")

        with cursed("messaging_recordedverdict", message=beside), pytest.raises(DatabaseError):
            outbox.record_many(answers, clock=lambda: DUE)

        assert (fate_of(cursed_one), fate_of(sound)) == (Fate(status="sending", attempts=("",)), SENT)


def make_message_beside(message: Message) -> Message:
    """A held one of the same application, which ends once the candidate is told."""
    beside = message.repeat(cause="beside", wording=message.wording, due_at=NOW, now=NOW)
    beside.save()
    Message.objects.filter(pk=beside.pk).update(status=Message.Status.HELD)
    return beside


class CutOff(BaseException):
    """As django-q2's: no Exception."""


@pytest.mark.django_db
def test_cut_off_nobody_waits_and_what_is_under_way_hangs_up_by_itself(provider: Provider) -> None:
    message = make_message()
    cleared = gate.clear(message.pk, now=DUE)
    assert isinstance(cleared, Clearance)
    provider.behaviour = Exchange.hang

    def cut_off() -> None:
        with Connections(NUMBER, clock=lambda: DUE) as several:
            several.start([cleared])
            assert provider.arrived.wait(PATIENCE)
            raise CutOff

    with pytest.raises(CutOff):
        cut_off()
    provider.release.set()
    assert provider.hung_up.wait(PATIENCE)
    assert fate_of(message) == Fate(status="sending", attempts=("",))


@pytest.mark.django_db(transaction=True)
class TestTheDatabase:
    def test_no_more_mails_are_in_doubt_than_there_are_connections(self, provider: Provider) -> None:
        for _ in range(1 + 3 * NUMBER):
            make_message()
        seen: list[int] = []

        def look(exchange: Exchange) -> None:
            seen.append(Attempt.objects.open().filter(used_at__isnull=False).count())
            connections.close_all()
            accepts(exchange)

        provider.behaviour = look
        drain()
        assert max(seen) == NUMBER

    def test_in_the_way_when_the_next_are_taken_what_is_under_way_is_written_down(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        messages = [make_message() for _ in range(1 + NUMBER + 2)]
        slow = messages[1].application.candidate.email.encode()
        asked: list[object] = []
        clear_many, failed = gate.clear_many, threading.Event()

        def fails_the_third_time(due: Any, **options: Any) -> Any:
            asked.append(due)
            if len(asked) == 3:
                failed.set()
                raise OperationalError("gone")
            return clear_many(due, **options)

        def waits(exchange: Exchange) -> None:
            if slow in exchange.body:
                assert failed.wait(PATIENCE)
            accepts(exchange)

        monkeypatch.setattr(outbox, "AHEAD", 0)  # so that no more are taken at a time than connections are free
        monkeypatch.setattr(gate, "clear_many", fails_the_third_time)
        provider.behaviour = waits
        drain()

        assert {fate_of(message) for message in messages[: 1 + NUMBER]} == {SENT}
        assert attempts_of(*messages[1 + NUMBER :]) == [(), ()]
        assert "The database did not answer" in caplog.text

    def test_locked_while_results_are_written_they_are_written_later(self, provider: Provider) -> None:
        messages = [make_message(), make_message()]
        cleared = [gate.clear(message.pk, now=DUE) for message in messages]
        taken = Result(outcome=Attempt.Outcome.ACCEPTED, provider_message_id="provider-1")
        answers = [(found.attempt, taken) for found in cleared if isinstance(found, Clearance)]
        with locked(messages[1]) as release, listening("could not be written yet", release):
            assert outbox.record_many(answers, clock=lambda: DUE) == ["sent", "sent"]
        assert {fate_of(message) for message in messages} == {SENT}

    def test_locked_when_one_is_asked_for_alone_it_is_no_fault_of_the_message(self, provider: Provider) -> None:
        message = make_message()
        with locked(message), pytest.raises(OperationalError), Egress(clock=lambda: DUE) as egress:
            outbox.deliver(message.pk, egress=egress, clock=lambda: DUE)
        assert (fate_of(message), message.status_reason) == (Fate(status="scheduled"), "")

    def test_in_the_way_for_too_long_what_was_under_way_is_uncertain(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(outbox, "RESULT_TRIES", (0.01,))
        message = make_message()
        cleared = gate.clear(message.pk, now=DUE)
        assert isinstance(cleared, Clearance)
        with Connections(NUMBER, clock=lambda: DUE) as several:
            several.start([cleared])
            run = outbox._Run(several, lambda: DUE)
            with locked(message):
                run.finish()
        assert "could not be written down" in caplog.text
        outbox.reap(now=MUCH_LATER)
        assert fate_of(message) == UNCERTAIN

    @pytest.mark.skipif("connections['default'].vendor == 'sqlite'", reason="SQLite has one writer at a time")
    def test_what_somebody_else_holds_is_passed_over(self, provider: Provider) -> None:
        held, free = make_message(), make_message()
        with locked(held):
            [answer] = gate.clear_many([held.pk, free.pk], at_most=2, now=DUE)
        assert isinstance(answer, Clearance)
        assert answer.attempt.message_id == free.pk
        assert Application.objects.filter(told_at__isnull=False).count() == 0
        assert fate_of(held) == Fate(status="scheduled")


@pytest.mark.django_db
def test_another_application_of_the_candidate_waits_for_the_first() -> None:
    first = make_message()
    second = make_message(application=make_application(candidate=first.application.candidate))
    other = make_message()
    answers = gate.clear_many([second.pk, other.pk, first.pk], at_most=3, now=DUE)
    assert [outbox._message_of(answer) for answer in answers] == [first, other]
