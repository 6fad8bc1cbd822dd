"""Faults of a real mail server on loopback: what we show agrees with what it accepted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from messaging import handoffs
from messaging.delivery import outbox
from messaging.delivery.egress import Egress
from messaging.delivery.providers import SmtpConnection
from messaging.models import Message
from tests.factories import NOW, make_application, make_message, make_sender
from tests.messaging.delivery.asking import AGAIN, DUE, FAILED, SENT, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.conftest import use_sink
from tests.messaging.delivery.doubles import (
    Sink,
    closed_port,
    disconnects,
    hangs,
    hangs_up_afterwards,
    knows,
    server_context,
)

pytestmark = pytest.mark.django_db

MUCH_LATER = NOW + timedelta(days=3)

ANSWERS: dict[str, tuple[dict[str, Any], Fate, int]] = {
    "accepts": ({}, SENT, 1),
    "refuses the sender for now": ({"MAIL": "451 try later"}, AGAIN, 0),
    "refuses the sender": ({"MAIL": "550 who are you"}, FAILED, 0),
    "refuses the recipient for now": ({"RCPT": "450 mailbox busy"}, AGAIN, 0),
    "refuses the recipient": ({"RCPT": "550 5.1.1 no such user"}, FAILED, 0),
    "hangs up at the recipient": ({"RCPT": "421 closing"}, AGAIN, 0),
    "answers nonsense at the recipient": ({"RCPT": "999 hm"}, AGAIN, 0),
    "disconnects at the sender": ({"MAIL": disconnects}, AGAIN, 0),
    "disconnects at the recipient": ({"RCPT": disconnects}, AGAIN, 0),
    "refuses the text for now": ({"END": "452 no space"}, AGAIN, 0),
    "refuses the text": ({"END": "554 looks like spam"}, FAILED, 0),
    "answers nonsense after the text": ({"END": "299 hm"}, UNCERTAIN, 0),
    "disconnects after the text": ({"END": disconnects}, UNCERTAIN, 1),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_we_show_agrees_with_what_the_server_accepted(sink: Sink, name: str) -> None:
    answers, fate, accepted = ANSWERS[name]
    message = make_message()
    sink.answers = answers

    drain()

    assert (fate_of(message), len(sink.accepted)) == (fate, accepted)
    sink.answers = {}
    drain(MUCH_LATER)
    assert len(sink.accepted) == (1 if fate == AGAIN else accepted)
    assert fate_of(message).status == ("sent" if fate == AGAIN else fate.status)


@pytest.mark.parametrize(("step", "fate"), [("MAIL", AGAIN), ("RCPT", AGAIN), ("END", UNCERTAIN)])
def test_a_time_out_is_uncertain_from_the_text_on(sink: Sink, impatient: None, step: str, fate: Fate) -> None:
    message = make_message()
    sink.answers = {step: hangs}

    drain()

    assert fate_of(message) == fate


def test_where_nobody_listens_it_is_tried_again(sink: Sink, live: Settings) -> None:
    message = make_message()
    live.SMTP_PORT = closed_port()

    drain()

    assert fate_of(message) == AGAIN
    use_sink(live, sink)
    drain(MUCH_LATER)
    assert (fate_of(message).status, len(sink.accepted)) == ("sent", 1)


def test_what_the_server_said_is_shown_without_the_wrapping(sink: Sink) -> None:
    message = make_message()
    sink.answers = {"RCPT": "550 5.1.1 No such user"}

    drain()

    assert message.hand_offs.get().sentences == ["This mail was not sent. 550 5.1.1 No such user"]


# --- One connection for many mails ------------------------------------------------------------------------------------


def test_the_mails_of_a_drain_share_a_connection(sink: Sink) -> None:
    messages = [make_message() for _ in range(3)]

    drain()

    assert [fate_of(message) for message in messages] == [SENT] * 3
    assert (len(sink.accepted), sink.connections) == (3, 1)


def test_a_server_that_drops_the_idle_connection_makes_nothing_uncertain(sink: Sink) -> None:
    first, second = make_message(), make_message()
    sink.answers = {"END": hangs_up_afterwards}
    with Egress(clock=lambda: DUE) as egress:
        outbox.deliver(first.pk, egress=egress, clock=lambda: DUE)
        assert sink.hung_up.wait(10)
        sink.answers = {}
        outbox.deliver(second.pk, egress=egress, clock=lambda: DUE)

    assert [fate_of(first), fate_of(second)] == [SENT, SENT]
    assert (len(sink.accepted), sink.connections) == (2, 2)


def test_a_connection_without_a_socket_is_made_anew(sink: Sink) -> None:
    """As the library leaves it when it gives up on a server."""
    first, second = make_message(), make_message()
    with Egress(clock=lambda: DUE) as egress:
        outbox.deliver(first.pk, egress=egress, clock=lambda: DUE)
        assert isinstance(egress._connection, SmtpConnection)
        assert egress._connection.connection is not None
        egress._connection.connection.close()
        outbox.deliver(second.pk, egress=egress, clock=lambda: DUE)
    assert (fate_of(second), sink.connections) == (SENT, 2)


def test_a_server_that_is_gone_when_the_drain_ends_takes_nothing_back(sink: Sink) -> None:
    message = make_message()
    sink.answers = {"END": hangs_up_afterwards}
    with Egress(clock=lambda: DUE) as egress:
        outbox.deliver(message.pk, egress=egress, clock=lambda: DUE)
        assert sink.hung_up.wait(10)

    assert fate_of(message) == SENT


def test_after_a_fault_the_next_mail_gets_a_fresh_connection(sink: Sink) -> None:
    first, second = make_message(), make_message()

    async def once(sink: Sink, server: Any) -> str:
        sink.answers = {}
        return "299 out of step"

    sink.answers = {"END": once}
    drain()

    assert [fate_of(first), fate_of(second)] == [UNCERTAIN, SENT]
    assert (len(sink.accepted), sink.connections) == (2, 2)


# --- Who we are, and how nobody listens in ----------------------------------------------------------------------------


@pytest.fixture
def trusted(certificate: Path) -> Iterator[None]:
    former = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(certificate)
    yield
    if former is None:
        del os.environ["SSL_CERT_FILE"]
    else:
        os.environ["SSL_CERT_FILE"] = former


@pytest.fixture
def secured(live: Settings, certificate: Path) -> Iterator[Sink]:
    """Takes mail only after STARTTLS and a password."""
    context = server_context(str(certificate))
    rules = {"require_starttls": True, "auth_required": True, "authenticator": knows("byhand", "secret")}
    with Sink(tls_context=context, **rules) as running:
        use_sink(live, running)
        live.SMTP_SECURITY, live.SMTP_USER, live.SMTP_PASSWORD = "starttls", "byhand", "secret"
        yield running


def test_a_mail_leaves_over_starttls_with_a_password(secured: Sink, trusted: None) -> None:
    message = make_message()
    drain()
    assert (fate_of(message), len(secured.accepted)) == (SENT, 1)


def test_a_wrong_password_is_tried_again(secured: Sink, trusted: None, live: Settings) -> None:
    message = make_message()
    live.SMTP_PASSWORD = "wrong"

    drain()

    assert (fate_of(message), len(secured.accepted)) == (AGAIN, 0)
    assert "535" in message.status_reason
    assert "wrong" not in message.status_reason


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(secured: Sink) -> None:
    message = make_message()
    drain()
    assert (fate_of(message), len(secured.accepted)) == (AGAIN, 0)


def test_a_server_without_starttls_gets_nothing(sink: Sink, live: Settings) -> None:
    message = make_message()
    live.SMTP_SECURITY = "starttls"
    drain()
    assert (fate_of(message), len(sink.accepted)) == (AGAIN, 0)


def test_a_mail_leaves_over_tls(live: Settings, certificate: Path, trusted: None) -> None:
    message = make_message()
    with Sink(ssl_context=server_context(str(certificate))) as running:
        use_sink(live, running)
        live.SMTP_SECURITY = "tls"
        drain()
        assert (fate_of(message), len(running.accepted)) == (SENT, 1)


# --- What arrives -----------------------------------------------------------------------------------------------------


def test_an_automatic_mail_arrives_whole(sink: Sink, live: Settings) -> None:
    live.MAIL_REPLY_TO = "answers@acme.example"
    message = make_message()

    drain()

    [mail], [envelope] = sink.accepted, sink.envelopes
    message.refresh_from_db()
    assert envelope == [mail["To"]] == [message.application.candidate.email]
    assert message.wording is not None
    assert mail["From"] == f'"{message.wording.signatures.get().signed_by}, Acme" <jobs@acme.example>'
    assert mail["Reply-To"] == "answers@acme.example"
    assert mail["Message-ID"] == f"<{message.public_id}@acme.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["Cc"], mail["Bcc"]) == (None, None)
    assert mail["Subject"] == message.subject
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = [part.get_content() for part in mail.iter_parts()]
    assert text.splitlines() == message.body.splitlines()
    assert "Thank you for applying" in html
    assert message.attempts.get().provider_message_id == mail["Message-ID"]


def test_a_persons_mail_says_that_a_person_wrote_it(sink: Sink, live: Settings) -> None:
    application = make_application()
    person = make_sender(first_name="Jürgen", last_name="Groß")
    body = "Dear Kim, it was a pleasure to speak with you on Tuesday about the migration that you led. Yours, Jürgen"
    draft = handoffs.draft(application, touchpoint="status_update", subject="Grüße", body=body, by=person, now=NOW)
    message = handoffs.compose(draft, now=NOW)
    assert isinstance(message, Message)

    drain()

    [mail] = sink.accepted
    assert fate_of(message) == SENT
    assert mail["From"] == '"Jürgen Groß, Acme" <jobs@acme.example>'
    assert (mail["Auto-Submitted"], mail["Reply-To"], mail["Subject"]) == ("no", person.email, "Grüße")
