"""Guards: triggers that hold a promise in the database itself, the same in SQLite and PostgreSQL, so that no raw statement,
fixture or shell gets around it. A guard is data; migrations install it, and a start-up check compares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.apps.registry import Apps
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

PREFIX = "byhand_"
INSERT, UPDATE, DELETE = "INSERT", "UPDATE", "DELETE"


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Refuses a statement on a row where `when` is true. `when` is SQL that both databases read alike, with NEW and OLD;
    IS DISTINCT FROM is translated. NULL counts as false, so a condition is written such that unknown is refused. `where`
    looks at NEW and OLD alone: PostgreSQL begins a query for everything else, and this keeps it from most rows."""

    name: str
    table: str
    event: str
    where: str = ""
    when: str
    sentence: str

    @property
    def full_name(self) -> str:
        return PREFIX + self.name

    def statements(self, vendor: str) -> list[str]:
        return [self._in_sqlite()] if vendor == "sqlite" else [self._function(), self._in_postgresql()]

    def _in_sqlite(self) -> str:
        both = f"{self.where} AND {self.when}" if self.where else self.when
        when = both.replace("IS NOT DISTINCT FROM", "IS").replace("IS DISTINCT FROM", "IS NOT")
        return (
            f"CREATE TRIGGER {self.full_name} BEFORE {self.event} ON {self.table} FOR EACH ROW WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{self._quoted()}'); END"
        )

    def body(self) -> str:
        row = "OLD" if self.event == DELETE else "NEW"
        refuse = (
            f"IF {self.when} THEN "
            f"RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{self._quoted()}'; END IF;"
        )
        return f"BEGIN {f'IF {self.where} THEN {refuse} END IF;' if self.where else refuse} RETURN {row}; END"

    def _function(self) -> str:
        return (
            f"CREATE OR REPLACE FUNCTION {self.full_name}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $guard${self.body()}$guard$"
        )

    def _in_postgresql(self) -> str:
        return (
            f"CREATE TRIGGER {self.full_name} BEFORE {self.event} ON {self.table} "
            f"FOR EACH ROW EXECUTE FUNCTION {self.full_name}()"
        )

    def _quoted(self) -> str:
        return self.sentence.replace("'", "’")


def stays(table: str, *, name: str, thing: str) -> Guard:
    """Rows of this table are never deleted."""
    return Guard(name=f"{name}_stays", table=table, event=DELETE, when="1 = 1", sentence=f"{thing} is never deleted.")


def changed(*columns: str) -> str:
    """Whether an UPDATE changes one of these."""
    return "(" + " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns) + ")"


def there_already(table: str, *, key: str = "id", unique: Sequence[str] = ()) -> str:
    """Whether an INSERT meets a row that it would replace: INSERT OR REPLACE deletes without asking a guard."""
    same = [f"EXISTS (SELECT 1 FROM {table} r WHERE r.{key} = NEW.{key})"]
    if unique:
        columns = " AND ".join(f"r.{column} = NEW.{column}" for column in unique)
        same.append(f"EXISTS (SELECT 1 FROM {table} r WHERE {columns})")
    return "(" + " OR ".join(same) + ")"


def append_only(
    table: str, *, name: str, thing: str, key: str = "id", unique: Sequence[str] = ()
) -> tuple[Guard, Guard, Guard]:
    """What was written stays as it was written."""
    return (
        Guard(
            name=f"{name}_is_new",
            table=table,
            event=INSERT,
            when=there_already(table, key=key, unique=unique),
            sentence=f"{thing} is never replaced.",
        ),
        Guard(
            name=f"{name}_is_final",
            table=table,
            event=UPDATE,
            when="1 = 1",
            sentence=f"{thing} is never changed.",
        ),
        stays(table, name=name, thing=thing),
    )


def install(guards: Iterable[Guard], *, using: BaseDatabaseWrapper) -> None:
    """Safe to repeat: what stands there under these names is replaced."""
    guards = list(guards)
    remove(guards, using=using)
    with using.cursor() as cursor:
        for guard in guards:
            for statement in guard.statements(using.vendor):
                cursor.execute(statement)


