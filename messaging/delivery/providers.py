"""The connection to the provider that the settings name: SMTP, or one that Anymail knows."""

from __future__ import annotations

import pkgutil
import smtplib
from functools import partial
from typing import Any

from anymail import backends, webhooks
from anymail.backends.base_requests import AnymailRequestsBackend
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as DjangoSmtp
from requests import Session
from urllib3.util.wait import wait_for_read

from messaging.delivery import keys

SMTP = "smtp"
# What stands beside the providers in anymail.backends: what they are made of, doubles, and a former name.
_NOT_PROVIDERS = frozenset({"base", "base_requests", "console", "test", "sendinblue"})
KNOWN = frozenset({SMTP, *(module.name for module in pkgutil.iter_modules(backends.__path__))}) - _NOT_PROVIDERS
# Those that can report what became of a mail.
WITH_WEBHOOKS = KNOWN & {module.name for module in pkgutil.iter_modules(webhooks.__path__)}


def make_connection(provider: str) -> BaseEmailBackend:
    """Not yet open. Raises ImproperlyConfigured with a sentence where the provider is unknown or lacks a setting."""
    if provider == SMTP:
        return SmtpConnection(
            host=settings.SMTP_HOST,
            port=settings.SMTP_PORT,
            username=settings.SMTP_USER,
            password=settings.SMTP_PASSWORD,
            use_tls=settings.SMTP_SECURITY == "starttls",
            use_ssl=settings.SMTP_SECURITY == "tls",
            timeout=settings.MAIL_READ_TIMEOUT,  # smtplib has one time-out for everything
        )
    if provider not in KNOWN:
        raise ImproperlyConfigured(f"There is no mail provider “{provider}”.")
    backend = keys.BACKENDS.get(provider, f"anymail.backends.{provider}.EmailBackend")
    connection: BaseEmailBackend = get_connection(backend)
    if isinstance(connection, AnymailRequestsBackend):
        connection.create_session = partial(_make_session, connection)
    return connection


def _make_session(connection: AnymailRequestsBackend) -> Session:
    """As the library makes one. What HTTP takes from the environment, proxies and certificates, is read once and not for
    each mail; passwords of a .netrc are nobody's business here."""
    session: Session = type(connection).create_session(connection)
    found = session.merge_environment_settings(connection.api_url, {}, None, None, None)
    session.proxies, session.verify, session.trust_env = found["proxies"], found["verify"], False
    return session


def is_alive(connection: BaseEmailBackend) -> bool:
    """A server may hang up between two mails; found out before the next one, that is no uncertain send. What speaks HTTP
    looks by itself."""
    if not isinstance(connection, SmtpConnection):
        return True
    try:
        server = connection.connection
        if server is None or server.sock is None:
            return False
        # Between two mails a server says nothing but that it hangs up; where it is silent, asking would cost a round trip.
        return not wait_for_read(server.sock, timeout=0) or server.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def may_have_left(connection: BaseEmailBackend) -> bool:
    """Whether the mail that this connection was given last can have been accepted."""
    if not isinstance(connection, SmtpConnection):
        return True
    return connection.connection is None or connection.connection.text_begun


class _TextWatch(smtplib.SMTP):
    """Knows whether it began to pass on a text. Until then a server has accepted nothing, whatever happens."""

    text_begun = False

    def mail(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        self.text_begun = False
        return super().mail(*args, **kwargs)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.text_begun = True
        return super().data(msg)


class _TextWatchInTls(_TextWatch, smtplib.SMTP_SSL):
    pass


class SmtpConnection(DjangoSmtp):
    connection: _TextWatch | None

    @property
    def connection_class(self) -> type[_TextWatch]:
        return _TextWatchInTls if self.use_ssl else _TextWatch
