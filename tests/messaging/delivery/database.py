"""A database that is in the way: locked by somebody else, or refusing one row, without touching our code."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.db.models import Model

from messaging.models import Message, RecordedVerdict
from tests.factories import NOW


@contextmanager
def cursed(table: str, **row: Model) -> Iterator[None]:
    """Rows that refer to this one cannot be written to the table: a bug that one message or change meets."""
    [(name, referred)] = row.items()
    condition = f"NEW.{name}_id = {referred.pk}"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER cursed BEFORE INSERT ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'cursed'); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION cursed() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF {condition} THEN RAISE EXCEPTION 'cursed'; END IF; RETURN NEW; END $$"
            )
            cursor.execute(f"CREATE TRIGGER cursed BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION cursed()")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER cursed" if connection.vendor == "sqlite" else "DROP FUNCTION cursed CASCADE")


@contextmanager
def locked(message: Message) -> Iterator[Callable[[], None]]:
    """Another connection holds the lock that writing needs, until it is released. Ours does not wait long for it."""
    is_sqlite = connection.vendor == "sqlite"
    patience = {"timeout": 0.01} if is_sqlite else {"options": "-c lock_timeout=10ms"}
    settings = connection.settings_dict
    usual, settings["OPTIONS"] = settings["OPTIONS"], {**settings["OPTIONS"], **patience}
    connection.close()
    other: Any
    if is_sqlite:
        other = sqlite3.connect(settings["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = connection.copy("other")
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pipeline_application WHERE id = %s FOR UPDATE", [message.application_id])
            cursor.execute("SELECT 1 FROM messaging_message WHERE id = %s FOR UPDATE", [message.pk])
    try:
        yield other.rollback
    finally:
        other.close()
        settings["OPTIONS"] = usual
        connection.close()


@contextmanager
def full(message: Message) -> Iterator[None]:
    """SQLite has not a page left to record a decision on, as on a full disk, and says so itself."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        [pages] = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    for size in (1500, 150, 1):  # until there is no room for the smallest
        with pytest.raises(OperationalError, match="database or disk is full"):
            _write_decisions(message, size)
    yield
    connection.close()  # the next one has as many pages as it wants


def _write_decisions(message: Message, size: int) -> None:
    for _ in range(1000):
        RecordedVerdict.objects.create(
            message=message, decided_at=NOW, outcome="stop", reserve=0, findings=[], facts={"": "x" * size}
        )


@contextmanager
def gone() -> Iterator[None]:
    """The database answers nothing."""

    def refuse(*_: object) -> NoReturn:
        raise OperationalError("The database is gone.")

    with connection.execute_wrapper(refuse):
        yield


@contextmanager
def broken(statement: str, *, times: int, after: int = 0) -> Iterator[None]:
    """The database does not answer statements that begin so, so many times after so many that it answered."""
    seen = 0

    def answer(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal seen
        if sql.startswith(statement):
            seen += 1
            if after < seen <= after + times:
                raise OperationalError("gone")
        return execute(sql, *rest)

    with connection.execute_wrapper(answer):
        yield
