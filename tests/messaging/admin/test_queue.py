"""django-q2's own pages: nobody reaches one, whatever they may do elsewhere."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django_q.admin import ScheduleAdmin
from django_q.models import OrmQ, Schedule, Success

from messaging import roles
from pipeline.models import User
from tests.factories import make_user
from tests.messaging.broker_rows import forge

pytestmark = pytest.mark.django_db

MODELS = ("failure", "ormq", "schedule", "success", "task")
PAGES = ("", "add/", "{pk}/", "{pk}/change/", "{pk}/delete/", "{pk}/history/")
VIEWS = ("changelist", "add", "change", "delete", "history")
WHO = (*roles.ROLES, "everything of the queue", "superuser")


def person(who: str) -> User:
    roles.write_roles()
    if who == "superuser":
        return make_user(is_superuser=True)
    user = make_user()
    if who in roles.ROLES:
        user.groups.add(Group.objects.get(name=who))
    else:
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="django_q"))
    return user


@pytest.fixture(params=WHO)
def client(request: pytest.FixtureRequest) -> Client:
    client = Client()
    client.force_login(person(request.param))
    assert client.get("/admin/").status_code == 200
    return client


def make_rows() -> dict[str, object]:
    """One of each, so that a page that were there would find it."""
    task = {"name": "forged", "func": "os.system", "started": timezone.now(), "stopped": timezone.now()}
    done = Success.objects.create(id="0" * 32, success=True, **task)
    failed = Success.objects.create(id="1" * 32, success=False, **task)
    schedule = Schedule.objects.create(func="messaging.tasks.sweep")
    row = forge("messaging.tasks.sweep")
    return {"success": done.pk, "failure": failed.pk, "schedule": schedule.pk, "ormq": row.pk, "task": done.pk}


@pytest.mark.parametrize("model", MODELS)
def test_no_page_is_there_for_anybody_and_nothing_is_queued(client: Client, model: str) -> None:
    pk = make_rows()[model]
    schedules = list(Schedule.objects.values())
    rows = OrmQ.objects.count()
    acts = {
        "action": "resubmit_task",
        "_selected_action": pk,
        "func": "os.system",
        "args": "('true',)",
        "schedule_type": "O",
        "repeats": -1,
        "post": "yes",
    }
    for page in PAGES:
        url = f"/admin/django_q/{model}/{page.format(pk=pk)}"
        assert client.get(url).status_code == 404, url
        assert client.post(url, acts).status_code == 404, url
    assert client.get("/admin/django_q/").status_code == 404
    assert list(Schedule.objects.values()) == schedules
    assert OrmQ.objects.count() == rows


def test_their_names_lead_nowhere() -> None:
    for model in MODELS:
        for view in VIEWS:
            with pytest.raises(NoReverseMatch):
                reverse(f"admin:django_q_{model}_{view}", args=() if view in ("changelist", "add") else (1,))


def test_no_model_of_the_queue_is_in_the_admin() -> None:
    """Whatever django-q2 may add; its action that runs a task again is on these pages only."""
    assert {model for model in apps.get_app_config("django_q").get_models() if admin.site.is_registered(model)} == set()
    assert "resubmit_task" not in {name for name, _ in admin.site.actions}


def test_the_walk_asks_for_the_places_that_they_would_have() -> None:
    named = {pattern.name for pattern in ScheduleAdmin(Schedule, admin.site).urls}
    assert {f"django_q_schedule_{view}" for view in VIEWS} <= named
