"""What an answer of the provider, or the lack of one, makes of its message: how long it waits, when it has failed, when a
person decides. Each is given to the outbox as it comes from the egress; nothing is sent."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from messaging import gate
from messaging.delivery import outbox, resolving
from messaging.delivery.outcomes import Outcome, Result
from messaging.gate import Clearance
from messaging.models import Message
from messaging.policy.floor import Reserve
from messaging.routing import KEY_WINDOWS
from tests.factories import let_out, make_message, make_sender
from tests.messaging.delivery.asking import DUE, FAILED, UNCERTAIN, Fate, fate_of

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WINDOW = KEY_WINDOWS["resend"]
INSTANT = timedelta(microseconds=1)

ACCEPTED = Result(outcome=Outcome.ACCEPTED, provider_message_id="provider-1")
REFUSED = Result(outcome=Outcome.REFUSED, detail="Slow down.")
REJECTED = Result(outcome=Outcome.REJECTED, detail="No such address.")
UNKNOWN = Result(outcome=Outcome.UNCERTAIN, detail="It timed out.")


@pytest.fixture(autouse=True)
def without_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait as it stands in the table, where a test does not ask for another share of it."""
    monkeypatch.setattr(random, "uniform", lambda least, most: (least + most) / 2)


@pytest.fixture
def keyed(live: Settings) -> None:
    """Mail goes to a provider that knows it by its key."""
    live.MAIL_PROVIDER = "resend"


def answer(message: Message, result: Result, *, at: datetime, answered_at: datetime | None = None) -> str:
    """One try, as far as its answer."""
    attempt = let_out(message, now=at).attempt
    end = outbox.record(attempt, result, clock=lambda: answered_at or at)
    message.refresh_from_db()
    return end


def wait_after(message: Message, result: Result, *, at: datetime) -> timedelta:
    assert answer(message, result, at=at) == "scheduled"
    return message.due_at - at


class TestAfterARefusal:
    def test_it_waits_a_minute_then_five_then_twenty_then_an_hour_then_four_and_then_it_has_failed(self) -> None:
        other, message = make_message(), make_message()
        assert wait_after(other, REFUSED, at=DUE) == MINUTE  # its tries are its own
        waits, at = [], DUE
        for _ in range(5):
            waits.append(wait_after(message, REFUSED, at=at))
            at += waits[-1]
        assert waits == [MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 4 * HOUR]

        assert answer(message, REFUSED, at=at) == "failed"

        assert fate_of(message) == Fate(status="failed", attempts=("refused",) * 6, hand_offs=("failed",))
        assert (message.status_at, message.status_reason) == (at, "This mail was not sent. Slow down.")

    def test_it_waits_for_as_long_as_the_provider_asks_where_that_is_longer(self) -> None:
        def asks(seconds: int | None) -> Result:
            return Result(outcome=Outcome.REFUSED, detail="Slow down.", retry_after=seconds)

        waits = [wait_after(make_message(), asks(seconds), at=DUE) for seconds in (None, 0, 59, 61, 7200)]
        assert waits == [MINUTE, MINUTE, MINUTE, timedelta(seconds=61), 2 * HOUR]

    def test_it_says_since_when_it_waits_and_why(self) -> None:
        message, later = make_message(), DUE + timedelta(seconds=7)
        answer(message, REFUSED, at=DUE, answered_at=later)
        assert (message.status_at, message.due_at) == (later, later + MINUTE)
        assert message.status_reason == "Attempt 1 was not accepted; it is tried again. Slow down."
        attempt = message.attempts.get()
        assert (attempt.finished_at, attempt.detail, attempt.provider_message_id) == (later, "Slow down.", "")

    def test_words_of_the_provider_are_cut_to_what_there_is_room_for(self) -> None:
        message, longest = make_message(), "x" * 500
        answer(message, Result(outcome=Outcome.REFUSED, detail=longest), at=DUE)
        assert (len(message.status_reason), message.attempts.get().detail) == (500, longest)
        answer(message, Result(outcome=Outcome.REJECTED, detail=longest), at=message.due_at)
        assert (message.status, len(message.status_reason)) == ("failed", 500)
        assert message.hand_offs.get().sentences[0].endswith(longest)

    def test_what_was_given_back_unused_was_no_try(self) -> None:
        message = make_message()
        for _ in range(7):
            cleared = gate.clear(message.pk, now=DUE)
            assert isinstance(cleared, Clearance)
            assert outbox.record(cleared.attempt, outbox.NEVER_USED, clock=lambda: DUE) == "scheduled"
        assert wait_after(message, REFUSED, at=DUE) == MINUTE
        assert wait_after(message, REFUSED, at=DUE + MINUTE) == 5 * MINUTE

    def test_what_was_given_back_unused_keeps_its_time_and_says_that_it_waits(self) -> None:
        message, later = make_message(), DUE + MINUTE
        cleared = gate.clear(message.pk, now=DUE)
        assert isinstance(cleared, Clearance)
        outbox.record(cleared.attempt, outbox.NEVER_USED, clock=lambda: later)
        assert fate_of(message) == Fate(status="scheduled", attempts=("refused",))
        assert (message.due_at, message.status_at) == (DUE, later)
        assert message.status_reason == "It was cleared and not handed over. It waits again."


