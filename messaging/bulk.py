"""One act on many applications: who cannot be moved is named and keeps nobody else. The preview runs the act itself and
takes it back."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Protocol

from django.db import DatabaseError

from messaging import consequences
from messaging.consequences import Consequence, Planned, Steps, Task, carry_out_many, rehearse_many
from messaging.delivery import doorbell
from pipeline import moves
from pipeline.models import Application, Reason, Stage, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal

logger = logging.getLogger(__name__)

# Above this a page would take too long to answer.
AT_MOST = 500
SELECTED = re.compile(r"([0-9]{1,18}):([0-9]{1,18})")
# What a move and what follows from it read; joined, so that a batch is loaded at once.
CONTEXT = ("candidate", "job__pipeline", "job__recruiter", "job__coordinator", "stage")


class Run(Protocol):
    def __call__(self, applications: Sequence[Application], steps: Steps, /, *, now: datetime) -> list[Consequence]: ...


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
    """People who get the same message at the same time."""

    planned: Planned
    people: tuple[Consequence, ...]


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One person's hand-offs, each with the candidate whom it is about."""

    owner: User | None
    tasks: tuple[tuple[Consequence, Task], ...]


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
        pairs = [(planned, one) for one in self.consequences for planned in one.messages]
        pairs.sort(key=lambda pair: (pair[0].due_at, pair[0].kind, pair[0].template))
        return [
            Mailing(planned=planned, people=tuple(person for _, person in group))
            for planned, group in groupby(pairs, key=lambda pair: pair[0])
        ]

    @property
    def errands(self) -> list[Errand]:
        pairs = [(one, task) for one in self.consequences for task in one.hand_offs]
        by_owner: dict[int, list[tuple[Consequence, Task]]] = {}
        for one, task in pairs:
            by_owner.setdefault(task.owner.pk if task.owner else 0, []).append((one, task))
        return [Errand(owner=tasks[0][1].owner, tasks=tuple(tasks)) for tasks in by_owner.values()]


def preview_reject(selected: Sequence[Selected], *, reason: Reason, act: Act) -> BulkOutcome:
    return _for_each(selected, rehearse_many, _rejection(reason, act), now=act.now)


def reject(selected: Sequence[Selected], *, reason: Reason, act: Act) -> BulkOutcome:
    return _carry_out(selected, _rejection(reason, act), now=act.now)


def preview_move(selected: Sequence[Selected], *, to: Stage, act: Act) -> BulkOutcome:
    return _for_each(selected, rehearse_many, _move(to, act), now=act.now)


def move(selected: Sequence[Selected], *, to: Stage, act: Act) -> BulkOutcome:
    return _carry_out(selected, _move(to, act), now=act.now)


def _rejection(reason: Reason, act: Act) -> Steps:
    return lambda applications: moves.reject_many(applications, reason=reason, act=act)


def _move(to: Stage, act: Act) -> Steps:
    return lambda applications: moves.move_many(applications, to, act=act)


def _carry_out(selected: Sequence[Selected], steps: Steps, *, now: datetime) -> BulkOutcome:
    outcome = _for_each(selected, carry_out_many, steps, now=now)
    if outcome.message_count:
        doorbell.ring()  # once for all of them
    return outcome


def _for_each(selected: Sequence[Selected], run: Run, steps: Steps, *, now: datetime) -> BulkOutcome:
    found = Application.objects.select_related(*CONTEXT).in_bulk([one.application_id for one in selected])
    where_seen = [
        found[one.application_id]
        for one in selected
        if one.application_id in found and found[one.application_id].stage_id == one.stage_id
    ]
    done = {one.application_id: one for one in _run(run, where_seen, steps, now=now)}
    return BulkOutcome(
        consequences=tuple(
            done.get(one.application_id) or _left_alone(one, found.get(one.application_id)) for one in selected
        )
    )


def _run(run: Run, applications: Sequence[Application], steps: Steps, *, now: datetime) -> list[Consequence]:
    """All at once; where the database does not take that, each alone, so that one fails nobody else."""
    try:
        return run(applications, steps, now=now)
    except DatabaseError:
        if len(applications) == 1:
            logger.exception("Application %s could not be changed.", applications[0].pk)
            sentence = "The database did not take the change. Nothing was changed for this candidate; try again."
            return [consequences.refused(applications[0], sentence)]
        logger.warning("Several applications could not be changed together; each alone.", exc_info=True)
        return [answer for one in applications for answer in _run(run, [one], steps, now=now)]


def _left_alone(selected: Selected, application: Application | None) -> Consequence:
    if application is None:
        return Consequence(
            application_id=selected.application_id,
            candidate=f"Application {selected.application_id}",
            job="",
            refusal="This application does not exist any more.",
        )
    moved = consequences.refuse_if_moved(application, seen_in=selected.stage_id)
    return consequences.refused(application, moved.sentence if moved else "")
