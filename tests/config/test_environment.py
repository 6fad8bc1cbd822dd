"""Values that Anymail, and not the product, gives a type."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import settings
from config.environment import read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("token", "token"),
        (" token\n", "token"),
        ("12345", "12345"),  # a key that looks like a number stays a key
        ("", ""),
        ("True", True),
        ("false", False),  # as text it would be true
        ('["one", "two"]', ["one", "two"]),
        ('{"region_name": "eu-west-1"}', {"region_name": "eu-west-1"}),
    ],
)
def test_what_a_value_means(text: str, value: Any) -> None:
    assert read_value("ANYMAIL_SETTING", text) == value


def test_what_must_be_an_object_is_one_or_does_not_start() -> None:
    assert read_value("ANYMAIL_SEND_DEFAULTS", "") == {}
    assert read_value("ANYMAIL_AMAZON_SES_CLIENT_PARAMS", '{"a": 1}') == {"a": 1}
    for text in ("eu-west-1", "[]", "{"):
        with pytest.raises(ImproperlyConfigured, match="ANYMAIL_AMAZON_SES_CLIENT_PARAMS is no JSON"):
            read_value("ANYMAIL_AMAZON_SES_CLIENT_PARAMS", text)


def test_amazons_client_asks_once_and_not_for_ever() -> None:
    assert settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]["config"] == {
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "connect_timeout": 5,
        "read_timeout": 20,
    }
    assert settings.ANYMAIL["REQUESTS_TIMEOUT"] == (5, 20)
