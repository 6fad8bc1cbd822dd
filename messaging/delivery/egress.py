"""The only place that hands a mail to anybody: a file in simulate mode, else the provider, one mail in one call."""

from __future__ import annotations

import contextlib
import logging
import os
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError
from django.utils import timezone

from messaging import routing
from messaging.delivery import guard, mail, outcomes, providers
from messaging.delivery.outcomes import NotAsClearedError, Result
from messaging.delivery.reading import folder, path_of
from messaging.gate import Clearance

logger = logging.getLogger(__name__)


class Egress:
    """Holds one connection for as many mails as a drain sends, for one thread at a time. Use as a context manager."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._connection: BaseEmailBackend | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()

    def send(self, clearance: Clearance) -> Result:
        """Total, as its two halves are: every fault comes back as a Result; only the end of the process gets through."""
        prepared = prepare(clearance, now=self._clock())
        return prepared if isinstance(prepared, Result) else self.hand_over(prepared, clearance)

    def hand_over(self, built: EmailMultiAlternatives, clearance: Clearance) -> Result:
        """The half that may wait for the provider, in any thread: it needs no database."""
        connection: BaseEmailBackend | None = None
        try:
            if clearance.attempt.provider == routing.SIMULATE:
                path = path_of(clearance.case.message)
                _write_file(built, path, at=clearance.attempt.started_at)
                return outcomes.accepted(path.name)
            connection = self._connect(clearance.attempt.provider)
            with guard.checked(built):
                handed_over = connection.send_messages([built])
        except Exception as error:  # whatever a provider does must become a Result
            if connection is None or isinstance(error, NotAsClearedError):
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


def prepare(clearance: Clearance, *, now: datetime) -> EmailMultiAlternatives | Result:
    """The half that asks the database: the mail, which the guard let out; a Result says why there is none."""
    return prepare_many([clearance], now=now)[0]


def prepare_many(clearances: Sequence[Clearance], *, now: datetime) -> list[EmailMultiAlternatives | Result]:
    """The same for several. What the guard does not let out together with the others it is asked for alone."""
    laid_out = [_build(clearance) for clearance in clearances]
    letters = [letter for letter in laid_out if not isinstance(letter, Result)]
    together = iter(guard.use_together(letters, now=now))
    prepared: list[EmailMultiAlternatives | Result] = []
    for clearance, letter in zip(clearances, laid_out, strict=True):
        if isinstance(letter, Result) or next(together):
            prepared.append(letter)
        else:
            prepared.append(_ask_alone(letter, clearance, now=now))
    return prepared


def _build(clearance: Clearance) -> EmailMultiAlternatives | Result:
    try:
        letter = mail.build(clearance)
        letter.message()
    except Exception as error:  # a mail that cannot be must become a Result
        logger.warning("Attempt %s is no mail.", clearance.attempt.pk, exc_info=_is_ours(error))
        return outcomes.of_preparing(error)
    return letter


def _ask_alone(
    letter: EmailMultiAlternatives, clearance: Clearance, *, now: datetime
) -> EmailMultiAlternatives | Result:
    try:
        guard.check(letter, now=now)
    except (NotAsClearedError, ValueError, DatabaseError) as error:
        logger.warning("Attempt %s was not let out.", clearance.attempt.pk, exc_info=_is_ours(error))
        return outcomes.of_preparing(error)
    return letter


def _is_ours(error: Exception) -> bool:
    """What a provider says may name the candidate; it is on the Attempt, and the log says where it came from."""
    return not isinstance(error, OSError | AnymailError)


def _answer(built: EmailMultiAlternatives) -> Result:
    """Through Anymail, the provider's word on the recipient; SMTP took it, and knows it by our own id."""
    if not hasattr(built, "anymail_status"):
        return outcomes.accepted(built.extra_headers["Message-ID"])
    said = outcomes.of_answer(built.anymail_status)
    return said or Result(outcome=outcomes.Outcome.UNCERTAIN, detail="The provider said nothing of this address.")


def _write_file(built: EmailMessage, path: Path, *, at: datetime) -> None:
    """The whole mail as it would have left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    letter = built.message()
    letter.replace_header("Date", format_datetime(at))  # when it left, by our clock
    temporary.write_bytes(letter.as_bytes(linesep="\r\n"))  # type: ignore[call-arg]  # Django's own
    temporary.replace(path)


class GuardedMail(BaseEmailBackend):
    """The backend of the settings, for Django's own mail functions: what the guard lets out takes the same way as a
    message. Never silent, whatever `fail_silently` asks for."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return sum(self._send(mail) for mail in email_messages)

    def _send(self, mail: EmailMessage) -> int:
        now = timezone.now()
        guard.check(mail, now=now)
        providers_of = {routing.provider_for(address) for address in guard.recipients_of(mail)}
        if routing.SIMULATE in providers_of:
            _write_file(mail, folder() / f"system-{uuid.uuid4()}.eml", at=now)
            return 1
        with guard.checked(mail):
            return providers.make_connection(settings.MAIL_PROVIDER).send_messages([mail])
