"""Stories of everything that can happen to an outbox, in any order and of any length that `make chaos` asks for."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test
from pytest_django.fixtures import Settings

from tests.chaos.figures import Count, counted, size
from tests.chaos.outbox import Outbox, World
from tests.messaging.delivery.doubles import Provider

STEPS = size("STEPS", 4_000)
STEPS_PER_STORY = 50  # in longer ones ever less may leave
PARTS = 4  # so that they run on several cores


@pytest.mark.no_cover  # it is random, and slower with it
@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_in_whatever_order_nothing_leaves_that_may_not(
    postmark: Provider, settings: Settings, record_property: Callable[[str, object], None], part: int
) -> None:
    settings.MAIL_MODE = "live"
    settings.MAIL_PROVIDER = "postmark"
    settings.ANYMAIL = {
        "POSTMARK_API_URL": postmark.url,
        "POSTMARK_SERVER_TOKEN": "token",
        "REQUESTS_TIMEOUT": (10, 10),
    }
    Outbox.world = World(postmark)
    Outbox.sent = 0
    with counted(record_property, "any order, steps of a state machine") as count:
        Outbox.count = count
        # Else it has shown that nothing leaves that nothing lets leave; so where chance let little leave, it goes on.
        while count.size < STEPS / PARTS or (nearly_nothing_left(count) and count.size < 2 * STEPS / PARTS):
            run_state_machine_as_test(Outbox, settings=long_enough(count))
    assert not nearly_nothing_left(count)


def nearly_nothing_left(count: Count) -> bool:
    """In most parts it is one mail for thirty steps."""
    return Outbox.sent <= count.size // 100


def long_enough(count: Count) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=max(1, round((STEPS / PARTS - count.size) / STEPS_PER_STORY)),
        stateful_step_count=STEPS_PER_STORY,
        phases=[Phase.generate],  # shrinking a story of real mails takes longer than reading it
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
