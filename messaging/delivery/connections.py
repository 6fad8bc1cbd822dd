"""Several connections to the provider at a time, each with a thread that waits for its answer. The database belongs to the
thread that calls; so a killed process leaves at most one mail in doubt for each connection."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from types import TracebackType
from typing import Self

from messaging.delivery.egress import Egress, prepare_many
from messaging.delivery.outcomes import Result
from messaging.gate import Clearance

# Seconds after which a thread that has its answer gets the interpreter from the one that is busy with the database. Python's
# own five milliseconds, a few times for each mail, would be longer than many a provider takes.
SWITCH = 0.0005
# Seconds for which an answer waits for others, to be written down with them in one transaction.
TOGETHER = 0.005


class Connections:
    """Use as a context manager. Each connection is made when it is needed first."""

    def __init__(self, number: int, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.number = number
        self._idle = [Egress(clock=clock) for _ in range(number)]
        self._threads = ThreadPoolExecutor(number, thread_name_prefix="connection")
        self._under_way: dict[Future[Result], tuple[Clearance, Egress]] = {}

    def __enter__(self) -> Self:
        self._switched_after = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setswitchinterval(self._switched_after)
        # Cut off by the end of its task, nobody waits: a thread hangs up by itself once its mail is through.
        self._threads.shutdown(wait=False, cancel_futures=True)
        for future, (_, egress) in self._under_way.items():
            future.add_done_callback(lambda _, egress=egress: egress.hang_up())  # type: ignore[misc]
        for egress in self._idle:
            egress.hang_up()

    @property
    def free(self) -> int:
        return len(self._idle)

    @property
    def candidates(self) -> set[int]:
        """To whom a mail is under way."""
        return {clearance.case.message.application.candidate_id for clearance, _ in self._under_way.values()}

    def start(self, clearances: Sequence[Clearance]) -> None:
        """No more than there are free connections; on those that were used last before any other."""
        for clearance, prepared in zip(clearances, prepare_many(clearances, now=self._clock()), strict=True):
            egress = self._idle.pop()
            future: Future[Result]
            if isinstance(prepared, Result):
                future = Future()
                future.set_result(prepared)
            else:
                future = self._threads.submit(egress.hand_over, prepared, clearance)
            self._under_way[future] = (clearance, egress)

    def answers(self) -> list[tuple[Clearance, Result]]:
        """Waits for the first that is through, and a moment for others; in the order in which they were started."""
        wait(self._under_way, return_when=FIRST_COMPLETED)
        done, _ = wait(self._under_way, timeout=TOGETHER)
        answers = []
        for future in [future for future in self._under_way if future in done]:
            clearance, egress = self._under_way.pop(future)
            self._idle.append(egress)
            answers.append((clearance, future.result()))
        return answers
