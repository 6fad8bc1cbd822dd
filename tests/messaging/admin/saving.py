"""Saving a rule as a person does: what it would change is shown first, and then it is saved."""

from typing import Any

from django.test import Client


def save(client: Client, url: str, posted: dict[str, Any], **options: Any) -> Any:
    """Posts, and where the page shows what that would change, posts again with what the page says was shown."""
    response = client.post(url, posted, **options)
    panel = response.context.get("what_if") if response.status_code == 200 and response.context else None
    return client.post(url, {**posted, "what_if": panel.token}, **options) if panel else response


def switch(client: Client, url: str, posted: dict[str, Any], **options: Any) -> Any:
    """The same for an action of a list, which asks on a page of its own."""
    asked = client.post(url, posted)
    return client.post(url, {**posted, "confirm": "1"}, **options) if asked.status_code == 200 else asked
