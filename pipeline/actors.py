"""Who or what acts: a signed-in person, or one of the machines that never count as one."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    PERSON = "person"
    IMPORT = "import"
    TOKEN = "token"  # noqa: S105  (a kind of actor)
    CLOCK = "clock"

    @property
    def label(self) -> str:
        return {"person": "a person", "import": "an import", "token": "an API token", "clock": "the clock"}[self.value]


CHOICES = [(kind.value, kind.label.capitalize()) for kind in ActorKind]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Passed to every move as `by=`; `user_id` for a person, `source_id` for an import or a token."""

    kind: ActorKind
    user_id: int | None = None
    source_id: int | None = None


def person(user_id: int) -> Actor:
    return Actor(kind=ActorKind.PERSON, user_id=user_id)


def imported(source_id: int, *, started_by: int | None = None) -> Actor:
    """`started_by`: the signed-in person who started the import, where there is one; they are not the decider."""
    return Actor(kind=ActorKind.IMPORT, source_id=source_id, user_id=started_by)


CLOCK = Actor(kind=ActorKind.CLOCK)
