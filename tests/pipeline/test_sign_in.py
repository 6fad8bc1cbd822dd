"""Who may sign in, and who stays signed in."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.test import Client, RequestFactory
from pytest_django import Settings

from pipeline.models import User
from pipeline.sign_in import StaffBackend
from tests.factories import make_colleague, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "a password of some length"


def make_person(*, is_demo: bool = False, is_active: bool = True) -> User:
    person = make_user(username="ana", password=PASSWORD, is_active=is_active)
    User.objects.filter(pk=person.pk).update(is_demo=is_demo)
    return User.objects.get(pk=person.pk)


def sign_in(password: str = PASSWORD) -> object:
    return authenticate(RequestFactory().get("/"), username="ana", password=password)


@pytest.mark.parametrize("mode", ["simulate", "allowlist", "live", "something else"])
@pytest.mark.parametrize("is_demo", [False, True])
def test_the_people_of_the_demo_company_sign_in_only_while_no_real_mail_can_leave(
    *, mode: str, is_demo: bool, settings: Settings
) -> None:
    settings.MAIL_MODE = mode
    person = make_person(is_demo=is_demo)
    may_sign_in = not is_demo or mode == "simulate"
    assert sign_in() == (person if may_sign_in else None)


def test_a_session_of_the_demo_company_ends_when_real_mail_can_leave(settings: Settings) -> None:
    person = make_person(is_demo=True)
    backend = StaffBackend()
    assert backend.get_user(person.pk) == person
    settings.MAIL_MODE = "live"
    assert backend.get_user(person.pk) is None

    settings.MAIL_MODE = "simulate"
    client = Client()
    assert client.login(username="ana", password=PASSWORD)
    settings.MAIL_MODE = "live"
    assert not client.login(username="ana", password=PASSWORD)


@pytest.mark.parametrize("is_active", [True, False])
def test_only_active_people_sign_in_and_stay_signed_in(*, is_active: bool) -> None:
    person = make_person(is_active=is_active)
    assert sign_in() == (person if is_active else None)
    assert StaffBackend().get_user(person.pk) == (person if is_active else None)


def test_a_wrong_password_signs_nobody_in() -> None:
    make_person()
    assert sign_in("another password") is None
    assert not StaffBackend().user_can_authenticate(make_user(username="demo", is_active=False))


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/admin/jobs"])
def test_signing_in_leads_nowhere_else(where: str) -> None:
    make_person()
    data = {"username": "ana", "password": PASSWORD, "next": where}
    response = Client().post("/admin/login/", data)
    assert response.status_code == 302
    assert response.headers["Location"] == (where if where.startswith("/admin") else "/admin/")


def test_a_session_ends_after_a_working_day_however_busy_it_was() -> None:
    """So that one that was stolen, or left open, is of no use the next morning."""
    make_person()
    begun = datetime(2026, 9, 15, 9, tzinfo=UTC)
    client = Client()
    with time_machine.travel(begun, tick=False):
        client.post("/admin/login/", {"username": "ana", "password": PASSWORD})
    for hours, status in ((1, 200), (7.9, 200), (8.1, 302)):
        with time_machine.travel(begun + timedelta(hours=hours), tick=False):
            assert client.get("/admin/").status_code == status


def test_who_cannot_get_in_is_told_whom_to_ask() -> None:
    make_person()
    answer = Client().post("/admin/login/", {"username": "ana", "password": "another password"}).content.decode()
    assert "do not go together" in answer
    assert "Ask an administrator" in answer
    assert "createsuperuser" not in answer


def test_a_new_installation_says_how_its_first_administrator_gets_in() -> None:
    person = make_person(is_active=False)
    assert "createsuperuser" in Client().get("/admin/login/").content.decode()
    User.objects.filter(pk=person.pk).update(is_active=True)
    assert "createsuperuser" not in Client().get("/admin/login/").content.decode()


def test_an_administrator_sets_a_new_password_for_who_forgot_theirs() -> None:
    person = make_person()
    administrator = Client()
    administrator.force_login(make_colleague("Administrator"))
    new = "quite another password"
    page = f"/admin/pipeline/user/{person.pk}/password/"
    data = {"usable_password": "true", "password1": new, "password2": new}
    assert administrator.post(page, data).status_code == 302
    assert (sign_in(), sign_in(new)) == (None, person)
    recruiter = Client()
    recruiter.force_login(make_colleague("Recruiter"))
    assert recruiter.post(page, data).status_code == 403
