"""Who stands for a source."""

from __future__ import annotations

import pytest
from django.test import Client

from pipeline.models import Source
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db


def save(client: Client, source: Source, **given: str) -> int:
    return client.post(f"/admin/pipeline/source/{source.pk}/change/", given).status_code


def test_who_registers_a_source_stands_for_it_with_their_name_and_the_time() -> None:
    client, user = sign_in("pipeline.view_source", "pipeline.change_source")
    source = make.make_source()
    assert save(client, source, relays_decisions="on") == 302
    source.refresh_from_db()
    assert (source.relays_decisions, source.registered_by) == (True, user)
    first = source.registered_at
    assert first is not None

    other, _ = sign_in("pipeline.view_source", "pipeline.change_source")
    assert save(other, source, relays_decisions="on") == 302
    source.refresh_from_db()
    assert (source.registered_by, source.registered_at) == (user, first)

    assert save(other, source) == 302
    source.refresh_from_db()
    assert (source.relays_decisions, source.registered_by, source.registered_at) == (False, None, None)


def test_a_source_is_registered_by_who_may_change_it_alone() -> None:
    client, _ = sign_in("pipeline.view_source", "pipeline.change_reason", "pipeline.add_source")
    source = make.make_source()
    assert save(client, source, relays_decisions="on") == 403
    source.refresh_from_db()
    assert not source.relays_decisions
    assert client.post("/admin/pipeline/source/add/", {"name": "Mine", "relays_decisions": "on"}).status_code == 403


def test_registered_by_and_the_name_cannot_be_typed() -> None:
    client, user = sign_in("pipeline.view_source", "pipeline.change_source")
    source = make.make_source(name="Old system")
    other = make.make_user()
    save(client, source, relays_decisions="on", registered_by=str(other.pk), name="Renamed", kind="token")
    source.refresh_from_db()
    assert (source.name, source.kind, source.registered_by) == ("Old system", "import", user)
