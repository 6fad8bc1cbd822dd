"""Whom somebody is about to write to: everything on record about one candidate, over all their applications, that a person
wants to have read first. Facts, and never a sentence to send. The number of queries does not grow with the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from messaging.models import HandOff, Message
from pipeline.models import Application, Candidate, Interview, StageChange


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a colleague wrote down for colleagues."""

    at: datetime
    by: str
    about: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Value:
    """A name, a day, a place: to be put into a text, so that it is spelled right."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Acquaintance:
    """`last_talk`: the last time somebody spoke with them, and what was written down about it; None: never."""

    applications: tuple[Application, ...]
    talks: tuple[Interview, ...]
    mail: tuple[Message, ...]
    notes: tuple[Note, ...]
    last_talk: Interview | None

    @property
    def planned(self) -> list[Interview]:
        return [talk for talk in reversed(self.talks) if talk.held_at is None and talk.cancelled_at is None]


def get_to_know(candidate: Candidate) -> Acquaintance:
    """Each newest first."""
    applications = Application.objects.filter(candidate=candidate).select_related("job", "stage", "reason", "told_by")
    talks = Interview.objects.filter(application__candidate=candidate, cancelled_at__isnull=True)
    mail = Message.objects.filter(application__candidate=candidate, status__in=Message.MAY_HAVE_LEFT)
    ordered = tuple(talks.select_related("application__job", "logged_by").order_by("-starts_at", "-pk"))
    return Acquaintance(
        applications=tuple(applications.order_by("-applied_at", "-pk")),
        talks=ordered,
        mail=tuple(
            mail.select_related("application__job", "written_by", "automation").order_by("-status_at", "-pk"),
        ),
        notes=tuple(sorted(_read_notes(candidate), key=lambda note: note.at, reverse=True)),
        last_talk=max((talk for talk in ordered if talk.held_at), key=_held, default=None),
    )


def values_for(application: Application, known: Acquaintance, *, now: datetime) -> list[Value]:
    """What a letter about this application may name."""
    job = application.job
    values = [
        Value(label="First name", value=application.candidate.first_name),
        Value(label="Job", value=job.title),
        Value(label="Department", value=job.department),
        Value(label="Location", value=job.location),
    ]
    for talk in reversed(known.talks):
        if talk.application_id == application.pk:
            values += _values_of(talk, now=now)
    seen = {value.value: value for value in reversed(values) if value.value}
    return [value for value in values if seen.get(value.value) is value]


def _values_of(talk: Interview, *, now: datetime) -> Iterator[Value]:
    kind = talk.get_kind_display()
    is_ahead = talk.held_at is None and talk.starts_at >= now
    at = timezone.localtime(talk.held_at or talk.starts_at)
    yield Value(label=f"{kind}, day", value=date_format(at, "l j F"))
    if is_ahead:
        yield Value(label=f"{kind}, time", value=f"{at:%H:%M}")
        yield Value(label=f"{kind}, place", value=talk.place)
    yield Value(label=f"{kind}, with", value=talk.interviewers)


def _read_notes(candidate: Candidate) -> Iterator[Note]:
    yield from _of_moves(
        StageChange.objects.filter(application__candidate=candidate)
        .exclude(note="")
        .select_related("application__job", "moved_by")
    )
    closed = HandOff.objects.filter(application__candidate=candidate, closed_by__isnull=False).exclude(note="")
    for hand_off in closed.select_related("application__job", "closed_by"):
        if hand_off.closed_at is not None and hand_off.status == HandOff.Status.NOT_NEEDED:  # a call is a talk
            about = f"{hand_off.get_touchpoint_display()}, not needed · {hand_off.application.job}"
            yield Note(at=hand_off.closed_at, by=str(hand_off.closed_by), about=about, text=hand_off.note)


def _of_moves(changes: Iterable[StageChange]) -> Iterator[Note]:
    for change in changes:
        about = f"{change.get_kind_display()} · {change.application.job}"
        yield Note(at=change.at, by=str(change.moved_by or ""), about=about, text=change.note)


def _held(talk: Interview) -> tuple[datetime, int]:
    return (talk.held_at or talk.starts_at, talk.pk)
