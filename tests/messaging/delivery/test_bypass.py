"""Every way around the gate that Django and Anymail offer, each beside the same way with a mail that may leave.

The ways: Django's mail functions (send_mail, send_mass_mail, mail_admins, EmailMessage.send); a connection made by hand to
any Anymail backend, to Django's SMTP backend, and to ours; `manage.py sendtestemail` and a line in `manage.py shell`; the
mail for a forgotten password; a recipient smuggled into cc, bcc, or behind a comma; a mail with another text, after its
time, a second time, or with the attempt of another message. Raw smtplib and HTTP cannot be stopped inside the process:
tests/test_tooling.py and the linter keep them out of the source.
"""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from anymail import backends
from django.contrib.auth.forms import PasswordResetForm
from django.core import mail as django_mail
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection, send_mail, send_mass_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from messaging.delivery import mail, providers
from messaging.delivery.outcomes import NotAsClearedError
from messaging.models import Attempt, Incident
from pipeline.models import User
from tests.factories import make_candidate, make_user
from tests.guards_off import force
from tests.messaging.delivery.doubles import Exchange, Provider, Sink
from tests.messaging.delivery.letters import copy_of, make_cleared, make_letter
from tests.messaging.delivery.processes import Process

pytestmark = pytest.mark.django_db

SMTP = "django.core.mail.backends.smtp.EmailBackend"
OURS = "messaging.delivery.egress.GuardedMail"


@pytest.fixture(autouse=True)
def _product(live: Settings) -> None:
    """What pytest-django replaces."""
    from config.settings import EMAIL_BACKEND

    assert EMAIL_BACKEND == OURS
    live.EMAIL_BACKEND = EMAIL_BACKEND
    live.DEFAULT_FROM_EMAIL = live.MAIL_FROM


@pytest.fixture
def candidate() -> str:
    return make_candidate().email


@pytest.fixture
def colleague() -> str:
    return make_user().email


def stays(call: Callable[[], object]) -> None:
    with pytest.raises(NotAsClearedError):
        call()
    assert Incident.objects.filter(kind=Incident.Kind.MAIL_REFUSED).exists()


# --- Django's mail functions ------------------------------------------------------------------------------------------


def by_send_mail(to: str) -> object:
    return send_mail("Hello", "Text", None, [to])


def by_send_mail_silently(to: str) -> object:
    return send_mail("Hello", "Text", None, [to], fail_silently=True)


def by_send_mail_with_html(to: str) -> object:
    return send_mail("Hello", "Text", None, [to], html_message="<p>Text</p>")


def by_send_mass_mail(to: str) -> object:
    return send_mass_mail([("Hello", "Text", None, [to])])


def by_message(to: str) -> object:
    return EmailMessage("Hello", "Text", to=[to]).send()


def by_copy(to: str) -> object:
    return EmailMessage("Hello", "Text", cc=[to]).send()


def by_blind_copy(to: str) -> object:
    return EmailMessage("Hello", "Text", bcc=[to]).send()


def by_command(to: str) -> object:
    return call_command("sendtestemail", to)


