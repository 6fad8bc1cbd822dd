"""The ledger: what was decided and done, append-only, without personal data, sealed in a hash chain.

Writers write their row and are gone. Once a minute `seal` takes what nobody sealed yet, whichever transaction came late
with it, and puts the next link over it; `verify` says at which link the chain is broken. Whoever can rewrite the whole
database can rewrite the chain with it, so a head that is kept elsewhere is what makes that visible.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models import Exists, Model, OuterRef

from messaging.models import (
    Automation,
    LedgerEntry,
    PolicyRow,
    RecordedVerdict,
    RejectionPhrase,
    Seal,
    StageRule,
    Template,
)
from pipeline.actors import Actor

# What a row may say: numbers, codes and fingerprints.
Plain = str | float | bool | None

# What of a rule decides; its name, and why somebody made it, may be about people.
RULES: dict[type[Any], tuple[str, ...]] = {
    Automation: (
        "event",
        "job_id",
        "pipeline_id",
        "stage_id",
        "quiet_days",
        "delay",
        "delay_unit",
        "template_id",
        "is_active",
    ),
    PolicyRow: ("touchpoint", "from_milestone", "reserve"),
    RejectionPhrase: ("text",),
    StageRule: ("template_id", "from_milestone", "reserve"),
    Template: ("touchpoint", "is_active"),
}

ROWS = 1000  # of a kind in one seal, so that a seal is one short transaction
SECONDS = 2.0  # in which another seal is begun; the next minute goes on
CHUNK = 2000  # rows that are read at a time


# --- Writing ----------------------------------------------------------------------------------------------------------


def write(
    kind: LedgerEntry.Kind, *, about: Model, by: Actor, now: datetime, data: Mapping[str, Plain] | None = None
) -> LedgerEntry:
    """One row in the caller's transaction. `data` holds numbers, codes and fingerprints, and nothing about a person."""
    entry = _entry(kind, about, by=by, now=now, data=data or {})
    entry.save(force_insert=True)
    return entry


def write_many(kind: LedgerEntry.Kind, *, about: Iterable[Model], by: Actor, now: datetime) -> None:
    """The same about each of them, in one statement."""
    LedgerEntry.objects.bulk_create(_entry(kind, one, by=by, now=now, data={}) for one in about)


def _entry(kind: LedgerEntry.Kind, about: Model, *, by: Actor, now: datetime, data: Mapping[str, Plain]) -> LedgerEntry:
    return LedgerEntry(
        kind=kind,
        at=now,
        actor_kind=by.kind,
        actor_id=by.user_id,
        subject=f"{about._meta.model_name}:{about.pk}",
        data=dict(data),
    )


def read_rule(rule: Model) -> dict[str, Plain]:
    """What the stored row says; empty where there is none (yet, or any more)."""
    model: Any = type(rule)
    stored = model.objects.filter(pk=rule.pk).values(*RULES[model]).first()
    return dict(stored or {})


def write_rule_change(rule: Model, *, before: Mapping[str, Plain], by: Actor, now: datetime) -> LedgerEntry | None:
    """What became different since `before` (see `read_rule`); None where nothing did. A new rule has no before, one that
    was deleted has no after."""
    after = read_rule(rule)
    if after == before:
        return None
    data: dict[str, Plain] = {}
    for name in RULES[type(rule)]:
        if before.get(name) != after.get(name):
            data |= {f"{name}_before": before.get(name), f"{name}_after": after.get(name)}
    return write(LedgerEntry.Kind.RULE_CHANGED, about=rule, by=by, now=now, data=data)


# --- Sealing ----------------------------------------------------------------------------------------------------------


def seal(*, now: datetime) -> int:
    """Puts the next links over everything that has none, a bounded number of rows each. Returns how many rows were
    sealed. Only the clock calls this; where two do at once, the number of the link lets one of them through."""
    stop_at = time.monotonic() + SECONDS
    sealed = 0
    while rows := _seal_next(now=now):
        sealed += rows
        if time.monotonic() >= stop_at:
            break
    return sealed


def _seal_next(*, now: datetime) -> int:
    # The last link before the rows: what somebody else seals meanwhile is a link with our number, and ours is refused.
    last = Seal.objects.order_by("-number").first()
    entries = list(LedgerEntry.objects.filter(seal__isnull=True).order_by("pk")[:ROWS])
    verdicts = list(RecordedVerdict.objects.filter(seal__isnull=True).order_by("pk")[:ROWS])
    rows: list[LedgerEntry | RecordedVerdict] = [*entries, *verdicts]
    lines = [f"{name_of(row)} {digest_of(row)}" for row in rows]
    if not lines:
        return 0
    link = Seal(
        number=last.number + 1 if last else 1,
        sealed_at=now,
        rows=len(lines),
        contents="\n".join(lines),
        previous=last.head if last else "",
    )
    link.digest = _sha256(str(link.contents))
    link.head = head_of(link)
    try:
        # Nothing is read or computed in here, so nobody who writes waits for more than this.
        with transaction.atomic():
            link.save(force_insert=True)
            _stamp(LedgerEntry, entries, link)
            _stamp(RecordedVerdict, verdicts, link)
    except IntegrityError:
        if not Seal.objects.filter(number=link.number).exists():
            raise
        return 0  # somebody else put this link, over the same rows
    return len(lines)


def _stamp(model: type[Any], rows: list[Any], link: Seal) -> None:
    pks = [row.pk for row in rows]
    stamped = model.objects.filter(pk__in=pks, seal__isnull=True).update(seal=link)
    if stamped != len(pks):
        raise RuntimeError(f"{len(pks) - stamped} rows were gone or sealed before seal {link.number} reached them.")


