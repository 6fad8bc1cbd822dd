"""Pages run nothing that stands inside them and load nothing from elsewhere, whatever a name or a mail brings."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.factories import make_message
from tests.messaging.admin.signing_in import sign_in
from tests.messaging.delivery.asking import drain

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
SCRIPTS = sorted(settings.BASE_DIR.glob("*/static/**/*.js"))
STYLES = sorted(settings.BASE_DIR.glob("*/static/**/*.css"))

INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son[a-z]+=\"|\sstyle=\"|javascript:|<style", re.IGNORECASE
)
REMOTE = re.compile(
    r"(?:src|href|action)=\"https?:|url\(\s*['\"]?https?:|@import|fetch\(\s*['\"`]https?:", re.IGNORECASE
)


def directives_of(header: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (part.split() for part in header.split(";"))}


@pytest.mark.django_db
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_page_may_run_and_load_what_is_ours_alone(is_signed_in: bool) -> None:
    client = sign_in()[0] if is_signed_in else Client()
    answer = client.get(reverse("admin:index"), follow=True)
    allowed = directives_of(answer.headers["Content-Security-Policy"])
    assert allowed["default-src"] == ["'none'"]
    assert allowed["script-src"] == ["'self'", "'unsafe-eval'"]
    assert allowed["style-src"] == allowed["connect-src"] == allowed["form-action"] == ["'self'"]
    assert all(source.startswith("'") or source == "data:" for sources in allowed.values() for source in sources)


@pytest.mark.django_db
def test_a_mail_is_shown_in_a_document_of_its_own_that_runs_nothing() -> None:
    message = make_message()
    assert drain() == {"sent": 1}
    client, _ = sign_in("messaging.view_message")
    answer = client.get(reverse("admin:messaging_message_html", args=[message.pk]))
    allowed = directives_of(answer.headers["Content-Security-Policy"])
    assert "sandbox" in allowed
    assert allowed["default-src"] == ["'none'"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_template_holds_what_the_policy_keeps_out(path: object) -> None:
    if path == settings.BASE_DIR / "templates" / "mail" / "message.html":
        return  # mail programs know no other styles than those inside
    text = path.read_text()  # type: ignore[attr-defined]
    assert INLINE.search(text) is None
    assert REMOTE.search(text) is None


def test_no_file_of_ours_loads_from_elsewhere() -> None:
    assert len(SCRIPTS) > 3
    assert len(STYLES) > 3
    assert [path.name for path in [*SCRIPTS, *STYLES] if REMOTE.search(path.read_text())] == []


@pytest.mark.parametrize(
    "bad",
    [
        "<script>go()</script>",
        '<a onclick="go()">',
        '<p style="color: red">',
        '<img src="https://elsewhere.example/a">',
    ],
)
def test_what_is_looked_for_would_be_found(bad: str) -> None:
    assert INLINE.search(bad) or REMOTE.search(bad)
