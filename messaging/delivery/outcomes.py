"""What the provider's answer, or the lack of one, proves; what proves nothing is uncertain and never repeated.

Accepted: the provider said so of this recipient. Not accepted for certain: it said no, or nothing can have reached it.
Everything else is uncertain: a time-out after the connection stood, a reset, 408, 5xx, an answer that nobody can read.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from anymail.message import AnymailStatus
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError

from messaging.models import Attempt

Outcome = Attempt.Outcome

# Refusals that a later try may overcome: too many requests, and credentials that somebody may be mending.
MAY_PASS = frozenset({401, 403, 429})
# The same in Amazon's words, which come as a 400.
MAY_PASS_AT_AMAZON = frozenset(
    {"Throttling", "ThrottlingException", "LimitExceededException", "SendingPausedException"}
)
# Errors of Amazon's client before a byte of the mail left, by name: it is imported only where it is used.
BEFORE_AMAZON = frozenset(
    {
        "ConnectTimeoutError",
        "CredentialRetrievalError",
        "EndpointConnectionError",
        "NoCredentialsError",
        "ParamValidationError",
        "PartialCredentialsError",
    }
)
# Of the providers that know a mail by its key: it was given before. Brevo says so of a mail that it took; with Resend the
# first request is still going on, or it was another one under the same key, and neither says what became of the first.
TAKEN_BEFORE = frozenset({("Brevo", "duplicate_parameter")})
KNOWN_BEFORE = frozenset({("Resend", "concurrent_idempotent_requests"), ("Resend", "invalid_idempotent_request")})
TAKEN = frozenset({"sent", "queued"})
NOT_TAKEN = frozenset({"invalid", "rejected", "failed"})

DETAIL_AT_MOST = 500  # characters; providers repeat our whole request in an error
RETRY_AFTER_AT_MOST = 86_400  # seconds


@dataclass(frozen=True, kw_only=True)
class Result:
    """`retry_after`: seconds that the provider asked for; None where it did not."""

    outcome: Attempt.Outcome
    provider_message_id: str = ""
    detail: str = ""
    retry_after: int | None = None


class NotAsClearedError(ValueError):
    """What was about to leave is not what the gate cleared. A bug, or somebody changed rows; the mail stays here."""


def accepted(provider_message_id: str, *, detail: str = "") -> Result:
    return Result(outcome=Outcome.ACCEPTED, provider_message_id=_one_line(provider_message_id)[:250], detail=detail)


def of_preparing(error: Exception) -> Result:
    """An exception before anything can have left. A mail that cannot be is given up; a connection, a setting or a file
    that could not be had may be had later."""
    # A certificate that does not verify is a ValueError as well, for Python.
    is_the_mail = isinstance(error, ValueError | TypeError | MessageError) and not isinstance(error, OSError)
    return Result(outcome=Outcome.REJECTED if is_the_mail else Outcome.REFUSED, detail=_detail(error))


def of_answer(status: AnymailStatus) -> Result | None:
    """What a provider said of the one recipient, through Anymail; None where it said nothing."""
    if not status.status or _is_blank(status):
        return None
    if status.status <= TAKEN:
        return accepted(str(status.message_id or ""))
    words = ", ".join(sorted(str(word) for word in status.status))
    outcome = Outcome.REJECTED if status.status <= NOT_TAKEN else Outcome.UNCERTAIN
    return Result(outcome=outcome, detail=f"The provider says of this address: {words}.")


def _is_blank(status: AnymailStatus) -> bool:
    """Of Brevo, Anymail takes an answer without a word in it for a yes. Where an id comes in a header, there is one."""
    return not status.message_id and getattr(status.esp_response, "content", None) == b""


def of_sending(error: Exception, *, may_have_left: bool) -> Result:
    """An exception out of the provider call."""
    if isinstance(error, AnymailAPIError):
        return _of_api_error(error)
    if isinstance(error, AnymailError) and not isinstance(error, AnymailRecipientsRefused):
        # Everything else that Anymail raises, it raises while it writes the request.
        return Result(outcome=Outcome.REJECTED, detail=_detail(error))
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        return _of_smtp_answer(error, may_have_left=may_have_left)
    if not may_have_left:
        return of_preparing(error)
    return Result(outcome=Outcome.UNCERTAIN, detail=_detail(error))


def _of_api_error(error: AnymailAPIError) -> Result:
    detail = _detail(error)
    status, code = _status_of(error)
    if status is None:
        outcome = Outcome.REFUSED if _never_connected(error.__cause__) else Outcome.UNCERTAIN
        return Result(outcome=outcome, detail=detail)
    if (error.esp_name, code) in TAKEN_BEFORE:
        return accepted("", detail=detail)
    if (error.esp_name, code) in KNOWN_BEFORE:
        return Result(outcome=Outcome.UNCERTAIN, detail=detail)
    if status in MAY_PASS or code in MAY_PASS_AT_AMAZON:
        return Result(outcome=Outcome.REFUSED, detail=detail, retry_after=_retry_after(error.response))
    if 400 <= status <= 422 and status != 408:
        return Result(outcome=Outcome.REJECTED, detail=detail)
    return Result(outcome=Outcome.UNCERTAIN, detail=detail)


def _status_of(error: AnymailAPIError) -> tuple[int | None, str]:
    """HTTP status, and the provider's word for it; Amazon's client keeps both in a dictionary."""
    if isinstance(error.response, Mapping):
        answer: Mapping[str, Any] = error.response
        return answer.get("ResponseMetadata", {}).get("HTTPStatusCode"), answer.get("Error", {}).get("Code", "")
    return error.status_code, _word_of(error.response)


def _word_of(response: Any) -> str:
    """Brevo calls it code, Resend name."""
    try:
        answer = response.json()
    except (AttributeError, ValueError):  # nothing came, or no JSON
        return ""
    words = (answer.get("code"), answer.get("name")) if isinstance(answer, Mapping) else ()
    return next((word for word in words if isinstance(word, str)), "")


def _never_connected(cause: BaseException | None) -> bool:
    """The exceptions of requests are the same for a connection that could not be made and for one that broke after the
    request; what urllib3 gave as the reason tells them apart. Of TLS only a certificate that does not verify is certain
    to come before the request."""
    if isinstance(cause, requests.RequestException):
        failed = cause.args[0] if cause.args else None
        reason = failed.reason if isinstance(failed, MaxRetryError) else None
        if isinstance(reason, SSLError):
            return bool(reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)
        return isinstance(reason, NewConnectionError | ConnectTimeoutError)
    return type(cause).__name__ in BEFORE_AMAZON


def _retry_after(response: Any) -> int | None:
    """The header holds seconds or a date (RFC 9110, 10.2.3)."""
    value = getattr(response, "headers", {}).get("Retry-After", "")
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(int(value), RETRY_AFTER_AT_MOST)
    try:
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (TypeError, ValueError):  # no date, or one without a zone
        return None
    return min(max(int(wait.total_seconds()), 0), RETRY_AFTER_AT_MOST)


def _of_smtp_answer(
    error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused, *, may_have_left: bool
) -> Result:
    said = _smtp_answers(error)
    codes = [code for code, _ in said]
    detail = _one_line("; ".join(f"{code} {text.decode(errors='replace')}" for code, text in said))[:DETAIL_AT_MOST]
    if all(500 <= code < 600 for code in codes):
        return Result(outcome=Outcome.REJECTED, detail=detail)
    if not may_have_left or all(400 <= code < 600 for code in codes):
        return Result(outcome=Outcome.REFUSED, detail=detail)
    return Result(outcome=Outcome.UNCERTAIN, detail=detail)


def _smtp_answers(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> list[tuple[int, bytes]]:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return list(error.recipients.values())
    text = error.smtp_error
    return [(error.smtp_code, text if isinstance(text, bytes) else text.encode())]


def _detail(error: BaseException) -> str:
    return (_one_line(str(error)) or type(error).__name__)[:DETAIL_AT_MOST]


def _one_line(text: str) -> str:
    """Without control characters; PostgreSQL refuses a NUL, and with it the whole result."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
