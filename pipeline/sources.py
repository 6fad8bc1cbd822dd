"""Which sources relay decisions that people made elsewhere: somebody stands for that with their name."""

from datetime import datetime

from pipeline.models import Source, User


def register(source: Source, *, by: User, now: datetime) -> None:
    """From now on what arrives from here counts as decided by a person, because this person says so."""
    _write(source, relays=True, by=by, at=now)


def withdraw_registration(source: Source) -> None:
    _write(source, relays=False, by=None, at=None)


def _write(source: Source, *, relays: bool, by: User | None, at: datetime | None) -> None:
    Source.objects.filter(pk=source.pk).exclude(relays_decisions=relays, registered_at__isnull=at is None).update(
        relays_decisions=relays, registered_by=by, registered_at=at
    )
    source.refresh_from_db()
