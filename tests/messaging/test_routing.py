"""Where a mail goes in each mode."""

import pytest
from pytest_django import Settings

from messaging.routing import provider_for


@pytest.mark.parametrize(
    ("mode", "recipient", "provider"),
    [
        ("simulate", "kim@example.com", "simulate"),
        ("simulate", "me@ours.example", "simulate"),
        ("allowlist", "me@ours.example", "postmark"),
        ("allowlist", "ME@Ours.Example", "postmark"),
        ("allowlist", "any@list.example", "postmark"),
        ("allowlist", "any@LIST.example", "postmark"),
        ("allowlist", "kim@example.com", "simulate"),
        ("allowlist", "me@ours.example.com", "simulate"),
        ("allowlist", "any@sub.list.example", "simulate"),
        ("allowlist", "any@notlist.example", "simulate"),
        ("allowlist", "", "simulate"),
        ("live", "kim@example.com", "postmark"),
        ("Live", "kim@example.com", "simulate"),
        ("", "me@ours.example", "simulate"),
    ],
)
def test_only_what_is_clearly_allowed_goes_to_the_provider(
    mode: str, recipient: str, provider: str, settings: Settings
) -> None:
    settings.MAIL_MODE, settings.MAIL_PROVIDER = mode, "postmark"
    settings.MAIL_ALLOWLIST = ["me@ours.example", "@list.example"]
    assert provider_for(recipient) == provider


def test_an_empty_list_allows_nobody(settings: Settings) -> None:
    settings.MAIL_MODE, settings.MAIL_ALLOWLIST = "allowlist", []
    assert provider_for("kim@example.com") == provider_for("") == provider_for("kim@") == "simulate"
