"""What a mail is made of, and that every provider's library can pass it on."""

from __future__ import annotations

import email
import email.policy
from html.parser import HTMLParser
from typing import Any

import pytest
from anymail.exceptions import AnymailUnsupportedFeature
from django.core.mail import EmailMultiAlternatives
from pytest_django.fixtures import Settings

from messaging import gate, letterhead
from messaging.delivery import mail, providers
from messaging.gate import Clearance
from pipeline.models import User
from tests.factories import make_message
from tests.messaging.delivery.asking import DUE

BY_HTTP = sorted(providers.KNOWN - {providers.SMTP})
KEYS = {
    "BREVO_API_KEY": "key",
    "MAILERSEND_API_TOKEN": "key",
    "MAILGUN_API_KEY": "key",
    "MAILGUN_SENDER_DOMAIN": "acme.example",
    "MAILJET_API_KEY": "key",
    "MAILJET_SECRET_KEY": "key",
    "MAILTRAP_API_TOKEN": "key",
    "MANDRILL_API_KEY": "key",
    "POSTAL_API_KEY": "key",
    "POSTAL_API_URL": "https://postal.example/",
    "POSTMARK_SERVER_TOKEN": "key",
    "RESEND_API_KEY": "key",
    "SCALEWAY_PROJECT_ID": "key",
    "SCALEWAY_SECRET_KEY": "key",
    "SENDGRID_API_KEY": "key",
    "SPARKPOST_API_KEY": "key",
    "UNISENDER_GO_API_KEY": "key",
    "UNISENDER_GO_API_URL": "https://unisender.example/",
    "AMAZON_SES_CLIENT_PARAMS": {"region_name": "eu-west-1"},
}


# Anymail still has a provider that it no longer tests against, and says so.
pytestmark = pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")


def clear(settings: Settings, provider: str) -> Clearance:
    settings.MAIL_PROVIDER = provider
    settings.ANYMAIL = KEYS
    cleared = gate.clear(make_message().pk, now=DUE)
    assert isinstance(cleared, Clearance)
    return cleared


def request_of(provider: str, built: EmailMultiAlternatives) -> Any:
    """What the library would put on the wire."""
    connection: Any = providers.make_connection(provider)
    connection.open()
    try:
        payload = connection.build_message_payload(built, connection.send_defaults)
        if provider == "amazon_ses":
            payload.finalize_payload()
            return payload.params["Content"]["Raw"]["Data"].decode()
        request = payload.get_request_params(connection.api_url)
        return f"{request['data']} {request.get('files')}"
    finally:
        connection.close()


def test_the_providers_are_those_of_the_installed_anymail() -> None:
    assert len(BY_HTTP) == 14
    assert {"amazon_ses", "postmark", "unisender_go"} < set(BY_HTTP)
    assert {"base", "console", "test"}.isdisjoint(BY_HTTP)


@pytest.mark.django_db
@pytest.mark.parametrize("provider", BY_HTTP)
def test_every_provider_takes_our_mail_with_its_headers_and_our_id(live: Settings, provider: str) -> None:
    cleared = clear(live, provider)

    request = request_of(provider, mail.build(cleared))

    message = cleared.case.message
    assert cleared.recipient in request
    assert str(message.public_id) in request
    assert "auto-generated" in request
    assert "not be moving forward" in request.replace("=\n", "")
    assert "<!doctype html>" in request
    assert (f"{message.public_id}@acme.example" in request) == (provider != "mailjet")  # which refuses it


@pytest.mark.django_db
@pytest.mark.parametrize("provider", BY_HTTP)
def test_only_providers_without_a_field_for_our_id_go_without_it(live: Settings, provider: str) -> None:
    built: Any = mail.build(clear(live, provider))
    assert hasattr(built, "metadata") == (provider not in mail.WITHOUT_METADATA)

    if provider in mail.WITHOUT_METADATA:
        built.metadata = {"message": "id"}
        with pytest.raises(AnymailUnsupportedFeature):
            request_of(provider, built)


