"""Processes of their own on the database of the tests, which send to both doubles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings

from tests.messaging.delivery.doubles import Provider, Sink
from tests.messaging.delivery.test_processes import database_url


@pytest.fixture
def postmark() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def environment(postmark: Provider, smtp: Sink, tmp_path: Path) -> dict[str, str]:
    """The product's own settings; the tracer of coverage would only slow down what is killed anyway."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    return inherited | {
        "DATABASE_URL": database_url(),
        "VAR_DIR": str(tmp_path),
        "LOG_LEVEL": "CRITICAL",
        "MAIL_MODE": "allowlist",
        "MAIL_ALLOWLIST": "@example.com",
        "MAIL_FROM": "jobs@acme-careers.com",
        "MAIL_PROVIDER": "postmark",
        "SMTP_HOST": smtp.hostname,
        "SMTP_PORT": str(smtp.port),
        "ANYMAIL_POSTMARK_API_URL": postmark.url,
        "ANYMAIL_POSTMARK_SERVER_TOKEN": "token",
    }


Drain = Callable[..., int]


@pytest.fixture
def drain_in_a_fork(environment: dict[str, str]) -> Iterator[Drain]:
    """Drains in a process that lives for this alone; returns its exit code, negative for the signal that ended it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.child"],
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asks, answers = process.stdin, process.stdout

    def drain(*, now: datetime, provider: str, failpoint: str = "", reap: bool = False) -> int:
        job = {"now": now.isoformat(), "provider": provider, "failpoint": failpoint, "reap": reap}
        asks.write(json.dumps(job) + "\n")
        asks.flush()
        return int(answers.readline())

    yield drain
    asks.close()
    process.wait()
    answers.close()
