"""`make run` prepares once, starts both processes, stops them, and says in one sentence why it does not start."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from pytest_django.fixtures import Settings

from config import run
from messaging.demo.company import PASSWORD, SIGN_INS
from pipeline.models import User
from tests import migrated
from tests.config.process_table import family_of, left_of, running

ROOT = Path(run.__file__).resolve().parent.parent


@pytest.fixture
def surrounding(tmp_path: Path) -> dict[str, str]:
    """A new machine: no settings, no database."""
    kept = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DATABASE_URL")}
    return kept | {
        "ENV_FILE": str(tmp_path / "a folder" / ".env"),
        "VAR_DIR": str(tmp_path / "a folder" / "var"),
        "PORT": str(free_port()),
        "DEMO": "false",
        "LOG_LEVEL": "INFO",
    }


@pytest.fixture
def prepared(surrounding: dict[str, str]) -> dict[str, str]:
    """As at every start but the first, which migrates for several seconds: the tables are there."""
    folder = Path(surrounding["VAR_DIR"])
    folder.mkdir()
    migrated.bring(folder / "byhand.sqlite3")
    return surrounding


@pytest.fixture(autouse=True)
def _a_folder(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


def start(surrounding: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "config.run"],
        cwd=ROOT,
        env=surrounding,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def answer(port: str) -> int:
    """The status of the sign-in page, as soon as somebody serves it."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=10) as response:
                status: int = response.status
                return status
        except OSError:
            time.sleep(0.1)
    return 0


def wait_for_workers(pid: int) -> set[int]:
    """Launcher, gunicorn with two workers, cluster with sentinel, two workers, monitor and pusher: nine."""
    for _ in range(100):
        if len(family := family_of(pid)) >= 9:
            return family
        time.sleep(0.1)
    return family


def test_it_serves_and_stops_without_leaving_anything(surrounding: dict[str, str]) -> None:
    byhand = start(surrounding)
    assert answer(surrounding["PORT"]) == 200
    family = wait_for_workers(byhand.pid)
    assert len(family) >= 9

    os.killpg(byhand.pid, signal.SIGINT)  # as a terminal does
    said, _ = byhand.communicate(timeout=30)

    assert byhand.returncode == 0, said
    assert f"http://localhost:{surrounding['PORT']}/" in said
    assert "Traceback" not in said
    assert left_of(family) == set()


def test_when_the_worker_dies_everything_ends_and_says_so(prepared: dict[str, str]) -> None:
    byhand = start(prepared)
    assert answer(prepared["PORT"]) == 200
    family = wait_for_workers(byhand.pid)
    head = next(row.pid for row in running() if row.parent == byhand.pid and "qcluster" in row.command)

    os.kill(head, signal.SIGKILL)
    said, _ = byhand.communicate(timeout=30)

    assert byhand.returncode == 1
    assert "The worker ended by itself" in said
    assert left_of(family) == set()


def test_a_taken_port_is_one_sentence(surrounding: dict[str, str], taken_port: int) -> None:
    byhand = start(surrounding | {"PORT": str(taken_port)})
    said, _ = byhand.communicate(timeout=30)
    assert byhand.returncode == 1
    assert said.startswith(f"Port {taken_port} cannot be used")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "eight thousand", "eight thousand"),
        ("PORT", "99999", "99999"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing", "the database does not answer"),
    ],
)
def test_a_wrong_setting_is_a_sentence(surrounding: dict[str, str], name: str, value: str, reason: str) -> None:
    byhand = start(surrounding | {name: value})
    said, _ = byhand.communicate(timeout=30)
    assert byhand.returncode == 1
    assert reason in said
    assert "Traceback" not in said


def test_ctrl_c_while_it_prepares_is_no_traceback(surrounding: dict[str, str]) -> None:
    byhand = start(surrounding)
    while not Path(surrounding["VAR_DIR"]).exists():
        time.sleep(0.01)
    os.killpg(byhand.pid, signal.SIGINT)
    said, _ = byhand.communicate(timeout=30)
    assert byhand.returncode == 1
    assert "Stopped before it was ready." in said
    assert "Traceback" not in said


def test_ctrl_c_while_a_text_runs_as_code_ends_it_no_other_way(surrounding: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "stopped.py").write_text(
        "import sys\n"
        "from config import run\n"
        "run.write_first_settings = lambda _: exec('import os, signal; os.kill(os.getpid(), signal.SIGINT)')\n"
        "sys.exit(run.main())\n"
    )
    stopped = subprocess.run(
        [sys.executable, "-m", "stopped"],
        env=surrounding | {"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (stopped.returncode, stopped.stderr) == (1, "Stopped before it was ready.\n")


def test_first_settings_have_a_key_of_their_own_and_are_read_by_nobody_else(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert run.write_first_settings(one)
    assert run.write_first_settings(other)
    assert one.stat().st_mode & 0o777 == 0o600
    assert one.read_text() != other.read_text()


def test_settings_that_are_there_stay(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")
    assert not run.write_first_settings(path)
    assert path.read_text() == "SECRET_KEY=mine\n"


@pytest.mark.django_db
def test_preparing_twice_changes_nothing(settings: Settings) -> None:
    settings.DEMO = False
    run.prepare()
    groups = list(Group.objects.values_list("id", "name", "permissions"))
    assert groups
    run.prepare()
    assert list(Group.objects.values_list("id", "name", "permissions")) == groups


@pytest.fixture
def demo_people() -> None:
    for name in SIGN_INS:
        User.objects.create_user(name, password=PASSWORD, is_demo=True)


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_people")
def test_the_sign_ins_of_the_demo_are_printed() -> None:
    said = run.welcome()
    assert all(name in said for name in SIGN_INS)
    assert PASSWORD in said


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_people")
@pytest.mark.parametrize("mode", ["allowlist", "live"])
def test_no_sign_ins_once_real_mail_can_leave(settings: Settings, mode: str) -> None:
    settings.MAIL_MODE = mode
    assert PASSWORD not in run.welcome()


@pytest.mark.django_db
def test_no_sign_ins_for_people_who_are_not_the_demos() -> None:
    User.objects.create_user(SIGN_INS[0], password="a password of their own")
    assert PASSWORD not in run.welcome()
