"""`manage.py import_candidates` as people call it."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection

from pipeline.intake.importing import BATCH
from pipeline.models import Application, Candidate, Job, StageChange
from tests import factories
from tests.pipeline.intake.files import ann, bob, many, rejected, table, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def job() -> Job:
    return factories.make_job(title="Engineer")


def run(*arguments: object, **options: Any) -> str:
    out = StringIO()
    call_command("import_candidates", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def refused(*arguments: object) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)


def test_the_command_says_how_it_reads_the_file_and_what_it_took(tmp_path: Path) -> None:
    said = run(write(tmp_path, ann(), bob(Email="broken")))

    assert "people.csv: 2 rows, utf-8, comma, mapping generic." in said
    assert "2 rows: 1 taken (1 new applications, 0 updated, 0 unchanged; 1 new candidates), 1 rejected." in said
    assert "1 rows: The address cannot be used" in said
    assert f"The rejected rows and their reasons are in {tmp_path / 'people.rejects.csv'}." in said
    assert Candidate.objects.get().full_name == "Ann Lee"


def test_nothing_is_written_beside_a_file_that_was_taken_whole(tmp_path: Path) -> None:
    old = tmp_path / "people.rejects.csv"
    old.write_text("what an earlier run left")

    run(write(tmp_path, ann()))

    assert not old.exists()


def test_a_dry_run_writes_no_row_and_says_what_it_would_do(tmp_path: Path) -> None:
    path = write(tmp_path, ann(), bob(Email="broken"))

    said = run(path, dry_run=True)

    assert "1 would be taken" in said
    assert "1 would be rejected" in said
    assert not Candidate.objects.exists()
    assert len(rejected(path)) == 1


def test_only_send_lets_automations_follow(tmp_path: Path) -> None:
    run(write(tmp_path, ann()))
    run(write(tmp_path, bob(), name="loud.csv"), send=True)

    quiet = dict(StageChange.objects.values_list("application__candidate__first_name", "quiet"))
    assert quiet == {"Ann": True, "Bob": False}
    assert "sends nothing" in refused(write(tmp_path, ann()), "--send", "--dry-run")


def test_every_option_reaches_the_import(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    row = ann(Job="", Stage="Onsite", Applied="03/04/2026", Name="Zoë Lee")
    path.write_bytes(table(row).replace(",", "|").encode("cp1252"))

    run(
        path,
        "--encoding=cp1252",
        "--delimiter=bar",
        "--mapping=generic",
        "--date-order=dmy",
        "--job=engineer",
        "--source=Old tracker",
        "--stage=onsite=Interview",
        f"--rejects={tmp_path / 'left.csv'}",
    )

    application = Application.objects.select_related("candidate", "stage").get()
    assert (application.candidate.first_name, application.candidate.external_source) == ("Zoë", "Old tracker")
    assert (application.stage.name, f"{application.applied_at:%d %m}") == ("Interview", "02 04")  # midnight in London


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"name,job\nAnn,Engineer\n", "no column for the email"),
        (b"name,email,email,job\nAnn,a@example.com,b@example.com,Engineer\n", "stands above more than one column"),
        (b"PK\x03\x04", "Excel workbook"),
        (b'name,email,job\n"Ann,a@example.com,Engineer\n', "never ends"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_in_one_sentence(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)

    assert word in refused(path)
    assert not (tmp_path / "people.rejects.csv").exists()
    assert not Candidate.objects.exists()


def test_what_was_asked_for_wrongly_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, ann())

    assert "There is no file" in refused(tmp_path / "nowhere.csv")
    assert "cannot be written over the file" in refused(path, f"--rejects={path}")
    assert "cannot be written" in refused(path, f"--rejects={tmp_path / 'no folder' / 'left.csv'}")
    assert "no encoding" in refused(path, "--encoding=klingon")
    assert "THEIRS=OURS" in refused(path, "--stage=onsite")
    assert "more than 50 characters" in refused(path, f"--source={'x' * 51}")
    assert not Candidate.objects.exists()


def test_a_database_that_stops_is_said_and_what_was_taken_stays(tmp_path: Path) -> None:
    path = write(tmp_path, *many(BATCH + 10))

    def fail_late(execute: Any, sql: str, params: Any, is_many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and f"ann{BATCH}@example.com" in repr(params):
            raise OperationalError("database is locked")
        return execute(sql, params, is_many, context)

    with connection.execute_wrapper(fail_late):
        sentence = refused(path)

    assert "The database stopped the import: database is locked." in sentence
    assert Candidate.objects.count() == BATCH
    assert f"({10} new applications, 0 updated, {BATCH} unchanged;" in run(path)


def test_a_batch_that_collides_with_another_import_is_decided_again(tmp_path: Path) -> None:
    path = write(tmp_path, ann(), bob())
    collisions: list[str] = []

    def collide_once(execute: Any, sql: str, params: Any, is_many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "ann@example.com" in repr(params) and not collisions:
            collisions.append(sql)
            raise IntegrityError("the address is taken")
        return execute(sql, params, is_many, context)

    with connection.execute_wrapper(collide_once):
        said = run(path)

    assert collisions
    assert "2 rows: 2 taken (2 new applications" in said
    assert Candidate.objects.count() == 2
