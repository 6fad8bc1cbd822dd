"""For the few tests that need what the database refuses: a state that only a fault or an intruder could bring about."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from messaging.guards import ALL
from pipeline.guards import install, remove


@contextmanager
def guards_off() -> Iterator[None]:
    """Not beside other connections that write."""
    remove(ALL, using=connection)
    try:
        yield
    finally:
        install(ALL, using=connection)
