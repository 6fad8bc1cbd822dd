"""What stands around every page, for people with different rights."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import frame
from messaging import automations
from messaging.models import HandOff
from messaging.roles import ROLES, write_roles
from pipeline.milestones import Milestone
from pipeline.models import User
from tests import factories as make

pytestmark = pytest.mark.django_db


def request_of(user: User) -> HttpRequest:
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


def in_role(role: str) -> User:
    write_roles()
    user = make.make_user()
    user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


def shown(user: User) -> list[str]:
    """What the rendered sidebar offers."""
    client = Client()
    client.force_login(user)
    navigation = client.get(reverse("admin:password_change")).context["sidebar_navigation"]
    return [item["title"] for group in navigation for item in group["items"]]


def test_an_administrator_sees_every_page_but_the_roles() -> None:
    titles = [page.title for _, pages in frame.GROUPS for page in pages]
    assert shown(in_role("Administrator")) == [title for title in titles if title != "Roles"]
    assert shown(User.objects.create_superuser("root")) == titles


def test_an_auditor_is_offered_neither_the_import_nor_the_people() -> None:
    titles = shown(in_role("Auditor"))
    assert "Candidates" in titles
    assert {"Import", "People", "Roles"}.isdisjoint(titles)


@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_is_offered_opens(role: str) -> None:
    user = in_role(role)
    client = Client()
    client.force_login(user)
    for group in frame.sidebar(request_of(user)):
        for item in group["items"]:
            assert client.get(item["link"]).status_code == 200, item


def test_every_list_is_in_the_sidebar_or_inside_another_page() -> None:
    named = {page.name for _, pages in frame.GROUPS for page in pages}
    lists = {
        f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist": model._meta.label
        for model in admin.site._registry
    }
    assert {label for name, label in lists.items() if name not in named} == {
        "messaging.Attempt",
        "messaging.Signature",
        "messaging.Wording",
        "pipeline.Stage",
    }


def hand_off_of(owner: User) -> HandOff:
    make.make_automation()
    application = make.make_application(job=make.make_job(recruiter=owner))
    make.move_to(application, Milestone.PHONE_SCREEN)
    [*_, message] = automations.follow(make.reject(application), now=make.NOW)
    return HandOff.objects.get(message=message)


def badge(user: User) -> Any:
    items = [item for group in frame.sidebar(request_of(user)) for item in group["items"]]
    return next(item for item in items if item["title"] == "Hand-offs").get("badge")


def test_the_badge_counts_my_open_hand_offs_and_is_not_there_without_any() -> None:
    mine, other = make.make_colleague("Recruiter"), make.make_colleague("Recruiter")
    hand_off_of(other)
    assert badge(mine) is None
    hand_off = hand_off_of(mine)
    assert badge(mine) == 1
    HandOff.objects.filter(pk=hand_off.pk).update(status="not_needed", closed_at=make.NOW)
    assert badge(mine) is None


def test_the_sidebar_costs_one_question() -> None:
    user = User.objects.create_superuser("root")
    with CaptureQueriesContext(connection) as captured:
        frame.sidebar(request_of(user))
    assert len(captured) == 1


@pytest.mark.parametrize(
    ("mode", "label"),
    [("simulate", "Simulate: no mail leaves"), ("allowlist", "Allow-list: others get no mail"), ("live", "Live")],
)
def test_every_page_says_whether_mail_leaves(mode: str, label: str, settings: Any) -> None:
    settings.MAIL_MODE = mode
    client = Client()
    client.force_login(make.make_user())
    assert label in client.get(reverse("admin:password_change")).content.decode()


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/admin/", "Today"),
        ("/admin/messaging/policyrow/map/", "Who may send what"),
        ("/admin/messaging/policyrow/", "Policy rows"),
        ("/admin/messaging/policyrow/add/", "Policy rows"),
        ("/admin/pipeline/candidate/7/change/", "Candidates"),
    ],
)
def test_one_page_of_the_sidebar_is_the_one_that_is_open(path: str, title: str) -> None:
    request = RequestFactory().get(path)
    request.user = make.make_user(is_superuser=True)
    items = [item for group in frame.sidebar(request) for item in group["items"]]
    assert [item["title"] for item in items if item["active"]] == [title]
