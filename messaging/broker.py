"""The door of django-q2's cluster: what is in its table is believed about one thing only, which of our two functions to run.

The table is text that anybody with access to the database can write, and a signature only says that the writer had the key.
So a row is read without creating any object of its choice (a pickle can run code while it is read), its function is compared
with `tasks.ALLOWED` before anything is imported, and what goes to a worker is a task of our own making: arguments, hooks,
chains and time limits of the row never get there. Everything else is deleted, and is an incident.
"""

from __future__ import annotations

import io
import logging
import pickle
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django_q.brokers import orm
from django_q.conf import Conf
from django_q.humanhash import uuid
from django_q.signals import pre_enqueue
from django_q.signing import SignedPackage

from messaging import tasks
from messaging.incidents import raise_incident
from messaging.models import Incident

# What a task that async_task made consists of, beside plain values: the time at which it was made.
PLAIN = frozenset({("datetime", "datetime"), ("datetime", "timedelta"), ("datetime", "timezone")})
UNREADABLE = "something that is no task"
LONGEST_NAME = 100

logger = logging.getLogger(__name__)


class Broker(orm.ORM):  # type: ignore[misc]  # django-q2 is untyped
    def dequeue(self) -> list[tuple[int, str]]:
        admitted = []
        for row_id, payload in super().dequeue() or ():
            try:
                function = read_function(payload)
            except signing.BadSignature:
                # After a change of SECRET_KEY: a lost ring, and the next one says the same.
                logger.warning("A task that is not signed with our key was dropped from the queue.")
                self.delete(row_id)
                continue
            if function in tasks.ALLOWED:
                admitted.append((row_id, make_task(function)))
            else:
                turn_away(function, now=timezone.now())
                self.delete(row_id)
        return admitted


def read_function(payload: str) -> str:
    """The name of the function that the row asks for; UNREADABLE where it is no task. Raises BadSignature."""
    try:
        task = signing.loads(
            payload,
            key=Conf.SECRET_KEY,
            salt=Conf.PREFIX,
            serializer=_Plain,  # type: ignore[arg-type]  # nothing is written with it
            fallback_keys=settings.SECRET_KEY_FALLBACKS,
        )
        function = task["func"]
    except signing.BadSignature:
        raise
    except Exception:
        # Signed with the key, and made to be unreadable: what a crooked pickle raises is up to who made it.
        logger.exception("A task of the queue could not be read.")
        return UNREADABLE
    return function if isinstance(function, str) else UNREADABLE


def make_task(function: str) -> str:
    """As async_task makes it, of nothing but the name; successes are not saved."""
    task = {"id": uuid()[1], "name": function.rpartition(".")[2], "func": function, "args": (), "kwargs": {}}
    package: str = SignedPackage.dumps(task | {"started": timezone.now(), "save": False, "ack_failure": True})
    return package


def turn_away(function: str, *, now: datetime) -> None:
    """Says it once, until an administrator has looked: who floods the queue does not flood their page."""
    name = "".join(letter if letter.isprintable() else "?" for letter in function[:LONGEST_NAME])
    sentence = f"The queue was asked to run {name}, which is none of its functions. It was not run."
    with transaction.atomic():
        if not Incident.objects.open().filter(kind=Incident.Kind.TASK_REFUSED, sentence=sentence).exists():
            raise_incident(Incident.Kind.TASK_REFUSED, sentence=sentence, now=now)


class _Plain:
    """Unpickles plain values only."""

    def loads(self, data: bytes) -> Any:
        return _PlainUnpickler(io.BytesIO(data)).load()


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in PLAIN:
            raise pickle.UnpicklingError(f"{module}.{name} is no plain value.")
        return super().find_class(module, name)


def _keep_to_the_queue(task: dict[str, Any], **_: object) -> None:
    """A schedule can ask that its function runs at once, in the process that reads the schedules, past the broker."""
    task.pop("sync", None)


# A receiver, because django-q2 offers no other place between a schedule and its function. Here, because every process makes
# its broker before it enqueues.
pre_enqueue.connect(_keep_to_the_queue, dispatch_uid="messaging.broker")