@pytest.mark.django_db
@pytest.mark.parametrize("provider", BY_HTTP)
def test_every_provider_writes_the_senders_name_as_one_address(live: Settings, provider: str) -> None:
    """Commas, quotes and letters of the world in a name: one sender, for every library."""
    live.ORGANISATION_NAME = 'Müller, "Söhne" & 東京'
    built = mail.build(clear(live, provider))
    assert request_of(provider, built)
    assert built.from_email.endswith("<jobs@acme.example>")


class TestSender:
    def test_a_persons_name_stands_before_the_organisations(self, live: Settings) -> None:
        person = User(first_name="Ana", last_name="Ruiz", email="ana@acme.example")
        assert str(letterhead.sender_address(person)) == '"Ana Ruiz, Acme" <jobs@acme.example>'
        assert str(letterhead.sender_address(None)) == "Acme <jobs@acme.example>"

    def test_a_name_smuggles_nothing_into_the_head(self, live: Settings) -> None:
        person = User(first_name="Ana\r\nBcc: evil@example.com,", last_name="\u202eziuR")
        assert str(letterhead.sender_address(person)) == '"Ana Bcc: evil@example.com, ziuR, Acme" <jobs@acme.example>'

    def test_a_name_that_mail_programs_would_decode_reads_as_it_is_shown(self, live: Settings) -> None:
        person = User(first_name="=?utf-8?q?The_CEO?=", last_name="Ruiz")
        read = email.message_from_string(f"From: {letterhead.sender_line(person)}\n\n", policy=email.policy.default)
        assert read["From"].addresses[0].display_name == "= ?utf-8?q?The_CEO?= Ruiz, Acme"

    def test_answers_go_to_the_setting_else_to_the_person_else_to_the_sender(self, live: Settings) -> None:
        person = User(email="ana@acme.example")
        assert letterhead.reply_address(person) == "ana@acme.example"
        assert letterhead.reply_address(User(email="")) == letterhead.reply_address(None) == "jobs@acme.example"
        live.MAIL_REPLY_TO = "answers@acme.example"
        assert letterhead.reply_address(person) == "answers@acme.example"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


class TestHtml:
    def test_it_is_the_text_and_nothing_of_it_is_markup(self) -> None:
        html = mail.render_html(subject="<b>Hi</b>", body="Dear Kim,\n\n<script>alert(1)</script> & {{ more }}")
        assert "<title>&lt;b&gt;Hi&lt;/b&gt;</title>" in html
        assert "<p>Dear Kim,</p>" in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{ more }}" in html

    @pytest.mark.django_db
    def test_what_parts_it_from_the_text_stands_in_no_text(self, live: Settings) -> None:
        first, second = (mail.build(clear(live, "smtp")).message() for _ in range(2))
        boundaries = [first.get_boundary(), second.get_boundary()]
        assert all(isinstance(boundary, str) and len(boundary) == 32 for boundary in boundaries)
        assert boundaries[0] != boundaries[1]
        parts = email.message_from_bytes(first.as_bytes(), policy=email.policy.default).get_payload()
        assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]  # type: ignore[union-attr]

    def test_nothing_is_loaded_from_anywhere(self) -> None:
        html = mail.render_html(subject="Hello", body="See https://acme.example/jobs for more.")
        parser = _Tags()
        parser.feed(html)
        loading = {"img", "script", "link", "iframe", "object", "embed", "base", "form"}
        assert loading.isdisjoint(tag for tag, _ in parser.tags)
        assert [attributes for _, attributes in parser.tags if {"src", "background", "style"} & attributes.keys()] == []
        assert "url(" not in html
        assert "@import" not in html
        assert [attributes["href"] for tag, attributes in parser.tags if tag == "a"] == ["https://acme.example/jobs"]

    def test_it_follows_the_readers_dark_mode_and_direction(self) -> None:
        html = mail.render_html(subject="שלום", body="שלום לך")
        assert "prefers-color-scheme: dark" in html
        assert '<meta name="color-scheme" content="light dark">' in html
        assert '<main dir="auto">' in html
