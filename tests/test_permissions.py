"""Who may do what: every address, asked by every role, of their own and of a colleague's. The answers stand in
permissions.txt, where a new page has to have its lines."""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import clear_url_caches, reverse

import config.urls
from messaging.roles import ROLES
from pipeline.models import User
from tests import factories as make
from tests.world import Page, World, pages

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("permissions.txt")
NO_ROLE, NOBODY = "No-role", "Nobody"
COLUMNS = (*ROLES, NO_ROLE, NOBODY)
METHODS = {"G": "GET", "P": "POST"}

# What a look may write: that somebody is here.
KEPT_OF_VISITS = ("django_session", "django_admin_log")
WRITES = re.compile(
    r'\s*(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM|REPLACE\s+INTO)\s+"?(\w+)', re.IGNORECASE
)


@pytest.fixture(autouse=True)
def uploads_of_this_test(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without filling in templates, and without the lines about every refusal: neither decides who may do what."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    monkeypatch.setattr(logging.getLogger("django.request"), "level", logging.CRITICAL)


def read_table() -> dict[tuple[str, str], dict[str, str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    cells = [line.split() for line in lines]
    assert all(len(line) == 2 + len(COLUMNS) for line in cells), [
        line for line in cells if len(line) != 2 + len(COLUMNS)
    ]
    table = {(name, of): dict(zip(COLUMNS, said, strict=True)) for name, of, *said in cells}
    assert len(table) == len(lines), "two lines of the table are about the same address"
    return table


# --- Asking -----------------------------------------------------------------------------------------------------------


def sign_in(column: str) -> tuple[Client, User]:
    person = make.make_colleague(column) if column in ROLES else make.make_user()
    client = Client()
    if column != NOBODY:
        client.force_login(person)
    return client, person


def is_let_in(page: Page, response: HttpResponse) -> bool:
    """What has no such page, or no such act, lets nobody do anything either."""
    if response.status_code in (403, 404, 405):
        return False
    if response.headers["Content-Type"] == "application/json":
        return b'"state": "refused"' not in response.content  # as the board says it to its script
    to = response.headers.get("Location", "")
    if page.name == "/":
        return True
    return not (to.startswith(reverse("admin:login")) or to == reverse("admin:index"))


def ask(client: Client, page: Page, world: World, method: str) -> tuple[bool, list[str]]:
    """Also what it changed. That is taken back, and a file is read to its end, so that it is closed."""
    cookies, before = client.cookies.output(header=""), transaction.savepoint()
    with writes() as written:
        response = getattr(client, method.lower())(world.url(page), world.asked(page))
    let_in = is_let_in(page, response)
    response.getvalue()
    transaction.savepoint_rollback(before)
    client.cookies.load(cookies)  # who signed out is signed in again
    return let_in, written


@contextmanager
def writes() -> Iterator[list[str]]:
    """The statements that change something, without those of a rehearsal, which are rolled back."""
    seen: list[str] = []
    savepoints: dict[str, int] = {}

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        words = sql.split(maxsplit=3)
        if words[0] == "SAVEPOINT":
            savepoints[words[1]] = len(seen)
        elif words[:3] == ["ROLLBACK", "TO", "SAVEPOINT"]:
            del seen[savepoints[words[3]] :]
        found = WRITES.match(sql)
        if found and found[1] not in KEPT_OF_VISITS and '"last_login"' not in sql:
            seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield seen


# --- The table ----------------------------------------------------------------------------------------------------------


def test_every_address_has_its_line_and_every_line_its_address() -> None:
    there, told = {page.key for page in pages()}, set(read_table())
    missing = "\n".join(" ".join(key) for key in sorted(there - told))
    gone = "\n".join(" ".join(key) for key in sorted(told - there))
    assert not missing, f"Say in {TABLE.name} who may do what with:\n{missing}"
    assert not gone, f"There is no such address any more; take it out of {TABLE.name}:\n{gone}"


ONLY_LOOK = ("Auditor", NO_ROLE, NOBODY)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("column", COLUMNS)
def test_a_role_may_do_what_the_table_says_and_looking_changes_nothing(column: str) -> None:
    table = read_table()
    client, person = sign_in(column)
    world = World(person)
    wrong = []
    for page in pages():
        said, where = table.get(page.key, {}).get(column, "-"), f"{' '.join(page.key)} ({world.url(page)})"
        for letter, method in METHODS.items():
            may, written = ask(client, page, world, method)
            if may != (letter in said):
                words = "may" if may else "may not"
                wrong.append(f"{column} {words} {method} {where}; the table says otherwise.")
            if written and (method == "GET" or column in ONLY_LOOK):
                wrong.append(f"{column} changed something with {method} {where}: {written[0]}")
    assert not wrong, "\n".join(wrong)


def test_what_a_look_would_change_is_noticed() -> None:
    client, person = sign_in("Auditor")
    with writes() as seen:
        client.get(reverse("admin:index"))
        assert seen == []
        User.objects.filter(pk=person.pk).update(title="Auditor")
        make.make_reason().delete()
        with transaction.atomic():
            make.make_reason()
            transaction.set_rollback(True)
    assert [sql.split()[0] for sql in seen] == ["UPDATE", "INSERT", "DELETE"]


@pytest.mark.usefixtures("quickly")
def test_whoever_may_act_still_needs_the_token_of_a_form() -> None:
    _, person = sign_in("Administrator")
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    table, world = read_table(), World(person)
    acts = [page for page in pages() if "P" in table[page.key]["Administrator"]]
    assert len(acts) > 100
    for page in acts:
        response = client.post(world.url(page), world.asked(page))
        assert response.status_code == 403, page
        assert b"CSRF" in response.content, page


# --- The addresses of providers ------------------------------------------------------------------------------------------
# They are for no person, and there only where the secret is set, so they have no lines in the table.

KEYS = (
    "BREVO_API_KEY",
    "MAILERSEND_INBOUND_SECRET",
    "MAILERSEND_SIGNING_SECRET",
    "MAILGUN_API_KEY",
    "MAILTRAP_API_TOKEN",
    "MANDRILL_API_KEY",
    "MANDRILL_WEBHOOK_KEY",
    "POSTAL_WEBHOOK_KEY",
    "RESEND_API_KEY",
    "SENDINBLUE_API_KEY",
    "UNISENDER_GO_API_KEY",
)


@pytest.fixture
def webhooks(settings: Any) -> Iterator[list[str]]:
    before = {page.route for page in pages()}
    settings.ANYMAIL = dict.fromkeys(KEYS, "a key") | {"WEBHOOK_SECRET": "reporter:a long password"}
    importlib.reload(config.urls)
    clear_url_caches()
    there = {page.route for page in pages()} - before
    yield ["/" + re.sub(r"\(.*\)\?|[\^$]", "", route) for route in there]
    settings.ANYMAIL = {}
    importlib.reload(config.urls)
    clear_url_caches()


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support", "ignore:Anymail's SendinBlue webhook")
@pytest.mark.parametrize("column", COLUMNS)
def test_a_role_is_no_secret_of_a_provider(column: str, webhooks: list[str]) -> None:
    client, _ = sign_in(column)
    assert len(webhooks) > 20
    for address in webhooks:
        assert client.post(address, "{}", content_type="application/json").status_code in (400, 401), address
