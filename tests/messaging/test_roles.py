"""Who may do what: each role's permissions exist, are exactly those that are listed, and an auditor only looks."""

import pytest
from django.contrib.auth.models import Group, Permission

from messaging.roles import ROLES, write_roles
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def held_by(role: str) -> set[str]:
    permissions = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_exactly_the_permissions_that_are_listed(role: str) -> None:
    write_roles()
    assert held_by(role) == set(ROLES[role])
    assert len(ROLES[role]) == len(set(ROLES[role]))


def test_writing_the_roles_again_takes_away_what_is_not_listed_and_touches_no_other_group() -> None:
    write_roles()
    superuser_like = Permission.objects.get(codename="delete_message")
    Group.objects.get(name="Auditor").permissions.add(superuser_like)
    Group.objects.get(name="Recruiter").permissions.clear()
    own = Group.objects.create(name="Our own")
    own.permissions.add(superuser_like)
    write_roles()
    assert {group.name for group in Group.objects.all()} == {*ROLES, "Our own"}
    assert held_by("Auditor") == set(ROLES["Auditor"])
    assert held_by("Recruiter") == set(ROLES["Recruiter"])
    assert held_by("Our own") == {"messaging.delete_message"}


def test_an_auditor_only_looks() -> None:
    assert all(name.partition(".")[2].startswith("view_") for name in ROLES["Auditor"])


def test_each_role_adds_to_the_one_before() -> None:
    recruiter, coordinator, administrator = (set(ROLES[role]) for role in ("Recruiter", "Coordinator", "Administrator"))
    assert set(ROLES["Auditor"]) < recruiter < coordinator < administrator


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("messaging.answer_handoff", {"Recruiter", "Coordinator", "Administrator"}),
        ("messaging.sign_wording", {"Recruiter", "Coordinator", "Administrator"}),
        ("pipeline.reject_application", {"Recruiter", "Coordinator", "Administrator"}),
        ("pipeline.import_candidates", {"Coordinator", "Administrator"}),
        ("messaging.add_automation", {"Coordinator", "Administrator"}),
        ("messaging.release_brake", {"Coordinator", "Administrator"}),
        ("messaging.end_safe_mode", {"Administrator"}),
        ("messaging.change_policyrow", {"Administrator"}),
        ("pipeline.change_source", {"Administrator"}),
        ("messaging.delete_rejectionphrase", {"Administrator"}),
    ],
)
def test_who_may_do_what(permission: str, roles: set[str]) -> None:
    write_roles()
    for role in ROLES:
        person = make_user()
        person.groups.add(Group.objects.get(name=role))
        assert person.has_perm(permission) is (role in roles), role


# History and what machines write: nobody edits it, whatever their role.
HISTORY = ["stagechange", "brake", "installation", "attempt", "recordedverdict", "signature"]


@pytest.mark.parametrize("model", HISTORY)
@pytest.mark.parametrize("verb", ["add", "change", "delete"])
def test_no_role_edits_history(model: str, verb: str) -> None:
    everything = {name.partition(".")[2] for names in ROLES.values() for name in names}
    assert f"view_{model}" in everything
    assert f"{verb}_{model}" not in everything


def test_no_role_deletes_people_messages_or_wordings() -> None:
    everything = {name.partition(".")[2] for names in ROLES.values() for name in names}
    kept = {"candidate", "application", "message", "handoff", "template", "wording", "automation", "user", "job"}
    assert not {f"delete_{model}" for model in kept} & everything
