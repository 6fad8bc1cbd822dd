"""What the pages of the reports share: the frame around each, tables, and numbers in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode

from messaging.admin import desk
from messaging.admin.reports.asked import EXPORT, Asked
from messaging.models.choices import TOUCHPOINTS
from messaging.reports.durations import Spread
from pipeline.models import User

KINDS = dict(TOUCHPOINTS)
PAGES = (
    ("hours", "Time given back"),
    ("answers", "Response times"),
    ("silence", "Ghosting ledger"),
    ("moments", "Human moments"),
)


def page(request: HttpRequest, name: str, context: dict[str, Any], *, asked: Asked) -> HttpResponse:
    may_export = desk.person_of(request).has_perm(EXPORT)
    kept = urlencode({field.name: request.GET[field.name] for field in asked.form if field.name in request.GET})
    tabs = [
        {"title": title, "url": f"{reverse(f'reports:{page}')}?{kept}", "is_open": page == name}
        for page, title in PAGES
    ]
    shared = admin.site.each_context(request) | {
        "title": dict(PAGES)[name],
        "tabs": tabs,
        # The ghosting ledger is about today.
        "filters": [field for field in asked.form if name != "silence" or field.name != "weeks"],
        "export_url": f"{reverse(f'reports:{name}_csv')}?{request.GET.urlencode()}" if may_export else "",
    }
    return TemplateResponse(request, f"messaging/reports/{name}.html", shared | context)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, hint: str = "", texts: int = 1
) -> dict[str, Any]:
    """`texts`: how many of the first columns are no numbers."""
    return {
        "id": title.lower().replace(" ", "-").replace(",", ""),
        "title": title,
        "hint": hint,
        "columns": columns,
        "rows": rows,
        "texts": texts,
        "empty": "Nothing in this time. Choose a longer one above.",
    }


def linked(number: int, url: str) -> Any:
    return {"text": number, "url": url} if url and number else number


# --- Words ---


def name_people(pks: Iterable[Any]) -> dict[Any, str]:
    return {pk: str(person) for pk, person in User.objects.in_bulk(set(pks)).items()}


def in_words(minutes: int) -> str:
    hours_, rest = divmod(minutes, 60)
    if not hours_:
        return f"{rest} min"
    return f"{hours_} h {rest} min" if rest else f"{hours_} h"


def wait_in_words(took: timedelta) -> str:
    """Two units at most: nobody compares minutes of days."""
    minutes = round(took.total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    if not days:
        return in_words(rest)
    return f"{days} d {rest // 60} h" if rest >= 60 else f"{days} d"


def short_day(day: date) -> str:
    return date_format(day, "j M")


def median(spread: Spread | None) -> str:
    return wait_in_words(spread.median) if spread else "–"


def ninetieth(spread: Spread | None) -> str:
    return wait_in_words(spread.ninetieth) if spread else "–"