class TestForGood:
    def test_what_is_rejected_has_failed_and_is_somebodys_to_send(self) -> None:
        message, later = make_message(), DUE + MINUTE
        assert answer(message, REJECTED, at=DUE, answered_at=later) == "failed"
        assert fate_of(message) == FAILED
        assert (message.status_at, message.due_at) == (later, DUE)
        assert message.hand_offs.get().reserve == Reserve.PERSON_SENDS

    def test_what_is_rejected_after_a_refusal_is_not_tried_again_either(self) -> None:
        message = make_message()
        answer(message, REFUSED, at=DUE)
        assert answer(message, REJECTED, at=message.due_at) == "failed"

    def test_what_cannot_be_proven_is_never_repeated_by_itself(self) -> None:
        message, later = make_message(), DUE + MINUTE
        assert answer(message, UNKNOWN, at=DUE, answered_at=later) == "uncertain"
        assert fate_of(message) == UNCERTAIN
        assert message.status_at == later
        assert (
            message.status_reason
            == message.hand_offs.get().sentences[0]
            == gate.cannot_be_proven("It timed out.").sentence
        )

    def test_what_is_accepted_after_a_refusal_says_nothing_of_the_refusal(self) -> None:
        message = make_message()
        answer(message, REFUSED, at=DUE)
        later = message.due_at
        assert answer(message, ACCEPTED, at=later) == "sent"
        assert (message.status_at, message.sent_at, message.status_reason) == (later, later, "")


class TestWhereTheProviderKnowsItByItsKey:
    @pytest.fixture(autouse=True)
    def _keyed(self, keyed: None) -> None:
        pass

    def test_it_is_tried_again_though_it_may_have_been_accepted_and_says_so(self) -> None:
        message = make_message()
        assert wait_after(message, UNKNOWN, at=DUE) == MINUTE
        assert message.status_reason == "Attempt 1 may have been accepted; it is tried again. It timed out."
        assert wait_after(message, UNKNOWN, at=DUE + MINUTE) == 5 * MINUTE

    @pytest.mark.parametrize(("before_the_end", "end"), [(72, "uncertain"), (72.000001, "scheduled")])
    def test_it_is_tried_again_only_if_the_longest_wait_ends_before_the_provider_forgets(
        self, before_the_end: float, end: str
    ) -> None:
        """The longest wait for a second try: a minute and a fifth."""
        answered_at = DUE + WINDOW - timedelta(seconds=before_the_end)
        assert answer(make_message(), UNKNOWN, at=DUE, answered_at=answered_at) == end

    @pytest.mark.parametrize(("before_the_end", "end"), [(2 * HOUR, "uncertain"), (2 * HOUR + INSTANT, "scheduled")])
    def test_so_long_as_the_provider_asks_counts_too(self, before_the_end: timedelta, end: str) -> None:
        result = Result(outcome=Outcome.UNCERTAIN, retry_after=7200)
        assert answer(make_message(), result, at=DUE, answered_at=DUE + WINDOW - before_the_end) == end

    @pytest.mark.parametrize("result", [UNKNOWN, REFUSED])
    def test_of_several_tries_the_provider_forgets_the_first_one_first(self, result: Result) -> None:
        """Six minutes: the longest wait for a third try."""
        for before_the_end, end in ((6 * MINUTE, "uncertain"), (6 * MINUTE + INSTANT, "scheduled")):
            message = make_message()
            answer(message, UNKNOWN, at=DUE)
            assert answer(message, result, at=message.due_at, answered_at=DUE + WINDOW - before_the_end) == end

    def test_after_six_tries_a_person_decides(self) -> None:
        message, at = make_message(), DUE
        for _ in range(5):
            at += wait_after(message, UNKNOWN, at=at)
        assert answer(message, UNKNOWN, at=at) == "uncertain"
        assert fate_of(message) == Fate(status="uncertain", attempts=("uncertain",) * 6, hand_offs=("uncertain",))

    def test_what_is_rejected_later_proves_nothing_about_the_first(self) -> None:
        message = make_message()
        answer(message, UNKNOWN, at=DUE)
        assert answer(message, REJECTED, at=message.due_at) == "uncertain"
        assert message.status_reason == gate.cannot_be_proven("No such address.").sentence

    def test_what_is_given_back_later_proves_nothing_about_the_first(self) -> None:
        message = make_message()
        answer(message, UNKNOWN, at=DUE)
        cleared = gate.clear(message.pk, now=DUE + MINUTE)
        assert isinstance(cleared, Clearance)
        outbox.record(cleared.attempt, outbox.NEVER_USED, clock=lambda: DUE + MINUTE)
        assert message.attempts.in_doubt().count() == 1
        assert fate_of(message).status == "scheduled"
        outbox.record(let_out(message, now=message.due_at).attempt, REFUSED, clock=lambda: DUE + WINDOW - 6 * MINUTE)
        assert fate_of(message).status == "uncertain"

    def test_a_repeat_that_a_person_asked_for_at_their_risk_is_tried_like_any_other(self) -> None:
        """However long ago the first was, of which the provider does not know any more."""
        message, much_later = make_message(), DUE + 2 * WINDOW
        answer(message, UNKNOWN, at=DUE, answered_at=DUE + WINDOW)
        resolving.send_again(message, by=make_sender(), now=much_later)
        assert wait_after(message, REFUSED, at=much_later) == 5 * MINUTE
        assert wait_after(message, UNKNOWN, at=message.due_at) == 20 * MINUTE

    def test_what_may_have_left_was_a_try_even_if_nobody_noted_that_it_was_let_out(self) -> None:
        message = make_message()
        cleared = gate.clear(message.pk, now=DUE)
        assert isinstance(cleared, Clearance)
        outbox.record(cleared.attempt, UNKNOWN, clock=lambda: DUE)
        assert wait_after(message, UNKNOWN, at=DUE + MINUTE) == 5 * MINUTE
