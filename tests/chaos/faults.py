"""What a provider does wrong, and where a process dies, in the process of the tests itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

from messaging import gate
from messaging.delivery import egress, guard, outbox
from tests.messaging.delivery.doubles import Exchange


class Died(BaseException):
    """The process ends here; nothing in the product may catch it."""


def accepts_and_says_500(exchange: Exchange) -> None:
    exchange.accept()
    exchange.answer(500, {"ErrorCode": 0, "Message": "Oops"})


def accepts_and_says_nonsense(exchange: Exchange) -> None:
    exchange.accept()
    exchange.answer(200, b"<html>Welcome</html>")


def accepts_and_resets(exchange: Exchange) -> None:
    exchange.accept()
    exchange.reset()


def resets(exchange: Exchange) -> None:
    exchange.reset()


def refuses(exchange: Exchange) -> None:
    exchange.answer(429, {"ErrorCode": 0, "Message": "Slow down"})


def rejects(exchange: Exchange) -> None:
    exchange.answer(422, {"ErrorCode": 400, "Message": "Sender signature not found"})


def breaks(exchange: Exchange) -> None:
    exchange.answer(503, b"")


FAULTS = [accepts_and_says_500, accepts_and_says_nonsense, accepts_and_resets, resets, refuses, rejects, breaks]
# Where a process dies, and whether what is named there is done by then.
PLACES: list[tuple[Any, str, bool]] = [
    (gate, "clear_many", False),
    (gate, "_let_go", True),
    (gate, "clear_many", True),
    (guard, "_mark_used", False),
    (guard, "_mark_used", True),
    (egress.Egress, "hand_over", True),
    (outbox, "_leave_sending", True),
    (outbox, "_record", True),
]


@contextmanager
def dying(owner: Any, name: str, *, afterwards: bool) -> Iterator[None]:
    real = getattr(owner, name)

    def die(*args: Any, **kwargs: Any) -> None:
        if afterwards:
            real(*args, **kwargs)
        raise Died

    with patch.object(owner, name, die), suppress(Died):
        yield
    for thread in threading.enumerate():
        if thread.name.startswith("connection"):
            thread.join()  # a process that dies takes its threads along; what they had sent off by then has arrived
