"""For the few tests that need what the database refuses: a state that only a fault or an intruder could bring about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet

from messaging.guards import ALL
from pipeline.guards import install, remove


@contextmanager
def guards_off(model: type[Model] | None = None) -> Iterator[None]:
    """Those of one model, or all. Not beside other connections that write."""
    lifted = [guard for guard in ALL if model is None or guard.table == model._meta.db_table]
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            # A table whose foreign keys are still to be checked keeps its triggers.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    remove(lifted, using=connection)
    try:
        yield
    finally:
        install(lifted, using=connection)


def force(rows: QuerySet[Any], **values: Any) -> None:
    """An UPDATE that no guard is asked about."""
    with guards_off(rows.model):
        rows.update(**values)


def tamper(model: type[Model], sql: str, *values: Any) -> None:
    """Raw SQL past the guards, with {table} for the table of the model."""
    with guards_off(model), connection.cursor() as cursor:
        cursor.execute(sql.format(table=model._meta.db_table), values)
