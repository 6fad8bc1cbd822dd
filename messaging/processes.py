"""Several processes under one that a person can stop: all run, or all end, and none is left behind."""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from subprocess import Popen

PAUSE = 0.1  # seconds between two looks
# Seconds that the worker has to end when somebody asks: longer than a task may take, see messaging/checks.py.
PATIENCE = 65.0


def keep_running(
    commands: Mapping[str, Sequence[str]],
    *,
    patience: float,
    hung: Callable[[], Collection[str]] = tuple,
    farewell: float = 0,
) -> str:
    """Until one of them ends, or somebody asks to stop: Ctrl-C, SIGTERM, a closed terminal.

    Only the head of each process is asked to end, so that its children can finish what they are at, for example a mail
    that is just leaving. What still runs after `patience` seconds, or when somebody asks again, is killed with all its
    children. Returns the name of the process that ended by itself, "" where somebody asked.

    The processes that `hung` names at a look are stopped with all their children, within `farewell` seconds, and started
    anew.
    """
    asked = 0

    def ask(*_: object) -> None:
        nonlocal asked
        asked += 1

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup wants it
        signal.signal(signal.SIGHUP, ask)

    processes: dict[str, Popen[bytes]] = {}
    ended: list[str] = []
    try:
        for name, command in commands.items():
            processes[name] = _start(command)
        while not asked and not ended:
            time.sleep(PAUSE)
            ended = [name for name, process in processes.items() if _has_ended(process)]
            for name in () if ended else hung():
                _stop_all_of(processes[name], within=farewell)
                processes[name] = _start(commands[name])

        for process in processes.values():
            process.terminate()
        until = time.monotonic() + patience
        while asked < 2 and time.monotonic() < until and not all(map(_has_ended, processes.values())):
            time.sleep(PAUSE)
    finally:
        _kill_what_is_left(processes.values())
    return "" if asked else ended[0]


def _start(command: Sequence[str]) -> Popen[bytes]:
    # In a session of its own: what a terminal sends to everybody in it reaches this process only.
    return Popen(command, start_new_session=True)


def _has_ended(process: Popen[bytes]) -> bool:
    return process.poll() is not None


def _stop_all_of(process: Popen[bytes], *, within: float) -> None:
    """Asks every one of the group: a head whose children hang waits for them in vain, and who is just sending a mail
    finishes it before it ends, see messaging/delivery/stopping.py."""
    until = time.monotonic() + within
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < until:
            process.poll()  # takes the head off the table once it ended
            os.killpg(process.pid, 0)
            time.sleep(PAUSE)
    _kill_what_is_left([process])


def _kill_what_is_left(processes: Iterable[Popen[bytes]]) -> None:
    """Heads, and children whose head died without them."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
