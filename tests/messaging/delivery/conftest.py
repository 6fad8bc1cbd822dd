"""Mail that really leaves, to doubles on loopback."""

from __future__ import annotations

import ipaddress
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django.fixtures import Settings

from messaging.delivery import outbox
from tests.config.process_table import family_of
from tests.messaging.delivery.doubles import Provider, Sink
from tests.messaging.delivery.processes import Process, Start
from tests.messaging.delivery.turns import Turns, Watch


@pytest.fixture
def live(settings: Settings) -> Settings:
    settings.MAIL_MODE = "live"
    settings.MAIL_FROM = "jobs@acme.example"
    settings.ORGANISATION_NAME = "Acme"
    settings.MAIL_READ_TIMEOUT = 10
    settings.MAIL_CONNECTIONS = 1  # so that the order is known; tests of several ask for them
    return settings


@pytest.fixture
def provider(live: Settings) -> Iterator[Provider]:
    """Postmark, as far as Anymail can tell."""
    with Provider() as running:
        live.MAIL_PROVIDER = "postmark"
        live.ANYMAIL = {
            "POSTMARK_API_URL": running.url,
            "POSTMARK_SERVER_TOKEN": "token",
            "REQUESTS_TIMEOUT": (10, 10),
        }
        yield running


@pytest.fixture
def sink(live: Settings) -> Iterator[Sink]:
    with Sink() as running:
        use_sink(live, running)
        yield running


def use_sink(settings: Settings, sink: Sink) -> None:
    settings.MAIL_PROVIDER = "smtp"
    settings.SMTP_HOST = sink.hostname
    settings.SMTP_PORT = sink.port


@pytest.fixture
def impatient(live: Settings) -> None:
    """For doubles that hang. Ask for it after the double."""
    live.MAIL_READ_TIMEOUT = 0.3
    live.ANYMAIL = {**live.ANYMAIL, "REQUESTS_TIMEOUT": (0.3, 0.3)}


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(outbox, "time", watch)
    return watch


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> Turns:
    """A turn takes a second, so no more is cleared ahead than there are connections."""
    turns = Turns(watch)
    monkeypatch.setattr(outbox, "Connections", turns)
    return turns


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "sink.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def start(provider: Provider, tmp_path: Path) -> Iterator[Start]:
    """Begins a process of the product: its arguments, and settings of its own by name."""
    started: list[Process] = []

    def begin(*arguments: str, **settings: str) -> Process:
        started.append(Process(*arguments, provider=provider, folder=tmp_path, settings=settings))
        return started[-1]

    yield begin
    for process in started:
        # A supervised worker has a process group of its own.
        for pid in {*family_of(process.pid), *process.alive_in_its_group()}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
