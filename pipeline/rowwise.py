"""Many rows with values of their own in few statements, where the ORM would write a long CASE for each column, or one
statement for each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet


def update_each(model: type[Model], values: Mapping[int, Mapping[str, Any]], *, where: Mapping[str, Any]) -> int:
    """`values`: by primary key, the same fields for each. Rows that are not as `where` says are left alone. Returns how many
    were written."""
    if not values:
        return 0
    names = list(next(iter(values.values())))
    fields = {field.name: field for field in model._meta.concrete_fields}
    quote = connection.ops.quote_name

    def column(name: str) -> str:
        return f"{quote(str(fields[name].column))} = %s"

    def saved(name: str, value: Any) -> Any:
        return fields[name].get_db_prep_save(value, connection)

    condition = [saved(name, value) for name, value in where.items()]
    statement = (
        f"UPDATE {quote(model._meta.db_table)} SET {', '.join(map(column, names))} "  # noqa: S608  (names of the model's)
        f"WHERE {' AND '.join(map(column, ['id', *where]))}"
    )
    with connection.cursor() as cursor:
        rows = ([*(saved(name, row[name]) for name in names), pk, *condition] for pk, row in values.items())
        cursor.executemany(statement, list(rows))
        return int(cursor.rowcount)


def hand_down(rows: QuerySet[Any], name: str, successors: Mapping[int, Model]) -> None:
    """Each row that points with `name` to what has a successor once more, pointing to that. `successors`: by primary key."""
    copies = list(rows.filter(**{f"{name}__in": successors})) if successors else []
    for copy in copies:
        heir = successors[getattr(copy, f"{name}_id")]
        copy.pk = None
        setattr(copy, name, heir)
    rows.model.objects.bulk_create(copies)
