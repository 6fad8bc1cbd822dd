"""A file that somebody uploaded, from its preview to its import: kept for a day, for that person alone.

The file itself says how far it is: it waits under one name, is imported under another, and is gone when it was
imported. Renaming it is the claim, so that a form that is sent twice imports once.
"""

import json
import re
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import DatabaseError

from pipeline.intake.dates import DateOrder
from pipeline.intake.importing import Looked, Plan, Wishes, import_rows, look_at, plan_import, rehearse_rows
from pipeline.intake.reader import UnreadableFile, open_sheet
from pipeline.intake.rejects import RejectsFile
from pipeline.outcomes import Refusal

KEPT_FOR = timedelta(days=1)
# What one request can do in a few seconds; the command has no such limit.
MOST_ROWS = 20_000
LOOKED_AT = 20

TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
WAITING, RUNNING, REJECTS, FACTS = "waiting.csv", "running.csv", "rejects.csv", "facts.json"


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """`found` is what the preview saw in the file; `report` is an ImportReport: of the rehearsal until it is done."""

    token: str
    user_id: int
    name: str
    encoding: str
    delimiter: str
    wishes: dict[str, Any]
    found: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return _root() / self.token

    @property
    def state(self) -> State:
        if (self.folder / WAITING).exists():
            return State.WAITING
        return State.RUNNING if (self.folder / RUNNING).exists() else State.DONE

    @property
    def rejects(self) -> Path | None:
        path = self.folder / REJECTS
        return path if path.exists() else None

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def stored(self, **changes: Any) -> Self:
        upload = replace(self, **changes)
        (self.folder / FACTS).write_text(json.dumps(asdict(upload)), encoding="utf-8")
        return upload


def keep(
    chunks: Iterable[bytes], *, user_id: int, name: str, wishes: Wishes, encoding: str = "", delimiter: str = ""
) -> Upload:
    upload = Upload(
        token=secrets.token_urlsafe(24),
        user_id=user_id,
        name=name,
        encoding=encoding,
        delimiter=delimiter,
        wishes=asdict(wishes),
    )
    # Names and addresses of people: for this program, and nobody else on the machine.
    upload.folder.mkdir(mode=0o700, parents=True)
    with (upload.folder / WAITING).open("wb") as file:
        file.writelines(chunks)
    return upload.stored()


def find(token: str, *, user_id: int) -> Upload | None:
    """Only for the person who uploaded it. `token` may be anything that an address can hold."""
    path = _root() / token / FACTS
    if not TOKEN.fullmatch(token) or not path.is_file():
        return None
    upload = Upload(**json.loads(path.read_text(encoding="utf-8")))
    return upload if upload.user_id == user_id else None


def remove_old(*, now: datetime) -> None:
    for folder in _root().glob("*"):
        changed_at = datetime.fromtimestamp(folder.stat().st_mtime, tz=now.tzinfo)
        if changed_at < now - KEPT_FOR:
            shutil.rmtree(folder, ignore_errors=True)


def preview(upload: Upload, *, now: datetime) -> Upload | Refusal:
    """Decides on every row and changes nothing but the upload's own facts and file of rejected rows."""
    try:
        with open_sheet(
            upload.folder / WAITING, name=upload.name, encoding=upload.encoding, delimiter=upload.delimiter
        ) as sheet:
            if sheet.row_count > MOST_ROWS:
                return Refusal(
                    f"{upload.name} has {sheet.row_count:,} rows; up to {MOST_ROWS:,} can be imported here. Import it "
                    "with the command “manage.py import_candidates”."
                )
            plan = plan_import(sheet, _wishes(upload), now=now)
            if isinstance(plan, Refusal):
                return plan
            with RejectsFile(upload.folder / REJECTS, sheet.headings) as rejects:
                report = rehearse_rows(plan, rejects=rejects, progress=_nobody_watches)
            return upload.stored(found=_found(plan), report=report.as_values())
    except UnreadableFile as unreadable:
        return Refusal(unreadable.sentence)


def perform(upload: Upload, *, now: datetime) -> Upload | Refusal | None:
    """Imports a waiting file. None when it does not wait any more: somebody's second click changes nothing."""
    waiting, running = upload.folder / WAITING, upload.folder / RUNNING
    try:
        waiting.rename(running)
    except FileNotFoundError:
        return None
    try:
        report = _import(upload, running, now=now)
    except DatabaseError as error:
        running.rename(waiting)
        return Refusal(
            f"The database stopped the import: {error}. What was taken before stays; confirm again, nothing is taken "
            "twice."
        )
    if isinstance(report, Refusal):
        running.rename(waiting)
        return report
    done = upload.stored(report=report)
    running.unlink()
    return done


def _import(upload: Upload, path: Path, *, now: datetime) -> dict[str, Any] | Refusal:
    with open_sheet(path, name=upload.name, encoding=upload.encoding, delimiter=upload.delimiter) as sheet:
        plan = plan_import(sheet, _wishes(upload), now=now)
        if isinstance(plan, Refusal):
            return plan
        with RejectsFile(upload.folder / REJECTS, sheet.headings) as rejects:
            report = import_rows(plan, rejects=rejects, started_by=upload.user_id, quiet=True, progress=_nobody_watches)
    return report if isinstance(report, Refusal) else report.as_values()


def _found(plan: Plan) -> dict[str, Any]:
    columns = plan.reading.columns
    used = {*columns.headings.values(), *columns.reached}
    return {
        "encoding": plan.sheet.encoding,
        "delimiter": plan.sheet.delimiter_name,
        "mapping": columns.mapping.label,
        "source": plan.source,
        "columns": [[str(name), heading] for name, heading in columns.headings.items()],
        "unused": [heading for heading in plan.sheet.headings if heading not in used],
        "rows": [_shown(looked) for looked in look_at(plan, at_most=LOOKED_AT)],
    }


def _shown(looked: Looked) -> list[str]:
    """Line, name, address, job, stage, status, applied, and what there is to say about the row."""
    entry, place = looked.entry, looked.place
    if entry is None or place is None:
        return [str(looked.line), "", "", "", "", "", "", looked.rejection.sentence if looked.rejection else ""]
    return [
        str(looked.line),
        f"{entry.first_name} {entry.last_name}".strip(),
        entry.address.address,
        place.job.title,
        place.stage.name if place.stage else "",
        str(entry.outcome),
        f"{entry.applied_at:%d %B %Y}" if entry.applied_at else "",
        entry.address.flag,
    ]


def _wishes(upload: Upload) -> Wishes:
    return Wishes(**upload.wishes | {"date_order": DateOrder(upload.wishes["date_order"])})


def _nobody_watches(position: int) -> None:
    """There is no progress bar in a request."""


def _root() -> Path:
    return settings.VAR_DIR / "imports"
