"""However much there is, a page asks the database the same number of questions: every page, whoever wrote it, but for those
whose own tests say so. The lists of the admin are in messaging/admin/test_lists.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.http import urlencode

from messaging.admin import outbox_acts
from messaging.admin.handoff_shows import SHOWS
from messaging.models import Automation, Message, ProviderEvent
from messaging.outlook import Show
from tests import factories as make
from tests.messaging.admin.rows import MAKERS
from tests.test_permissions import read_table
from tests.world import FOREIGN, OWN, World, pages

pytestmark = pytest.mark.django_db

OF_DJANGO = (
    "_add",
    "_changelist",
    "_delete",
    "_history",
    "object_id>/",
)  # one row, tested for every model, or a redirect
ELSEWHERE = (
    "admin:index",
    "admin:search",
    "admin/search/",
    "board:",
    "help:",
    "profile:",
    "reports:",
    # Does it all and rolls it back: each application of the candidate is decided on anew, as when it is done.
    "admin:pipeline_candidate_unmerge",
)


@pytest.fixture(autouse=True)
def uploads_of_this_test(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def without_a_sidebar(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same around every page, takes half the time, and tests/config/test_frame.py counts what it asks."""
    monkeypatch.setattr("unfold.sites.UnfoldAdminSite.get_sidebar_list", lambda *_: [])


def addresses(world: World) -> Iterator[str]:
    """Every page that an administrator can look at, and the parts of those that have some; the same at every size."""
    table = read_table()
    for page in pages():
        may_look = page.of != FOREIGN and "G" in table[page.key]["Administrator"]
        if may_look and not page.name.startswith(ELSEWHERE) and not page.name.endswith(OF_DJANGO):
            yield _with(world.url(page), **world.asked(page))
    for show, _ in SHOWS[1:]:
        yield _with(reverse("admin:messaging_handoff_changelist"), show=show)
    for part in (Show.BRAKED, Show.SENDING, Show.UNCERTAIN):
        yield _with(reverse("outbox:list"), show=part.value)
    for act in outbox_acts.ACTS:
        yield reverse("outbox:act", args=[act])  # with what waits at this size


def _with(url: str, **asked: Any) -> str:
    return f"{url}?{urlencode(asked)}" if asked else url


def grow(world: World) -> None:
    """One more of everything, and of everything around what the pages of one are about."""
    for maker in MAKERS.values():
        Automation.objects.update(is_active=False)  # each makes its own, and those of others would follow as well
        maker()
    own = {label: row for (label, of), row in world.theirs.items() if of == OWN}
    Automation.objects.update(is_active=False)
    about = (own["pipeline.Application"], own["messaging.HandOff"].application, world.rows["pipeline.Application"])
    for application in about:
        make.make_application(job=application.job)
        make.make_interview(application)
        make.make_hand_off(application=make.make_application(candidate=application.candidate))
    for message in (world.bounced, world.uncertain, own["messaging.Message"]):
        ProviderEvent.objects.create(
            provider="postmark",
            event_id=f"event {ProviderEvent.objects.count()}",
            kind="bounced",
            **dict.fromkeys(("at", "received_at", "applied_at"), make.NOW),
            message=message,
        )
    make.make_wording(own["messaging.Wording"].template)


@pytest.mark.usefixtures("without_a_sidebar")
def test_no_page_asks_more_when_there_is_more() -> None:
    client, person = Client(), make.make_colleague("Administrator")
    client.force_login(person)
    world = World(person)
    grow(world)

    def count(url: str) -> int:
        waiting = Message.objects.waiting().values_list("pk", flat=True)
        chosen = {"ids": list(waiting)} if url in acts else {}
        with CaptureQueriesContext(connection) as captured:
            response = client.get(url, chosen)
            response.getvalue()
        assert response.status_code in (200, 302), url
        return len(captured) if response.status_code == 200 else 0

    acts = {reverse("outbox:act", args=[act]) for act in outbox_acts.ACTS}
    few = {url: count(url) for url in addresses(world)}
    assert sum(1 for questions in few.values() if questions) > 60
    for _ in range(2):
        grow(world)
    more = {url: (questions, count(url)) for url, questions in few.items()}
    grown = [f"{url}: {before} questions, then {after}" for url, (before, after) in more.items() if after > before]
    assert not grown, "\n".join(grown)
