"""Rows to the plain strings that a wording may mention; what is not named here can never reach a candidate."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from messaging.wording.placeholders import Values, example_values
from pipeline.models import Application, Candidate, Interview, User
from pipeline.zone_names import find_zone


def gather_values(application: Application, *, interview: Interview | None, sender: User | None) -> Values:
    """`interview`: the next one, where there is one. `sender`: whose name stands under the mail."""
    candidate, job = application.candidate, application.job
    return {
        "candidate": {
            "first_name": candidate.first_name,
            "last_name": candidate.last_name,
            "full_name": candidate.full_name,
        },
        "job": {"title": job.title, "department": job.department, "location": job.location},
        "stage": {"name": application.stage.name},
        "interview": _interview_values(interview, candidate),
        # The internal part of the reason is not named here on purpose.
        "reason": {"shared": application.reason.shareable if application.reason else ""},
        "sender": _sender_values(sender),
        "organisation": {
            "name": settings.ORGANISATION_NAME,
            "website": settings.ORGANISATION_WEBSITE,
            "address_line": settings.ORGANISATION_ADDRESS,
        },
    }


def example_values_for(signer: User) -> Values:
    """The example of every placeholder, under the name of whoever is about to sign."""
    examples = example_values()
    own = {field: value for field, value in _sender_values(signer).items() if value}
    return {
        **examples,
        "sender": {**examples["sender"], **own},
        "organisation": {**examples["organisation"], "name": settings.ORGANISATION_NAME},
    }


def _sender_values(sender: User | None) -> dict[str, str]:
    if sender is None:
        return {}
    return {
        "name": str(sender),
        "first_name": sender.first_name,
        "email": sender.email,
        "phone": sender.phone,
        "title": sender.title,
    }


def _interview_values(interview: Interview | None, candidate: Candidate) -> dict[str, str]:
    if interview is None:
        return {}
    zone = zone_of(candidate)
    starts = interview.starts_at.astimezone(zone)
    return {
        "kind": interview.get_kind_display().lower(),
        "date": f"{starts:%A}, {starts.day} {starts:%B %Y}",
        "time": f"{starts:%H:%M}",
        "time_zone": str(zone),
        "place": interview.place,
        "interviewers": interview.interviewers,
    }


def zone_of(candidate: Candidate) -> ZoneInfo:
    """The candidate's own, or the organisation's."""
    return find_zone(candidate.time_zone) or ZoneInfo(timezone.get_default_timezone_name())
