"""The queue: each message once, nothing lost, nothing repeated that could have been accepted."""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from pytest_django import Settings

from messaging import gate, handoffs
from messaging.delivery import outbox
from messaging.delivery.egress import Egress
from messaging.gate import Clearance
from messaging.models import Message
from messaging.policy.floor import Reserve
from pipeline.models import Application
from tests.factories import NOW, let_out, make_application, make_candidate, make_job, make_message, make_sender
from tests.guards_off import guards_off
from tests.messaging.delivery.asking import DUE, FAILED, SENT, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.database import cursed, full, locked
from tests.messaging.delivery.doubles import Exchange, Provider, accepts

MUCH_LATER = NOW + timedelta(days=3)


def refuses(exchange: Exchange) -> None:
    exchange.answer(429, {"ErrorCode": 0, "Message": "Slow down"})


def rejects(exchange: Exchange) -> None:
    exchange.answer(422, {"ErrorCode": 400, "Message": "No"})


def accepts_and_resets(exchange: Exchange) -> None:
    exchange.accept()
    exchange.reset()


@pytest.mark.django_db
class TestDraining:
    def test_what_is_due_leaves_and_what_is_not_waits(self, provider: Provider) -> None:
        due, later = make_message(), make_message(delay=2)

        assert drain(DUE) == {"sent": 1}

        assert (fate_of(due), fate_of(later), len(provider.accepted)) == (SENT, Fate(status="scheduled"), 1)
        assert (due.sent_at, due.status_at, due.status_reason) == (DUE, DUE, "")

    def test_a_second_drain_finds_nothing(self, provider: Provider) -> None:
        make_message()
        assert drain() == {"sent": 1}
        assert drain(MUCH_LATER) == {}
        assert len(provider.accepted) == 1

    def test_the_oldest_leave_first(self, provider: Provider) -> None:
        young = make_message(now=NOW + timedelta(minutes=5))
        old = make_message()

        drain(MUCH_LATER)

        assert [mail["To"] for mail in provider.accepted] == [
            message.application.candidate.email for message in (old, young)
        ]

    def test_each_mail_of_many_says_what_is_known_of_its_own_candidate(
        self, live: Settings, provider: Provider
    ) -> None:
        live.MAIL_CONNECTIONS = 4  # cleared together, sent at the same time
        names = ["Mia", "Noa", "Kim", "Zoe", "Eva", "Lea"]
        for name in names:
            candidate = make_candidate(first_name=name, email=f"{name.lower()}@example.com")
            make_message(application=make_application(candidate=candidate, job=make_job(title=f"Job of {name}")))
        assert drain() == {"sent": 6}
        said = {
            mail["To"]: {name for name in names if name in mail["Subject"] + mail["TextBody"]}
            for mail in provider.accepted
        }
        assert said == {f"{name.lower()}@example.com": {name} for name in names}

    def test_more_than_one_batch_is_drained(self, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "BATCH", 2)
        for _ in range(5):
            make_message()
        assert drain() == {"sent": 5}

    def test_the_time_being_over_leaves_the_rest_due(self, provider: Provider) -> None:
        make_message()
        assert dict(outbox.drain(clock=lambda: DUE, seconds=0)) == {}
        assert drain() == {"sent": 1}

    def test_it_does_not_begin_another_one_after_its_time(self, provider: Provider) -> None:
        for _ in range(2):
            make_message()

        def slow(exchange: Exchange) -> None:
            time.sleep(0.3)
            accepts(exchange)

        provider.behaviour = slow
        assert dict(outbox.drain(clock=lambda: DUE, seconds=0.2)) == {"sent": 1}

    def test_what_the_gate_turns_away_does_not_leave(self, provider: Provider) -> None:
        stopped, held = make_message(), make_message()
        Application.objects.filter(pk=stopped.application_id).update(told_at=NOW, told_how="phone")
        wording = held.wording
        assert wording is not None
        with guards_off():
            wording.signatures.all().delete()

        assert drain() == {"stop": 1, "hand_off": 1}

        assert (fate_of(stopped).status, fate_of(held).status, provider.requests) == ("cancelled", "held", [])

    def test_what_somebody_else_took_is_left_to_them(self, provider: Provider) -> None:
        message = make_message()
        assert isinstance(gate.clear(message.pk, now=DUE), Clearance)

        with Egress(clock=lambda: DUE) as egress:
            assert outbox.deliver(message.pk, egress=egress, clock=lambda: DUE) == ""

        assert provider.requests == []

    def test_the_outcome_of_a_rejection_is_told_once_it_was_sent(self, provider: Provider) -> None:
        message = make_message()

        drain()

        message.application.refresh_from_db()
        assert (message.application.told_at, message.application.told_how) == (DUE, Application.ToldHow.MAIL)
        assert message.application.told_by is None

    def test_a_person_who_wrote_the_rejection_told_it(self, provider: Provider) -> None:
        message = make_message()
        assert message.wording is not None
        with guards_off():
            message.wording.signatures.all().delete()
        drain()
        person = make_sender()
        body = "Dear Kim, thank you for the hours you gave us. We chose somebody who has run a team before. Yours, Ana"
        answered = handoffs.answer(message.hand_offs.get(), subject="Your application", body=body, by=person, now=DUE)
        assert isinstance(answered, Message)

        assert drain() == {"sent": 1}

        message.application.refresh_from_db()
        assert message.application.told_by == person

    def test_what_did_not_leave_told_nobody(self, provider: Provider) -> None:
        message = make_message()
        provider.behaviour = accepts_and_resets
        drain()
        message.application.refresh_from_db()
        assert message.application.told_at is None


