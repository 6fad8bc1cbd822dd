"""A drain turn by turn, without threads, a provider or a clock that runs: connections that answer as told, at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from messaging import automations
from messaging.delivery.outcomes import Outcome, Result
from messaging.gate import Clearance
from messaging.models import Attempt, Automation, Message
from tests.factories import NOW, make_application, make_automation, make_job, make_user, reject
from tests.messaging.delivery.asking import DUE

NUMBER = 3  # of connections

ACCEPTED = Result(outcome=Outcome.ACCEPTED)
REFUSED = Result(outcome=Outcome.REFUSED, detail="Slow down.")
REJECTED = Result(outcome=Outcome.REJECTED, detail="No such address.")
UNKNOWN = Result(outcome=Outcome.UNCERTAIN, detail="It timed out.")


class Turns:
    """Stands where Connections stands. `results` are for the next that are begun, and then everything is accepted; a turn
    answers `at_a_time` of what is under way and takes so many `seconds`; `before_answers` happens meanwhile."""

    def __init__(self, watch: Watch, number: int = NUMBER) -> None:
        self.watch = watch
        self.number = number
        self.at_a_time = number
        self.seconds = 1.0
        self.results: deque[Result] = deque()
        self.before_answers: Callable[[], None] = lambda: None
        self.begun: list[list[int]] = []  # the messages, by turn
        self.waiting: list[int] = []  # how many were cleared and not begun, by turn
        self._under_way: list[tuple[Clearance, Result]] = []

    def __call__(self, number: int, *, clock: Callable[[], datetime]) -> Self:
        """As the class is called by the drain."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @property
    def free(self) -> int:
        return self.number - len(self._under_way)

    @property
    def candidates(self) -> set[int]:
        return {clearance.case.message.application.candidate_id for clearance, _ in self._under_way}

    def start(self, clearances: Sequence[Clearance]) -> None:
        assert len(clearances) <= self.free
        self.begun.append([clearance.attempt.message_id for clearance in clearances])
        Attempt.objects.filter(pk__in=[clearance.attempt.pk for clearance in clearances]).update(used_at=DUE)
        for clearance in clearances:
            self._under_way.append((clearance, self.results.popleft() if self.results else ACCEPTED))

    def answers(self) -> list[tuple[Clearance, Result]]:
        assert self._under_way, "nobody would ever answer"
        self.watch.go_on(self.seconds)
        self.waiting.append(Attempt.objects.open().filter(used_at__isnull=True).count())
        self.before_answers()
        answered, self._under_way = self._under_way[: self.at_a_time], self._under_way[self.at_a_time :]
        return answered


class Watch:
    """Stands where the module `time` stands: it goes on only when it is told to, and nobody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    def go_on(self, seconds: float) -> None:
        self.seconds += seconds

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


class Clock:
    def __init__(self) -> None:
        self.now = DUE

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **of_time: float) -> None:
        self.now += timedelta(**of_time)


def make_messages(number: int) -> list[Message]:
    """Due at the same time, each to a candidate of its own. Planned together they take a third of what `make_message` would
    take for each."""
    job, by = make_job(), make_user()
    make_automation(job=job, delay=1, delay_unit=Automation.DelayUnit.HOURS)
    changes = [reject(make_application(job=job), by=by) for _ in range(number)]
    return sorted(automations.follow_many(changes, now=NOW), key=lambda message: message.pk)


def keys(messages: Iterable[Message]) -> list[int]:
    return [message.pk for message in messages]
