"""When a person opened the page on which they write, carried by its form. It is signed, because the release keeps it as
evidence of how long they had the text before them."""

from __future__ import annotations

from datetime import datetime

from django.core import signing
from django.http import HttpRequest

from messaging.admin.desk import person_of

FIELD = "opened"
SALT = "messaging.admin.opening"


def remember(request: HttpRequest, *, now: datetime) -> str:
    """For the form. What was posted stays what it was: a refusal does not start the time anew."""
    if read(request, now=now) is not None:
        return request.POST[FIELD]
    return signing.dumps({"at": now.isoformat(), "by": person_of(request).pk}, salt=SALT)


def read(request: HttpRequest, *, now: datetime) -> datetime | None:
    """None: nothing was posted, or not by this person, or it is not ours."""
    try:
        opened = signing.loads(request.POST.get(FIELD, ""), salt=SALT)
    except signing.BadSignature:
        return None
    at = datetime.fromisoformat(opened["at"])
    return at if opened["by"] == person_of(request).pk and at <= now else None
