"""Processes of their own on the database of the tests, which send to both doubles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.messaging.delivery.doubles import Provider, Sink
from tests.messaging.delivery.processes import database_url


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
        # Everything is due at once, which the brake would take for a mistake.
        "BRAKE_AN_HOUR": "100000",
        "BRAKE_A_DAY": "100000",
        "MAIL_MODE": "allowlist",
        "MAIL_ALLOWLIST": "@example.com",
        "MAIL_FROM": "jobs@acme-careers.com",
        "MAIL_PROVIDER": "postmark",
        "SMTP_HOST": smtp.hostname,
        "SMTP_PORT": str(smtp.port),
        "ANYMAIL_POSTMARK_API_URL": postmark.url,
        "ANYMAIL_POSTMARK_SERVER_TOKEN": "token",
    }


Drain = Callable[..., list[int]]


@pytest.fixture
def drain_in_a_fork(environment: dict[str, str]) -> Iterator[Drain]:
    """Drains in processes that live for this alone; returns the exit codes, negative for a
    signal that ended one."""
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

    def drain(
        *, now: datetime, provider: str, failpoint: str = "", reap: bool = False, processes: int = 1
    ) -> list[int]:
        job: dict[str, Any] = {"now": now.isoformat(), "provider": provider, "failpoint": failpoint, "reap": reap}
        job["processes"] = processes
        asks.write(json.dumps(job) + "\n")
        asks.flush()
        answer: list[int] = json.loads(answers.readline())
        return answer

    yield drain
    asks.close()
    process.wait()
    answers.close()
