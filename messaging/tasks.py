"""What django-q2 runs: no arguments, safe to lose, to repeat and to kill. Each ends within the time that a task has."""

import time
from collections import Counter

from messaging import absences, automations, drafts, escalations, ledger, operations, progress
from messaging.delivery import doorbell, notices, outbox, tracking

# Of a sweep, for what is due at its start; what is left of outbox.SECONDS is for planning, and for what that makes due.
FIRST = 15.0
OPERATIONS = 5.0  # for bulk acts that somebody began and did not finish
# Whatever else stands in the queue is not run and is an incident, see messaging/broker.py.
ALLOWED = frozenset({"messaging.tasks.deliver", "messaging.tasks.operate", "messaging.tasks.sweep"})
CHANGES = 100  # followed at a time, between two looks at the watch


def deliver() -> str:
    """The doorbell: something is due now. Says what became of it."""
    stop_at = time.monotonic() + outbox.SECONDS
    ends = outbox.drain(clock=progress.Clock())
    if time.monotonic() >= stop_at:
        doorbell.ring()  # there may be more, and other tasks get their turn before it
    return summary(ends)


def operate() -> str:
    """The doorbell of bulk acts: one was begun, or is taken back. Says how many people had their turn."""
    stop_at = time.monotonic() + outbox.SECONDS
    turns = operations.go_on(clock=progress.Clock(), seconds=outbox.SECONDS)
    if time.monotonic() >= stop_at:
        doorbell.ring_for_operations()  # the next one goes on, and other tasks get their turn before it
    return f"{turns} had their turn"


def sweep() -> str:
    """The clock, once a minute. Delivery comes first, so that nothing that planning meets can keep it."""
    stop_at = time.monotonic() + outbox.SECONDS
    clock = progress.Clock()
    ends = outbox.drain(clock=clock, seconds=FIRST)
    outbox.reap(now=clock())
    operations.go_on(clock=clock, seconds=OPERATIONS)
    tracking.apply_rest(now=clock(), at_most=CHANGES)
    while automations.follow_open_changes(now=clock(), at_most=CHANGES) and time.monotonic() < stop_at:
        pass
    automations.plan_no_news(now=clock(), at_most=CHANGES)
    absences.move_up(now=clock())
    escalations.escalate(now=clock(), at_most=CHANGES)
    drafts.forget_old(now=clock())
    ends += outbox.drain(clock=clock, seconds=stop_at - time.monotonic())
    ledger.seal(now=clock())
    notices.tell_escalations(now=clock(), at_most=CHANGES)
    return summary(ends)


def summary(ends: Counter[str]) -> str:
    """For the log and for who runs it by hand."""
    return (
        ", ".join(f"{number} {end or 'taken elsewhere'}" for end, number in sorted(ends.items())) or "nothing was due"
    )
