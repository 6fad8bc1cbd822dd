"""What the search palette finds, for whom, with how many questions; and what it makes of a hostile term."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import palette
from messaging.models import HandOff
from messaging.roles import write_roles
from pipeline.models import User
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root")


def in_role(role: str) -> User:
    write_roles()
    user = make.make_user()
    user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


def request_of(user: User) -> HttpRequest:
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


def find(user: User, term: str) -> dict[str, list[str]]:
    return {group.title: [found.title for found in group.found] for group in palette.find(request_of(user), term)}


def hand_off_of(owner: User, name: str) -> HandOff:
    candidate = make.make_candidate(first_name=name, last_name="Dubois")
    return make.make_hand_off(
        application=make.make_application(candidate=candidate, job=make.make_job(recruiter=owner, title="Roofer"))
    )


def test_candidates_are_found_by_name_and_by_address_and_say_where_they_are(root: User) -> None:
    candidate = make.make_candidate(first_name="Zoe", last_name="Dubois", email="zd@halden.example.com")
    application = make.make_application(candidate=candidate, job=make.make_job(title="Roofer"))
    make.make_application()
    for term in ("zoe", "DUBOIS zoe", "zd@halden", "  zoe  "):
        assert find(root, term) == {"Candidates": ["Zoe Dubois"]}, term
    [group] = palette.find(request_of(root), "zoe")
    assert group.found[0].more == "zd@halden.example.com · Roofer, Applied"
    make.reject(application)
    [group] = palette.find(request_of(root), "zoe")
    assert group.found[0].more == "zd@halden.example.com · Roofer, rejected"


def test_whose_name_begins_like_this_comes_first(root: User) -> None:
    for first, last in (("Omar", "Kumar"), ("Maren", "Tran"), ("Lu", "Marsh")):
        make.make_candidate(first_name=first, last_name=last)
    assert find(root, "mar")["Candidates"] == ["Lu Marsh", "Maren Tran", "Omar Kumar"]


def test_a_page_comes_first_where_its_name_begins_like_this(root: User) -> None:
    make.make_candidate(first_name="May", last_name="Today")
    assert list(find(root, "may")) == ["Candidates", "Pages"]
    assert list(find(root, "tod")) == ["Pages", "Candidates"]


def test_jobs_templates_and_pages_are_found(root: User) -> None:
    job = make.make_job(title="Brakes mechanic")
    make.make_template(name="About your brakes")
    found = palette.find(request_of(root), "brakes")
    assert [(group.title, [one.title for one in group.found]) for group in found] == [
        ("Pages", ["Brakes"]),
        ("Jobs", ["Brakes mechanic"]),
        ("Templates", ["About your brakes"]),
    ]
    assert found[1].found[0].url == reverse("board:job", args=[job.pk])


@pytest.mark.parametrize(
    ("term", "titles"),
    [("who may", ["Who may send what"]), ("offs", ["Hand-offs"]), ("hand-o", ["Hand-offs"]), ("ands", [])],
)
def test_a_page_is_found_by_the_beginning_of_its_words(term: str, titles: list[str], root: User) -> None:
    assert find(root, term).get("Pages", []) == titles


def test_only_my_open_hand_offs_are_found_by_candidate_and_by_kind() -> None:
    mine, other = in_role("Recruiter"), in_role("Recruiter")
    hand_off = hand_off_of(mine, "Zoe")
    hand_off_of(other, "Zora")
    assert find(mine, "zo")["My hand-offs"] == ["Rejection for Zoe Dubois"]
    assert find(mine, "rejec dubois")["My hand-offs"] == ["Rejection for Zoe Dubois"]
    assert "My hand-offs" not in find(mine, "offer")
    HandOff.objects.filter(pk=hand_off.pk).update(status="not_needed", closed_at=make.NOW)
    assert "My hand-offs" not in find(mine, "zo")


def test_before_anything_is_typed_my_hand_offs_stand_there_and_the_first_pages() -> None:
    mine = in_role("Recruiter")
    assert list(find(mine, "")) == ["Pages"]
    hand_off_of(mine, "Zoe")
    assert list(find(mine, " ")) == ["My hand-offs", "Pages"]
    assert "Today" in find(mine, "")["Pages"]


def test_nobody_is_shown_what_they_may_not_see() -> None:
    nobody = make.make_user()
    hand_off = hand_off_of(nobody, "Zoe")
    make.make_template(name="Zoe’s letter")
    job = hand_off.application.job
    job.title = "Zoe’s job"
    job.save()
    assert set(find(in_role("Auditor"), "zoe")) == {"Candidates", "Jobs", "Templates"}
    assert find(nobody, "zoe") == {}
    assert find(nobody, "candidates") == {}
    assert find(nobody, "today") == {"Pages": ["Today"]}


def test_who_may_see_jobs_and_no_applications_gets_to_the_job() -> None:
    job = make.make_job(title="Roofer")
    _, user = sign_in("pipeline.view_job")
    [group] = palette.find(request_of(User.objects.get(pk=user.pk)), "roofer")
    assert group.found[0].url == reverse("admin:pipeline_job_change", args=[job.pk])


def test_the_search_is_bounded_and_asks_no_question_per_row(root: User) -> None:
    def add(count: int) -> None:
        for _ in range(count):
            hand_off_of(root, "Zoe")
            make.make_template(name=f"Zoe’s letter {make.make_user().pk}")

    add(2)
    find(root, "zoe")
    with CaptureQueriesContext(connection) as few:
        find(root, "zoe")
    add(palette.AT_MOST)
    with CaptureQueriesContext(connection) as many:
        found = find(root, "zoe")
    assert {title: len(titles) for title, titles in found.items()} == {
        "My hand-offs": palette.AT_MOST,
        "Candidates": palette.AT_MOST,
        "Templates": palette.AT_MOST,
    }
    assert len(many) == len(few) <= 9


def test_it_shows_at_once_who_was_just_added(root: User) -> None:
    client = Client()
    client.force_login(root)

    def html() -> str:
        return client.get(reverse("admin:search"), {"s": "zoe"}, headers={"HX-Request": "true"}).content.decode()

    make.make_candidate(first_name="Zoe", last_name="First")
    assert "Zoe First" in html()
    make.make_candidate(first_name="Zoe", last_name="Second")
    assert "Zoe Second" in html()


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_hostile_term_is_answered_with_text(headers: dict[str, str], root: User) -> None:
    make.make_candidate(first_name="<b>Zoe")
    client = Client()
    client.force_login(root)
    html = client.get(reverse("admin:search"), {"s": "<b>zoe"}, headers=headers).content.decode()
    assert "&lt;b&gt;Zoe" in html
    assert "<b>zoe" not in html.lower()
    for term in ("' OR 1=1 -- %_\\", "\x00", "9" * 5000):
        assert client.get(reverse("admin:search"), {"s": term}, headers=headers).status_code == 200


def test_it_is_for_who_works_here_and_changes_nothing(root: User) -> None:
    address = reverse("admin:search")
    assert Client().get(address).status_code == 302
    client = Client()
    client.force_login(root)
    assert client.post(address).status_code == 405
    page = client.get(address, {"s": "today"}).content.decode()
    assert 'value="today"' in page
    assert f'href="{reverse("admin:index")}"' in page


def test_every_page_brings_the_palette(root: User) -> None:
    client = Client()
    client.force_login(root)
    html = client.get(reverse("admin:password_change")).content.decode()
    assert f'data-search="{reverse("admin:search")}"' in html
    assert "messaging/palette.js" in html
    assert "searchCommand" not in html