@pytest.mark.django_db
class TestTryingAgain:
    def test_each_refusal_waits_longer_and_the_last_one_calls_a_person(self, provider: Provider) -> None:
        message = make_message()
        provider.behaviour = refuses
        moment = DUE
        for number, minutes in enumerate((1, 5, 20, 60, 240), start=1):
            drain(moment)
            message.refresh_from_db()
            assert message.status == "scheduled"
            assert 0.8 * minutes <= (message.due_at - moment) / timedelta(minutes=1) <= 1.2 * minutes
            assert f"Attempt {number} was not accepted; it is tried again." in message.status_reason
            # Not before its time.
            drain(message.due_at - timedelta(seconds=1))
            assert len(provider.requests) == number
            moment = message.due_at

        drain(moment)

        attempts = ("refused",) * 6
        assert fate_of(message) == Fate(status="failed", attempts=attempts, hand_offs=("failed",))
        drain(moment + timedelta(days=1))
        assert len(provider.requests) == len(attempts)

    @pytest.mark.parametrize(("ends", "share"), [(min, 0.8), (max, 1.2)])
    def test_a_wait_is_shorter_or_longer_by_a_fifth_at_most(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch, ends: Callable[..., float], share: float
    ) -> None:
        monkeypatch.setattr(random, "uniform", ends)
        message = make_message()
        provider.behaviour = refuses
        drain()
        message.refresh_from_db()
        assert message.due_at == DUE + share * timedelta(minutes=1)

    def test_the_waits_differ(self, provider: Provider) -> None:
        messages = [make_message() for _ in range(2)]
        provider.behaviour = refuses
        drain()
        assert len({fate_of(message).status for message in messages}) == 1
        assert len({message.due_at for message in messages}) == 2

    def test_a_try_asks_the_gate_again(self, provider: Provider) -> None:
        message = make_message()
        provider.behaviour = refuses
        drain()
        Application.objects.filter(pk=message.application_id).update(told_at=NOW, told_how="phone")
        provider.behaviour = accepts

        drain(MUCH_LATER)

        assert (fate_of(message).status, provider.accepted) == ("cancelled", [])

    @pytest.mark.parametrize(
        ("behaviour", "end"), [(refuses, "scheduled"), (rejects, "failed"), (accepts_and_resets, "uncertain")]
    )
    def test_after_three_in_a_row_the_others_wait_for_the_next_drain(
        self, provider: Provider, behaviour: Callable[[Exchange], None], end: str
    ) -> None:
        messages = [make_message() for _ in range(5)]
        provider.behaviour = behaviour

        assert drain() == {end: 3}

        assert [fate_of(message).attempts for message in messages[3:]] == [(), ()]
        provider.behaviour = accepts
        assert drain(DUE + timedelta(seconds=1)) == {"sent": 2}

    def test_failures_among_successes_stop_nobody(self, provider: Provider) -> None:
        for _ in range(8):
            make_message()

        def every_second(exchange: Exchange) -> None:
            (rejects if len(provider.requests) % 2 else accepts)(exchange)

        provider.behaviour = every_second
        assert drain() == {"sent": 4, "failed": 4}


