"""Out of office: who stands in for somebody, and what becomes of the hand-offs that are theirs when they leave and when they
come back. Nothing new becomes theirs while they are away, see messaging/gate.py; what is theirs changes hands by an act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from messaging import handoffs, working_days
from messaging.models import HandOff
from pipeline.models import User
from pipeline.outcomes import Refusal
from pipeline.stand_ins import whoever_is_there

LONGEST = timedelta(days=366)


def plan(person: User, *, first: date, last: date, stand_in: User | None, now: datetime) -> User | Refusal:
    """One absence at a time; a new one takes the place of the one before. Without a stand-in, what would be theirs goes to
    the job's coordinator, or to nobody yet."""
    today = working_days.today(now)
    if last < first:
        return Refusal("The last day away is before the first one.")
    if last < today:
        return Refusal("These days are over. Choose days that are still to come.")
    if last - first > LONGEST:
        return Refusal(
            "Nobody is out of office for more than a year. Ask an administrator to give your jobs to somebody."
        )
    if stand_in is not None and stand_in.pk == person.pk:
        return Refusal("You cannot stand in for yourself. Choose a colleague, or nobody.")
    if stand_in is not None and not (stand_in.is_active and stand_in.has_perm("messaging.answer_handoff")):
        return Refusal(f"{stand_in} may not write to candidates, so they cannot stand in for you.")
    person.away_from, person.away_until, person.stand_in = first, last, stand_in
    person.save(update_fields=["away_from", "away_until", "stand_in"])
    return person


def end(person: User, *, now: datetime) -> User:
    """They are back, or are not going. Their stand-in stays known, because open hand-offs may still be there."""
    yesterday = working_days.today(now) - timedelta(days=1)
    has_begun = person.away_from is not None and person.away_from <= yesterday
    person.away_from, person.away_until = (person.away_from, yesterday) if has_begun else (None, None)
    person.save(update_fields=["away_from", "away_until"])
    return person


def stand_in_of(person: User) -> User | None:
    """Who gets what would be theirs on the first day away: along the chain of stand-ins, to somebody who is there."""
    if person.stand_in is None or person.away_from is None:
        return None
    there = whoever_is_there(person, day=person.away_from)
    return None if there is not None and there.pk == person.pk else there


def to_hand_over(person: User) -> QuerySet[HandOff]:
    """Open, and theirs."""
    return HandOff.objects.open().filter(owner=person)


def hand_over(person: User) -> int | Refusal:
    """Gives all of them to whoever stands in."""
    to = stand_in_of(person)
    if to is None:
        return Refusal("There is nobody to give them to: choose a stand-in who is there on your first day away.")
    return handoffs.assign(list(to_hand_over(person)), to=to)


def to_take_back(person: User) -> QuerySet[HandOff]:
    """Open, of this person's jobs, and with who stood in for them. The coordinator's only where there is no recruiter."""
    theirs = Q(application__job__recruiter=person) | Q(
        application__job__recruiter__isnull=True, application__job__coordinator=person
    )
    if person.stand_in_id is None:
        return HandOff.objects.none()
    return HandOff.objects.open().filter(theirs, owner=person.stand_in_id)


def take_back(person: User) -> int | Refusal:
    return handoffs.assign(list(to_take_back(person)), to=person)


def leave_there(person: User) -> User:
    """What is with the stand-in stays with them, and is not asked about again."""
    person.stand_in = None
    person.save(update_fields=["stand_in"])
    return person


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a person should know of their own absence on a day on which they are at work all the same, or again."""

    away_until: date | None  # None: they are not away
    to_take_back: int


def notice(person: User, *, now: datetime) -> Notice:
    today = working_days.today(now)
    is_ahead = person.away_until is not None and person.away_until >= today
    return Notice(
        away_until=person.away_until if person.is_away(today) else None,
        to_take_back=0 if is_ahead else to_take_back(person).count(),
    )
