"""The only place that hands a mail to anybody: a file in simulate mode, else the provider, one mail in one call."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from email.utils import format_datetime
from types import TracebackType
from typing import NoReturn, Self

from anymail.exceptions import AnymailError
from anymail.utils import parse_address_list
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from messaging.delivery import mail, outcomes, providers
from messaging.delivery.outcomes import NotAsClearedError, Result
from messaging.delivery.reading import path_of
from messaging.gate import Clearance
from messaging.models import Attempt, Message
from messaging.routing import SIMULATE
from messaging.wording.fingerprint import fingerprint

logger = logging.getLogger(__name__)


class ClosedDoor(BaseEmailBackend):
    """Django's own mail functions: nothing leaves through them, and whoever calls them learns it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> NoReturn:  # noqa: ARG002
        raise RuntimeError("Mail leaves Byhand as a Message that the gate cleared, and in no other way.")


class Egress:
    """Holds one connection for as many mails as a drain sends, for one thread at a time. Use as a context manager."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()

    def send(self, clearance: Clearance) -> Result:
        """Total, as its two halves are: every fault comes back as a Result; only the end of the process gets through."""
        prepared = prepare(clearance)
        return prepared if isinstance(prepared, Result) else self.hand_over(prepared, clearance)

    def hand_over(self, built: EmailMultiAlternatives, clearance: Clearance) -> Result:
        """The half that may wait for the provider, in any thread: it needs no database."""
        connection: BaseEmailBackend | None = None
        try:
            if clearance.attempt.provider == SIMULATE:
                return _write_file(built, clearance)
            connection = self._connect(clearance.attempt.provider)
            handed_over = connection.send_messages([built])
        except Exception as error:  # whatever a provider does must become a Result
            if connection is None:
                result = outcomes.of_preparing(error)
            else:
                # What the provider said before something failed counts more than the failure.
                said = outcomes.of_answer(built.anymail_status) if hasattr(built, "anymail_status") else None
                result = said or outcomes.of_sending(error, may_have_left=providers.may_have_left(connection))
            logger.warning("Attempt %s: %s.", clearance.attempt.pk, result.outcome, exc_info=_is_ours(error))
            self.hang_up()
            return result
        if not handed_over:
            return Result(outcome=outcomes.Outcome.UNCERTAIN, detail="The mail library said that nothing was sent.")
        return _answer(built)

    def _connect(self, provider: str) -> BaseEmailBackend:
        if self._connection is not None and not providers.is_alive(self._connection):
            self.hang_up()
        if self._connection is None:
            self._connection = providers.make_connection(provider)
        self._connection.open()
        return self._connection

    def hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):  # it may be gone
                connection.close()


def prepare(clearance: Clearance) -> EmailMultiAlternatives | Result:
    """The half that asks the database: the mail, compared with what was cleared; a Result says why there is none."""
    try:
        built = mail.build(clearance)
        _compare(built, clearance.attempt)
    except Exception as error:  # a mail that cannot be must become a Result
        result = outcomes.of_preparing(error)
        logger.warning("Attempt %s: %s.", clearance.attempt.pk, result.outcome, exc_info=_is_ours(error))
        return result
    return built


def _is_ours(error: Exception) -> bool:
    """What a provider says may name the candidate; it is on the Attempt, and the log says where it came from."""
    return not isinstance(error, OSError | AnymailError)


def _compare(built: EmailMultiAlternatives, attempt: Attempt) -> None:
    """What leaves is what was cleared, for one recipient, and the clearance still stands."""
    built.message()  # raises ValueError for a head that cannot be, before any library begins to pass it on
    recipients = [address.addr_spec for address in parse_address_list(built.recipients())]
    if recipients != [attempt.recipient]:
        raise NotAsClearedError("The mail would not go to the one address that it was cleared for.")
    now = fingerprint(recipient=attempt.recipient, subject=str(built.subject), body=str(built.body))
    if now != attempt.fingerprint:
        raise NotAsClearedError("The text is not the one that was cleared.")
    sending = Attempt.objects.open().filter(
        pk=attempt.pk, fingerprint=now, recipient=attempt.recipient, message__status=Message.Status.SENDING
    )
    if not sending.exists():
        raise NotAsClearedError("The clearance of this mail is over.")


def _answer(built: EmailMultiAlternatives) -> Result:
    """Through Anymail, the provider's word on the recipient; SMTP took it, and knows it by our own id."""
    if not hasattr(built, "anymail_status"):
        return outcomes.accepted(built.extra_headers["Message-ID"])
    said = outcomes.of_answer(built.anymail_status)
    return said or Result(outcome=outcomes.Outcome.UNCERTAIN, detail="The provider said nothing of this address.")


def _write_file(built: EmailMultiAlternatives, clearance: Clearance) -> Result:
    """The whole mail as it would have left; one file for one message."""
    path = path_of(clearance.case.message)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    letter = built.message()
    letter.replace_header("Date", format_datetime(clearance.attempt.started_at))  # when it left, by our clock
    temporary.write_bytes(letter.as_bytes(linesep="\r\n"))  # type: ignore[call-arg]  # Django's own
    temporary.replace(path)
    return outcomes.accepted(path.name)
