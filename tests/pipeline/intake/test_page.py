"""The import as pages: upload, preview, confirm, result; and what they refuse."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from pipeline.intake import uploads
from pipeline.intake.uploads import MOST_ROWS
from pipeline.models import Candidate, Job, StageChange, User
from tests import factories
from tests.pipeline.intake.files import ann, bob, many, table

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/import/"


@pytest.fixture(autouse=True)
def uploads_of_this_test(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture(autouse=True)
def job() -> Job:
    return factories.make_job(title="Engineer")


@pytest.fixture
def importer() -> User:
    user = factories.make_user()
    user.user_permissions.add(Permission.objects.get(codename="import_candidates"))
    return user


@pytest.fixture
def page(importer: User) -> Client:
    return signed_in(importer)


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def upload(client: Client, content: str | bytes, **fields: str) -> Any:
    file = SimpleUploadedFile("people.csv", content if isinstance(content, bytes) else content.encode(), "text/csv")
    return client.post(UPLOAD, {"file": file} | fields)


def previewed(client: Client, *rows: dict[str, str], **fields: str) -> str:
    """The address of the preview."""
    response = upload(client, table(*rows), **fields)
    assert response.status_code == 302, text(response)
    return str(response["Location"])


def whole(response: Any) -> str:
    content: bytes = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8-sig")


def text(response: Any) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_a_file_goes_from_upload_over_preview_to_result(page: Client, importer: User) -> None:
    assert "Preview" in text(page.get(UPLOAD))

    preview = previewed(page, ann(Stage="Review"), bob(Email="broken"))
    shown = text(page.get(preview))
    assert "people.csv was read as utf-8 with a comma between the columns, by the mapping Generic" in shown
    assert "Ann Lee ann@example.com Engineer Review active" in shown
    assert "The address cannot be used 1" in shown
    assert "“broken” is not a mail address" in shown
    assert not Candidate.objects.exists()

    result = page.post(f"{preview}confirm/", follow=True)
    assert "people.csv was imported." in text(result)
    assert "Nothing was sent to anybody" in text(result)
    change = StageChange.objects.first()
    assert change is not None
    assert (change.actor_kind, change.moved_by, change.quiet) == ("import", importer, True)
    assert LogEntry.objects.get().user == importer
    assert "2 rows: 1 new applications" in LogEntry.objects.get().change_message


def test_the_preview_says_what_the_import_then_does(page: Client) -> None:
    rows = [ann(), ann(Stage="Review"), bob(), bob(ID="9")]
    preview = previewed(page, *rows)
    token = preview.rstrip("/").rsplit("/", 1)[1]
    said = uploads.find(token, user_id=int(page.session["_auth_user_id"]))

    page.post(f"{preview}confirm/")

    done = uploads.find(token, user_id=int(page.session["_auth_user_id"]))
    assert said is not None
    assert done is not None
    assert done.report == said.report
    assert (done.report["created"], done.report["updated"], done.report["rejected"]) == (2, 1, 1)


def test_a_second_click_changes_nothing(page: Client) -> None:
    preview = previewed(page, ann())
    page.post(f"{preview}confirm/")
    before = StageChange.objects.count()

    again = page.post(f"{preview}confirm/", follow=True)

    assert again.status_code == 200
    assert "What became of the rows" in text(again)
    assert (StageChange.objects.count(), LogEntry.objects.count()) == (before, 1)


def test_the_rejected_rows_can_be_downloaded_before_and_after(page: Client) -> None:
    preview = previewed(page, ann(Name="=cmd()", Email="broken"))
    for _ in range(2):
        response = page.get(f"{preview}rejects.csv")
        content = whole(response)
        assert response["Content-Disposition"] == 'attachment; filename="rejected-rows.csv"'
        assert response["Content-Type"] == "text/csv"
        assert '"\'=cmd()"' in content
        assert "is not a mail address" in content
        page.post(f"{preview}confirm/")

    without = previewed(page, bob())
    assert page.get(f"{without}rejects.csv").status_code == 404


def test_what_was_said_about_the_file_counts(page: Client, job: Job) -> None:
    content = table(ann(Job="", Name="Zoë Lee", Applied="03/04/2026")).replace(",", "|").encode("cp1252")

    response = upload(
        page,
        content,
        job=str(job.pk),
        mapping="generic",
        date_order="mdy",
        source="Old tracker",
        encoding="cp1252",
        delimiter="|",
    )

    shown = text(page.get(response["Location"]))
    assert "Zoë Lee ann@example.com Engineer" in shown
    assert "04 March 2026" in shown
    page.post(f"{response['Location']}confirm/")
    assert Candidate.objects.get().external_source == "Old tracker"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"name,job\nAnn,Engineer\n", "no column for the email"),
        (b"name,email,job\n", "no rows under it"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_on_the_upload_page(page: Client, content: bytes, word: str) -> None:
    response = upload(page, content)

    assert response.status_code == 200
    assert word in text(response)
    assert "Preview" in text(response)
    assert not list(root().glob("*/waiting.csv"))


def test_a_file_that_is_too_large_is_sent_to_the_command(page: Client) -> None:
    rows = table(*many(MOST_ROWS + 1))

    assert "up to 20,000 can be imported here. Import it with the command" in text(upload(page, rows))

    most = django_settings.IMPORT_UPLOAD_MAX_BYTES
    assert "The file is larger than 20 MB" in text(upload(page, b"x" * (most + 1)))


def test_a_database_that_stops_leaves_the_file_waiting(page: Client) -> None:
    preview = previewed(page, ann())

    def fail(execute: Any, sql: str, params: Any, is_many: bool, context: Any) -> Any:
        if sql.startswith('INSERT INTO "pipeline_candidate"'):
            raise OperationalError("database is locked")
        return execute(sql, params, is_many, context)

    with connection.execute_wrapper(fail):
        assert "The database stopped the import: database is locked." in text(
            page.post(f"{preview}confirm/", follow=True)
        )

    assert "was imported" in text(page.post(f"{preview}confirm/", follow=True))


def test_an_import_that_was_interrupted_says_so(page: Client, importer: User) -> None:
    preview = previewed(page, ann())
    folder = root() / preview.rstrip("/").rsplit("/", 1)[1]
    (folder / uploads.WAITING).rename(folder / uploads.RUNNING)

    assert "is being imported" in text(page.get(preview))
    assert "is being imported" in text(page.post(f"{preview}confirm/", follow=True))
    assert not Candidate.objects.exists()


def test_uploads_are_readable_for_the_program_alone_and_gone_after_a_day(page: Client, importer: User) -> None:
    folder = root() / previewed(page, ann(Email="broken")).rstrip("/").rsplit("/", 1)[1]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "rejects.csv").stat().st_mode & 0o777 == 0o600

    uploads.remove_old(now=timezone.now())
    assert folder.exists()
    long_ago = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(folder, (long_ago, long_ago))
    previewed(page, bob())

    assert not folder.exists()


def test_only_those_who_may_import_see_the_pages(page: Client) -> None:
    preview = previewed(page, ann())
    nobody = Client()
    outsider = signed_in(factories.make_user())
    not_staff = signed_in(factories.make_user(is_staff=False, is_superuser=True))

    for address in (UPLOAD, preview, f"{preview}rejects.csv"):
        assert nobody.get(address)["Location"].startswith(reverse("admin:login"))
        assert not_staff.get(address)["Location"].startswith(reverse("admin:login"))
        assert outsider.get(address).status_code == 403
    assert outsider.post(f"{preview}confirm/").status_code == 403
    assert upload(outsider, table(ann())).status_code == 403
    assert page.get(preview).status_code == 200
    assert not Candidate.objects.exists()


def test_an_upload_belongs_to_the_one_who_made_it(page: Client) -> None:
    preview = previewed(page, ann(Email="broken"))
    other = factories.make_user(is_superuser=True)

    for address in (preview, f"{preview}rejects.csv"):
        assert signed_in(other).get(address).status_code == 404
        assert "broken" in whole(page.get(address))
    assert signed_in(other).post(f"{preview}confirm/").status_code == 404


@pytest.mark.parametrize("token", ["nothing", "..", "-", "a" * 300])
def test_an_unknown_upload_is_not_found(page: Client, token: str) -> None:
    assert page.get(f"{UPLOAD}{token}/").status_code == 404
    assert uploads.find(token, user_id=1) is None
    assert uploads.find("../../etc", user_id=1) is None


def test_only_a_post_with_its_token_has_an_effect(page: Client, importer: User) -> None:
    preview = previewed(page, ann())

    assert page.get(f"{preview}confirm/").status_code == 405
    assert page.post(preview).status_code == 405
    strict = signed_in(importer, enforce_csrf_checks=True)
    assert strict.post(f"{preview}confirm/").status_code == 403
    assert upload(strict, table(ann())).status_code == 403
    assert not Candidate.objects.exists()


def test_what_a_file_says_is_shown_as_text(page: Client) -> None:
    preview = previewed(
        page, ann(Name="<script>alert(1)</script>", Email="<img src=x>@example.com"), bob(Name="<b>Bob")
    )

    content = page.get(preview).content.decode()

    assert "&lt;b&gt;Bob" in content
    assert "<script>alert" not in content
    assert "<img src=x" not in content


def root() -> Path:
    return Path(django_settings.VAR_DIR) / "imports"
