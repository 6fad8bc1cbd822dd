"""Queries whose SQL is written once and run with other values ever after, for those that every mail asks: to write the SQL
takes the ORM longer than the database needs to answer."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection
from typing import Any, Generic, TypeVar, cast

from django.db import connection, transaction
from django.db.models import BigIntegerField, DateTimeField, Expression, Field, QuerySet, UUIDField
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


def moment(name: str) -> Any:
    """In a query, the place of a time that is given when it runs."""
    return _Given(name, DateTimeField())


def ids(name: str) -> Any:
    """The place of any number of keys, after `__in`."""
    return _GivenMany(name, BigIntegerField())


def uuids(name: str) -> Any:
    return _GivenMany(name, UUIDField())


class WrittenOnce(Generic[Row]):
    """Of a function without arguments that makes a queryset, whose values stand in places; as a decorator. What differs in
    shape, and not in values, is another query."""

    def __init__(self, make: Callable[[], QuerySet[Any, Row]]) -> None:
        self._make = make
        self._written: dict[str, tuple[QuerySet[Any, Row], SQLCompiler, str, tuple[Any, ...]]] = {}

    def __call__(self, **values: Any) -> list[Row]:
        """The rows, as the queryset would give them."""
        if connection.vendor not in self._written:
            made = self._make()
            compiler = made.query.get_compiler(connection=connection)
            self._written[connection.vendor] = (made, compiler, *compiler.as_sql())
        made, written, sql, places = self._written[connection.vendor]
        # Own copies, because the written ones are shared among threads, each with a connection of its own.
        compiler = cast(Any, copy.copy(written))
        compiler.connection = connection
        compiler.as_sql = lambda *_, **__: (sql, _filled(places, values))
        rows = made.all()  # with a query of its own
        rows.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        return list(rows)


class UpdateOnce:
    """The same for an UPDATE. What is set stands in places as well, or is always the same."""

    def __init__(self, make: Callable[[], tuple[QuerySet[Any], dict[str, Any]]]) -> None:
        self._make = make
        self._written: dict[str, tuple[str, tuple[Any, ...]]] = {}

    def __call__(self, **values: Any) -> int:
        """How many rows it changed."""
        if connection.vendor not in self._written:
            made, changes = self._make()
            query = cast(UpdateQuery, made.query.chain(UpdateQuery))
            query.add_update_values(changes)
            self._written[connection.vendor] = query.get_compiler(connection=connection).as_sql()
        sql, places = self._written[connection.vendor]
        with transaction.mark_for_rollback_on_error(connection.alias), connection.cursor() as cursor:
            cursor.execute(sql, _filled(places, values))
            return int(cursor.rowcount)


class _Place:
    """Among the parameters of a statement, where a value will stand."""

    def __init__(self, name: str, value_of: Callable[[Any], Any]) -> None:
        self.name, self.value_of = name, value_of


def _filled(places: Collection[Any], values: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(place.value_of(values[place.name]) if isinstance(place, _Place) else place for place in places)


class _Given(Expression):
    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, _compiler: SQLCompiler, _connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return "%s", [_Place(self.name, self._saved)]

    def _saved(self, value: Any) -> Any:
        return self.output_field.get_db_prep_value(value, connection)


class _GivenMany(_Given):
    """One parameter, whatever the number of values, so that the statement stays the same."""

    def as_sqlite(self, _compiler: SQLCompiler, _connection: Any) -> tuple[str, list[Any]]:
        return "(SELECT value FROM json_each(%s))", [_Place(self.name, lambda value: json.dumps(self._all(value)))]

    def as_postgresql(self, _compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        kind = self.output_field.db_type(connection)
        return f"(SELECT unnest(%s::{kind}[]))", [_Place(self.name, self._all)]

    def _all(self, values: Collection[Any]) -> list[Any]:
        return [self._saved(value) for value in values]
