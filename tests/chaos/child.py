"""A warmed-up process that forks drains for each line it reads, and lets them kill themselves at a named place.

The product knows nothing of this: the places are wrapped here, in the process that dies. A line is a JSON object with
`failpoint` ("" for a drain that lives), `provider`, `now`, `reap`, and how many `processes` do so at once; the answer is
their exit codes.
"""

from __future__ import annotations

import functools
import gc
import http.client
import json
import os
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NoReturn


def die(*_: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def dies_before(owner: Any, name: str, *, when: Callable[..., bool] = lambda *_: True) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if when(*args):
            die()
        return real(*args, **kwargs)

    setattr(owner, name, wrapped)


def dies_after(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        die()

    setattr(owner, name, wrapped)


def before_claim() -> None:
    from messaging import gate

    dies_before(gate, "clear_many")


def in_claim() -> None:
    """The message is taken and its Attempt written, and the transaction is open."""
    from messaging import gate

    dies_after(gate, "_let_go")


def after_claim() -> None:
    from messaging import gate

    dies_after(gate, "clear_many")


def in_building() -> None:
    """The mail is laid out, and nothing has let it out."""
    from django.core.mail import EmailMessage

    dies_after(EmailMessage, "message")


def before_call() -> None:
    """The mail is built, compared, let out and about to be passed on."""
    from messaging.delivery import guard

    dies_after(guard, "_mark_used")


def after_request() -> None:
    """Every byte has left and no answer was read."""
    dies_before(http.client.HTTPConnection, "getresponse")

    def ends_text(self: smtplib.SMTP, text: Any) -> NoReturn:
        self.putcmd("data")
        self.getreply()
        self.send(text + b".\r\n" if text.endswith(b"\r\n") else text + b"\r\n.\r\n")
        die()

    from messaging.delivery import providers

    setattr(providers._TextWatch, "data", ends_text)  # noqa: B010  (a method, for the type checker)


def after_acceptance() -> None:
    from messaging.delivery.egress import Egress

    dies_after(Egress, "hand_over")


def in_result() -> None:
    """The result is written, and the transaction is open."""
    from messaging.delivery import outbox

    dies_after(outbox, "_leave_sending")


def after_result() -> None:
    from messaging.delivery import outbox

    dies_after(outbox, "_record")


# In the order in which a mail passes them.
FAILPOINTS: dict[str, Callable[[], None]] = {
    place.__name__: place
    for place in (
        before_claim,
        in_claim,
        after_claim,
        in_building,
        before_call,
        after_request,
        after_acceptance,
        in_result,
        after_result,
    )
}


def work(job: dict[str, Any]) -> None:
    from django.conf import settings

    from messaging.delivery import outbox

    now = datetime.fromisoformat(job["now"])
    settings.MAIL_PROVIDER = job["provider"]
    if job["failpoint"]:
        FAILPOINTS[job["failpoint"]]()
    if job["reap"]:
        outbox.reap(now=now)
    outbox.drain(clock=lambda: now)


def warm_up(now: datetime) -> bool:
    """What each fork would load and write for itself first, half of what it does. All of it is taken back, and nothing
    leaves. Whether there was a message to do it with."""
    from django.db import connection, transaction

    from messaging import gate
    from messaging.delivery import brake, egress, outbox
    from messaging.delivery.outcomes import Result
    from messaging.models import Attempt, Message

    due = list(Message.objects.due(now).values_list("pk", flat=True)[:1])
    for is_answered in (True, False) if due else ():
        with transaction.atomic():
            brake.put_on_where_needed(now=now)
            [cleared] = gate.clear_many(due, at_most=1, now=now)
            assert isinstance(cleared, gate.Clearance)
            egress._build(cleared)
            Attempt.objects.filter(pk=cleared.attempt.pk).update(used_at=now)
            if is_answered:
                accepted = Result(outcome=Attempt.Outcome.ACCEPTED)
                outbox.record_many([(cleared.attempt, accepted)], clock=lambda: now)
            outbox.reap(now=now + timedelta(hours=1))
            transaction.set_rollback(True)
    connection.close()  # no fork may inherit it
    gc.freeze()  # else each fork would copy what it looks through for rubbish
    return bool(due)


def fork(job: dict[str, Any]) -> list[int]:
    """All of them wait until the last one is there."""
    waits, starts = os.pipe()
    pids = []
    for _ in range(job["processes"]):
        pid = os.fork()
        if pid == 0:
            os.close(starts)
            os.read(waits, 1)  # returns once the parent has let go of the other end
            run(job)
        pids.append(pid)
    os.close(waits)
    os.close(starts)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def run(job: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        work(job)
        code = 0
    except Exception:  # noqa: BLE001  (the parent reads it)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    import django
    from django.template.loader import render_to_string

    django.setup()
    # Loaded before the fork, not after each.
    import anymail._idna
    import anymail.backends.postmark  # noqa: F401

    render_to_string("mail/message.html", {"subject": "", "content": ""})
    is_warm = False
    for line in sys.stdin:
        job = json.loads(line)
        is_warm = is_warm or warm_up(datetime.fromisoformat(job["now"]))
        sys.stdout.write(json.dumps(fork(job)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
