"""The ledger: what was decided and done, append-only, without personal data, sealed in a hash chain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Model

from messaging.models import LedgerEntry
from pipeline.actors import Actor

# What a row may say: numbers, codes and fingerprints.
Plain = str | float | bool | None


def write(
    kind: LedgerEntry.Kind, *, about: Model, by: Actor, now: datetime, data: Mapping[str, Plain] | None = None
) -> LedgerEntry:
    """One row in the caller's transaction. `data` holds numbers, codes and fingerprints, and nothing about a person."""
    return LedgerEntry.objects.create(
        kind=kind,
        at=now,
        actor_kind=by.kind,
        actor_id=by.user_id,
        subject=f"{about._meta.model_name}:{about.pk}",
        data=dict(data or {}),
    )
