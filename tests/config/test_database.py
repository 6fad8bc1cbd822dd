"""What the database is asked for, so that a commit is one when the power is lost."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def ask(*questions: str) -> list[object]:
    with connection.cursor() as cursor:
        answers = []
        for question in questions:
            cursor.execute(question)
            answers.append(cursor.fetchone()[0])
    return answers


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="it is the setting of SQLite")
def test_a_commit_of_the_embedded_database_is_on_the_disk() -> None:
    """2 is FULL. With less, a mail that left could be due again after the power came back."""
    assert ask("PRAGMA synchronous", "PRAGMA journal_mode", "PRAGMA foreign_keys") == [2, "wal", 1]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="it is the setting of PostgreSQL")
def test_a_commit_of_the_server_waits_for_its_log() -> None:
    assert ask("SHOW synchronous_commit") == ["on"]
