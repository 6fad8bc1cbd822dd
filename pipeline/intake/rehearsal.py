"""What a dry run would have written so far.

It is kept outside the database, so that nothing is locked, and outside the memory, so that a long file fits.
"""

import pickle
import sqlite3
from collections.abc import Iterable, Sequence

from pipeline.intake.entries import Entry
from pipeline.intake.people import People
from pipeline.intake.standing import Person


class Rehearsal:
    """A row further down may be about somebody whom a row further up would have brought."""

    def __init__(self) -> None:
        # An empty name is a private file that SQLite deletes itself; nobody else can put a pickle into it.
        self._store = sqlite3.connect("", isolation_level=None)
        self._store.execute("CREATE TABLE person (address TEXT PRIMARY KEY, id TEXT, what BLOB) WITHOUT ROWID")
        self._store.execute("CREATE INDEX person_id ON person (id) WHERE id IS NOT NULL")

    def close(self) -> None:
        self._store.close()

    def remember(self, people: People) -> None:
        self._store.execute("BEGIN")
        for person in people.with_changes():
            for run in person.runs.values():
                run.changes.clear()
            what = pickle.dumps(person)
            for key in {person.email_key, *person.other_keys}:
                row = (key, person.external_id or None, what)
                self._store.execute("INSERT OR REPLACE INTO person VALUES (?, ?, ?)", row)
        self._store.execute("COMMIT")

    def recall(self, entries: Sequence[Entry], people: People, *, source: str) -> None:
        """Puts what is remembered in front of what is stored."""
        found = [
            *self._find("address", (entry.address.canonical for entry in entries)),
            *self._find("id", (entry.external_id for entry in entries if entry.external_id)),
        ]
        for person in found:
            people.add(person, source=source)

    def _find(self, column: str, values: Iterable[str]) -> list[Person]:
        wanted = sorted(set(values))
        marks = ", ".join("?" * len(wanted))
        rows = self._store.execute(f"SELECT what FROM person WHERE {column} IN ({marks})", wanted)  # noqa: S608
        return [pickle.loads(what) for (what,) in rows]  # noqa: S301
