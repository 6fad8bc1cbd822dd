"""Lets the mail that is just leaving finish when the process is asked to end; cut off, it would be uncertain."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Use as a context manager around work in steps, and look at `asked` between two of them. What was asked for takes
    effect after the block, in the way that was set up before it."""

    def __init__(self) -> None:
        self._asked: list[int] = []

    def __enter__(self) -> Self:
        # Python lets no thread but the main one do this; in the others nobody is asked.
        mine = SIGNALS if threading.current_thread() is threading.main_thread() else ()
        self._former = {number: signal.signal(number, self._note) for number in mine}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mine, handler in self._former.items():
            signal.signal(mine, handler)
        for number in self._asked:
            signal.raise_signal(number)

    @property
    def asked(self) -> bool:
        return bool(self._asked)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._asked.append(number)
