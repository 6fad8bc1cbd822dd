"""The rows that an import could not take, as a file that people open in a spreadsheet, correct, and import again."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self, TextIO

from pipeline.intake.formulas import neutralise
from pipeline.intake.reader import Row
from pipeline.intake.report import Rejection

# In front, because a row may have more columns than there are headings. No mapping knows these two.
LINE, REASON = "Import line", "Import reason"


class RejectsFile:
    """Opened before anything is imported, because a rejected row that cannot be written would be lost; removed again
    when every row was taken. Use it as a context; both ends raise OSError."""

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        self.path = path
        self.count = 0
        self._headings = headings

    def write(self, row: Row, rejection: Rejection) -> None:
        self.count += 1
        self._write([str(row.line), rejection.sentence, *row.raw])

    def __enter__(self) -> Self:
        self._file = self._open()
        self._write([LINE, REASON, *self._headings])
        return self

    def __exit__(self, *details: object) -> None:
        self._file.close()
        if not self.count:
            self.path.unlink()

    def _open(self) -> TextIO:
        # Names and addresses of people: for the one who imports, and nobody else on the machine.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        # The mark makes Excel read the file as UTF-8.
        return os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="", errors="replace")

    def _write(self, cells: Sequence[str]) -> None:
        # NUL bytes were a reason to reject the row, and no spreadsheet opens a file that holds them.
        tidy = [neutralise(cell.replace("\0", "\ufffd")) for cell in cells]
        csv.writer(self._file, quoting=csv.QUOTE_ALL).writerow(tidy)
