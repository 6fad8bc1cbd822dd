"""Who may make whom what."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from messaging.roles import write_roles
from pipeline.models import User
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator() -> User:
    write_roles()
    user = make.make_user(username="ada")
    user.groups.add(Group.objects.get(name="Administrator"))
    return user


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User) -> str:
    return f"/admin/pipeline/user/{user.pk}/change/"


def given(user: User, **more: object) -> dict[str, object]:
    return {"username": user.username, "first_name": "New", "is_active": "on", "is_staff": "on"} | more


def test_an_administrator_gives_a_role(administrator: User) -> None:
    user, role = make.make_user(), Group.objects.get(name="Recruiter")
    assert sign_in(administrator).post(page_of(user), given(user, groups=[role.pk])).status_code == 302
    user.refresh_from_db()
    assert (user.first_name, list(user.groups.all())) == ("New", [role])


def test_an_administrator_can_give_nobody_more_than_a_role_themselves_included(administrator: User) -> None:
    right = Permission.objects.first()
    assert right is not None
    for user in (administrator, make.make_user()):
        roles = [role.pk for role in user.groups.all()]
        more = given(user, groups=roles, is_superuser="on", user_permissions=[right.pk], is_demo="on")
        assert sign_in(administrator).post(page_of(user), more).status_code == 302
        user.refresh_from_db()
        assert user.first_name == "New"
        assert (user.is_superuser, user.user_permissions.count(), user.is_demo) == (False, 0, False)


def test_an_administrator_cannot_change_who_has_all_rights_nor_their_password(administrator: User) -> None:
    root = User.objects.create_superuser("root", password="the old one is good")
    other = make.make_user()
    client = sign_in(administrator)
    passwords = {"password1": "quite-a-new-one-4711", "password2": "quite-a-new-one-4711", "usable_password": "true"}
    assert client.post(f"/admin/pipeline/user/{other.pk}/password/", passwords).status_code == 302
    assert client.post(f"/admin/pipeline/user/{root.pk}/password/", passwords).status_code == 403
    assert client.post(page_of(root), given(root)).status_code == 403
    root.refresh_from_db()
    assert root.check_password("the old one is good")


def test_who_has_all_rights_can_give_them() -> None:
    root, user = User.objects.create_superuser("root"), make.make_user()
    assert sign_in(root).post(page_of(user), given(user, is_superuser="on")).status_code == 302
    user.refresh_from_db()
    assert user.is_superuser


def test_a_person_is_added_with_a_role(administrator: User) -> None:
    role = Group.objects.get(name="Coordinator")
    data = {
        "username": "ben",
        "first_name": "Ben",
        "usable_password": "true",
        "password1": "quite-a-new-one-4711",
        "password2": "quite-a-new-one-4711",
        "is_staff": "on",
        "groups": [role.pk],
    }
    assert sign_in(administrator).post("/admin/pipeline/user/add/", data).status_code == 302
    ben = User.objects.get(username="ben")
    assert (ben.is_staff, ben.is_superuser, list(ben.groups.all())) == (True, False, [role])
