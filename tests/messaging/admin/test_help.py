"""Help is for everybody who works here, and leads to pages and places that are there."""

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from messaging.policy.floor import FLOOR
from pipeline.models import User
from tests.factories import make_colleague, make_user

pytestmark = pytest.mark.django_db


def page_of(person: User) -> tuple[Client, str]:
    client = Client()
    client.force_login(person)
    response = client.get(reverse("help:page"))
    assert response.status_code == 200
    return client, html.unescape(response.content.decode())


def test_everybody_who_works_here_may_read_it_and_nobody_else() -> None:
    assert "How a message gets sent" in page_of(make_user())[1]
    assert Client().get(reverse("help:page")).status_code == 302


def test_it_names_every_kind_that_there_is() -> None:
    _, page = page_of(make_user())
    assert [kind.label for kind in FLOOR if kind.label not in page] == ["unknown"]


def test_its_links_lead_somewhere() -> None:
    client, page = page_of(make_colleague("Administrator"))
    content = page.partition('class="desk desk-reading help"')[2]
    links = re.findall(r'href="([^"]+)"', content.partition("</main>")[0])
    pages = {link for link in links if link.startswith("/")}
    assert len(pages) >= 6
    assert {link: client.get(link).status_code for link in pages} == dict.fromkeys(pages, 200)
    places = {link for link in links if link.startswith("#") and len(link) > 1}
    assert {"#way", "#when", "#words"} <= places
    assert [place for place in places if f'id="{place[1:]}"' not in page] == []


@pytest.mark.parametrize("place", ["held", "uncertain", "not-zero"])
def test_the_places_that_other_pages_lead_to_are_there(place: str) -> None:
    assert f'id="{place}"' in page_of(make_user())[1]
