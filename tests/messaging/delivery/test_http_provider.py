"""Faults of a provider that is spoken to over HTTP, on a real connection: what we show agrees with what it accepted."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from anymail.signals import post_send, pre_send
from django.core.mail import send_mail
from pytest_django.fixtures import Settings

from messaging.delivery import outbox
from messaging.delivery.egress import Egress, GuardedMail
from tests.factories import NOW, make_message, make_user
from tests.messaging.delivery.asking import AGAIN, DUE, FAILED, SENT, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.doubles import Exchange, Provider, accepts, closed_port

pytestmark = pytest.mark.django_db

MUCH_LATER = NOW + timedelta(days=3)


def answering(status: int, body: object = None, **headers: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(status, body, **headers)


def accepting_and_then(misbehaviour: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    def behave(exchange: Exchange) -> None:
        exchange.accept()
        misbehaviour(exchange)

    return behave


def slow(exchange: Exchange) -> None:
    time.sleep(0.2)
    accepts(exchange)


def in_pieces(exchange: Exchange) -> None:
    """An answer that ends in the middle."""
    exchange.accept()
    exchange.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ErrorCode": 0,')
    exchange.wfile.flush()
    exchange.reset()


def no_http(exchange: Exchange) -> None:
    exchange.wfile.write(b"220 mail.example ESMTP\r\n")
    exchange.close_connection = True


def error(code: int, text: str) -> dict[str, object]:
    return {"ErrorCode": code, "Message": text}


BEHAVIOURS = {
    "accepts": (accepts, SENT, 1),
    "accepts slowly": (slow, SENT, 1),
    "accepts, and answers nonsense": (accepting_and_then(answering(200, b"<html>Welcome</html>")), UNCERTAIN, 1),
    "accepts, and answers other JSON": (accepting_and_then(answering(200, ["yes"])), UNCERTAIN, 1),
    "accepts, and answers JSON without an id": (accepting_and_then(answering(200, error(0, "OK"))), UNCERTAIN, 1),
    "accepts, and answers nothing": (accepting_and_then(answering(200, b"")), UNCERTAIN, 1),
    "accepts, and says 500": (accepting_and_then(answering(500, error(0, "Oops"))), UNCERTAIN, 1),
    "accepts, and resets": (accepting_and_then(Exchange.reset), UNCERTAIN, 1),
    "accepts, and stops in the middle of its answer": (in_pieces, UNCERTAIN, 1),
    "does not speak HTTP": (no_http, UNCERTAIN, 0),
    "says 301": (answering(301, b""), UNCERTAIN, 0),
    "says 400": (answering(400, b"Bad request"), FAILED, 0),
    "says 401": (answering(401, error(10, "No such token")), AGAIN, 0),
    "says 403": (answering(403, b""), AGAIN, 0),
    "says 404": (answering(404, b"Not here"), FAILED, 0),
    "says 408": (answering(408, b""), UNCERTAIN, 0),
    "says 413": (answering(413, error(0, "Too large")), FAILED, 0),
    "says 422, the sender is not confirmed": (answering(422, error(400, "Sender signature not found")), FAILED, 0),
    "says 422, the address is invalid": (answering(422, error(300, "Invalid 'To' address: 'x'.")), UNCERTAIN, 0),
    "says 429": (answering(429, error(0, "Slow down"), Retry_After="7200"), AGAIN, 0),
    "says 451": (answering(451, b""), UNCERTAIN, 0),
    "says 500": (answering(500, error(0, "Oops")), UNCERTAIN, 0),
    "says 502": (answering(502, b"<html>Bad gateway</html>"), UNCERTAIN, 0),
    "says 503": (answering(503, b"", Retry_After="1"), UNCERTAIN, 0),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_what_we_show_agrees_with_what_the_provider_accepted(provider: Provider, name: str) -> None:
    behaviour, fate, accepted = BEHAVIOURS[name]
    message = make_message()
    provider.behaviour = behaviour

    drain()

    assert (fate_of(message), len(provider.accepted)) == (fate, accepted)
    # Nothing that can have been accepted is given away a second time, and nothing that failed.
    provider.behaviour = accepts
    drain(MUCH_LATER)
    assert len(provider.accepted) == (1 if fate == AGAIN else accepted)
    assert fate_of(message).status == ("sent" if fate == AGAIN else fate.status)


def test_a_time_out_after_the_provider_accepted_is_uncertain_and_never_repeated(
    provider: Provider, impatient: None
) -> None:
    message = make_message()
    provider.behaviour = accepting_and_then(Exchange.hang)

    drain()

    assert fate_of(message) == UNCERTAIN
    provider.release.set()
    provider.behaviour = accepts
    drain(MUCH_LATER)
    assert (len(provider.accepted), len(provider.requests)) == (1, 1)


def test_a_time_out_before_the_provider_accepted_looks_the_same(provider: Provider, impatient: None) -> None:
    message = make_message()
    provider.behaviour = Exchange.hang

    drain()
    provider.behaviour = accepts
    drain(MUCH_LATER)

    assert (fate_of(message), provider.accepted, len(provider.requests)) == (UNCERTAIN, [], 1)


def test_a_reset_before_the_request_was_read_is_uncertain(provider: Provider) -> None:
    message = make_message()
    provider.resets_at_once = True

    drain()

    assert (fate_of(message), provider.accepted, provider.connections) == (UNCERTAIN, [], 1)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"http://127.0.0.1:{closed_port()}/", id="nobody listens"),
        pytest.param("http://provider.invalid/", id="no such name"),
    ],
)
def test_where_no_connection_comes_about_it_is_tried_again(provider: Provider, live: Settings, url: str) -> None:
    message = make_message()
    working = live.ANYMAIL
    live.ANYMAIL = {**working, "POSTMARK_API_URL": url}

    drain()

    assert fate_of(message) == AGAIN
    live.ANYMAIL = working
    drain(MUCH_LATER)
    assert (fate_of(message).status, len(provider.accepted)) == ("sent", 1)


def test_it_is_spoken_to_through_the_proxy_of_the_environment(
    provider: Provider, live: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.ANYMAIL = {**live.ANYMAIL, "POSTMARK_API_URL": "http://provider.invalid/"}
    monkeypatch.setenv("http_proxy", provider.url)
    make_message()
    assert drain() == {"sent": 1}
    assert provider.requests == ["http://provider.invalid/email"]


@pytest.mark.parametrize("is_to_a_colleague", [False, True])
def test_it_is_told_no_password_of_a_netrc(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_to_a_colleague: bool
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login kim password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    told = []

    def listen(exchange: Exchange) -> None:
        told.append(exchange.headers["Authorization"])
        accepts(exchange)

    provider.behaviour = listen
    if is_to_a_colleague:
        assert send_mail("Hello", "Text", None, [make_user().email], connection=GuardedMail()) == 1
    else:
        make_message()
        assert drain() == {"sent": 1}
    assert told == [None]


def test_an_unverified_certificate_is_noticed_before_anything_leaves(live: Settings, certificate: Any) -> None:
    """The double does not even speak HTTP: the handshake already fails."""
    from tests.messaging.delivery.doubles import server_context

    message = make_message()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        heard: list[bytes] = []

        def shake_hands() -> None:
            try:
                with server_context(str(certificate)).wrap_socket(listening.accept()[0], server_side=True) as secure:
                    heard.append(secure.recv(1000))
            except OSError:
                pass

        thread = threading.Thread(target=shake_hands)
        thread.start()
        live.MAIL_PROVIDER = "postmark"
        live.ANYMAIL = {
            "POSTMARK_API_URL": f"https://127.0.0.1:{listening.getsockname()[1]}/",
            "POSTMARK_SERVER_TOKEN": "token",
            "REQUESTS_TIMEOUT": (10, 10),
        }
        drain()
        thread.join()

    assert (fate_of(message), heard) == (AGAIN, [])
    assert "certificate" in message.status_reason


def test_a_wrong_setting_is_tried_again_and_costs_no_message(provider: Provider, live: Settings) -> None:
    message = make_message()
    working = live.ANYMAIL
    live.ANYMAIL = {name: value for name, value in working.items() if name != "POSTMARK_SERVER_TOKEN"}

    drain()

    assert fate_of(message) == AGAIN
    assert "POSTMARK_SERVER_TOKEN" in message.status_reason
    live.ANYMAIL = working
    drain(MUCH_LATER)
    assert fate_of(message).status == "sent"


def test_what_the_provider_said_is_shown_to_the_person(provider: Provider) -> None:
    message = make_message()
    provider.behaviour = answering(422, error(400, "The sender signature was not found."))

    drain()

    hand_off = message.hand_offs.get()
    assert "This mail was not sent." in hand_off.sentences[0]
    assert "The sender signature was not found." in hand_off.sentences[0]
    assert fate_of(message) == FAILED


@pytest.mark.parametrize(
    ("header", "at_least"),
    [
        pytest.param("7200", timedelta(hours=2), id="seconds"),
        pytest.param("a date", timedelta(hours=2.9), id="date"),
        pytest.param("soon", timedelta(0), id="nonsense"),
        pytest.param("9" * 5000, timedelta(0), id="a number without end"),
    ],
)
def test_retry_after_is_honoured(provider: Provider, header: str, at_least: timedelta) -> None:
    message = make_message()
    if header == "a date":  # from now on, however long the tests before took
        header = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
    provider.behaviour = answering(429, error(0, "Slow down"), Retry_After=header)

    drain()

    assert fate_of(message) == AGAIN
    assert at_least <= message.due_at - DUE <= at_least + timedelta(minutes=12)


def test_a_refused_recipient_is_no_acceptance_even_with_an_id(provider: Provider) -> None:
    message = make_message()
    address = message.application.candidate.email
    inactive = f"Found inactive addresses: {address}. Inactive recipients are ones that bounced."
    provider.behaviour = answering(422, error(406, inactive))

    drain()

    assert fate_of(message) == FAILED
    assert "rejected" in message.hand_offs.get().sentences[0]


@pytest.fixture
def receiver() -> Iterator[Callable[[Any, Exception], None]]:
    """Code of others that listens to Anymail, and raises."""
    connected: list[tuple[Any, Any]] = []

    def connect(signal: Any, error: Exception) -> None:
        def fail(**_: object) -> None:
            raise error

        signal.connect(fail)
        connected.append((signal, fail))

    yield connect
    for signal, fail in connected:
        signal.disconnect(fail)


def test_an_error_after_the_provider_accepted_takes_nothing_back(provider: Provider, receiver: Any) -> None:
    message = make_message()
    receiver(post_send, RuntimeError("a bug"))

    drain()
    drain(MUCH_LATER)

    assert (fate_of(message), len(provider.accepted)) == (SENT, 1)
    assert message.attempts.get().provider_message_id == "provider-1"


def test_a_send_that_the_library_called_off_is_uncertain(provider: Provider, receiver: Any) -> None:
    from anymail.exceptions import AnymailCancelSend

    message = make_message()
    receiver(pre_send, AnymailCancelSend())

    drain()

    assert (fate_of(message), provider.requests) == (UNCERTAIN, [])


def test_a_connection_that_the_provider_dropped_in_between_is_made_anew(provider: Provider) -> None:
    first, second = make_message(), make_message()

    def accepts_and_hangs_up(exchange: Exchange) -> None:
        accepts(exchange)
        exchange.close_connection = True

    provider.behaviour = accepts_and_hangs_up
    with Egress(clock=lambda: DUE) as egress:
        outbox.deliver(first.pk, egress=egress, clock=lambda: DUE)
        assert provider.hung_up.wait(10)
        outbox.deliver(second.pk, egress=egress, clock=lambda: DUE)

    assert [fate_of(first), fate_of(second), len(provider.accepted)] == [SENT, SENT, 2]


def test_the_mails_of_a_drain_share_a_connection(provider: Provider) -> None:
    messages = [make_message() for _ in range(3)]
    addresses = set()

    def remember(exchange: Exchange) -> None:
        addresses.add(exchange.client_address)
        accepts(exchange)

    provider.behaviour = remember
    drain()

    assert [fate_of(message) for message in messages] == [SENT] * 3
    assert len(addresses) == 1


def test_the_provider_gets_one_recipient_our_id_and_our_headers(provider: Provider) -> None:
    message = make_message()

    drain()

    [mail] = provider.accepted
    message.refresh_from_db()
    assert mail["To"] == message.recipient == message.application.candidate.email
    assert {"Cc", "Bcc"}.isdisjoint(mail)
    assert mail["Metadata"] == {"message": str(message.public_id)}
    headers = {header["Name"]: header["Value"] for header in mail["Headers"]}
    assert headers["Message-ID"] == f"<{message.public_id}@acme.example>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert (mail["Subject"], mail["TextBody"]) == (message.subject, message.body)
    assert mail["HtmlBody"].startswith("<!doctype html>")


# --- Other providers, where Anymail reports differently ---------------------------------------------------------------

OTHERS: dict[str, tuple[dict[str, str], int, Any, Fate]] = {
    # Mailjet says 400 with a list; Anymail raises nothing and calls the recipient "failed".
    "mailjet": (
        {"MAILJET_API_KEY": "key", "MAILJET_SECRET_KEY": "secret"},
        400,
        {"Messages": [{"Status": "error", "Errors": [{"ErrorCode": "send-0011", "StatusCode": 400}]}]},
        FAILED,
    ),
    # Mandrill gives an id to what it rejects.
    "mandrill": (
        {"MANDRILL_API_KEY": "key"},
        200,
        [{"email": "TO", "status": "rejected", "_id": "abc", "reject_reason": "hard-bounce"}],
        FAILED,
    ),
    # An answer that names nobody: Anymail takes "all of none were refused" for a refusal.
    "scaleway": ({"SCALEWAY_SECRET_KEY": "key", "SCALEWAY_PROJECT_ID": "project"}, 200, {"emails": []}, UNCERTAIN),
    # What Anymail stumbles over with a TypeError, after the request.
    "postal": ({"POSTAL_API_KEY": "key"}, 200, ["queued"], UNCERTAIN),
    "mailersend": ({"MAILERSEND_API_TOKEN": "token"}, 202, {}, FAILED),
    "resend": ({"RESEND_API_KEY": "key"}, 200, {"id": "abc"}, SENT),
    "brevo": ({"BREVO_API_KEY": "key"}, 201, {"messageId": "abc"}, SENT),
    "mailgun": (
        {"MAILGUN_API_KEY": "key", "MAILGUN_SENDER_DOMAIN": "acme.example"},
        200,
        {"id": "abc", "message": "Queued. Thank you."},
        SENT,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_providers_answers_are_read_for_what_they_say_of_the_recipient(
    provider: Provider, live: Settings, name: str
) -> None:
    keys, status, answer, fate = OTHERS[name]
    message = make_message()
    live.MAIL_PROVIDER = name
    live.ANYMAIL = {**live.ANYMAIL, **keys, f"{name.upper()}_API_URL": provider.url}
    told = json.loads(json.dumps(answer).replace("TO", message.application.candidate.email))
    provider.behaviour = answering(status, told)

    drain()

    assert (fate_of(message), len(provider.requests)) == (fate, 1)
    drain(MUCH_LATER)
    assert len(provider.requests) == 1


@pytest.fixture
def amazon(provider: Provider, live: Settings, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Amazon's own client, on the settings of the product but for where it calls."""
    from config.settings import ANYMAIL

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")
    parameters = ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]
    live.MAIL_PROVIDER = "amazon_ses"
    live.ANYMAIL = {
        "AMAZON_SES_CLIENT_PARAMS": {
            "endpoint_url": provider.url,
            "region_name": "eu-west-1",
            "config": {**parameters["config"], "connect_timeout": 0.5, "read_timeout": 0.5},
        }
    }
    return provider


