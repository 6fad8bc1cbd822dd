"""Wakes a worker. A lost ring costs a minute, a repeated one nothing: the rows themselves are the queue."""

from django_q.tasks import async_task


def ring() -> None:
    """With the ORM broker the ring is part of the surrounding transaction, so it never comes before the message."""
    async_task("messaging.tasks.deliver", save=False)


def ring_for_operations() -> None:
    """There is a bulk act to go on with, or to take back."""
    async_task("messaging.tasks.operate", save=False)
