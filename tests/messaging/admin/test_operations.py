"""The page of an operation: how far it is, what became of everybody, and undo; and the list of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from messaging import automations, operations
from messaging.bulk import Selected
from messaging.models import Automation, Brake, Message, Operation
from messaging.operations import Plan
from pipeline.models import Application, User
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

VIEW, REJECT = "messaging.view_operation", "pipeline.reject_application"
LIST = "/admin/messaging/operation/"


@pytest.fixture
def ana() -> tuple[Client, User]:
    return sign_in(VIEW, REJECT)


def begin(number: int, *, by: User, is_done: bool = True) -> Operation:
    """Every second one is handed to a person."""
    now = timezone.now()
    job = make.make_job()
    make.make_automation(job=job)
    applications = [make.make_application(now=now, job=job) for _ in range(number)]
    for application in applications[1::2]:
        make.move_to(application, 3, now=now)
    selected = [Selected(application_id=one.pk, stage_id=one.stage_id) for one in Application.objects.filter(job=job)]
    plan = Plan(kind=Operation.Kind.REJECT, selected=selected, reason=make.make_reason())
    operation = operations.begin(plan, message_count=number, by=by, now=now)
    if is_done:
        operations.go_on(clock=timezone.now, seconds=60)
    return operation


def page(operation: Operation, name: str = "change") -> str:
    return reverse(f"admin:messaging_operation_{name}", args=[operation.pk])


def test_while_it_is_at_work_the_page_says_how_far_it_is(ana: tuple[Client, User]) -> None:
    client, user = ana
    operation = begin(3, by=user, is_done=False)
    assert f'data-poll="{page(operation, "progress")}"' in client.get(page(operation)).content.decode()
    assert "0 of 3 rejected." in client.get(page(operation, "progress")).content.decode()

    operations.go_on(clock=timezone.now, seconds=60)

    answer = client.get(page(operation, "progress")).content.decode()
    assert "data-at-work" not in answer
    assert "3 of 3 had their turn: 3 rejected." in answer
    html = client.get(page(operation)).content.decode()
    assert "data-poll" not in html
    assert "2 people get" in html
    assert "1 person handed to" in html


def test_it_is_undone_with_one_click(ana: tuple[Client, User]) -> None:
    client, user = ana
    operation = begin(3, by=user)
    assert "2 messages have not left." in client.get(page(operation)).content.decode()

    answer = client.post(page(operation, "undo"), follow=True)

    assert answer.redirect_chain == [(page(operation), 302)]
    html = answer.content.decode()
    assert f"{user} undid it on" in html
    assert "3 people are back where they were" in html
    assert set(Application.objects.values_list("status", flat=True)) == {"active"}
    assert set(Message.objects.values_list("status", flat=True)) == {"cancelled"}
    assert f"{user} undid it already." in client.post(page(operation, "undo"), follow=True).content.decode()


def test_the_page_says_what_comes_back_with_an_undo(ana: tuple[Client, User]) -> None:
    client, user = ana
    now = timezone.now()
    application = make.make_application(now=now)
    survey = make.make_template(touchpoint="survey", body="Dear {{ candidate.first_name }}, how was it?")
    make.make_automation(event=Automation.Event.STAGE_ENTERED, template=survey, delay=1)
    automations.follow(make.move_to(application, 2, now=now), now=now)
    application.refresh_from_db()
    plan = Plan(
        kind=Operation.Kind.REJECT,
        selected=[Selected(application_id=application.pk, stage_id=application.stage_id)],
        reason=make.make_reason(),
    )
    operation = operations.begin(plan, message_count=0, by=user, now=timezone.now())
    operations.go_on(clock=timezone.now, seconds=60)
    said = "1 message or task that it stopped will be planned again, and the gate decides anew."
    assert said in client.get(page(operation)).content.decode()
    client.post(page(operation, "undo"))
    assert said not in client.get(page(operation)).content.decode()
    assert Message.objects.waiting().get().template == survey


def test_undo_needs_the_right_to_do_it_and_a_post(ana: tuple[Client, User]) -> None:
    client, user = ana
    operation = begin(1, by=user)
    reader, _ = sign_in(VIEW)
    assert 'action="' + page(operation, "undo") not in reader.get(page(operation)).content.decode()
    assert reader.post(page(operation, "undo")).status_code == 403
    assert client.get(page(operation, "undo")).status_code == 405
    assert not Operation.objects.filter(undone_at__isnull=False).exists()
    assert 'action="' + page(operation, "undo") in client.get(page(operation)).content.decode()
    assert client.post(page(operation, "undo")).status_code == 302
    assert Operation.objects.filter(undone_at__isnull=False).exists()


def test_who_may_not_see_operations_sees_none(ana: tuple[Client, User]) -> None:
    client, user = ana
    operation = begin(1, by=user)
    stranger, _ = sign_in(REJECT)
    for name in ("change", "progress"):
        assert stranger.get(page(operation, name)).status_code == 403
        assert client.get(page(operation, name)).status_code == 200
    assert stranger.post(page(operation, "undo")).status_code == 403
    assert client.get(f"{LIST}999999/progress/").status_code == 404


def test_when_its_time_is_over_it_cannot_be_undone(ana: tuple[Client, User]) -> None:
    client, user = ana
    operation = begin(1, by=user)
    long_ago = timezone.now() - timedelta(hours=1)
    Operation.objects.filter(pk=operation.pk).update(finished_at=long_ago)
    assert "<form" not in client.get(page(operation)).content.decode().split("act-wide")[1]
    assert "is over" in client.post(page(operation, "undo"), follow=True).content.decode()


def test_the_page_asks_as_much_for_many_as_for_a_few(ana: tuple[Client, User]) -> None:
    client, user = ana

    def asked(number: int) -> int:
        operation = begin(number, by=user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page(operation)).status_code == 200
        return len(captured)

    asked(2)
    assert asked(2) == asked(8)


def test_one_that_is_braked_says_so_on_its_page_and_on_that_of_the_brakes(settings: Settings) -> None:
    settings.BRAKE_A_DAY = 1
    first = make.make_colleague("Coordinator", first_name="Ana", last_name="Ruiz")
    second = make.make_colleague("Coordinator", first_name="Ben", last_name="Okafor")
    operation = begin(2, by=first)
    brake = Brake.objects.get(operation=operation)
    clients = [Client(), Client()]
    for client, person in zip(clients, (first, second), strict=True):
        client.force_login(person)

    html = clients[0].get(page(operation)).content.decode()
    assert "Waits for a second person" in html
    assert "data-poll" not in html
    brakes = clients[0].get("/admin/brakes/").content.decode()
    assert "It has not begun: nothing has happened to anybody." in brakes
    assert "so somebody else releases it" in brakes
    assert "waits for a second person" in clients[0].get("/admin/").content.decode()

    given = {"reason": "I know all of them."}
    clients[0].post(f"/admin/brakes/{brake.pk}/release/", given)
    assert operations.go_on(clock=timezone.now, seconds=60) == 0
    clients[1].post(f"/admin/brakes/{brake.pk}/release/", given)
    assert operations.go_on(clock=timezone.now, seconds=60) == 2


def test_the_list_shows_mine_and_everybodys(ana: tuple[Client, User]) -> None:
    client, user = ana
    mine, other = begin(1, by=user), begin(1, by=make.make_user())
    assert {row.pk for row in client.get(LIST).context["cl"].result_list} == {mine.pk, other.pk}
    assert [row.pk for row in client.get(LIST, {"whose": "mine"}).context["cl"].result_list] == [mine.pk]


def test_an_empty_list_says_what_will_be_in_it_and_one_that_was_searched_that_nothing_matches(
    ana: tuple[Client, User],
) -> None:
    assert "Select people in the list of applications" in ana[0].get(LIST).content.decode()
    searched = ana[0].get(LIST, {"q": "nobody"}).content.decode()
    assert "Nothing matches" in searched
    assert "Select people in the list of applications" not in searched
