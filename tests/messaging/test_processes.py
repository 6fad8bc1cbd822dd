"""Everything starts together, ends together, and leaves nothing behind."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from messaging.processes import keep_running
from tests.config.process_table import left_of

LISTENED_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


STAYS = python("import time; time.sleep(60)")
# Does not end when it is asked to; writes its id when it is at that point.
STUBBORN = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(60)
"""
# Starts a stubborn child, and dies without it.
HEARTLESS = f"""
import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {STUBBORN!r}, sys.argv[1]])
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
sys.exit(3)
"""
# Has a child that needs a moment to finish what it is at, and waits for it when it is asked to end.
CAREFUL = """
import pathlib, signal, subprocess, sys, time
work = "import pathlib, sys, time; time.sleep(1); pathlib.Path(sys.argv[1]).touch()"
child = subprocess.Popen([sys.executable, "-c", work, sys.argv[2]])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(child.wait()))
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _own_signal_handlers() -> Iterator[None]:
    """A signal that nobody listens to fails one test and does not end the run."""

    def complain(*_: object) -> None:
        pytest.fail("nobody listened to the signal")

    before = {signum: signal.signal(signum, complain) for signum in LISTENED_TO}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


def send(*signals: int, after: Path | None = None) -> None:
    """To this process; `after` that file is there."""

    def wait_and_send() -> None:
        while after is not None and not after.exists():
            time.sleep(0.01)
        for signum in signals:
            time.sleep(0.3)
            os.kill(os.getpid(), signum)

    Thread(target=wait_and_send, daemon=True).start()


@pytest.mark.parametrize("signum", LISTENED_TO)
def test_whoever_asks_stops_everything(signum: int) -> None:
    send(signum)
    assert keep_running({"one": STAYS, "other": STAYS}, patience=10) == ""


def test_when_one_ends_all_end_and_it_is_named() -> None:
    started = time.monotonic()
    assert keep_running({"stays": STAYS, "ends": python("raise SystemExit(3)")}, patience=10) == "ends"
    assert time.monotonic() - started < 10


def test_a_child_finishes_what_it_is_at(tmp_path: Path) -> None:
    ready, done = tmp_path / "ready", tmp_path / "done"
    send(signal.SIGTERM, after=ready)
    assert keep_running({"careful": python(CAREFUL, ready, done)}, patience=10) == ""
    assert done.exists()


def test_who_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    send(signal.SIGTERM, after=pid)
    started = time.monotonic()
    assert keep_running({"stubborn": python(STUBBORN, pid)}, patience=0.5) == ""
    assert time.monotonic() - started < 30
    assert not left_of({int(pid.read_text())})


def test_asking_again_waits_for_nobody(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    send(signal.SIGINT, signal.SIGINT, after=pid)
    started = time.monotonic()
    assert keep_running({"stubborn": python(STUBBORN, pid)}, patience=60) == ""
    assert time.monotonic() - started < 30
    assert not left_of({int(pid.read_text())})


def test_children_of_a_head_that_died_are_not_left_behind(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    assert keep_running({"heartless": python(HEARTLESS, pid), "stays": STAYS}, patience=10) == "heartless"
    assert not left_of({int(pid.read_text())})


def test_nothing_stays_when_one_cannot_start(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(FileNotFoundError):
        keep_running({"stays": python(STUBBORN, pid), "missing": [str(tmp_path / "missing")]}, patience=10)
    time.sleep(0.3)
    assert not pid.exists() or not left_of({int(pid.read_text())})


def test_a_closed_terminal_is_no_reason_to_stop_under_nohup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    send(signal.SIGHUP, signal.SIGTERM)
    started = time.monotonic()
    assert keep_running({"stays": STAYS}, patience=10) == ""
    assert time.monotonic() - started > 0.55


# Ends when it is asked to, and a child of it needs a moment more.
UNDER_WAY = """
import os, pathlib, signal, sys, time
if os.fork():
    pathlib.Path(sys.argv[1]).touch()
    time.sleep(60)
def finish(*_):
    time.sleep(0.5)
    pathlib.Path(sys.argv[2]).touch()
    os._exit(0)
signal.signal(signal.SIGTERM, finish)
time.sleep(60)
"""


class TestWhatHangs:
    def run(self, command: list[str], *, ready: Path, farewell: float) -> float:
        """Calls it hung once, as soon as it is ready, and stops when it was started anew. Returns the seconds of that."""
        took = 0.0

        def hung() -> list[str]:
            nonlocal took
            if not ready.exists():
                return []
            ready.unlink()
            if took:
                os.kill(os.getpid(), signal.SIGTERM)
                return []
            took = -time.monotonic()
            return ["worker"]

        assert keep_running({"worker": command, "other": STAYS}, patience=0.5, hung=hung, farewell=farewell) == ""
        return took + time.monotonic()

    def test_it_is_started_anew_and_nothing_else_ends(self, tmp_path: Path) -> None:
        ready = tmp_path / "ready"
        took = self.run(
            python("import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)", ready),
            ready=ready,
            farewell=10,
        )
        assert took < 10

    def test_a_child_finishes_what_it_is_at(self, tmp_path: Path) -> None:
        ready, done = tmp_path / "ready", tmp_path / "done"
        self.run(python(UNDER_WAY, ready, done), ready=ready, farewell=30)
        assert done.exists()

    def test_who_does_not_listen_is_killed_with_its_children(self, tmp_path: Path) -> None:
        pid, ready = tmp_path / "pid", tmp_path / "ready"
        code = STUBBORN.replace("time.sleep", "pathlib.Path(sys.argv[2]).touch(); time.sleep")
        code = code.replace("write_text(str(os.getpid()))", "open('a').write(f'{os.getpid()} ')")
        self.run(python(code, pid, ready), ready=ready, farewell=0.5)
        first, second = map(int, pid.read_text().split())
        assert not left_of({first, second})
