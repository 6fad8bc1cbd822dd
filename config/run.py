"""`make run`: makes the installation ready, then keeps the web server and the worker under one process.

Safe to run at every start: what is there already stays as it is.
"""

import os
import secrets
import signal
import socket
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, call_command
from django.db import OperationalError, connections

from messaging.processes import PATIENCE, keep_running

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"  # the demo's passwords are known: nobody else's machine gets to see the page

FIRST_SETTINGS = """\
# Written by `make run`; every other setting is explained in .env.example.
SECRET_KEY={key}
DEMO=true
# The demo company; put your own here before any mail is real.
ORGANISATION_NAME=Halden Bikes
ORGANISATION_WEBSITE=https://halden-bikes.example.com
ORGANISATION_ADDRESS=Halden Bikes, 12 Foundry Lane, Bristol
"""


def main() -> int:
    """The exit code: 0 where somebody stopped it, 1 with a sentence where it could not start or go on."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    try:
        write_first_settings(Path(os.environ.get("ENV_FILE", BASE_DIR / ".env")))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        return serve()
    except (CommandError, ImproperlyConfigured, ValueError) as problem:
        return _fail(f"Byhand does not start: {problem}")
    except OperationalError as problem:
        return _fail(f"Byhand does not start, because the database does not answer: {problem}")


def write_first_settings(path: Path) -> bool:
    """With a key of their own, readable by the owner alone; False where there are settings."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(FIRST_SETTINGS.format(key=secrets.token_urlsafe(50)))
    return True


def serve() -> int:
    # These need the settings, which are read late, so that the first start can write them.
    from messaging import progress
    from messaging.watchdog import Watchdog

    if problem := port_problem(settings.PORT):
        return _fail(problem)
    prepare()
    print(welcome(), flush=True)
    watchdog = Watchdog()
    connections.close_all()
    ended = keep_running(
        {
            "web server": [
                *(sys.executable, "-m", "gunicorn", "config.wsgi", "--chdir", str(BASE_DIR)),
                *("--bind", f"{HOST}:{settings.PORT}", "--workers", "2", "--threads", "4"),
                *("--no-control-socket", "--log-level", "warning"),
            ],
            "worker": [sys.executable, str(BASE_DIR / "manage.py"), "qcluster"],
        },
        patience=PATIENCE,
        hung=lambda: ["worker"] if watchdog.sees_a_hang() else [],
        farewell=progress.FAREWELL,
    )
    return _fail(f"The {ended} ended by itself, so everything was stopped. Its last lines say why.") if ended else 0


def port_problem(port: int) -> str:
    """Why nobody can serve there; "" where one can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as problem:
            return f"Port {port} cannot be used ({problem}). Choose another one: make run PORT=8001"
    return ""


def prepare() -> None:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    BaseCommand().check()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("prepare")
    if settings.DEMO and settings.MAIL_MODE == "simulate":
        call_command("load_demo", "--if-empty")


def welcome() -> str:
    """Where it is, and who may look around; nobody whose password is known can sign in once real mail can leave."""
    from messaging.demo.company import PASSWORD, SIGN_INS
    from pipeline.models import User

    lines = ["", f"Byhand is at http://localhost:{settings.PORT}/ and Ctrl-C stops it."]
    there = set(User.objects.filter(is_demo=True, username__in=SIGN_INS).values_list("username", flat=True))
    if there and settings.MAIL_MODE == "simulate":
        lines += ["Sign in as one of the demo company:", ""]
        lines += [f"    {name:<15} password  {PASSWORD}" for name in SIGN_INS if name in there]
    return "\n".join([*lines, ""])


def _stop(*_: object) -> None:
    """Ctrl-C while nothing runs yet. An exception could come up anywhere, as in a lock that logging is giving back, and
    become another one there; the database takes back what was not committed."""
    os.write(2, b"Stopped before it was ready.\n")
    os._exit(1)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