def name_of(row: LedgerEntry | RecordedVerdict) -> str:
    return f"{'entry' if isinstance(row, LedgerEntry) else 'verdict'} {row.pk}"


def digest_of(row: LedgerEntry | RecordedVerdict) -> str:
    """Over everything that the row says, the same in every database."""
    if isinstance(row, LedgerEntry):
        said = [row.pk, row.kind, _utc(row.at), row.actor_kind, row.actor_id, row.subject, row.data]
    else:
        said = [row.pk, row.message_id, _utc(row.decided_at), row.outcome, row.reserve]
        said += [row.findings, row.facts, row.versions]
    return _sha256(_canonical(said))


def head_of(link: Seal) -> str:
    return _sha256(_canonical([link.number, _utc(link.sealed_at), link.rows, link.digest, link.previous]))


def _canonical(said: list[Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- Verifying --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of the chain, for keeping elsewhere."""

    number: int  # 0: nothing was sealed yet
    head: str

    def __str__(self) -> str:
        return f"{self.number}:{self.head}"


@dataclass(frozen=True, kw_only=True)
class Break:
    """The first place at which the chain is not what was sealed."""

    seal: int
    row: str  # "entry 17", "verdict 4"; "" for the link itself
    sentence: str


class Progress(Protocol):
    def __call__(self, done: int, /) -> object: ...


def head() -> Head:
    last = Seal.objects.order_by("-number").only("number", "head").first()
    return Head(number=last.number, head=last.head) if last else Head(number=0, head="")


def verify(*, kept: Head | None = None, progress: Progress = lambda _: None) -> Break | None:
    """None: every sealed row is as it was sealed, and the chain goes through a head that was kept elsewhere. `progress`
    hears of each link how many rows it had. Reads everything once, and holds one link at a time."""
    end = head()
    entries = _by_seal(LedgerEntry, upto=end.number)
    verdicts = _by_seal(RecordedVerdict, upto=end.number)
    previous, expected = "", 1
    for link in Seal.objects.filter(number__lte=end.number).order_by("number").iterator(chunk_size=50):
        if link.number != expected:
            return Break(seal=expected, row="", sentence=f"Seal {expected} is missing.")
        broken = _find_break_in_link(link, previous=previous, kept=kept)
        broken = broken or _find_break_in_rows(link, {**entries(link.number), **verdicts(link.number)})
        if broken is not None:
            return broken
        progress(link.rows)
        previous, expected = link.head, expected + 1
    return _find_break_at_end(end, kept=kept)


def _find_break_in_link(link: Seal, *, previous: str, kept: Head | None) -> Break | None:
    contents = link.contents or ""
    sentences = {
        f"Seal {link.number} does not follow on the one before it.": link.previous != previous,
        f"Seal {link.number} itself was changed.": (
            link.head != head_of(link) or link.digest != _sha256(contents) or link.rows != len(contents.splitlines())
        ),
        f"Seal {link.number} is not the one whose head was kept elsewhere: the chain was written anew.": (
            kept is not None and kept.number == link.number and kept.head != link.head
        ),
    }
    found = next((sentence for sentence, is_so in sentences.items() if is_so), None)
    return Break(seal=link.number, row="", sentence=found) if found else None


def _find_break_in_rows(link: Seal, found: Mapping[str, str]) -> Break | None:
    """`found`: the rows that carry this seal now, name to digest."""
    sealed = dict(line.rsplit(" ", 1) for line in (link.contents or "").splitlines())
    for name, digest in sealed.items():
        if name not in found:
            return _break_at(link, name, "is missing")
        if found[name] != digest:
            return _break_at(link, name, "was changed")
    added = next((name for name in found if name not in sealed), None)
    return _break_at(link, added, "was added later") if added else None


def _break_at(link: Seal, name: str, what: str) -> Break:
    return Break(seal=link.number, row=name, sentence=f"Seal {link.number} is broken: {name} {what}.")


def _find_break_at_end(end: Head, *, kept: Head | None) -> Break | None:
    if kept is not None and kept.number > end.number:
        sentence = f"Seal {kept.number}, whose head was kept elsewhere, is missing."
        return Break(seal=kept.number, row="", sentence=sentence)
    of_row = Seal.objects.filter(number=OuterRef("seal_id"))
    models: tuple[type[Any], ...] = (LedgerEntry, RecordedVerdict)
    for model in models:
        # One that was sealed while we read has its link, which is newer than the end that we looked for.
        stray = model.objects.filter(~Exists(of_row), seal_id__gt=end.number).first()
        if stray is not None:
            sentence = f"Seal {stray.seal_id} is missing, and {name_of(stray)} carries it."
            return Break(seal=stray.seal_id or 0, row=name_of(stray), sentence=sentence)
    return None


def _by_seal(model: type[Any], *, upto: int) -> Callable[[int], dict[str, str]]:
    """Answers with the rows of a seal; seals are asked for in order, and each row is read once."""
    rows = model.objects.filter(seal_id__lte=upto).order_by("seal_id", "pk").iterator(chunk_size=CHUNK)
    groups: Iterator[tuple[int, Iterable[Any]]] = groupby(rows, key=lambda row: row.seal_id)
    waiting: list[tuple[int, Iterable[Any]]] = []

    def answer(number: int) -> dict[str, str]:
        if not waiting and (following := next(groups, None)) is not None:
            waiting.append(following)
        if not waiting or waiting[0][0] > number:
            return {}
        return {name_of(row): digest_of(row) for row in waiting.pop()[1]}

    return answer
