"""Times are shown in the zone of whoever reads them; what is counted in days is counted in the organisation's."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from pipeline.models import User

Answer = Callable[[HttpRequest], HttpResponse]


class InTheirZone:
    """Middleware, after the one that knows who asks."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person = request.user
        with timezone.override(person.zone if isinstance(person, User) else None):
            return self._answer(request)
