"""Who may make whom what."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from messaging.models import LedgerEntry
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


def acts() -> list[tuple[str, int | None, dict[str, object]]]:
    """Of giving and taking, in the ledger: to whom, by whom, what."""
    entries = LedgerEntry.objects.filter(kind="rights_changed").order_by("pk")
    return [(entry.subject, entry.actor_id, entry.data) for entry in entries]


def test_an_administrator_gives_a_role_and_takes_it_and_the_ledger_says_so(administrator: User) -> None:
    user, role = make.make_user(), Group.objects.get(name="Recruiter")
    client, subject = sign_in(administrator), f"user:{user.pk}"
    assert client.post(page_of(user), given(user, groups=[role.pk])).status_code == 302
    user.refresh_from_db()
    assert (user.first_name, list(user.groups.all())) == ("New", [role])
    assert acts() == [(subject, administrator.pk, {"roles_given": "Recruiter"})]
    client.post(page_of(user), given(user, groups=[role.pk]))  # nothing new
    client.post(page_of(user), given(user, groups=[], is_active=""))
    assert acts()[1:] == [(subject, administrator.pk, {"is_active": False, "roles_taken": "Recruiter"})]


def test_who_gives_themselves_a_role_is_in_the_ledger(administrator: User) -> None:
    own = Group.objects.create(name="Named after Ana")
    roles = [Group.objects.get(name="Administrator").pk, Group.objects.get(name="Auditor").pk, own.pk]
    assert sign_in(administrator).post(page_of(administrator), given(administrator, groups=roles)).status_code == 302
    data = {"roles_given": f"Auditor, group:{own.pk}"}
    assert acts() == [(f"user:{administrator.pk}", administrator.pk, data)]


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
    assert acts() == [(f"user:{other.pk}", administrator.pk, {"password": "set"})]
    assert client.post(f"/admin/pipeline/user/{root.pk}/password/", passwords).status_code == 403
    assert client.post(page_of(root), given(root)).status_code == 403
    root.refresh_from_db()
    assert root.check_password("the old one is good")


def test_who_has_all_rights_can_give_them() -> None:
    root, user = User.objects.create_superuser("root"), make.make_user()
    assert sign_in(root).post(page_of(user), given(user, is_superuser="on")).status_code == 302
    user.refresh_from_db()
    assert user.is_superuser
    assert acts() == [(f"user:{user.pk}", root.pk, {"is_superuser": True})]


def test_what_a_group_may_and_that_it_is_gone_is_in_the_ledger() -> None:
    root, group = User.objects.create_superuser("root"), Group.objects.create(name="Our own")
    first, second = Permission.objects.order_by("pk")[:2]
    names = [f"{one.content_type.app_label}.{one.codename}" for one in (first, second)]
    client, page = sign_in(root), f"/admin/auth/group/{group.pk}/"
    assert client.post(f"{page}change/", {"name": "Our own", "permissions": [first.pk]}).status_code == 302
    assert client.post(f"{page}change/", {"name": "Our own", "permissions": [second.pk]}).status_code == 302
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 302
    assert not Group.objects.filter(pk=group.pk).exists()
    subject = f"group:{group.pk}"
    assert acts() == [
        (subject, root.pk, {"rights_given": names[0]}),
        (subject, root.pk, {"rights_given": names[1], "rights_taken": names[0]}),
        (subject, root.pk, {"rights_taken": names[1]}),
    ]
    again = Group.objects.create(name="Our own")
    again.permissions.add(first)
    chosen = {"action": "delete_selected", "_selected_action": [again.pk], "post": "yes"}
    assert client.post("/admin/auth/group/", chosen).status_code == 302
    assert acts()[3:] == [(f"group:{again.pk}", root.pk, {"rights_taken": names[0]})]


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
    given_ben = {"is_active": True, "is_staff": True, "roles_given": "Coordinator"}
    assert acts() == [(f"user:{ben.pk}", administrator.pk, given_ben)]
