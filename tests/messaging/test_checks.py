"""A dangerous configuration does not start: every check once broken, beside the configuration that passes."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as product
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.urls import clear_url_caches
from django_q.conf import Conf
from pytest_django.fixtures import Settings

import config.urls
from messaging import checks, mounts, progress
from messaging.guards import ALL
from pipeline.guards import install, remove
from tests.factories import make_user

SECRET = "reports:9vX2bQ7mK4sT1wZ8yL3nR6"
KEY = "9vX2bQ7mK4sT1wZ8yL3nR6pC5dF0gH-jA_eUiOqWxMkB"


@pytest.fixture
def live(settings: Settings) -> Settings:
    """What a real installation looks like, with nothing to complain about."""
    settings.MAIL_MODE = "live"
    settings.MAIL_PROVIDER = "postmark"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "token"}
    settings.MAIL_FROM = "jobs@acme.com"
    settings.SECRET_KEY = KEY
    return settings


def complaints() -> list[str]:
    return [found.id or "" for found in run_checks() if (found.id or "").startswith("messaging.")]


def test_the_defaults_and_a_real_installation_pass(live: Settings, settings: Settings) -> None:
    assert complaints() == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"MAIL_MODE": "Live"}, "messaging.E001"),
        ({"MAIL_MODE": ""}, "messaging.E001"),
        ({"MAIL_FROM": "Acme <jobs@acme.com>"}, "messaging.E002"),
        ({"MAIL_FROM": ""}, "messaging.E002"),
        ({"MAIL_FROM": "jobs@acme.com, jobs@acme.de"}, "messaging.E002"),
        ({"MAIL_FROM": "jobs@äcme.com"}, "messaging.E002"),
        ({"MAIL_REPLY_TO": "jobs@acme.com\nBcc: evil@example.com"}, "messaging.E002"),
        ({"MAIL_FROM": "recruiting@example.com"}, "messaging.E003"),
        ({"MAIL_FROM": "recruiting@mail.example.org"}, "messaging.E003"),
        ({"MAIL_FROM": "jobs@acme.example"}, "messaging.E003"),
        ({"MAIL_REPLY_TO": "jobs@EXAMPLE.com"}, "messaging.E003"),
        ({"MAIL_PROVIDER": "postmarkk"}, "messaging.E004"),
        ({"MAIL_PROVIDER": "console"}, "messaging.E004"),
        ({"MAIL_PROVIDER": "simulate"}, "messaging.E004"),
        ({"ANYMAIL": {}}, "messaging.E005"),
        ({"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": "api.postmarkapp.com"}}, "messaging.E005"),
        (
            {"MAIL_PROVIDER": "amazon_ses", "ANYMAIL": {"AMAZON_SES_CLIENT_PARAMS": {"config": {"no_such": 1}}}},
            "messaging.E005",
        ),
        ({"MAIL_MODE": "allowlist", "MAIL_ALLOWLIST": []}, "messaging.E006"),
        ({"MAIL_MODE": "allowlist", "MAIL_ALLOWLIST": [""]}, "messaging.E006"),
        ({"MAIL_MODE": "allowlist", "MAIL_ALLOWLIST": ["acme.com"]}, "messaging.W001"),
        ({"MAIL_READ_TIMEOUT": 25}, "messaging.E008"),
        ({"MAIL_CONNECT_TIMEOUT": 10}, "messaging.E008"),
        ({"MAIL_READ_TIMEOUT": 0}, "messaging.E008"),
        ({"MAIL_LEASE": 60}, "messaging.E008"),
        ({"MAIL_LEASE": 300}, "messaging.E008"),
        ({"DEBUG": True}, "messaging.E009"),
        ({"SECRET_KEY": "short"}, "messaging.E010"),
        ({"SECRET_KEY": "ab" * 30}, "messaging.E010"),
        ({"SECRET_KEY": f"django-insecure-{KEY}"}, "messaging.E010"),
        ({"SECRET_KEY": "put a long and random secret of your own in here"}, "messaging.E010"),
        ({"HOLIDAYS_COUNTRY": "Germany"}, "messaging.E012"),
        ({"HOLIDAYS_COUNTRY": "DE", "HOLIDAYS_SUBDIVISION": "Bavaria"}, "messaging.E012"),
        ({"HOLIDAYS_COUNTRY": "VA", "HOLIDAYS_SUBDIVISION": "X"}, "messaging.E012"),
        ({"SMTP_SECURITY": "ssl"}, "messaging.E013"),
        ({"MAIL_PROVIDER": "smtp", "SMTP_HOST": "mail.acme.com", "SMTP_PASSWORD": "secret"}, "messaging.W002"),
        ({"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "SEND_DEFAULTS": {"bcc": ["boss@acme.com"]}}}, "messaging.E014"),
        ({"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_SEND_DEFAULTS": {"to": []}}}, "messaging.E014"),
        ({"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": "a:short"}}, "messaging.E022"),
        (
            {"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": "long_enough_but_no_name_in_it"}},
            "messaging.E022",
        ),
        ({"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": [SECRET, "second"]}}, "messaging.E022"),
    ],
    ids=str,
)
def test_one_thing_wrong_is_one_complaint(live: Settings, change: dict[str, Any], complaint: str) -> None:
    assert complaints() == []
    for name, value in change.items():
        setattr(live, name, value)
    assert complaints() == [complaint]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("TIMEOUT", 40, "messaging.E008"),
        ("TIMEOUT", 64, "messaging.E008"),  # longer than the patience with a worker that was asked to end
        ("RETRY", 120, "messaging.E008"),
        ("BROKER_CLASS", None, "messaging.E020"),
        ("BROKER_CLASS", "django_q.brokers.orm.ORM", "messaging.E020"),
        ("SYNC", True, "messaging.E020"),
        ("MAX_ATTEMPTS", 0, "messaging.E020"),
        ("ACK_FAILURES", False, "messaging.E020"),
        ("SAVE_LIMIT", 100, "messaging.E020"),
    ],
)
def test_what_django_q_made_of_its_settings_counts(
    live: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: object, complaint: str
) -> None:
    assert complaints() == []
    monkeypatch.setattr(Conf, name, value)
    assert complaints() == [complaint]


def test_a_task_without_a_time_limit_outlasts_everything(live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "TIMEOUT", None)
    assert set(complaints()) == {"messaging.E008"}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps its own locks")
@pytest.mark.parametrize(
    ("kind", "place", "complaint"),
    [
        ("nfs4", "{folder}", ["messaging.W003"]),
        ("9p", "{folder}", ["messaging.W003"]),
        ("fuse.sshfs", "{folder}", ["messaging.W003"]),
        ("ext4", "{folder}", []),
        ("nfs4", "{folder}/elsewhere", []),
        ("nfs4", "{folder}else", []),
        ("nfs4", "/", []),  # a disk is mounted nearer
    ],
)
def test_an_embedded_database_belongs_on_a_disk_of_this_machine(
    live: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, place: str, complaint: list[str]
) -> None:
    folder = tmp_path / "var of ours"
    folder.mkdir()
    live.DATABASE = {**live.DATABASE, "NAME": str(folder / "byhand.sqlite3")}
    where = place.format(folder=folder).replace(" ", "\\040")
    lines = ["/dev/vda / ext4 rw 0 0", f"/dev/vdb {tmp_path} xfs rw 0 0", f"server:/share {where} {kind} rw 0 0", "odd"]
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mounts")
    assert complaints() == []  # where nothing is known
    mounts.MOUNTS.write_text("\n".join(lines))
    assert complaints() == complaint


@pytest.mark.parametrize("silence", [30, 20])
def test_a_slow_mail_is_no_hang(live: Settings, monkeypatch: pytest.MonkeyPatch, silence: int) -> None:
    monkeypatch.setattr(progress, "SILENCE", silence)
    assert complaints() == ["messaging.E008"]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_a_time_zone_that_is_none(monkeypatch: pytest.MonkeyPatch, settings: Settings, zone: str) -> None:
    """Django looks for itself where the machine has the zones as files; elsewhere nobody would."""
    assert complaints() == []
    monkeypatch.setattr(product, "TIME_ZONE", zone)
    assert complaints() == ["messaging.E011"]


@pytest.mark.parametrize(
    "change",
    [
        {"MAIL_MODE": "simulate", "MAIL_FROM": "recruiting@example.com", "MAIL_PROVIDER": "pigeon", "SECRET_KEY": "x"},
        {"MAIL_MODE": "simulate", "DEBUG": True},
        {"MAIL_MODE": "allowlist", "MAIL_ALLOWLIST": ["@acme.com", "kim@example.com"], "SECRET_KEY": "x"},
        {"MAIL_PROVIDER": "smtp"},
        {"MAIL_PROVIDER": "smtp", "SMTP_HOST": "mail.acme.com", "SMTP_PASSWORD": "secret", "SMTP_SECURITY": "tls"},
        {"MAIL_PROVIDER": "amazon_ses"},
        {"MAIL_REPLY_TO": "answers@acme.com"},
        {"HOLIDAYS_COUNTRY": ""},
        {"HOLIDAYS_COUNTRY": "DE", "HOLIDAYS_SUBDIVISION": "BY"},
        {"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "SEND_DEFAULTS": {"tags": ["byhand"]}}},
        {"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": SECRET}},
        {"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": ""}},
        {"ANYMAIL": {"WEBHOOK_SECRET": "a:short"}, "MAIL_PROVIDER": "smtp"},
    ],
    ids=str,
)
def test_what_is_harmless_passes(live: Settings, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(live, name, value)
    assert complaints() == []


@pytest.fixture
def takes_reports(live: Settings) -> Iterator[None]:
    """The addresses as they are where the secret is set."""
    usual = live.ANYMAIL
    live.ANYMAIL = {**usual, "WEBHOOK_SECRET": SECRET}
    importlib.reload(config.urls)
    clear_url_caches()
    yield
    live.ANYMAIL = usual
    importlib.reload(config.urls)
    clear_url_caches()


def test_nobody_can_report_without_the_secret(live: Settings, takes_reports: None) -> None:
    assert complaints() == []
    live.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t"}
    assert complaints() == ["messaging.E021"]
    live.MAIL_PROVIDER = "smtp"
    assert complaints() == []


def test_a_complaint_keeps_commands_from_starting(live: Settings) -> None:
    live.MAIL_MODE = "Live"
    with pytest.raises(SystemCheckError, match="MAIL_MODE is “Live”, which is none of simulate, allowlist, live"):
        call_command("check")


@pytest.mark.django_db
class TestPeopleOfTheDemo:
    def complaints(self) -> list[str]:
        found = run_checks(tags=[Tags.database], databases=["default"])
        return [complaint.id or "" for complaint in found if (complaint.id or "").startswith("messaging.")]

    def test_they_are_not_there_once_mail_is_live(self, live: Settings) -> None:
        make_user()
        assert self.complaints() == []
        make_user(is_demo=True)
        assert self.complaints() == ["messaging.E007"]

    def test_they_are_welcome_before(self, live: Settings) -> None:
        make_user(is_demo=True)
        live.MAIL_MODE = "simulate"
        assert self.complaints() == []

    def test_the_database_is_not_asked_by_every_command(self, live: Settings) -> None:
        make_user(is_demo=True)
        assert complaints() == []

    def test_an_empty_database_can_be_migrated(self, live: Settings) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE pipeline_user RENAME TO elsewhere")
            cursor.execute("ALTER TABLE django_migrations RENAME TO nowhere")
        assert self.complaints() == []


@pytest.mark.django_db
class TestGuards:
    def complaints(self) -> list[str]:
        found = run_checks(tags=[Tags.database], databases=["default"])
        return [f"{complaint.id}: {complaint.msg}" for complaint in found if complaint.id == "messaging.E015"]

    def test_a_guard_that_was_taken_away_is_named_until_it_is_back(self) -> None:
        assert self.complaints() == []
        [gone] = [guard for guard in ALL if guard.name == "message_goes_its_way"]
        remove([gone], using=connection)
        [complaint] = self.complaints()
        assert complaint.endswith("differ from what Byhand installs: byhand_message_goes_its_way.")
        install([gone], using=connection)
        assert self.complaints() == []

    def test_a_guard_that_says_something_else_is_named(self) -> None:
        [guard] = [guard for guard in ALL if guard.name == "message_goes_its_way"]
        install([dataclasses.replace(guard, when="1 = 0")], using=connection)
        [complaint] = self.complaints()
        assert guard.full_name in complaint


def test_every_check_has_an_id_of_its_own_in_a_test_above() -> None:
    given = set(re.findall(r'id="(messaging\.[EW]\d{3})"', inspect.getsource(checks)))
    assert given == set(re.findall(r"messaging\.[EW]\d{3}", Path(__file__).read_text()))
