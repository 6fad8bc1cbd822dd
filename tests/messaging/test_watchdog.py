"""A hang is silence after a ring; and nothing else is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from messaging import progress, tasks
from messaging.models import Incident, Progress
from messaging.schedule import SWEEP
from messaging.watchdog import Watchdog
from tests.messaging.delivery.database import gone

pytestmark = pytest.mark.django_db(transaction=True)  # the watchdog closes connections


class Time:
    """The watchdog's own clock, which only goes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr("messaging.watchdog.time.monotonic", lambda: self.seconds)


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def seen_after(passing: Time, watchdog: Watchdog, seconds: float) -> list[float]:
    """At which seconds it saw a hang, looking every half of one."""
    start = passing.seconds
    hangs = []
    while passing.seconds < start + seconds:
        if watchdog.sees_a_hang():
            hangs.append(passing.seconds - start)
        passing.seconds += 0.5
    return hangs


def test_a_worker_that_never_answers_is_seen_in_time_and_again(passing: Time) -> None:
    watchdog = Watchdog()
    first, second = seen_after(passing, watchdog, 120)
    # The worker that is started anew gets as long again.
    assert (first, second) == (progress.SILENCE, 2 * progress.SILENCE + progress.RING)
    sentences = Incident.objects.filter(kind=Incident.Kind.WORKER_HUNG).values_list("sentence", flat=True)
    assert list(sentences) == ["The worker did nothing for 40 seconds, and was stopped and started anew."] * 2


def test_whenever_it_hangs_it_is_at_work_again_within_ninety_seconds(passing: Time) -> None:
    """The last sign can come just after a look, and a new cluster takes some seconds to start."""
    watchdog = Watchdog()
    assert not watchdog.sees_a_hang()
    passing.seconds += 0.5
    progress.show(now=timezone.now())
    (seen,) = seen_after(passing, watchdog, 90)
    assert seen + progress.FAREWELL + 10 < 90


def test_one_that_shows_progress_is_left_alone(passing: Time) -> None:
    watchdog = Watchdog()
    for minute in range(5):
        assert seen_after(passing, watchdog, progress.SILENCE - progress.RING - 1) == []
        progress.show(now=timezone.now() + timedelta(minutes=minute))
    assert not Incident.objects.exists()


def test_the_time_of_day_may_go_back(passing: Time) -> None:
    progress.show(now=timezone.now() + timedelta(days=365))
    watchdog = Watchdog()
    assert seen_after(passing, watchdog, 30) == []
    progress.show(now=timezone.now())
    assert seen_after(passing, watchdog, 30) == []


def test_it_rings_and_keeps_the_schedule(passing: Time) -> None:
    Schedule.objects.create(func="os.system")
    seen_after(passing, Watchdog(), 25)
    assert OrmQ.objects.count() == 3
    assert Schedule.objects.get().func == SWEEP


def test_a_database_that_does_not_answer_is_no_hang(passing: Time, caplog: pytest.LogCaptureFixture) -> None:
    watchdog = Watchdog()
    assert seen_after(passing, watchdog, 30) == []
    with gone():
        assert seen_after(passing, watchdog, 300) == []
    assert "cannot reach the database" in caplog.text
    # It is back, and the worker gets its time from then on.
    assert seen_after(passing, watchdog, progress.SILENCE) == []
    assert seen_after(passing, watchdog, 1) == [0.0]


@pytest.mark.parametrize("silence", ["soon", "0.5", "3601", "nan", "inf", ""])
def test_a_silence_that_is_none_is_a_sentence(silence: str) -> None:
    with pytest.raises(CommandError, match=f"“{silence}” is no number of seconds from 1 to 3600"):
        call_command("work", f"--silence={silence}")


class TestTheSign:
    @pytest.mark.parametrize("task", [tasks.deliver, tasks.sweep])
    def test_each_task_shows_that_it_is_at_work(self, task: object) -> None:
        assert progress.shown_at() is None
        before = timezone.now()
        task()  # type: ignore[operator]
        shown = progress.shown_at()
        assert shown is not None
        assert before <= shown <= timezone.now()

    def test_a_clock_shows_it_at_once_and_then_every_few_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = progress.Clock()
        first = clock()
        assert progress.shown_at() == first
        clock()
        assert progress.shown_at() == first
        later = time.monotonic() + progress.EVERY
        monkeypatch.setattr("messaging.progress.time.monotonic", lambda: later)
        second = clock()
        assert second > first
        assert progress.shown_at() == second
        assert Progress.objects.count() == 1

    def test_a_database_that_does_not_take_it_stops_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        with gone():
            assert progress.Clock()() <= timezone.now()
        assert "does not take a sign" in caplog.text

    def test_it_says_when(self) -> None:
        assert str(Progress(at=datetime(2026, 5, 4, 9, 8, 7, tzinfo=UTC))) == "04 May 2026, 09:08:07"
