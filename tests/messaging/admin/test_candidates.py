"""Candidates entered and corrected by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from pipeline.models import Candidate
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

ADD = "/admin/pipeline/candidate/add/"


@pytest.fixture
def client() -> Client:
    return sign_in("pipeline.view_candidate", "pipeline.add_candidate", "pipeline.change_candidate")[0]


def page_of(candidate: Candidate) -> str:
    return reverse("admin:pipeline_candidate_change", args=[candidate.pk])


def person(**given: str) -> dict[str, str]:
    return {"first_name": "Kim", "last_name": "Lee", "email": "kim@example.com", "phone": "", "time_zone": ""} | given


def errors(response: Any) -> str:
    return " ".join(str(response.context["adminform"].form.errors).split())


def test_a_candidate_is_added_by_hand_with_the_key_of_their_address(client: Client) -> None:
    assert client.post(ADD, person(email=" Kim.LEE@Example.COM ")).status_code == 302
    candidate = Candidate.objects.get()
    assert (candidate.email, candidate.email_key) == ("Kim.LEE@example.com", "kim.lee@example.com")
    assert (candidate.reach, candidate.email_flag) == (0, "")


@pytest.mark.parametrize(
    "address", ["", "kim", "a@example.com, b@example.com", "Kim <kim@example.com>", "kim@[127.0.0.1]", "kim@localhost"]
)
def test_what_is_not_one_address_is_refused(address: str, client: Client) -> None:
    response = client.post(ADD, person(email=address))
    assert response.status_code == 200
    assert "email" in response.context["adminform"].form.errors
    assert Candidate.objects.count() == 0


def test_an_address_that_belongs_to_somebody_is_refused_with_their_name(client: Client) -> None:
    make.make_candidate(first_name="Mia", last_name="Nowak", email="mia@example.com")
    response = client.post(ADD, person(email="MIA@example.com"))
    assert "Mia Nowak has this address already." in errors(response)
    assert Candidate.objects.count() == 1


def test_a_candidate_keeps_their_own_address_and_may_get_a_new_one(client: Client) -> None:
    candidate = make.make_candidate(email="kim@example.com")
    assert client.post(page_of(candidate), person(phone="+44 1", came_from="")).status_code == 302
    assert client.post(page_of(candidate), person(email="kim.lee@example.org")).status_code == 302
    candidate.refresh_from_db()
    assert (candidate.email, candidate.email_key) == ("kim.lee@example.org", "kim.lee@example.org")


def test_an_odd_address_is_taken_and_flagged_and_the_flag_goes_with_the_address(client: Client) -> None:
    candidate = make.make_candidate(email="kim@example.com")
    client.post(page_of(candidate), person(email="kim@exаmple.com"))  # a Cyrillic letter in the domain
    candidate.refresh_from_db()
    assert "mixes" in candidate.email_flag
    assert "mixes" in client.get(page_of(candidate)).content.decode()
    client.post(page_of(candidate), person())
    candidate.refresh_from_db()
    assert candidate.email_flag == ""


def test_a_time_zone_is_a_known_one_or_empty(client: Client) -> None:
    response = client.post(ADD, person(time_zone="Madrid"))
    assert "“Madrid” is not a time zone." in errors(response)
    assert client.post(ADD, person(time_zone="Europe/Madrid")).status_code == 302
    assert Candidate.objects.get().time_zone == "Europe/Madrid"


def test_reach_cannot_be_typed(client: Client) -> None:
    candidate = make.make_application().candidate
    client.post(page_of(candidate), person(reach="7", email_key="x@example.com"))
    candidate.refresh_from_db()
    assert (candidate.reach, candidate.email_key) == (1, "kim@example.com")


def test_the_page_shows_every_application_and_offers_another_to_who_may_add_one(client: Client) -> None:
    first = make.make_application()
    second = make.make_application(candidate=first.candidate)
    html = client.get(page_of(first.candidate)).content.decode()
    for application in (first, second):
        assert str(application.job) in html
        assert reverse("admin:pipeline_application_change", args=[application.pk]) in html
    add = f"{reverse('admin:pipeline_application_add')}?candidate={first.candidate_id}"
    assert add not in html
    allowed, _ = sign_in("pipeline.view_candidate", "pipeline.add_application")
    assert add in allowed.get(page_of(first.candidate)).content.decode()


def test_a_hostile_name_is_shown_as_text(client: Client) -> None:
    client.post(ADD, person(first_name="<img src=x onerror=alert(1)>", last_name="{{ 7|add:7 }}"))
    candidate = make.make_application(candidate=Candidate.objects.get()).candidate
    for url in (page_of(candidate), reverse("admin:pipeline_candidate_changelist")):
        html = client.get(url).content.decode()
        assert "&lt;img src=x" in html
        assert "<img src=x" not in html
        assert "{{ 7|add:7 }}" in html


def test_the_list_tells_where_somebody_stands(client: Client) -> None:
    active = make.make_application()
    make.reject(make.make_application(candidate=active.candidate))
    row = client.get(reverse("admin:pipeline_candidate_changelist")).content.decode()
    assert f"{active.job}: Applied" in row
    assert ": rejected" in row
