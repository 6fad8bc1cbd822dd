"""An uncertain message, and the person who settles it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from messaging import handoffs
from messaging.delivery import resolving
from messaging.models import Attempt, HandOff, LedgerEntry, Message
from pipeline.milestones import Milestone
from pipeline.models import Candidate
from pipeline.outcomes import Refusal
from tests.factories import OWN_WORDS, make_hand_off, make_message, make_sender
from tests.messaging.delivery.asking import DUE, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.doubles import Exchange, Provider, accepts

pytestmark = pytest.mark.django_db

LATER = DUE + timedelta(hours=1)


def accepts_and_says_500(exchange: Exchange) -> None:
    exchange.accept()
    exchange.answer(500)


@pytest.fixture
def uncertain(provider: Provider) -> Message:
    message = make_message()
    provider.behaviour = accepts_and_says_500
    drain()
    assert fate_of(message) == UNCERTAIN
    provider.behaviour = accepts
    return message


def words() -> list[dict[str, Any]]:
    return list(
        LedgerEntry.objects.filter(kind=LedgerEntry.Kind.RESOLVED).order_by("pk").values_list("data", flat=True)
    )


def test_who_says_that_it_was_sent_settles_it(uncertain: Message, provider: Provider) -> None:
    ana = make_sender()

    answer = resolving.say_it_was_sent(uncertain, by=ana, now=LATER)

    assert isinstance(answer, Message)
    # What nobody can prove stays unproven on the attempt; the word of the person is on the message and in the ledger.
    assert fate_of(uncertain) == Fate(status="sent", attempts=("uncertain",))
    assert (uncertain.status_reason, uncertain.sent_at) == (f"{ana} says that it was sent.", DUE)
    assert words() == [{"decision": "sent", "attempt": 1}]
    entry = LedgerEntry.objects.get(kind=LedgerEntry.Kind.RESOLVED)
    assert (entry.actor_kind, entry.actor_id, entry.at) == ("person", ana.pk, LATER)
    hand_off = uncertain.hand_offs.get()
    assert (hand_off.status, hand_off.closed_by) == (HandOff.Status.NOT_NEEDED, ana)
    uncertain.application.refresh_from_db()
    assert uncertain.application.told_at == LATER
    drain(LATER)
    assert len(provider.accepted) == 1


def test_who_accepts_the_risk_has_it_sent_once_more(uncertain: Message, provider: Provider) -> None:
    ana = make_sender()

    resolving.send_again(uncertain, by=ana, now=LATER)

    assert fate_of(uncertain) == Fate(status="scheduled", attempts=("uncertain",))
    assert f"{ana} has it sent again" in uncertain.status_reason
    assert words() == [{"decision": "send_again", "attempt": 1}]
    drain(LATER)
    assert fate_of(uncertain) == Fate(status="sent", attempts=("uncertain", "accepted"))
    assert len(provider.accepted) == 2
    drain(LATER + timedelta(days=2))
    assert len(provider.requests) == 2


def test_the_risk_is_accepted_for_what_was_tried_and_not_for_the_next_attempt(
    uncertain: Message, provider: Provider
) -> None:
    resolving.send_again(uncertain, by=make_sender(), now=LATER)
    provider.behaviour = accepts_and_says_500

    drain(LATER)
    drain(LATER + timedelta(days=1))

    assert fate_of(uncertain) == Fate(status="uncertain", attempts=("uncertain", "uncertain"), hand_offs=("uncertain",))
    assert len(provider.requests) == 2


def test_the_gate_decides_on_the_repeat_as_always(uncertain: Message, provider: Provider) -> None:
    Candidate.objects.filter(pk=uncertain.application.candidate_id).update(reach=Milestone.INTERVIEW)

    resolving.send_again(uncertain, by=make_sender(), now=LATER)
    drain(LATER)

    fate = fate_of(uncertain)
    assert (fate.status, fate.attempts, len(provider.accepted)) == ("uncertain", ("uncertain",), 1)
    assert len(fate.hand_offs) > 1


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        pytest.param(429, Fate(status="scheduled", attempts=("uncertain", "refused")), id="too fast"),
        pytest.param(
            422, Fate(status="uncertain", attempts=("uncertain", "rejected"), hand_offs=("uncertain",)), id="no"
        ),
    ],
)
def test_a_repeat_that_is_refused_takes_nothing_back(
    uncertain: Message, provider: Provider, status: int, fate: Fate
) -> None:
    resolving.send_again(uncertain, by=make_sender(), now=LATER)
    provider.behaviour = lambda exchange: exchange.answer(status, {"ErrorCode": 1, "Message": "No"})

    drain(LATER)

    assert fate_of(uncertain) == fate


def test_a_persons_own_message_goes_the_same_ways(provider: Provider) -> None:
    ana = make_sender()
    written = handoffs.answer(make_hand_off(), subject="Your talk", body=OWN_WORDS, by=ana, now=DUE)
    assert isinstance(written, Message), written
    provider.behaviour = accepts_and_says_500
    drain()
    assert fate_of(written) == UNCERTAIN
    provider.behaviour = accepts

    resolving.send_again(written, by=ana, now=LATER)
    drain(LATER)

    assert fate_of(written) == Fate(status="sent", attempts=("uncertain", "accepted"))
    assert provider.accepted[0]["TextBody"] == provider.accepted[1]["TextBody"]


ACTS = {"sent": resolving.say_it_was_sent, "again": resolving.send_again}


@pytest.mark.parametrize("second", ACTS)
@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("sent", "already said that it was sent. The message is sent now; nothing was changed by you."),
        ("again", "already had it sent again. The message is scheduled now; nothing was changed by you."),
    ],
)
def test_the_second_learns_who_was_first(uncertain: Message, first: str, said: str, second: str) -> None:
    ana, ben = make_sender(), make_sender(first_name="Ben")
    ACTS[first](uncertain, by=ana, now=LATER)
    before = fate_of(uncertain)

    answer = ACTS[second](uncertain, by=ben, now=LATER)

    assert answer == Refusal(f"{ana} {said}")
    assert (fate_of(uncertain), len(words())) == (before, 1)


def test_who_comes_after_the_provider_learns_that(uncertain: Message) -> None:
    attempt = uncertain.attempts.get()
    resolving.prove_sent(uncertain, attempt, provider_message_id="provider-1", now=LATER)

    answer = resolving.send_again(uncertain, by=make_sender(), now=LATER)

    assert "The provider already said that it was sent." in str(answer)
    assert fate_of(uncertain) == Fate(status="sent", attempts=("accepted",))


def test_who_comes_after_the_provider_refused_it_learns_that(uncertain: Message) -> None:
    resolving.prove_not_sent(uncertain, uncertain.attempts.get(), detail="", now=LATER)

    answer = resolving.say_it_was_sent(uncertain, by=make_sender(), now=LATER)

    assert "The provider already said that it was not sent." in str(answer)
    assert fate_of(uncertain).status == "failed"


def test_what_the_provider_says_of_a_settled_message_is_only_noted_on_the_attempt(uncertain: Message) -> None:
    ana = make_sender()
    resolving.say_it_was_sent(uncertain, by=ana, now=LATER)

    resolving.prove_not_sent(uncertain, uncertain.attempts.get(), detail="", now=LATER)

    assert fate_of(uncertain) == Fate(status="sent", attempts=("rejected",))


@pytest.mark.parametrize("act", ACTS)
def test_a_message_that_never_was_uncertain_has_nothing_to_settle(act: str) -> None:
    message = make_message()

    answer = ACTS[act](message, by=make_sender(), now=LATER)

    assert answer == Refusal("This message is scheduled, so there is nothing to settle.")
    assert (fate_of(message).status, Attempt.objects.count(), words()) == ("scheduled", 0, [])


def test_a_message_that_tells_no_outcome_tells_none(provider: Provider) -> None:
    written = handoffs.compose(
        handoffs.draft(
            make_message().application,
            touchpoint="check_in",
            subject="How are you?",
            body=OWN_WORDS,
            by=make_sender(),
            now=DUE,
        ),
        now=DUE,
    )
    assert isinstance(written, Message), written
    provider.behaviour = accepts_and_says_500
    drain(DUE - timedelta(minutes=1) + timedelta(minutes=1))

    resolving.say_it_was_sent(written, by=make_sender(), now=LATER)

    written.application.refresh_from_db()
    assert (fate_of(written).status, written.application.told_at) == ("sent", None)


def test_who_was_told_by_phone_meanwhile_was_told_then(uncertain: Message) -> None:
    ana = make_sender()
    handoffs.tell_by_phone(uncertain.hand_offs.get(), note="Told her why.", by=ana, now=DUE)

    resolving.say_it_was_sent(uncertain, by=ana, now=LATER)

    uncertain.application.refresh_from_db()
    assert (uncertain.application.told_at, uncertain.application.told_how) == (DUE, "phone")
    assert fate_of(uncertain).status == "sent"