@pytest.mark.django_db
class TestAPersonIsCalled:
    def test_the_hand_off_has_its_owner_its_due_date_and_its_reason(self, provider: Provider) -> None:
        recruiter = make_sender()
        message = make_message(application=make_application(job=make_job(recruiter=recruiter)))
        provider.behaviour = accepts_and_resets

        drain()

        hand_off = message.hand_offs.get()
        assert (hand_off.owner, hand_off.reserve) == (recruiter, Reserve.PERSON_SENDS)
        assert hand_off.due_at > DUE
        assert hand_off.sentences[0].startswith("It cannot be proven whether this mail was sent")
        assert message.attempts.get().detail in hand_off.sentences[0]

    def test_words_that_had_to_be_a_persons_have_to_be_again(self, provider: Provider) -> None:
        body = "Dear Kim, it was a pleasure to speak with you on Tuesday about the migration that you led. Yours, Ana"
        draft = handoffs.draft(
            make_application(), touchpoint="status_update", subject="News", body=body, by=make_sender(), now=NOW
        )
        message = handoffs.compose(draft, now=NOW)
        assert isinstance(message, Message)
        provider.behaviour = rejects

        drain()

        assert fate_of(message) == FAILED
        assert message.hand_offs.get().reserve == Reserve.PERSON_WRITES


