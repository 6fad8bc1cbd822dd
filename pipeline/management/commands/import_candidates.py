"""Imports a CSV export of candidates; writes what it could not take to a file with the reasons."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from tqdm import tqdm

from pipeline.intake import exports
from pipeline.intake.dates import DateOrder
from pipeline.intake.importing import Plan, Wishes, import_rows, plan_import, rehearse_rows
from pipeline.intake.reader import Sheet, UnreadableFile, open_sheet
from pipeline.intake.rejects import RejectsFile
from pipeline.intake.report import ImportReport
from pipeline.outcomes import Refusal

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


class Command(BaseCommand):
    help = (
        "Imports candidates and their applications from a CSV export. Nothing is sent unless --send is given. The same "
        "file can be imported again: nothing is taken twice, and no candidate is moved back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--mapping", choices=list(exports.BY_NAME), default="", help="Default: told by the headings."
        )
        parser.add_argument("--encoding", default="", help="For example utf-8, utf-16 or cp1252. Default: found out.")
        parser.add_argument("--delimiter", choices=list(DELIMITERS), help="Default: found out.")
        parser.add_argument(
            "--date-order",
            choices=[order.value for order in DateOrder if order],
            default="",
            help="Whether 03/04/2026 has the day or the month first. Default: as the mapping's system writes it.",
        )
        parser.add_argument("--job", default="", help="The job of every row that names none.")
        parser.add_argument(
            "--source",
            default="",
            help="The system that the candidates' ids are from. Default: the mapping's. Ids of two systems do not mix.",
        )
        parser.add_argument(
            "--stage",
            action="append",
            type=_stage_name,
            default=[],
            metavar="THEIRS=OURS",
            help="What a stage of the file is called here; can be given several times.",
        )
        parser.add_argument("--rejects", type=Path, help="Default: the file's name with .rejects.csv at its end.")
        parser.add_argument("--dry-run", action="store_true", help="Decide on every row and change nothing.")
        parser.add_argument("--send", action="store_true", help="Let automations follow from what the file brings.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        rejects_path: Path = options["rejects"] or path.with_name(f"{path.stem}.rejects.csv")
        if rejects_path.resolve() == path.resolve():
            raise CommandError("The rejected rows cannot be written over the file itself: give another --rejects.")
        if options["dry_run"] and options["send"]:
            raise CommandError("A dry run sends nothing: leave out --dry-run or --send.")
        wishes = Wishes(
            mapping=options["mapping"],
            date_order=DateOrder(options["date_order"]),
            job=options["job"],
            source=options["source"],
            stage_names=dict(options["stage"]),
        )
        delimiter = DELIMITERS.get(options["delimiter"], "")
        try:
            with open_sheet(path, encoding=options["encoding"], delimiter=delimiter) as sheet:
                plan = plan_import(sheet, wishes, now=timezone.now())
                if isinstance(plan, Refusal):
                    raise CommandError(plan.sentence)
                self._introduce(plan)
                with RejectsFile(rejects_path, sheet.headings) as rejects:
                    report = self._go(plan, rejects, options)
        except UnreadableFile as unreadable:
            raise CommandError(unreadable.sentence) from None
        except OSError as error:
            raise CommandError(f"“{rejects_path}” cannot be written: {error.strerror}.") from error
        self._conclude(report, rejects, is_dry=options["dry_run"])

    def _go(self, plan: Plan, rejects: RejectsFile, options: dict[str, Any]) -> ImportReport:
        with _progress_bar(plan.sheet, is_shown=options["verbosity"] > 0) as bar:

            def progress(position: int) -> None:
                bar.update(position - bar.n)

            try:
                if options["dry_run"]:
                    return rehearse_rows(plan, rejects=rejects, progress=progress)
                report = import_rows(
                    plan, rejects=rejects, started_by=None, quiet=not options["send"], progress=progress
                )
            except DatabaseError as error:
                raise CommandError(
                    f"The database stopped the import: {error}. What was taken before stays; run the same command "
                    "again, nothing is taken twice."
                ) from error
        if isinstance(report, Refusal):
            raise CommandError(report.sentence)
        return report

    def _introduce(self, plan: Plan) -> None:
        sheet, mapping = plan.sheet, plan.reading.columns.mapping
        self.stdout.write(
            f"{sheet.name}: {sheet.row_count:,} rows, {sheet.encoding}, {sheet.delimiter_name}, mapping {mapping.name}."
        )

    def _conclude(self, report: ImportReport, rejects: RejectsFile, *, is_dry: bool) -> None:
        would = "would be " if is_dry else ""
        self.stdout.write(
            f"{report.rows:,} rows: {report.taken:,} {would}taken ({report.created:,} new applications, "
            f"{report.updated:,} updated, {report.unchanged:,} unchanged; {report.new_candidates:,} new candidates), "
            f"{report.rejected:,} {would}rejected."
        )
        if report.flagged:
            self.stdout.write(f"{report.flagged:,} addresses look odd and are flagged on their candidates' pages.")
        for reason, count in report.reasons.most_common():
            self.stdout.write(f"  {count:,} rows: {reason}")
        if rejects.count:
            self.stdout.write(f"The rejected rows and their reasons are in {rejects.path}.")


def _stage_name(text: str) -> tuple[str, str]:
    theirs, sign, ours = text.partition("=")
    if not sign or not theirs.strip() or not ours.strip():
        raise argparse.ArgumentTypeError("write THEIRS=OURS, for example “Phone interview=Phone screen”")
    return theirs.strip(), ours.strip()


def _progress_bar(sheet: Sheet, *, is_shown: bool) -> "tqdm[Any]":
    # disable=None shows the bar on a terminal only.
    return tqdm(total=sheet.size, unit="B", unit_scale=True, desc=sheet.name, disable=None if is_shown else True)
