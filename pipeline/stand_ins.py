"""Who is there for somebody who is away."""

from datetime import date

from pipeline.models import User


def whoever_is_there(person: User | None, *, day: date) -> User | None:
    """The person themselves, or the first along their chain of stand-ins who is not away. None where the chain ends: nobody
    was named, somebody in it does not work here any more, or it leads back to where it began."""
    asked: set[int] = set()
    while person is not None and person.is_active and person.pk not in asked:
        if not person.is_away(day):
            return person
        asked.add(person.pk)
        person = person.stand_in
    return None
