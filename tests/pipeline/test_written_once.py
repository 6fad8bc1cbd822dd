"""Queries whose SQL is written once: what they find is what the queryset would find, whatever values come."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from messaging.models import Message
from pipeline.models import Application, Candidate
from pipeline.written_once import UpdateOnce, WrittenOnce, ids, moment, uuids
from tests.factories import make_application, make_message

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@WrittenOnce
def _of_candidates() -> QuerySet[Application]:
    return Application.objects.filter(candidate__in=ids("candidates")).select_related("candidate").order_by("pk")


def test_rows_are_those_of_the_values_given_each_time() -> None:
    first, second, third = (make_application() for _ in range(3))

    assert _of_candidates(candidates=[first.candidate_id, third.candidate_id]) == [first, third]
    assert _of_candidates(candidates={second.candidate_id}) == [second]
    assert _of_candidates(candidates=[]) == []


def test_the_sql_is_written_once_and_what_is_joined_costs_no_query_more() -> None:
    asked = []

    @WrittenOnce
    def applications() -> QuerySet[Application]:
        asked.append(1)
        return Application.objects.filter(candidate__in=ids("candidates")).select_related("candidate")

    known = [make_application() for _ in range(3)]
    with CaptureQueriesContext(connection) as queries:
        names = [applications(candidates=[each.candidate_id])[0].candidate.first_name for each in known]
    assert names == [each.candidate.first_name for each in known]
    assert (len(queries), len(asked)) == (3, 1)


def test_times_and_ids_of_messages_are_saved_as_their_fields_save_them() -> None:
    @WrittenOnce
    def due() -> QuerySet[Any, tuple[uuid.UUID, datetime]]:
        found = Message.objects.filter(public_id__in=uuids("public_ids"), due_at__lte=moment("now"))
        return found.values_list("public_id", "due_at")

    message = make_message()
    wanted = [message.public_id, uuid.uuid4()]
    assert due(public_ids=wanted, now=message.due_at) == [(message.public_id, message.due_at)]
    assert due(public_ids=wanted, now=message.due_at - timedelta(seconds=1)) == []
    assert due(public_ids=wanted[1:], now=message.due_at) == []


@UpdateOnce
def _silence() -> tuple[QuerySet[Candidate], dict[str, Any]]:
    loud = Candidate.objects.filter(pk__in=ids("candidates"), do_not_contact_at__isnull=True)
    return loud, {"do_not_contact_at": moment("now"), "phone": ""}


def test_an_update_says_how_many_rows_it_changed() -> None:
    first, second = (make_application().candidate for _ in range(2))

    assert _silence(candidates=[first.pk, second.pk], now=NOW) == 2
    assert _silence(candidates=[first.pk], now=NOW) == 0
    first.refresh_from_db()
    assert (first.do_not_contact_at, first.phone) == (NOW, "")


def test_an_update_that_fails_takes_the_transaction_with_it() -> None:
    @UpdateOnce
    def nobody() -> tuple[QuerySet[Candidate], dict[str, Any]]:
        return Candidate.objects.filter(pk__in=ids("candidates")), {"first_name": moment("nothing")}

    candidate = make_application().candidate
    with transaction.atomic():
        with pytest.raises(DatabaseError):
            nobody(candidates=[candidate.pk], nothing=None)
        assert transaction.get_rollback()
        transaction.set_rollback(True)
