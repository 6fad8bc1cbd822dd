"""No name, no address and no text of a candidate stands in a log, whatever goes wrong on the way out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django_q.models import OrmQ, Task

from messaging.delivery import outbox
from messaging.models import Attempt, LedgerEntry, Message, RecordedVerdict
from pipeline.models import Candidate
from tests.factories import NOW, make_application, make_candidate, make_message
from tests.messaging.delivery.asking import DUE
from tests.messaging.delivery.database import cursed
from tests.messaging.delivery.doubles import Exchange, Provider, accepts

pytestmark = pytest.mark.django_db

CANARIES = ("Zyxwina", "Quokkasson", "canary.q7", "0170-555-7788", "Zugspitze")


def answers(status: int, **body: object) -> Callable[[Exchange], None]:
    """With the address in what it says, as providers do."""

    def answer(exchange: Exchange) -> None:
        to = json.loads(exchange.body)["To"]
        exchange.answer(status, {"ErrorCode": 300, "Message": f"Sorry, {to} is not known here.", **body})

    return answer


def resets(exchange: Exchange) -> None:
    exchange.reset()


def garbles(exchange: Exchange) -> None:
    exchange.accept()
    exchange.answer(200, f"<p>Thank you for {exchange.body.decode()}</p>".encode())


FAULTS = {
    "accepted": accepts,
    "refused": answers(429),
    "rejected": answers(422),
    "of no use": answers(500),
    "unreadable": garbles,
    "reset": resets,
}


def plan(number: int) -> Message:
    candidate = make_candidate(
        first_name="Zyxwina", last_name="Quokkasson", email=f"canary.q7+{number}@example.com", phone="0170-555-7788"
    )
    return make_message(application=make_application(candidate=candidate))


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_a_provider_says_no_log_names_a_candidate(
    provider: Provider, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.behaviour = FAULTS[name]
    messages = [plan(number) for number in range(2)]
    for days in (0, 1, 2):
        outbox.drain(clock=lambda: DUE + timedelta(days=days))  # noqa: B023  (called at once)
    outbox.reap(now=NOW + timedelta(days=9))
    assert Attempt.objects.filter(message__in=messages).exists()
    assert provider.requests  # it went out with their names in it
    assert_nobody_is_named(caplog.text)


def test_a_bug_in_the_middle_names_nobody(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    message = plan(1)
    with cursed("messaging_attempt", message=message):
        outbox.drain(clock=lambda: DUE)
    assert "could not be looked at" in caplog.text
    assert_nobody_is_named(caplog.text)


def test_what_is_kept_for_good_and_what_the_queue_holds_names_nobody(provider: Provider) -> None:
    plan(1)
    outbox.drain(clock=lambda: DUE)
    rows = [
        *LedgerEntry.objects.values_list("subject", "data"),
        *RecordedVerdict.objects.values_list("facts", "findings", "versions"),
        *OrmQ.objects.values_list("payload"),
        *Task.objects.values_list("name", "func", "args", "kwargs", "result"),
    ]
    assert len(rows) > 1
    assert_nobody_is_named(repr(rows))
    assert Candidate.objects.filter(last_name="Quokkasson").exists()


def assert_nobody_is_named(text: str) -> None:
    assert [canary for canary in CANARIES if canary.casefold() in text.casefold()] == []
