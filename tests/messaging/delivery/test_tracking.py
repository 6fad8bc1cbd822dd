"""What the provider reports after it took a mail: stored once, applied once, and never a step back."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
import time_machine
from anymail.signals import AnymailTrackingEvent
from django.test import Client
from django.urls import clear_url_caches
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

import config.urls
from messaging import gate, tasks
from messaging.delivery import outbox, outcomes, tracking
from messaging.gate import Clearance
from messaging.models import HandOff, Incident, LedgerEntry, Message, ProviderEvent
from tests.factories import let_out, make_message, make_sender
from tests.guards_off import force, guards_off
from tests.messaging.delivery.asking import DUE, SENT, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.database import cursed
from tests.messaging.delivery.doubles import Exchange, Provider, accepts
from tests.messaging.delivery.webhooks import SECRET, post, postmark

pytestmark = pytest.mark.django_db

LATER = DUE + timedelta(minutes=10)
Delivery = Message.Delivery


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture(autouse=True)
def mounted(live: Settings) -> Iterator[None]:
    """The product's addresses as they are where the secret is set."""
    live.ANYMAIL = {**live.ANYMAIL, "WEBHOOK_SECRET": SECRET}
    importlib.reload(config.urls)
    clear_url_caches()
    yield
    live.ANYMAIL = {name: value for name, value in live.ANYMAIL.items() if name != "WEBHOOK_SECRET"}
    importlib.reload(config.urls)
    clear_url_caches()


@pytest.fixture
def provider(provider: Provider, live: Settings) -> Provider:
    live.ANYMAIL = {**live.ANYMAIL, "WEBHOOK_SECRET": SECRET}
    return provider


@pytest.fixture
def sent(provider: Provider) -> Message:
    message = make_message()
    drain()
    assert fate_of(message) == SENT
    return message


def accepts_and_says_500(exchange: Exchange) -> None:
    exchange.accept()
    exchange.answer(500)


@pytest.fixture
def uncertain(provider: Provider) -> Message:
    """The provider accepted it, and nobody knows."""
    message = make_message()
    provider.behaviour = accepts_and_says_500
    drain()
    assert fate_of(message) == UNCERTAIN
    provider.behaviour = accepts
    return message


def delivery_of(message: Message) -> int | None:
    return Message.objects.get(pk=message.pk).delivery


def incidents() -> list[str]:
    return list(Incident.objects.filter(kind=Incident.Kind.UNKNOWN_SEND).values_list("sentence", flat=True))


# --- The address -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [None, "reporter:a wrong word", ""])
def test_nobody_reports_anything_without_the_secret(uncertain: Message, password: str | None) -> None:
    wrong = {"Authorization": f"Basic {password}"} if password is not None else {"Authorization": ""}

    assert post(postmark("delivered", uncertain), headers=wrong) == 400

    assert (fate_of(uncertain), ProviderEvent.objects.count()) == (UNCERTAIN, 0)
    assert post(postmark("delivered", uncertain)) == 200
    assert fate_of(uncertain).status == "sent"


def test_without_a_secret_in_the_settings_there_is_no_such_address(live: Settings) -> None:
    live.ANYMAIL = {}
    importlib.reload(config.urls)
    clear_url_caches()

    assert Client().post("/anymail/postmark/tracking/", {}).status_code == 404


# --- An uncertain message ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["delivered", "opened", "bounced", "complained", "deferred"])
def test_an_event_that_only_a_mail_can_have_that_was_taken_settles_it(uncertain: Message, kind: str) -> None:
    assert post(postmark(kind, uncertain)) == 200

    assert fate_of(uncertain) == Fate(status="sent", attempts=("accepted",))
    attempt = uncertain.attempts.get()
    assert (attempt.provider_message_id, uncertain.sent_at) == ("provider-1", attempt.started_at)
    hand_off = uncertain.hand_offs.get()
    assert (hand_off.status, hand_off.closed_by) == (HandOff.Status.NOT_NEEDED, None)
    uncertain.application.refresh_from_db()
    assert uncertain.application.told_at is not None
    entry = LedgerEntry.objects.get(kind=LedgerEntry.Kind.RESOLVED)
    assert (entry.subject, entry.data) == (f"message:{uncertain.pk}", {"decision": "sent", "attempt": 1})
    assert (entry.actor_kind, entry.actor_id) == ("clock", None)
    assert incidents() == []


