"""The list of hand-offs, and giving them to a person."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging import handoffs
from messaging.models import HandOff
from pipeline.models import User
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_job,
    make_sender,
    make_user,
)

pytestmark = pytest.mark.django_db

LIST = "admin:messaging_handoff_changelist"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        yield


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter", first_name="Rita", last_name="Okafor")


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(client: Client, query: str = "") -> set[int]:
    return {hand_off.pk for hand_off in client.get(reverse(LIST) + query).context["cl"].result_list}


def run_assign(client: Client, chosen: list[HandOff], **more: Any) -> Any:
    data = {"action": "assign", ACTION_CHECKBOX_NAME: [hand_off.pk for hand_off in chosen], **more}
    return client.post(reverse(LIST) + "?show=all", data, follow=True)


def owner_of(hand_off: HandOff) -> User | None:
    return HandOff.objects.get(pk=hand_off.pk).owner


def close(hand_off: HandOff, by: User) -> HandOff:
    closed = handoffs.close_as_not_needed(hand_off, reason="They called us.", by=by, now=timezone.now())
    assert isinstance(closed, HandOff)
    return closed


# --- What the list shows ----------------------------------------------------------------------------------------------


def test_each_way_to_narrow_the_list_shows_exactly_its_hand_offs(recruiter: User) -> None:
    mine = make_hand_off(application=make_application(job=make_job(recruiter=recruiter)))
    nobodys = make_hand_off(application=make_application(job=make_job(recruiter=None)))
    overdue = make_hand_off(now=NOW - timedelta(days=7))
    closed = close(make_hand_off(), recruiter)
    client = client_of(recruiter)
    expected = {
        "": {mine.pk, nobodys.pk, overdue.pk},
        "?show=mine": {mine.pk},
        "?show=unassigned": {nobodys.pk},
        "?show=overdue": {overdue.pk},
        "?show=closed": {closed.pk},
        "?show=all": {mine.pk, nobodys.pk, overdue.pk, closed.pk},
        "?show=nonsense": {mine.pk, nobodys.pk, overdue.pk},
    }
    assert {query: shown(client, query) for query in expected} == expected


def test_the_numbers_beside_the_ways_to_narrow_are_the_numbers_of_rows(recruiter: User) -> None:
    make_hand_off(application=make_application(job=make_job(recruiter=recruiter)))
    make_hand_off(application=make_application(job=make_job(recruiter=None)))
    make_hand_off(now=NOW - timedelta(days=7))
    close(make_hand_off(), recruiter)
    client = client_of(recruiter)
    for show in client.get(reverse(LIST)).context["shows"]:
        assert show["count"] == len(shown(client, f"?show={show['value'] or ''}")), show["label"]


def test_a_hand_off_is_found_by_the_name_and_the_address_of_its_candidate(recruiter: User) -> None:
    candidate = make_candidate(first_name="Mira", last_name="Castellanos", email="mira@example.com")
    wanted = make_hand_off(application=make_application(candidate=candidate))
    make_hand_off()
    client = client_of(recruiter)
    for term in ("mira castellanos", "mira@example"):
        assert shown(client, f"?q={term}") == {wanted.pk}


def test_a_row_says_who_why_whose_and_how_late(recruiter: User) -> None:
    job = make_job(title="Bricklayer", recruiter=recruiter)
    make_hand_off(now=NOW - timedelta(days=7), application=make_application(job=job))
    page = client_of(recruiter).get(reverse(LIST)).content.decode()
    for words in (
        "Kim",
        "Bricklayer",
        "Rejection",
        "The candidate reached phone screen.",
        "Rita Okafor",
        "Overdue since Thu 10 Sep",
    ):
        assert words in page


def test_the_name_of_a_candidate_is_text_and_nothing_else(recruiter: User) -> None:
    make_hand_off(application=make_application(candidate=make_candidate(first_name="<b>Kim</b>")))
    page = client_of(recruiter).get(reverse(LIST)).content.decode()
    assert "&lt;b&gt;Kim" in page
    assert "<b>Kim" not in page


def test_opening_a_hand_off_leads_to_its_own_page(recruiter: User) -> None:
    client = client_of(recruiter)
    for hand_off in (make_hand_off(), close(make_hand_off(), recruiter)):
        response = client.get(reverse("admin:messaging_handoff_change", args=[hand_off.pk]))
        assert response.headers["Location"] == reverse("admin:messaging_handoff_compose", args=[hand_off.pk])


def test_a_hand_off_that_does_not_exist_is_said_not_to(recruiter: User) -> None:
    client = client_of(recruiter)
    assert client.get(reverse("admin:messaging_handoff_compose", args=[999])).status_code == 404
    response = client.get(reverse("admin:messaging_handoff_change", args=["x"]), follow=True)
    assert "doesn’t exist" in response.content.decode()


def test_nobody_adds_or_deletes_a_hand_off() -> None:
    client = client_of(User.objects.create_superuser("root"))
    hand_off = make_hand_off()
    assert client.get(reverse("admin:messaging_handoff_add")).status_code == 403
    assert client.post(reverse("admin:messaging_handoff_delete", args=[hand_off.pk])).status_code == 403
    assert HandOff.objects.filter(pk=hand_off.pk).exists()


# --- Giving them to a person ------------------------------------------------------------------------------------------


def test_it_is_asked_who_takes_the_chosen_hand_offs_before_anything_changes(recruiter: User) -> None:
    hand_off = make_hand_off()
    before = hand_off.owner
    page = run_assign(client_of(recruiter), [hand_off]).content.decode()
    assert "Who takes this hand-off?" in page
    assert owner_of(hand_off) == before


def test_the_chosen_hand_offs_change_hands_and_the_history_says_so(recruiter: User) -> None:
    first, second, other = make_hand_off(), make_hand_off(), make_hand_off()
    taker = make_sender(first_name="Tom")
    response = run_assign(client_of(recruiter), [first, second], owner=taker.pk)
    assert [owner_of(hand_off) == taker for hand_off in (first, second, other)] == [True, True, False]
    assert "2 hand-offs are with" in response.content.decode()
    assert LogEntry.objects.filter(object_id__in=[first.pk, second.pk]).count() == 2


def test_a_closed_hand_off_keeps_its_owner(recruiter: User) -> None:
    closed, hand_off = close(make_hand_off(), recruiter), make_hand_off()
    before, taker = closed.owner, make_sender()
    run_assign(client_of(recruiter), [closed, hand_off], owner=taker.pk)
    assert (owner_of(closed), owner_of(hand_off)) == (before, taker)
    given = LogEntry.objects.filter(change_message__contains="Given to")
    assert [entry.object_id for entry in given] == [str(hand_off.pk)]


def test_only_a_person_who_may_write_to_candidates_can_take_one(recruiter: User) -> None:
    hand_off, taker, stranger = make_hand_off(), make_sender(), make_user()
    before = hand_off.owner
    client = client_of(recruiter)
    for refused in (stranger.pk, "", "x", "1 OR 1=1"):
        run_assign(client, [hand_off], owner=refused)
        assert owner_of(hand_off) == before
    run_assign(client, [hand_off], owner=taker.pk)
    assert owner_of(hand_off) == taker


def test_who_may_not_change_hand_offs_gives_none_away() -> None:
    hand_off, taker = make_hand_off(), make_sender()
    before = hand_off.owner
    run_assign(client_of(make_colleague("Auditor")), [hand_off], owner=taker.pk)
    assert owner_of(hand_off) == before
    run_assign(client_of(make_colleague("Recruiter")), [hand_off], owner=taker.pk)
    assert owner_of(hand_off) == taker


def test_the_function_itself_refuses_who_may_not_answer() -> None:
    hand_off, taker = make_hand_off(application=make_application(job=make_job(recruiter=None))), make_sender()
    gone = make_sender(is_active=False)
    for nobody in (make_user(), gone):
        assert isinstance(handoffs.assign([hand_off], to=nobody), Refusal)
    assert owner_of(hand_off) is None
    assert handoffs.assign([hand_off], to=taker) == 1
    assert owner_of(hand_off) == taker
    assert handoffs.assign([hand_off], to=taker) == 0


def test_the_function_itself_leaves_what_is_closed_as_it_was(recruiter: User) -> None:
    closed, hand_off, taker = close(make_hand_off(), recruiter), make_hand_off(), make_sender()
    assert handoffs.assign([closed, hand_off], to=taker) == 1
    assert owner_of(closed) == closed.owner
