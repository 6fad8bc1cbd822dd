"""What an environment variable means where another package, and not config/settings.py, says which type it has."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured

OBJECTS = ("_DEFAULTS", "_PARAMS")  # the endings of names whose values are JSON objects


def read_value(name: str, text: str) -> Any:
    """JSON, yes and no; everything else is text, numbers too, because a key can look like one."""
    stripped = text.strip()
    if name.endswith(OBJECTS):
        value = _read_json(name, stripped or "{}")
        if not isinstance(value, dict):
            raise ImproperlyConfigured(f'{name} is no JSON object like {{"name": "value"}}.')
        return value
    if stripped.startswith(("{", "[")):
        return _read_json(name, stripped)
    if stripped.casefold() in ("true", "false"):
        return stripped.casefold() == "true"
    return stripped


def _read_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as problem:
        raise ImproperlyConfigured(f"{name} is no JSON: {problem}.") from problem