def test_what_says_nothing_of_the_mail_settles_nothing(uncertain: Message) -> None:
    post(postmark("unsubscribed", uncertain))

    assert (fate_of(uncertain), delivery_of(uncertain)) == (UNCERTAIN, None)
    assert ProviderEvent.objects.open().count() == 0


def test_a_rejected_one_has_failed_and_stays_with_a_person(uncertain: Message) -> None:
    post(postmark("rejected", uncertain, Description="Blocked by ISP"))

    assert fate_of(uncertain) == Fate(status="failed", attempts=("rejected",), hand_offs=("failed",))
    assert "as the provider reports" in uncertain.hand_offs.open().get().sentences[0]
    assert LedgerEntry.objects.get(kind=LedgerEntry.Kind.RESOLVED).data["decision"] == "not_sent"


def test_a_rejected_attempt_beside_another_in_doubt_proves_nothing_of_the_message(uncertain: Message) -> None:
    first = uncertain.attempts.get()
    first.pk, first.number = None, 2
    with guards_off():
        first.save()

    post(postmark("rejected", uncertain))

    assert fate_of(uncertain) == Fate(status="uncertain", attempts=("uncertain", "rejected"), hand_offs=("uncertain",))


def test_what_a_person_settled_meanwhile_is_not_taken_back(uncertain: Message) -> None:
    from messaging.delivery import resolving

    resolving.say_it_was_sent(uncertain, by=make_sender(), now=LATER)

    post(postmark("rejected", uncertain))
    post(postmark("delivered", uncertain))

    assert fate_of(uncertain).status == "sent"
    assert delivery_of(uncertain) == Delivery.REJECTED
    assert incidents() == []


def test_who_waits_to_be_sent_again_is_not_sent_again_once_it_is_known(uncertain: Message, provider: Provider) -> None:
    from messaging.delivery import resolving

    resolving.send_again(uncertain, by=make_sender(), now=LATER)
    assert fate_of(uncertain).status == "scheduled"

    post(postmark("delivered", uncertain))
    drain(LATER)

    assert (fate_of(uncertain).status, len(provider.accepted)) == ("sent", 1)


# --- Too early ---------------------------------------------------------------------------------------------------------


def test_an_event_that_comes_while_it_is_being_sent_waits_for_our_own_answer(provider: Provider) -> None:
    message = make_message()

    clearance = gate.clear(message.pk, now=DUE)
    assert isinstance(clearance, Clearance)
    post(postmark("delivered", message))
    assert (fate_of(message).status, ProviderEvent.objects.open().count()) == ("sending", 1)

    outbox.record(clearance.attempt, outcomes.accepted("x"), clock=lambda: LATER)
    tasks.sweep()

    assert (fate_of(message), delivery_of(message)) == (SENT, Delivery.DELIVERED)
    assert ProviderEvent.objects.open().count() == 0


def test_an_event_that_came_before_the_process_died_settles_the_message(provider: Provider) -> None:
    message = make_message()
    let_out(message, now=DUE)
    post(postmark("delivered", message))

    tasks.sweep()  # ten minutes later the lease is over

    assert fate_of(message) == Fate(status="sent", attempts=("accepted",))


def test_an_event_without_our_id_waits_until_theirs_can_be_known(sent: Message) -> None:
    sent.attempts.update(provider_message_id="")
    post(postmark("delivered"))
    assert (ProviderEvent.objects.open().count(), incidents()) == (1, [])

    sent.attempts.update(provider_message_id="provider-1")
    assert tracking.apply_rest(now=LATER, at_most=10) == 1

    assert (delivery_of(sent), incidents()) == (Delivery.DELIVERED, [])


# --- Stored first, applied once ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["delivered", "bounced"])
def test_a_replay_is_ignored_with_and_without_an_id_of_the_event(sent: Message, kind: str) -> None:
    event = postmark(kind, sent)

    assert [post(event) for _ in range(3)] == [200, 200, 200]

    assert ProviderEvent.objects.count() == 1