def remove(guards: Iterable[Guard], *, using: BaseDatabaseWrapper) -> None:
    with using.cursor() as cursor:
        for guard in guards:
            if using.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {guard.full_name}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {guard.full_name} ON {guard.table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS {guard.full_name}()")


def installing(guards: Sequence[Guard]) -> RunPython:
    """The operation of the newest migration that needs them. A later migration that rebuilds one of their tables, or a
    change of a guard, takes the operation over: it stands in one migration only, and there it comes last."""

    def forwards(_: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        install(guards, using=schema_editor.connection)

    def backwards(_: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        remove(guards, using=schema_editor.connection)

    return RunPython(forwards, backwards)


def find_differences(guards: Iterable[Guard]) -> list[str]:
    """Names of the guards that are missing, changed or switched off in the database, and of those that nobody expects."""
    expected = {guard.full_name: _expected(guard) for guard in guards}
    installed = _read_installed()
    return sorted(name for name in expected.keys() | installed.keys() if expected.get(name) != installed.get(name))


def _expected(guard: Guard) -> tuple[str, ...]:
    if connection.vendor == "sqlite":
        return tuple(guard.statements("sqlite"))
    return guard.table, guard.event, "O", guard.body()


def _read_installed() -> dict[str, tuple[str, ...]]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{PREFIX}%'")
        else:
            cursor.execute(
                # tgtype: row (1), before (2), then the event.
                "SELECT t.tgname, c.relname, CASE t.tgtype WHEN 7 THEN 'INSERT' WHEN 19 THEN 'UPDATE' "
                "WHEN 11 THEN 'DELETE' ELSE 'other' END, t.tgenabled::text, p.prosrc "
                "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
                f"WHERE NOT t.tgisinternal AND t.tgname LIKE '{PREFIX}%' "
                "AND c.relnamespace = current_schema()::regnamespace AND t.tgqual IS NULL"
            )
        return {name: tuple(parts) for name, *parts in cursor.fetchall()}


_CHANGES = "pipeline_stagechange"
_MERGE = "pipeline_merge"
_OF_CANDIDATE = "pipeline_application a WHERE a.candidate_id = NEW.id"
_TAKEN_APART = "EXISTS (SELECT 1 FROM pipeline_unmerge u WHERE u.merge_id = m.id)"
# Taking a merge apart gives the kept record its own reach again: no less than its own history shows, its own applications
# stand at, and another merge brought that is not taken apart.
_OWN_AGAIN = f"""(EXISTS (SELECT 1 FROM {_MERGE} m JOIN pipeline_unmerge u ON u.merge_id = m.id
 WHERE m.kept_id = NEW.id AND u.from_reach = OLD.reach AND u.to_reach = NEW.reach)
AND NOT EXISTS (SELECT 1 FROM {_MERGE} m WHERE m.kept_id = NEW.id AND m.away_reach > NEW.reach AND NOT {_TAKEN_APART})
AND NOT EXISTS (SELECT 1 FROM pipeline_stage s WHERE s.milestone > NEW.reach
 AND s.id IN (SELECT a.stage_id FROM {_OF_CANDIDATE}))
AND NOT EXISTS (SELECT 1 FROM {_CHANGES} h WHERE h.to_milestone > NEW.reach
 AND h.application_id IN (SELECT a.id FROM {_OF_CANDIDATE}) AND h.id > COALESCE(
 (SELECT MAX(k.last_change_id) FROM pipeline_reachcorrection k WHERE k.candidate_id = NEW.id), 0)))"""


def _is_merged_away(candidate: str) -> str:
    return f"EXISTS (SELECT 1 FROM pipeline_candidate c WHERE c.id = {candidate} AND c.merged_into_id IS NOT NULL)"


GUARDS = (
    *append_only(_CHANGES, name="stage_change", thing="A stage change"),
    *append_only("pipeline_reachcorrection", name="reach_correction", thing="The correction of a reach"),
    *append_only(_MERGE, name="merge", thing="The record of a merge"),
    *append_only(
        "pipeline_mergedapplication",
        name="merged_application",
        thing="The record of a merge",
        unique=["merge_id", "application_id"],
    ),
    *append_only("pipeline_unmerge", name="unmerge", thing="The record of a merge", unique=["merge_id"]),
    Guard(
        name="merge_is_of_two_that_stand",
        table=_MERGE,
        event=INSERT,
        when=f"{_is_merged_away('NEW.kept_id')} OR {_is_merged_away('NEW.away_id')}",
        sentence="Only two records that stand are merged.",
    ),
    Guard(
        name="candidate_is_new",
        table="pipeline_candidate",
        event=INSERT,
        when=f"({there_already('pipeline_candidate', unique=['email_key'])} OR (NEW.external_id <> '' AND "
        f"{there_already('pipeline_candidate', unique=['external_source', 'external_id'])}))",
        sentence="A candidate is never replaced by another row.",
    ),
    Guard(
        name="candidate_begins_alone",
        table="pipeline_candidate",
        event=INSERT,
        when="NEW.merged_into_id IS NOT NULL",
        sentence="A candidate begins as a record of its own.",
    ),
    Guard(
        name="candidate_is_merged_on_record",
        table="pipeline_candidate",
        event=UPDATE,
        when=f"{changed('merged_into_id')} AND NOT (OLD.merged_into_id IS NULL AND EXISTS (SELECT 1 FROM {_MERGE} m "
        f"WHERE m.kept_id = NEW.merged_into_id AND m.away_id = NEW.id AND NOT {_TAKEN_APART})) "
        f"AND NOT (NEW.merged_into_id IS NULL AND NOT EXISTS (SELECT 1 FROM {_MERGE} m WHERE m.away_id = NEW.id "
        f"AND NOT {_TAKEN_APART}))",
        sentence="A candidate becomes another one, or itself again, only by a merge that is on record.",
    ),
    Guard(
        name="reach_stays",
        table="pipeline_candidate",
        event=UPDATE,
        # See ReachCorrection: good for one time, because every new stage change outdates it.
        when="NEW.reach < OLD.reach AND NOT EXISTS (SELECT 1 FROM pipeline_reachcorrection c WHERE c.candidate_id = NEW.id "
        "AND c.from_reach = OLD.reach AND c.to_reach = NEW.reach AND c.last_change_id = (SELECT MAX(h.id) "
        f"FROM {_CHANGES} h WHERE h.application_id IN (SELECT a.id FROM {_OF_CANDIDATE}))) AND NOT {_OWN_AGAIN}",
        sentence="A reach never goes down. An administrator can correct one that was recorded wrongly, with a reason.",
    ),
    # Everything that was ever said to somebody hangs on their applications, and so does what the gate knows of them.
    Guard(
        name="application_begins_with_one_who_stands",
        table="pipeline_application",
        event=INSERT,
        when=_is_merged_away("NEW.candidate_id"),
        sentence="This record was merged into another one, which applies in its place.",
    ),
    Guard(
        name="application_stays_with_its_candidate",
        table="pipeline_application",
        event=UPDATE,
        when=f"NEW.candidate_id <> OLD.candidate_id AND NOT EXISTS (SELECT 1 FROM {_MERGE} m "
        "JOIN pipeline_mergedapplication g ON g.merge_id = m.id WHERE g.application_id = NEW.id AND g.was_of_id = m.away_id "
        f"AND ((OLD.candidate_id = m.away_id AND NEW.candidate_id = m.kept_id AND NOT {_TAKEN_APART}) "
        f"OR (OLD.candidate_id = m.kept_id AND NEW.candidate_id = m.away_id AND {_TAKEN_APART})))",
        sentence="An application goes to another candidate only by a merge that is on record.",
    ),
    # A held conversation is evidence of contact.
    Guard(
        name="interview_stays_held",
        table="pipeline_interview",
        event=UPDATE,
        when="(OLD.held_at IS NOT NULL AND NEW.held_at IS NULL) OR NEW.application_id <> OLD.application_id",
        sentence="A conversation that was held stays held, with the same candidate.",
    ),
    stays("pipeline_interview", name="interview", thing="A conversation"),
)
