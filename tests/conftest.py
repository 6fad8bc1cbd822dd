"""What every test stands on: a surrounding of its own, and browser tests that run or say that they did not."""

import gc
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import OperationalError, connection, transaction
from django.template.base import Template
from django.template.context import Context
from pytest_django import DjangoDbBlocker

from tests import migrated
from tests.chaos.figures import print_table

REQUIRE_BROWSER = "BYHAND_REQUIRE_BROWSER"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = "no Chromium was found; install one, or name it in CHROMIUM"

# Folders and files in which a single test takes several seconds.
TAKES_SECONDS = {
    *("chaos", "e2e", "test_broken_rules.py", "test_demo.py", "test_oracle.py", "test_permissions.py"),
    *("test_processes.py", "test_queries.py", "test_queue.py", "test_run.py"),
}

# Processes that tests start are the product with its own settings, in the surrounding that tests/settings.py made.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


def find_chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; tests that are marked `e2e` do not run without one."""
    path = find_chromium()
    assert path is not None, NO_BROWSER
    return path


@pytest.fixture(scope="session")
def django_db_keepdb() -> Iterator[bool]:
    """As pytest-django asks whether to take the database that is there; the server has none, and makes one each time."""
    if connection.vendor == "sqlite":
        migrated.bring(Path(connection.settings_dict["TEST"]["NAME"]))
    yield connection.vendor == "sqlite"
    connection.close()


@pytest.fixture(autouse=True, scope="session")
def tables_can_be_emptied(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """After a test with real transactions Django empties every table. What the migrations wrote is put back, so that no test
    depends on which ran before it."""
    with django_db_blocker.unblock():
        if not connection.introspection.table_names():
            return  # no test that was chosen asks for a database, so none was made
        if connection.vendor == "sqlite":
            migrated.keep()
            _lift_guards_while_tables_are_emptied()
        written = [(model, list(model._base_manager.all())) for model in apps.get_models() if model._meta.managed]
    operations = type(connection.ops)
    execute_sql_flush = operations.execute_sql_flush
    count_on = connection.ops.sequence_reset_sql(no_style(), [model for model, rows in written if rows])

    def flush(self: Any, statements: Iterable[str]) -> None:
        try:
            execute_sql_flush(self, statements)
        except OperationalError:
            # The server of a browser test was still at a request of the page that was closed, and each waited for the other.
            time.sleep(1)
            execute_sql_flush(self, statements)
        with transaction.atomic(), connection.cursor() as cursor:
            for model, rows in written:
                model._base_manager.bulk_create(rows)
            for statement in count_on:
                cursor.execute(statement)

    operations.execute_sql_flush = flush  # type: ignore[method-assign,assignment]


def _lift_guards_while_tables_are_emptied() -> None:
    """SQLite empties row by row, which the guards refuse; in the one transaction of the emptying there are none."""
    from messaging.guards import ALL

    lift = [f"DROP TRIGGER IF EXISTS {guard.full_name}" for guard in ALL]
    put_back = [statement for guard in ALL for statement in guard.statements("sqlite")]
    operations = type(connection.ops)
    sql_flush = operations.sql_flush

    def flush(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        return [*lift, *sql_flush(self, *args, **kwargs), *put_back]

    operations.sql_flush = flush  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def contexts_are_kept_of_whole_pages(django_test_environment: None) -> None:
    """Django's test client copies the context of every template that is rendered, also of the hundred that a page includes,
    which takes a sixth of the page's time. A test asks about what the view prepared."""
    kept = Template._render  # type: ignore[attr-defined]

    def render(self: Template, context: Context) -> str:
        # What is included finds the template of the page in the context.
        page: str = kept(self, context) if context.template is self else self.nodelist.render(context)
        return page

    Template._render = render  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _new_installation() -> None:
    """Every test begins with a database that was never anywhere else, so its file does too."""
    (settings.VAR_DIR / "instance.json").unlink(missing_ok=True)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(REQUIRE_BROWSER) and find_chromium() is None:
        raise pytest.UsageError(f"{REQUIRE_BROWSER} is set and {NO_BROWSER}.")
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where there is none
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background of a script: the processes that tests start would inherit it and be deaf to Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(settings.TEST_ROOT, ignore_errors=True)


def pytest_collection_finish() -> None:
    # What was imported and collected stays; looking through it for rubbish again and again takes a twelfth of the time.
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes seconds comes first: a test that begins last and takes ten seconds keeps one process at work while the
    others have nothing left to do. xdist gives out whole groups first, and then the tests in this order."""
    items.sort(key=lambda item: TAKES_SECONDS.isdisjoint(item.path.parts))
    for item in items:
        if "e2e" not in item.path.parts:
            continue
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.xdist_group("browser"))  # one browser at a time, on one worker
        if find_chromium() is None:
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_table(terminalreporter)
    skipped = [report for report in terminalreporter.getreports("skipped") if NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"BROWSER TESTS DID NOT RUN: {len(skipped)} were left out, because {NO_BROWSER}.")