def test_what_cannot_be_applied_is_kept_and_applied_by_the_sweep(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    message = make_message(delay=100)
    with cursed("messaging_incident", message=message):
        assert post(postmark("delivered", message)) == 200

    assert (incidents(), ProviderEvent.objects.open().count()) == ([], 1)
    assert "the sweep comes back to it" in caplog.text
    tasks.sweep()
    assert (len(incidents()), ProviderEvent.objects.open().count()) == (1, 0)


def test_applied_twice_it_is_applied_once(uncertain: Message) -> None:
    post(postmark("delivered", uncertain))
    event = ProviderEvent.objects.get()

    assert tracking.apply(event, now=LATER) is False
    assert LedgerEntry.objects.filter(kind=LedgerEntry.Kind.RESOLVED).count() == 1


def test_no_address_and_nothing_unprintable_is_kept(sent: Message) -> None:
    said = "550 5.1.1 <kim.lee@example.com>: no\x00 such user\nkim@example.com " + "x" * 500
    post(postmark("bounced", sent, Details=said, Description="Hard bounce"))

    event = ProviderEvent.objects.get()
    assert event.description.startswith("bounced; Hard bounce; 550 5.1.1 <…>: no such user … xxx")
    assert len(event.description) == 300
    kept = " ".join(str(value) for value in ProviderEvent.objects.values_list().get())
    assert "@" not in kept


# --- How far it came ---------------------------------------------------------------------------------------------------


KINDS = ("deferred", "delivered", "opened", "bounced", "complained")


@pytest.mark.parametrize("order", list(itertools.permutations(KINDS, 2)), ids="-".join)
def test_out_of_order_and_repeated_it_ends_at_the_same(sent: Message, order: tuple[str, ...]) -> None:
    seen = []
    for kind in (*order, *order):
        post(postmark(kind, sent))
        seen.append(delivery_of(sent) or 0)

    assert seen == sorted(seen)
    assert seen[-1] == max(tracking.DELIVERY[kind] for kind in order)


def test_no_order_of_any_events_leads_back(sent: Message) -> None:
    numbers = itertools.count()

    def reach(kinds: list[str]) -> list[int | None]:
        Message.objects.filter(pk=sent.pk).update(delivery=None)
        path = []
        for kind in kinds:
            told = make_event(event_type=kind, event_id=str(next(numbers)), metadata={"message": str(sent.public_id)})
            tracking.receive(event=told, esp_name="Postmark")
            path.append(delivery_of(sent))
        return path

    @hypothesis.settings(max_examples=40, deadline=None, database=None)
    @hypothesis.given(st.lists(st.sampled_from(sorted(tracking.DELIVERY)), min_size=1, max_size=6), st.data())
    def check(kinds: list[str], data: st.DataObject) -> None:
        path, other = reach(kinds), reach(data.draw(st.permutations(kinds)))
        assert path == sorted(path, key=lambda step: step or 0)
        assert path[-1] == other[-1]

    check()


def test_delivered_is_never_taken_back_and_a_bounce_never_forgotten(sent: Message) -> None:
    for kind, reached in [
        ("delivered", Delivery.DELIVERED),
        ("deferred", Delivery.DELIVERED),
        ("bounced", Delivery.BOUNCED),
        ("opened", Delivery.BOUNCED),
        ("complained", Delivery.COMPLAINED),
        ("bounced", Delivery.COMPLAINED),
    ]:
        post(postmark(kind, sent))
        assert delivery_of(sent) == reached


# --- A mail that we did not clear --------------------------------------------------------------------------------------


def test_a_mail_with_an_id_that_is_not_ours_is_an_incident(sent: Message) -> None:
    event = postmark("delivered", Metadata={"message": "00000000-0000-4000-8000-000000000000"})

    post(event)
    post(event)

    [sentence] = incidents()
    assert sentence == "postmark reports “delivered” of a mail that Byhand does not know."
    assert ProviderEvent.objects.open().count() == 0


@pytest.mark.parametrize("theirs", ["not-ours", ""])
def test_a_mail_without_any_id_of_ours_is_an_incident_after_the_lease(sent: Message, theirs: str) -> None:
    post(postmark("delivered", MessageID=theirs))
    assert incidents() == []

    tracking.apply_rest(now=LATER + timedelta(minutes=1), at_most=10)
    assert incidents() == []
    tracking.apply_rest(now=LATER + timedelta(minutes=3), at_most=10)
    tracking.apply_rest(now=LATER + timedelta(minutes=4), at_most=10)

    assert len(incidents()) == 1


def test_what_says_nothing_of_a_mail_is_no_incident(sent: Message) -> None:
    post(postmark("unsubscribed", Metadata={"message": "00000000-0000-4000-8000-000000000000"}))

    assert (ProviderEvent.objects.open().count(), incidents()) == (0, [])


def test_a_mail_that_nobody_let_go_is_an_incident(provider: Provider) -> None:
    message = make_message()

    post(postmark("delivered", message))

    assert incidents() == ["postmark reports “delivered” of a mail that Byhand shows as scheduled."]
    assert Incident.objects.get().message == message
    assert fate_of(message).status == "scheduled"


def test_a_mail_that_another_provider_sent_is_an_incident(sent: Message) -> None:
    force(sent.attempts.all(), provider="smtp")

    post(postmark("delivered", sent))

    assert incidents() == ["postmark reports “delivered” of a mail that Byhand shows as sent."]


def test_a_mail_that_failed_and_was_delivered_all_the_same_is_an_incident(provider: Provider) -> None:
    message = make_message()
    provider.behaviour = lambda exchange: exchange.answer(422, {"ErrorCode": 300, "Message": "No"})
    drain()

    post(postmark("rejected", message))
    assert incidents() == []
    post(postmark("delivered", message))

    assert incidents() == ["postmark reports “delivered” of a mail that Byhand shows as failed."]


# --- Other dialects ----------------------------------------------------------------------------------------------------


def make_event(**values: Any) -> AnymailTrackingEvent:
    return AnymailTrackingEvent(**{"event_type": "delivered", "esp_event": {}, "metadata": {}} | values)


def test_our_id_is_found_wherever_the_provider_keeps_it(sent: Message) -> None:
    ours = str(sent.public_id)
    for values in (
        {"metadata": {"message": ours}},
        {"metadata": None, "tags": ["rejection", ours]},
        {"message_id": f"<{ours}@acme.example>"},
    ):
        event = tracking.store(make_event(event_id=str(values), **values), provider="resend", now=LATER)
        assert event is not None
        assert event.public_id == sent.public_id

    theirs = make_event(event_id="theirs", message_id="56761188-7520-42d8-8898-ff6fc54ce618")
    event = tracking.store(theirs, provider="resend", now=LATER)
    assert event is not None
    assert event.public_id is None


def test_a_time_without_a_zone_is_utc_and_none_is_now(sent: Message) -> None:
    naive = tracking.store(make_event(event_id="1", timestamp=DUE.replace(tzinfo=None)), provider="x", now=LATER)
    none = tracking.store(make_event(event_id="2", timestamp=None), provider="x", now=LATER)

    assert naive is not None
    assert none is not None
    assert (naive.at, none.at) == (DUE, LATER)


def test_events_without_an_id_or_a_body_are_told_apart_by_what_is_known_of_them(sent: Message) -> None:
    stored = [
        tracking.store(make_event(esp_event=None, message_id=number), provider="x", now=LATER) for number in "112"
    ]

    assert [row is not None for row in stored] == [True, False, True]


def test_resends_words_are_understood(sent: Message) -> None:
    force(sent.attempts.all(), provider="resend", provider_message_id="56761188-7520-42d8-8898-ff6fc54ce618")
    data = {"email_id": "56761188-7520-42d8-8898-ff6fc54ce618", "to": ["kim@example.com"]}
    payload = {"type": "email.delivered", "created_at": "2026-09-15T10:05:00.000Z", "data": data}

    for _ in range(2):
        post(payload, provider="resend", headers={"svix-id": "msg_1"})

    assert (delivery_of(sent), ProviderEvent.objects.count(), incidents()) == (Delivery.DELIVERED, 1, [])