@pytest.mark.django_db
class TestAFaultOfOurOwn:
    def test_one_message_that_nobody_can_look_at_does_not_keep_the_others(
        self, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        faulty, sound = make_message(), make_message()

        with cursed("messaging_recordedverdict", message=faulty):
            assert drain() == {"fault": 1, "sent": 1}

        assert (fate_of(faulty), fate_of(sound)) == (Fate(status="scheduled"), SENT)
        assert faulty.status_reason == outbox.FAULT_SENTENCE
        assert caplog.records[0].exc_info is not None

    def test_it_does_not_come_back_at_once_and_the_second_time_a_person_gets_it(self, provider: Provider) -> None:
        message = make_message()
        with cursed("messaging_recordedverdict", message=message):
            drain()
            assert drain(DUE + timedelta(hours=1) - timedelta(seconds=1)) == {}
            assert drain(DUE + timedelta(hours=1)) == {"fault": 1}

        assert fate_of(message) == Fate(status="held", hand_offs=("fault",))
        assert message.hand_offs.get().reserve == Reserve.PERSON_WRITES
        assert drain(MUCH_LATER) == {}
        assert provider.requests == []

    def test_once_the_error_is_mended_the_message_leaves(self, provider: Provider) -> None:
        message = make_message()
        with cursed("messaging_recordedverdict", message=message):
            drain()

        assert drain(DUE + timedelta(hours=1)) == {"sent": 1}

        assert fate_of(message) == SENT

    def test_what_cannot_be_handed_off_either_waits_as_well(self, provider: Provider) -> None:
        message = make_message()
        with cursed("messaging_recordedverdict", message=message):
            drain()
        assert message.wording is not None
        with guards_off():
            message.wording.signatures.all().delete()  # so the gate hands it off, if it can
        with cursed("messaging_handoff", message=message), pytest.raises(DatabaseError):
            drain(DUE + timedelta(hours=1))

        assert fate_of(message) == Fate(status="scheduled")
        assert message.due_at == DUE + 2 * timedelta(hours=1)

    def test_a_person_who_acts_in_between_is_not_overruled(self, provider: Provider) -> None:
        """Cancelled between the error and setting it aside: nothing is scheduled any more."""
        message = make_message()
        Message.objects.filter(pk=message.pk).update(
            status=Message.Status.CANCELLED, status_reason=outbox.FAULT_SENTENCE
        )

        assert outbox._set_aside(message.pk, now=DUE) == "fault"

        assert fate_of(message) == Fate(status="cancelled")


# --- The database in the way ------------------------------------------------------------------------------------------


class _OnWarning(logging.Handler):
    """Calls back once somebody logs these words."""

    def __init__(self, words: str, then: Callable[[], None]) -> None:
        super().__init__()
        self.words, self.then, self.times = words, then, 0

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.times += 1
            self.then()


@contextmanager
def listening(words: str, then: Callable[[], None]) -> Iterator[_OnWarning]:
    handler = _OnWarning(words, then)
    outbox.logger.addHandler(handler)
    try:
        yield handler
    finally:
        outbox.logger.removeHandler(handler)


@pytest.mark.django_db(transaction=True)
class TestTheDatabaseInTheWay:
    def test_locked_while_the_result_is_written_it_is_written_later(self, provider: Provider) -> None:
        message = make_message()
        cleared = gate.clear(message.pk, now=DUE)
        assert isinstance(cleared, Clearance)
        with Egress(clock=lambda: DUE) as egress:
            result = egress.send(cleared)

        with locked(message) as release, listening("could not be written yet", release) as heard:
            assert outbox.record(cleared.attempt, result, clock=lambda: DUE) == "sent"

        assert (fate_of(message), heard.times) == (SENT, 1)

    def test_locked_for_too_long_it_is_uncertain_and_not_lost(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "RESULT_TRIES", (0.01, 0.01))
        message = make_message()
        cleared = gate.clear(message.pk, now=DUE)
        assert isinstance(cleared, Clearance)
        with Egress(clock=lambda: DUE) as egress:
            result = egress.send(cleared)
        with locked(message), pytest.raises(outbox.DATABASE_TROUBLE):
            outbox.record(cleared.attempt, result, clock=lambda: DUE)

        assert fate_of(message) == Fate(status="sending", attempts=("",))
        outbox.reap(now=MUCH_LATER)
        assert fate_of(message) == UNCERTAIN
        drain(MUCH_LATER)
        assert len(provider.accepted) == 1

    def test_locked_when_it_would_be_taken_it_stays_due(
        self, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        message = make_message()
        with locked(message):
            assert drain() == {}
            assert "The database did not answer" in caplog.text

        assert (fate_of(message), provider.requests) == (Fate(status="scheduled"), [])
        assert drain() == {"sent": 1}

    def test_locked_when_it_would_be_reaped_it_is_reaped_later(self) -> None:
        message = make_message()
        let_out(message, now=DUE)
        with locked(message), pytest.raises(outbox.DATABASE_TROUBLE):
            outbox.reap(now=MUCH_LATER)

        assert outbox.reap(now=MUCH_LATER) == 1
        assert fate_of(message) == UNCERTAIN

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a server has a disk of its own")
    def test_on_a_full_disk_nothing_leaves_and_nothing_is_lost(
        self, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        messages = [make_message() for _ in range(3)]
        with full(messages[0]):
            assert drain() == {}
            assert "disk is full" in caplog.text
            assert [fate_of(message) for message in messages] == [Fate(status="scheduled")] * 3
            assert provider.requests == []
        assert drain() == {"sent": 3}

    @pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite is no server that could hang up")
    def test_a_database_that_hung_up_during_the_send_gets_the_result_on_a_new_connection(
        self, provider: Provider
    ) -> None:
        message = make_message()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [ours] = cursor.fetchone()

        def accepts_and_cuts(exchange: Exchange) -> None:
            other: Any = connection.copy("other")
            other.cursor().execute("SELECT pg_terminate_backend(%s)", [ours])
            other.close()
            accepts(exchange)

        provider.behaviour = accepts_and_cuts
        assert drain() == {"sent": 1}
        assert (fate_of(message), len(provider.accepted)) == (SENT, 1)

    def test_during_the_call_the_attempt_is_committed_and_no_transaction_is_open(self, provider: Provider) -> None:
        message = make_message()
        seen: list[tuple[str, list[tuple[int, str, str]]]] = []

        def look(exchange: Exchange) -> None:
            """From a connection of its own: what another process would find."""
            found = Message.objects.get(pk=message.pk)
            attempts = list(found.attempts.values_list("number", "outcome", "recipient"))
            # SQLite has one writer at a time: an open transaction of ours would keep this one out.
            Message.objects.filter(pk=message.pk).update(status_reason="written during the call")
            seen.append((found.status, attempts))
            connections.close_all()
            accepts(exchange)

        provider.behaviour = look
        drain()

        assert seen == [("sending", [(1, "", message.application.candidate.email)])]
        assert fate_of(message) == SENT


# --- Asked to end -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestAskedToEnd:
    @pytest.fixture
    def received(self) -> Iterator[list[int]]:
        """What reaches the handlers that were there before."""
        heard: list[int] = []
        former = {
            number: signal.signal(number, lambda received, _: heard.append(received))
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        yield heard
        for number, handler in former.items():
            signal.signal(number, handler)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_the_mail_under_way_is_finished_and_no_other_begun(
        self, provider: Provider, received: list[int], number: signal.Signals
    ) -> None:
        first, second = make_message(), make_message()

        def ask_in_the_middle(exchange: Exchange) -> None:
            os.kill(os.getpid(), number)
            accepts(exchange)

        provider.behaviour = ask_in_the_middle

        assert drain() == {"sent": 1}

        assert (fate_of(first), fate_of(second)) == (SENT, Fate(status="scheduled"))
        assert received == [number]  # and not before the drain was over
        provider.behaviour = accepts
        assert drain() == {"sent": 1}

    def test_in_a_thread_it_drains_as_well(self) -> None:
        """Signals are the main thread's business."""
        ends: list[dict[str, int]] = []

        def work() -> None:
            from messaging.delivery.stopping import Stopping

            with Stopping() as stopping:
                ends.append({"asked": stopping.asked})

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert ends == [{"asked": False}]
