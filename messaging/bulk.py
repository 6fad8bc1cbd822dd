"""One act on many applications: how they are selected, and what becomes of each of them. Who cannot be moved is named and
keeps nobody else."""

from __future__ import annotations

import json
import logging
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, OperationalError

from messaging import consequences
from messaging.consequences import Consequence, Planned, Steps
from messaging.models import Operation
from pipeline.models import Application, User
from pipeline.outcomes import Refusal

logger = logging.getLogger(__name__)

# Above this a page would take too long to answer.
AT_MOST = 500
# More messages than this are not set off by a click alone: whoever does it types how many there are.
TYPED_ABOVE = 30
SELECTED = re.compile(r"([0-9]{1,18}):([0-9]{1,18})")
# What a move and what follows from it read; joined, so that a batch is loaded at once.
CONTEXT = ("candidate", "job__pipeline", "job__recruiter", "job__coordinator", "stage")


@dataclass(frozen=True, kw_only=True)
class Selected:
    """An application and the stage in which the person saw it: who moved since then is not moved again."""

    application_id: int
    stage_id: int


def write_selection(selected: Iterable[Selected]) -> str:
    """As one value, for a form: a field for each would be more fields than a form may have."""
    return ",".join(f"{one.application_id}:{one.stage_id}" for one in selected)


def read_selection(text: str) -> list[Selected] | Refusal:
    """What a form brings back. Nobody is selected twice."""
    pairs = dict(SELECTED.findall(text))
    if not pairs or write_selection(_selected(pairs)) != text:
        return Refusal("The selection could not be read. Select the applications again.")
    if len(pairs) > AT_MOST:
        return Refusal(f"{len(pairs)} applications are selected. Select at most {AT_MOST} at once.")
    return _selected(pairs)


def _selected(pairs: dict[str, str]) -> list[Selected]:
    return [Selected(application_id=int(application), stage_id=int(stage)) for application, stage in pairs.items()]


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """People who get the same messages at the same times, and nothing that a person has to write."""

    planned: tuple[Planned, ...]
    people: tuple[Consequence, ...]


@dataclass(frozen=True, kw_only=True)
class Errand:
    """People who are handed to the same colleague."""

    owner: User | None
    people: tuple[Consequence, ...]


@dataclass(frozen=True, kw_only=True)
class BulkOutcome:
    """What became of everybody, or would become; every selected application is in it exactly once."""

    consequences: tuple[Consequence, ...]

    @property
    def done(self) -> list[Consequence]:
        return [consequence for consequence in self.consequences if not consequence.refusal]

    @property
    def refused(self) -> list[Consequence]:
        return [consequence for consequence in self.consequences if consequence.refusal]

    @property
    def silent(self) -> list[Consequence]:
        """Moved, and nobody is told anything."""
        return [one for one in self.done if not one.messages and not one.hand_offs]

    @property
    def with_stopped(self) -> list[Consequence]:
        return [consequence for consequence in self.done if consequence.stopped]

    @property
    def message_count(self) -> int:
        return sum(len(consequence.messages) for consequence in self.consequences)

    @property
    def hand_off_count(self) -> int:
        return sum(len(consequence.hand_offs) for consequence in self.consequences)

    @property
    def mailings(self) -> list[Mailing]:
        by_mail: dict[tuple[Planned, ...], list[Consequence]] = {}
        for one in self.done:
            if one.messages and not one.hand_offs:
                by_mail.setdefault(one.messages, []).append(one)
        mailings = [Mailing(planned=planned, people=tuple(people)) for planned, people in by_mail.items()]
        return sorted(mailings, key=lambda mailing: (mailing.planned[0].due_at, -len(mailing.people)))

    @property
    def errands(self) -> list[Errand]:
        by_owner: dict[int, list[Consequence]] = {}
        for one in self.done:
            if one.hand_offs:
                owner = one.hand_offs[0].owner
                by_owner.setdefault(owner.pk if owner else 0, []).append(one)
        return [Errand(owner=people[0].hand_offs[0].owner, people=tuple(people)) for people in by_owner.values()]


def code_of(one: Consequence) -> str:
    """What a person saw of it, in a word: whether it would be the same again. Times pass, so they are left out."""
    seen = [[planned.kind, planned.template] for planned in one.messages] + [
        [task.kind, task.owner.pk if task.owner else 0] for task in one.hand_offs
    ]
    return f"{one.application_id}:{zlib.crc32(json.dumps(seen).encode()):08x}"


def try_each(
    applications: Sequence[Application], steps: Steps, *, operation: Operation, now: datetime
) -> list[Consequence]:
    """All at once; where the database does not take that, each alone, so that one fails nobody else. A database that is
    locked or gone is raised: nobody was refused then."""
    try:
        return consequences.carry_out_many(applications, steps, operation=operation, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(applications) == 1:
            logger.exception("Application %s could not be changed.", applications[0].pk)
            sentence = "Byhand or the database made an error. Nothing was changed for this candidate; try again."
            return [consequences.refused(applications[0], sentence)]
        logger.warning("Several applications could not be changed together; each alone.", exc_info=True)
        return [answer for one in applications for answer in try_each([one], steps, operation=operation, now=now)]
