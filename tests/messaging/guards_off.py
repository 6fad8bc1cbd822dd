"""What somebody does who has the database to themselves: rows of the ledger changed behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model

from tests.guards_off import guards_off


@contextmanager
def without_guards(*models: type[Model]) -> Iterator[None]:
    """The tables of these models without what the database keeps from being done to them."""
    with guards_off():
        yield


def tamper(model: type[Model], sql: str, *values: Any) -> None:
    """Raw SQL, with {table} for the table of the model."""
    with without_guards(model), connection.cursor() as cursor:
        cursor.execute(sql.format(table=model._meta.db_table), values)
