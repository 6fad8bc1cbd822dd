"""The demo company, loaded once into a folder of its own, for everything that looks at the pages as a coordinator would."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "pages"
EMPTY = ROOT / "var" / "pages-empty"
ENVIRONMENT = {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "a key for looking at pages, which guards nothing at all",
    "VAR_DIR": str(FOLDER),
    "MAIL_MODE": "simulate",
    "DEMO": "true",
    "ORGANISATION_NAME": "Halden Bikes",
    "LOG_LEVEL": "WARNING",
}


def load(*, anew: bool) -> dict[str, str]:
    """Into the embedded database; where it is there already, only what changed since is migrated.
    Returns the environment."""
    if anew:
        for path in FOLDER.glob("byhand.sqlite3*"):
            path.unlink()
    (FOLDER / "static").mkdir(parents=True, exist_ok=True)
    for command in (["migrate", "--verbosity=0"], ["prepare"], ["load_demo", "--if-empty"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=os.environ | ENVIRONMENT, check=True)
    return ENVIRONMENT


def load_nothing() -> dict[str, str]:
    """A company that nobody works at yet; returns the environment in which it is used."""
    shutil.rmtree(EMPTY, ignore_errors=True)
    (EMPTY / "static").mkdir(parents=True)
    environment = ENVIRONMENT | {"VAR_DIR": str(EMPTY), "DEMO": "false"}
    for command in (["migrate", "--verbosity=0"], ["prepare"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=os.environ | environment, check=True)
    return environment


@contextmanager
def served(environment: dict[str, str] = ENVIRONMENT) -> Iterator[str]:
    """By the web server of production; yields where."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "2", "--threads", "2", "--log-level", "warning"),
        ],
        cwd=ROOT,
        env=os.environ | environment | {"BASE_URL": f"http://127.0.0.1:{port}"},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/admin/login/")
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return
