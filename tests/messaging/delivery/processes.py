"""The product's processes, as the tests start, watch and end them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from messaging.models import Message
from tests.factories import make_message
from tests.messaging.delivery.doubles import PATIENCE, Exchange, Provider, accepts

MANAGE = Path(settings.BASE_DIR) / "manage.py"


def make_due() -> Message:
    """Other processes have their own clock: this is due by any."""
    return make_message(now=timezone.now() - timedelta(hours=2))


def wait_until(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.02)


def database_url() -> str:
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    return f"postgres://{database['USER']}{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


class Process(subprocess.Popen[bytes]):
    """`manage.py` with real settings, on the database of the tests, in a process group of its own."""

    def __init__(self, *arguments: str, provider: Provider, folder: Path, settings: Mapping[str, str]) -> None:
        self.output = folder / f"{'-'.join(arguments)}-{time.monotonic_ns()}.log"
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "VAR_DIR": str(folder),
            "LOG_LEVEL": "INFO",
            # In live mode the key of the tests would be refused, and with another one their tasks could not be read.
            "MAIL_MODE": "allowlist",
            "MAIL_ALLOWLIST": "@example.com",
            "MAIL_PROVIDER": "postmark",
            "MAIL_FROM": "jobs@acme-careers.com",
            "ANYMAIL_POSTMARK_API_URL": provider.url,
            "ANYMAIL_POSTMARK_SERVER_TOKEN": "token",
            **settings,
        }
        with self.output.open("wb") as output:
            super().__init__(
                [sys.executable, str(MANAGE), *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self) -> int:
        """Its exit code, once it ended by itself."""
        try:
            return self.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"It still runs:\n{self.output.read_text()}")

    def alive_in_its_group(self) -> list[int]:
        """Whoever still runs of what it started, itself included."""
        alive = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(group) == self.pid and state != "Z":
                alive.append(int(stat.parent.name))
        return alive


Start = Callable[..., Process]


@contextmanager
def holding(provider: Provider) -> Iterator[None]:
    """The provider accepts and keeps its answer until the block is over."""

    def accepts_and_waits(exchange: Exchange) -> None:
        exchange.server.provider.arrived.set()
        exchange.server.provider.release.wait(PATIENCE)
        accepts(exchange)

    provider.behaviour = accepts_and_waits
    yield
    provider.behaviour = accepts
    provider.release.set()
