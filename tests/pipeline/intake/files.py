"""Writes the files that the tests import."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.intake.importing import Progress, Wishes, import_rows, plan_import, rehearse_rows
from pipeline.intake.reader import open_sheet
from pipeline.intake.rejects import RejectsFile
from pipeline.intake.report import ImportReport
from pipeline.outcomes import Refusal

NOW = datetime(2026, 9, 15, 9, tzinfo=UTC)
HEADINGS = (
    "ID",
    "Name",
    "Email",
    "Job",
    "Stage",
    "Status",
    "Applied",
    "Rejected at",
    "Reason",
    "Furthest stage",
    "Phone",
)


def table(*rows: dict[str, str], headings: Sequence[str] = HEADINGS) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, headings, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def ann(**overrides: str) -> dict[str, str]:
    return {"ID": "1", "Name": "Ann Lee", "Email": "ann@example.com", "Job": "Engineer"} | {
        key.replace("_", " "): value for key, value in overrides.items()
    }


def bob(**overrides: str) -> dict[str, str]:
    return ann(**{"ID": "2", "Name": "Bob Ray", "Email": "bob@example.com"} | overrides)


def write(folder: Path, *rows: dict[str, str], name: str = "people.csv", headings: Sequence[str] = HEADINGS) -> Path:
    path = folder / name
    path.write_text(table(*rows, headings=headings), encoding="utf-8")
    return path


def _ignore(position: int) -> None:
    pass


def bring(
    path: Path, *, quiet: bool = True, now: datetime = NOW, progress: Progress = _ignore, **wishes: Any
) -> ImportReport:
    """Imports a file; the rejected rows are beside it."""
    with open_sheet(path) as sheet:
        plan = plan_import(sheet, Wishes(**wishes), now=now)
        assert not isinstance(plan, Refusal), plan.sentence
        with RejectsFile(rejects_of(path), sheet.headings) as rejects:
            report = import_rows(plan, rejects=rejects, started_by=None, quiet=quiet, progress=progress)
    assert not isinstance(report, Refusal), report.sentence
    return _whole(report)


def rehearse(path: Path, *, now: datetime = NOW, progress: Progress = _ignore, **wishes: Any) -> ImportReport:
    with open_sheet(path) as sheet:
        plan = plan_import(sheet, Wishes(**wishes), now=now)
        assert not isinstance(plan, Refusal), plan.sentence
        with RejectsFile(rejects_of(path), sheet.headings) as rejects:
            return _whole(rehearse_rows(plan, rejects=rejects, progress=progress))


def rejects_of(path: Path) -> Path:
    return path.with_suffix(".rejects.csv")


def rejected(path: Path) -> list[dict[str, str]]:
    if not rejects_of(path).exists():
        return []
    with rejects_of(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def reasons(path: Path) -> list[str]:
    return [row["Import reason"] for row in rejected(path)]


def many(count: int, *, job: str = "Engineer") -> Iterable[dict[str, str]]:
    for number in range(count):
        yield {"ID": f"{number}", "Name": f"Ann {number}", "Email": f"ann{number}@example.com", "Job": job}


def _whole(report: ImportReport) -> ImportReport:
    assert report.rows == report.taken + report.rejected
    assert report.rejected == report.reasons.total()
    return report
