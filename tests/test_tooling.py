"""What no linter of ours can say: who may know mail and signals, and that lists in two files are the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests import migrated

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("config", "pipeline", "messaging")
SIGNALS = ("django.dispatch", "django.db.models.signals", "django.core.signals", "django_q.signals")
MAIL = ("django.core.mail", "smtplib", "anymail")
SENDS = {
    "send",
    "send_mail",
    "send_mass_mail",
    "send_message",
    "send_messages",
    "sendmail",
    "mail_admins",
    "mail_managers",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(), filename=str(path))


def imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def importers_of(*banned: str) -> set[str]:
    """Paths of the modules that import one of them or something in it."""
    return {
        path
        for path, tree in modules()
        if any(name == ban or name.startswith(f"{ban}.") for name in imported(tree) for ban in banned)
    }


def test_nobody_listens_to_signals_but_where_django_q_offers_nothing_else() -> None:
    assert importers_of(*SIGNALS) == {"messaging/broker.py"}


def test_the_signals_of_the_mail_library_are_heard_where_it_offers_nothing_else() -> None:
    assert importers_of("anymail.signals") == {"messaging/delivery/guard.py", "messaging/delivery/tracking.py"}


def test_only_delivery_knows_mail_libraries() -> None:
    importers = importers_of(*MAIL)
    assert "messaging/delivery/egress.py" in importers
    assert {path for path in importers if not path.startswith("messaging/delivery/")} == set()


def test_only_egress_sends_and_notices_ask_it_to() -> None:
    """Notices call a mail function of Django's, which ends in the guarded backend of egress.py."""

    def calls_of(tree: ast.Module) -> set[str]:
        called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in called}

    importers = importers_of(*MAIL)
    assert {path for path, tree in modules() if path in importers and calls_of(tree) & SENDS} == {
        "messaging/delivery/egress.py",
        "messaging/delivery/notices.py",
    }


def settings_read() -> set[str]:
    return set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z_]+)"', (ROOT / "config/settings.py").read_text()))


def test_every_setting_is_in_the_example_with_a_comment_and_nothing_else_is() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = [(number, match[1]) for number, line in enumerate(lines) if (match := re.match(r"#?([A-Z_]+)=", line))]
    assert len(settings_read()) > 20
    assert {name for _, name in named if not name.startswith("ANYMAIL_")} == settings_read()
    assert [name for number, name in named if not lines[number - 1].startswith("# ")] == []


def test_every_setting_is_in_a_table_of_the_readme() -> None:
    rows = re.findall(r"^\|.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert settings_read() - set(re.findall(r"`([A-Z][A-Z_]+)`", "".join(rows))) == set()


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+(?:\[[a-z0-9,-]+\])?)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_tests_run_with_the_pins_of_the_product() -> None:
    product, tests = pins("requirements.txt"), pins("requirements-dev.txt")
    assert "django" in product
    assert product.items() <= tests.items()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "pyproject.toml", "Makefile", ".ci/run"])
def test_no_file_names_a_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    assert re.findall(r"--(?!no-emit)[a-z-]*(?:index-url|find-links)|https?://(?!localhost)\S+", text) == []


def test_every_test_that_the_assurance_names_is_there() -> None:
    named = set(re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "docs/assurance.md").read_text()))
    assert len(named) > 40
    missing = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not re.search(rf"^ *def {name}\(", (ROOT / "tests" / path).read_text(), flags=re.MULTILINE)
    ]
    assert missing == []


def test_every_case_of_the_assurance_has_its_tests_or_says_why_not() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", (ROOT / "docs/assurance.md").read_text(), flags=re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 103))
    reasons = ("no test here, because ", "not applicable yet, because ")
    assert [number for number, shown in rows if "::" not in shown and not shown.startswith(reasons)] == []


@pytest.mark.parametrize("changed", ["messaging/migrations/0001.py", "pipeline/guards.py", "requirements.txt"])
def test_a_migrated_database_is_kept_for_this_tree_alone(settings: Settings, tmp_path: Path, changed: str) -> None:
    settings.BASE_DIR = tmp_path
    for name in ("messaging/migrations/0001.py", "pipeline/guards.py", "requirements.txt"):
        tmp_path.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        tmp_path.joinpath(name).write_text("as it was")
    kept = migrated.kept_file()
    tmp_path.joinpath(changed).write_text("something else")
    assert migrated.kept_file() != kept
    tmp_path.joinpath(changed).write_text("as it was")
    assert migrated.kept_file() == kept
