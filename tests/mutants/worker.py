"""One process that keeps a database ready and forks for every mutant: the child runs the broken code under the tests that
reach it, and ends. So neither a broken row nor a broken function outlives its mutant."""

from __future__ import annotations

import gc
import itertools
import math
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.mutants import CannotBeImportedError, Mutant, put_in_place
from tests.mutants.tracing import Trace, file_of, is_of

# Seconds that a test may take beyond four times what it took when it was traced, before it is ended. On a busy
# machine that may happen by itself, so then it is asked a second time and may take so many times as long; and right after
# that once more without the mutant.
PATIENCE = 10.0
AGAIN = 3.0
# Seconds. Tests that take longer often look at a clock or at other processes, so they have to notice twice.
LONG = 1.0
# Tests that take less are alike, and so are those that take up to four times as long, and so on.
BRIEF = 0.02
NOTICED, UNNOTICED, UNFIT, ENDED, NO_IMPORT = 0, 1, 2, 3, 4


@dataclass(frozen=True, kw_only=True)
class Result:
    number: int
    killed: bool
    by: str  # the test that noticed, or why there was nothing to notice
    asked: int  # tests that ran
    ended: bool = False  # nothing failed, but a test went on for ever, or its process died


class Worker:
    """A plugin of pytest, which takes the place of its loop over the tests."""

    def __init__(
        self,
        mutants: Sequence[Mutant],
        trace: Trace,
        take: Callable[[], int],
        tell: Callable[[Result], None],
        *,
        seconds: float,
    ) -> None:
        self._mutants, self._trace, self._take, self._tell, self._seconds = mutants, trace, take, tell, seconds
        self._killers: Counter[tuple[str, str]] = Counter()  # of a place, by test
        self._sound: dict[str, bool] = {}  # whether a test that noticed something passes without a mutant
        self._items: dict[str, pytest.Item] = {}
        self._at = RawValue("i", -1)
        self._kept = Path()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("Not everything could be collected.")
        self._items = {item.nodeid: item for item in session.items}
        # Builds the database, which stays because something follows.
        runtestprotocol(session.items[0], log=False, nextitem=session.items[-1])
        self._keep_folder()
        while (number := self._take()) < len(self._mutants):
            self._tell(self._judge(number))
        return True

    def _judge(self, number: int) -> Result:
        mutant, asked = self._mutants[number], 0
        tests = self._tests_for(mutant)
        while tests:
            end = self._run(tests, mutant)
            if end == UNFIT:
                return Result(number=number, killed=False, by="it cannot be put in place", asked=0)
            if end == NO_IMPORT:
                return Result(number=number, killed=True, by="its module cannot be imported", asked=0)
            if end == UNNOTICED:
                asked += len(tests)
                break
            at = self._at.value
            by, tests, asked = tests[at], tests[at + 1 :], asked + at + 1
            if self._is_sound(by):
                end = self._alone(by, mutant, end, is_first=at == 0)
                if end != UNNOTICED:
                    self._killers[mutant.place, by] += 1
                    return Result(number=number, killed=True, by=by, asked=asked, ended=end == ENDED)
        return Result(number=number, killed=False, by="", asked=asked)

    def _alone(self, test: str, mutant: Mutant, end: int, *, is_first: bool) -> int:
        """What it says without other tests before it, which may have left something behind; and once more where it may have
        failed by chance."""
        if is_first and end == NOTICED and self._trace.seconds.get(test, 0.0) < LONG:
            return end
        again = self._run([test], mutant, times=AGAIN)
        return UNNOTICED if again == ENDED and self._run([test], None) != UNNOTICED else again

    def _tests_for(self, mutant: Mutant) -> list[str]:
        """First those that noticed another mutant of the same place; then the fast ones before the slow ones, by turns of
        every file, of the module's own before others; as many as there is time for."""
        seconds = self._trace.seconds
        tests = [test for test in self._trace.tests_for(mutant) if test in self._items and self._sound.get(test, True)]
        tests.sort(key=lambda test: seconds.get(test, 0.0))
        turn: Counter[str] = Counter()
        turn_of = {}
        for test in tests:
            turn[file_of(test)] += 1
            turn_of[test] = turn[file_of(test)]
        tests.sort(
            key=lambda test: (
                -self._killers[mutant.place, test],
                math.ceil(math.log(max(seconds.get(test, 0.0), BRIEF) / BRIEF, 4)),
                turn_of[test],
                not is_of(mutant.path, test),
            )
        )
        until = itertools.accumulate(seconds.get(test, 0.0) for test in tests)
        return [test for test, taken in zip(tests, until, strict=True) if taken <= self._seconds]

    def _is_sound(self, test: str) -> bool:
        if test not in self._sound:
            at = self._at.value
            self._sound[test] = self._run([test], None) == UNNOTICED
            self._at.value = at
        return self._sound[test]

    def _run(self, tests: Sequence[str], mutant: Mutant | None, *, times: float = 1.0) -> int:
        """In a child. The signal of its alarm ends it where a test goes on for ever, which is noticing too."""
        self._put_folder_back()
        self._at.value = -1
        gc.freeze()
        child = os.fork()
        if child == 0:
            ended = UNFIT
            with suppress(BaseException):
                os.setsid()
                try:
                    if mutant is not None:
                        put_in_place(mutant)
                except CannotBeImportedError:
                    os._exit(NO_IMPORT)
                ended = NOTICED
                ended = self._ask(tests, times)
            os._exit(ended)
        _, status = os.waitpid(child, 0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # processes that tests began
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else ENDED

    def _ask(self, tests: Sequence[str], times: float) -> int:
        items = [self._items[test] for test in tests]
        items[0].session._setupstate.teardown_exact(items[0])
        for at, item in enumerate(items):
            self._at.value = at
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            patience = PATIENCE + 4 * self._trace.seconds.get(tests[at], 0.0)
            signal.setitimer(signal.ITIMER_REAL, times * patience)
            following = items[at + 1] if at + 1 < len(items) else items[at - 1]
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
                return NOTICED
        return UNNOTICED

    def _keep_folder(self) -> None:
        from django.conf import settings
        from django.db import connections

        connections.close_all()
        self._kept = Path(f"{settings.VAR_DIR}-kept")
        shutil.copytree(settings.VAR_DIR, self._kept)

    def _put_folder_back(self) -> None:
        """With the database in it."""
        from django.conf import settings

        shutil.rmtree(settings.VAR_DIR)
        shutil.copytree(self._kept, settings.VAR_DIR)


def work(arguments: list[str], worker: Any, log: Path) -> None:
    """The whole life of a worker, in a process of its own."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    pytest.main([*arguments, "-n", "0"], plugins=[worker])
