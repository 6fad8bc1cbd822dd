"""What an exception or an answer proves, where the doubles cannot bring it about."""

from __future__ import annotations

import smtplib
import ssl
from email.errors import HeaderParseError
from typing import Any

import pytest
import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused, AnymailUnsupportedFeature
from anymail.message import AnymailRecipientStatus, AnymailStatus
from django.core.exceptions import ImproperlyConfigured
from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

from messaging.delivery import outcomes
from messaging.delivery.outcomes import NotAsClearedError, Outcome


def api_error(cause: Exception | None = None, response: Any = None) -> AnymailAPIError:
    error = AnymailAPIError("It failed.", response=response)
    error.__cause__ = cause
    return error


def status(*words: str | None) -> AnymailStatus:
    made = AnymailStatus()
    made.set_recipient_status(
        {f"kim{number}@example.com": AnymailRecipientStatus("id", word) for number, word in enumerate(words)}
    )
    return made


def gave_up(reason: Exception) -> MaxRetryError:
    return MaxRetryError(None, "/email", reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OSError("no route"), Outcome.REFUSED),
        (ImproperlyConfigured("no key"), Outcome.REFUSED),
        (ImportError("no boto"), Outcome.REFUSED),
        (KeyError("a bug"), Outcome.REFUSED),
        (ssl.SSLCertVerificationError("self-signed"), Outcome.REFUSED),
        (smtplib.SMTPAuthenticationError(535, b"no"), Outcome.REFUSED),
        (ValueError("no such head"), Outcome.REJECTED),
        (TypeError("no text"), Outcome.REJECTED),
        (HeaderParseError("no address"), Outcome.REJECTED),
        (NotAsClearedError("another text"), Outcome.REJECTED),
    ],
    ids=lambda value: getattr(value, "value", type(value).__name__),
)
def test_before_anything_left_a_mail_that_cannot_be_is_given_up_and_the_rest_tried_again(
    error: Exception, outcome: Outcome
) -> None:
    assert outcomes.of_preparing(error).outcome == outcome
    if not isinstance(error, smtplib.SMTPAuthenticationError):
        assert outcomes.of_sending(error, may_have_left=False).outcome == outcome
        assert outcomes.of_sending(error, may_have_left=True).outcome == Outcome.UNCERTAIN


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AnymailUnsupportedFeature("no such field"), Outcome.REJECTED),
        (AnymailError("no such sender"), Outcome.REJECTED),
        (AnymailRecipientsRefused(), Outcome.UNCERTAIN),
        (api_error(), Outcome.UNCERTAIN),
        (api_error(requests.exceptions.ReadTimeout()), Outcome.UNCERTAIN),
        (api_error(requests.exceptions.ConnectionError()), Outcome.UNCERTAIN),
        (api_error(requests.exceptions.ConnectionError("reset")), Outcome.UNCERTAIN),
        (api_error(requests.exceptions.ConnectionError(gave_up(NewConnectionError(None, "x")))), Outcome.REFUSED),  # type: ignore[arg-type]
        (api_error(requests.exceptions.SSLError(gave_up(SSLError()))), Outcome.UNCERTAIN),
        # The connection ended in the middle of TLS: it may have been after the request.
        (api_error(requests.exceptions.SSLError(gave_up(SSLError(ssl.SSLEOFError())))), Outcome.UNCERTAIN),
        (api_error(requests.exceptions.SSLError(gave_up(SSLError(ssl.SSLCertVerificationError())))), Outcome.REFUSED),
        (api_error(response={}), Outcome.UNCERTAIN),
        (api_error(response={"ResponseMetadata": {"HTTPStatusCode": 500}}), Outcome.UNCERTAIN),
        (api_error(response={"ResponseMetadata": {"HTTPStatusCode": 400}, "Error": {}}), Outcome.REJECTED),
        (smtplib.SMTPServerDisconnected("gone"), Outcome.UNCERTAIN),
        (smtplib.SMTPDataError(250, "odd"), Outcome.UNCERTAIN),
        (smtplib.SMTPDataError(-1, b""), Outcome.UNCERTAIN),
        (smtplib.SMTPDataError(421, b"closing"), Outcome.REFUSED),
        (smtplib.SMTPDataError(554, b"spam"), Outcome.REJECTED),
        (
            smtplib.SMTPRecipientsRefused({"kim@example.com": (550, b"no"), "lee@example.com": (450, b"busy")}),
            Outcome.REFUSED,
        ),
    ],
)
def test_what_a_failed_call_proves(error: Exception, outcome: Outcome) -> None:
    assert outcomes.of_sending(error, may_have_left=True).outcome == outcome


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["sent"], Outcome.ACCEPTED),
        (["queued"], Outcome.ACCEPTED),
        (["invalid"], Outcome.REJECTED),
        (["rejected"], Outcome.REJECTED),
        (["failed"], Outcome.REJECTED),
        (["unknown"], Outcome.UNCERTAIN),
        ([None], Outcome.UNCERTAIN),
        (["sent", "rejected"], Outcome.UNCERTAIN),
    ],
)
def test_what_a_provider_says_of_the_recipient(words: list[str | None], outcome: Outcome) -> None:
    said = outcomes.of_answer(status(*words))
    assert said is not None
    assert said.outcome == outcome


def test_a_provider_that_said_nothing_of_the_recipient_proves_nothing() -> None:
    assert outcomes.of_answer(AnymailStatus()) is None
    assert outcomes.of_answer(status()) is None


def test_what_is_written_down_is_one_printable_line_of_bounded_length() -> None:
    result = outcomes.of_preparing(OSError("line one\r\nline\x00 two\x1b[31m" + "x" * 5000))
    assert result.detail.startswith("line one line two [31mxxx")
    assert (len(result.detail), result.detail.isprintable()) == (500, True)
    assert outcomes.of_preparing(OSError()).detail == "OSError"
    assert outcomes.accepted("an\x00 id" + "x" * 500).provider_message_id == "an id" + "x" * 245


def test_a_mail_server_is_quoted_in_its_own_words() -> None:
    refused = smtplib.SMTPRecipientsRefused({"kim@example.com": (550, "5.1.1 Größe\n".encode("latin-1"))})
    assert outcomes.of_sending(refused, may_have_left=True).detail == "550 5.1.1 Gr\ufffd\ufffde"