FUNCTIONS = [
    by_send_mail,
    by_send_mail_silently,
    by_send_mail_with_html,
    by_send_mass_mail,
    by_message,
    by_copy,
    by_blind_copy,
    by_command,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_of_django_reaches_colleagues_and_no_candidate(
    sink: Sink, candidate: str, colleague: str, function: Callable[[str], object]
) -> None:
    stays(lambda: function(candidate))
    assert sink.connections == 0
    function(colleague)
    assert sink.envelopes == [[colleague]]


@pytest.mark.parametrize("function", [django_mail.mail_admins, django_mail.mail_managers])
def test_mail_to_the_administrators_reaches_no_candidate(
    sink: Sink, live: Settings, candidate: str, colleague: str, function: Callable[[str, str], None]
) -> None:
    live.ADMINS = live.MANAGERS = [("Kim", candidate), ("Ana", colleague)]
    stays(lambda: function("Hello", "Text"))
    assert sink.connections == 0
    live.ADMINS = live.MANAGERS = [("Ana", colleague)]
    function("Hello", "Text")
    assert sink.envelopes == [[colleague]]


def test_nothing_of_a_mass_mail_goes_on_after_the_refusal(sink: Sink, candidate: str, colleague: str) -> None:
    stays(lambda: send_mass_mail([("Hello", "Text", None, [to]) for to in (colleague, candidate, colleague)]))
    assert sink.envelopes == [[colleague]]


def test_what_was_cleared_leaves_by_a_function_of_django_as_well(sink: Sink) -> None:
    letter = make_letter()
    assert letter.send() == 1
    assert [mail["To"] for mail in sink.accepted] == letter.to


def test_in_simulate_mode_a_function_of_django_writes_a_file(
    sink: Sink, live: Settings, tmp_path: Path, candidate: str, colleague: str
) -> None:
    live.MAIL_MODE, live.VAR_DIR = "simulate", tmp_path
    stays(lambda: by_send_mail(candidate))
    assert not (tmp_path / "mail").exists()
    assert by_send_mail(colleague) == 1
    [file] = (tmp_path / "mail").iterdir()
    assert colleague in file.read_text()
    assert sink.connections == 0


# --- A forgotten password ---------------------------------------------------------------------------------------------


def ask_for_a_password(person: User) -> None:
    form = PasswordResetForm({"email": person.email})
    assert form.is_valid()
    form.save(domain_override="byhand.example.com", from_email="jobs@acme.example")


def test_a_forgotten_password_writes_to_no_candidate(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(PasswordResetForm, "send_mail", plain_send_mail)
    candidate, colleague = make_candidate(), make_user(password="a password of their own")
    somebody = make_user(email=candidate.email, password="a password of their own")

    stays(lambda: ask_for_a_password(somebody))
    assert sink.connections == 0
    ask_for_a_password(colleague)

    assert sink.envelopes == [[colleague.email]]


def plain_send_mail(self: Any, *args: Any, **kwargs: Any) -> None:
    """Without Django's page, which belongs to addresses that the product does not have; and without its silence, so that
    the refusal can be seen."""
    *_, from_email, to_email = args
    EmailMultiAlternatives("Your password", "A link", from_email, [to_email]).send()


# --- Connections made by hand -----------------------------------------------------------------------------------------

BACKENDS = sorted({module.name for module in pkgutil.iter_modules(backends.__path__)} - {"base", "base_requests"})
NO_WIRE = {"console", "test"}  # they keep what they are given


def connect(live: Settings, provider: Provider, name: str) -> BaseEmailBackend:
    """To the double, whatever the provider is called."""
    keys = ("API_KEY", "API_TOKEN", "SECRET_KEY", "SERVER_TOKEN", "PROJECT_ID")
    settings = {f"{name.upper()}_{key}": "key" for key in keys}
    live.ANYMAIL = settings | {
        f"{name.upper()}_API_URL": provider.url,
        "MAILGUN_SENDER_DOMAIN": "acme.example",
        "REQUESTS_TIMEOUT": (5, 5),
        "AMAZON_SES_CLIENT_PARAMS": {
            "endpoint_url": provider.url,
            "region_name": "eu-west-1",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "key",
        },
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # providers that Anymail will drop
        connection: BaseEmailBackend = get_connection(f"anymail.backends.{name}.EmailBackend")
        connection.open()
    return connection


def refuses_everything(exchange: Exchange) -> None:
    exchange.answer(400, {"message": "no"})


@pytest.mark.parametrize("silently", [False, True])
@pytest.mark.parametrize("name", BACKENDS)
def test_no_backend_of_anymail_takes_a_mail_to_a_candidate(
    live: Settings, provider: Provider, candidate: str, name: str, silently: bool
) -> None:
    live.MAIL_PROVIDER = name
    provider.behaviour = refuses_everything
    connection = connect(live, provider, name)
    connection.fail_silently = silently

    stays(lambda: send_mail("Hello", "Text", "jobs@acme.example", [candidate], connection=connection))
    letter = mail.build(make_cleared())
    stays(lambda: connection.send_messages([copy_of(letter, body="You are hired")]))
    assert provider.requests == []

    if name in NO_WIRE:
        connection.send_messages([letter])
    else:
        connection.fail_silently = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            connection.send_messages([letter])
        assert len(provider.requests) == 1
    assert Attempt.objects.get().used_at is not None


def by_djangos(live: Settings, sink: Sink) -> BaseEmailBackend:
    connection: BaseEmailBackend = get_connection(SMTP, host=sink.hostname, port=sink.port)
    return connection


def by_djangos_silently(live: Settings, sink: Sink) -> BaseEmailBackend:
    connection: BaseEmailBackend = get_connection(SMTP, host=sink.hostname, port=sink.port, fail_silently=True)
    return connection


def by_the_provider_of_the_settings(live: Settings, sink: Sink) -> BaseEmailBackend:
    return providers.make_connection("smtp")


def by_ours(live: Settings, sink: Sink) -> BaseEmailBackend:
    connection: BaseEmailBackend = get_connection(OURS)
    return connection


CONNECTIONS = [by_djangos, by_djangos_silently, by_the_provider_of_the_settings, by_ours]
each_connection = pytest.mark.parametrize("make", CONNECTIONS)

Make = Callable[[Settings, Sink], BaseEmailBackend]


@each_connection
def test_no_connection_to_a_mail_server_takes_a_mail_to_a_candidate(
    live: Settings, sink: Sink, candidate: str, colleague: str, make: Make
) -> None:
    stays(lambda: send_mail("Hello", "Text", None, [candidate], connection=make(live, sink)))
    assert sink.connections == 0
    send_mail("Hello", "Text", None, [colleague], connection=make(live, sink))
    assert sink.envelopes == [[colleague]]


def expired(letter: EmailMultiAlternatives) -> EmailMultiAlternatives:
    force(Attempt.objects.all(), expires_at=timezone.now() - timedelta(seconds=1))
    return letter


def used(letter: EmailMultiAlternatives) -> EmailMultiAlternatives:
    Attempt.objects.update(used_at=timezone.now())
    return copy_of(letter)


def of_another_message(letter: EmailMultiAlternatives) -> EmailMultiAlternatives:
    return copy_of(letter, headers=dict(make_letter().extra_headers))


SMUGGLED: dict[str, Callable[[EmailMultiAlternatives], EmailMultiAlternatives]] = {
    "a copy": lambda letter: copy_of(letter, cc=["evil@example.com"]),
    "a blind copy": lambda letter: copy_of(letter, bcc=["evil@example.com"]),
    "a blind copy to a colleague": lambda letter: copy_of(letter, bcc=[User.objects.all()[0].email]),
    "a comma": lambda letter: copy_of(letter, to=[f"{letter.to[0]}, evil@example.com"]),
    "a group": lambda letter: copy_of(letter, to=[f"friends: {letter.to[0]}, evil@example.com;"]),
    "another text": lambda letter: copy_of(letter, body="You are hired"),
    "another subject": lambda letter: copy_of(letter, subject="You are hired"),
    "after its time": expired,
    "a second time": used,
    "the attempt of another message": of_another_message,
}


@each_connection
@pytest.mark.parametrize("name", SMUGGLED)
def test_no_connection_takes_what_was_not_cleared(live: Settings, sink: Sink, make: Make, name: str) -> None:
    letter = make_letter()
    stays(lambda: make(live, sink).send_messages([SMUGGLED[name](letter)]))
    assert sink.connections == 0

    another = make_letter()
    assert make(live, sink).send_messages([another]) == 1
    assert sink.envelopes == [another.to]


@each_connection
def test_no_connection_takes_a_cleared_mail_twice(live: Settings, sink: Sink, make: Make) -> None:
    letter = make_letter()
    connection = make(live, sink)
    assert connection.send_messages([letter]) == 1
    stays(lambda: connection.send_messages([letter]))
    stays(lambda: make(live, sink).send_messages([copy_of(letter)]))
    assert len(sink.accepted) == 1


def test_of_a_batch_with_one_that_may_not_leave_none_leaves_by_djangos_connection(
    live: Settings, sink: Sink, candidate: str, colleague: str
) -> None:
    mails = [EmailMessage("Hello", "Text", to=[to]) for to in (colleague, candidate)]
    stays(lambda: by_djangos(live, sink).send_messages(mails))
    assert sink.connections == 0
    assert by_djangos(live, sink).send_messages(mails[:1]) == 1


# --- A person at the shell --------------------------------------------------------------------------------------------

SEND = "from django.core.mail import *; send_mail('Hello', 'Text', None, ['{}'])"
BY_HAND = (
    "from django.core.mail import *; "
    "send_mail('Hello', 'Text', None, ['{}'], connection=get_connection('anymail.backends.postmark.EmailBackend'))"
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("line", [SEND, BY_HAND])
def test_a_line_in_the_shell_reaches_a_colleague_and_no_candidate(
    provider: Provider, tmp_path: Path, line: str
) -> None:
    candidate, colleague = make_candidate(), make_user(email="ana@example.com")  # on the allow-list of the process

    kept = Process("shell", "-c", line.format(candidate.email), provider=provider, folder=tmp_path, settings={})
    assert kept.end() != 0
    assert "NotAsClearedError" in kept.output.read_text()
    assert provider.requests == []
    incident = Incident.objects.get()
    assert candidate.email not in incident.sentence

    sent = Process("shell", "-c", line.format(colleague.email), provider=provider, folder=tmp_path, settings={})
    assert sent.end() == 0, sent.output.read_text()
    assert [mail["To"] for mail in provider.accepted] == [colleague.email]