AMAZON = {
    "accepts": (accepting_and_then(answering(200, {"MessageId": "abc"})), SENT),
    "accepts, and hangs": (accepting_and_then(Exchange.hang), UNCERTAIN),
    "accepts, and resets": (accepting_and_then(Exchange.reset), UNCERTAIN),
    "says 500": (answering(500, {"message": "Oops"}), UNCERTAIN),
    "says 400": (answering(400, {"message": "No"}, X_Amzn_ErrorType="MessageRejected"), FAILED),
    "says 400, too fast": (answering(400, {"message": "Slow"}, X_Amzn_ErrorType="ThrottlingException"), AGAIN),
    "says 429": (answering(429, {"message": "Slow"}, X_Amzn_ErrorType="TooManyRequestsException"), AGAIN),
}


@pytest.mark.parametrize("name", AMAZON)
def test_amazons_client_asks_once_whatever_it_is_told(amazon: Provider, name: str) -> None:
    behaviour, fate = AMAZON[name]
    message = make_message()
    amazon.behaviour = behaviour

    drain()

    assert (fate_of(message), len(amazon.requests)) == (fate, 1)


def test_amazon_out_of_reach_is_tried_again(amazon: Provider, live: Settings) -> None:
    message = make_message()
    parameters = live.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]
    live.ANYMAIL = {"AMAZON_SES_CLIENT_PARAMS": {**parameters, "endpoint_url": f"http://127.0.0.1:{closed_port()}"}}

    drain()

    assert fate_of(message) == AGAIN
