"""A CSV file as people really have it becomes rows, one at a time, in memory that does not grow with the file.

What makes the whole file unreadable is found before the first row is handed out, so that nobody is left with half an
import.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipeline.intake import encodings

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
# What is longer is a quotation mark that nobody closed. It bounds the memory that a file can claim.
LONGEST_ROW = 2_000_000  # characters
MOST_COLUMNS = 1_000
SNIFFED = 65_536  # characters
SNIFFED_ROWS = 25
# The first line that Excel writes and reads to name the delimiter.
EXCEL_HINT = re.compile(r'^"?sep=(?P<delimiter>[^"\r\n])"?[\r\n]*$', re.IGNORECASE)
# What is not text at all, by its first bytes.
OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a compressed archive"),
)
MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml")


class UnreadableFile(Exception):
    """The file cannot be imported at all; the sentence says why, where and what to do. Nothing was imported."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True)
class Row:
    """`line` is where the row starts in the file; `cells` by heading; `raw` is the row as it stood there; `problem` is
    empty, or a sentence that says why the cells cannot be told apart (there are none then)."""

    line: int
    cells: Mapping[str, str]
    raw: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """An opened file. `headings` are unique: a repeated one gets a number, and its plain name stands in `repeated`."""

    name: str
    size: int  # bytes
    encoding: str
    delimiter: str
    headings: tuple[str, ...]
    repeated: frozenset[str]
    row_count: int
    blank_lines: int
    position: Callable[[], int]  # bytes read so far
    _lines: "_Lines" = field(repr=False)
    _lines_above: int  # physical lines down to the heading line, itself included

    @property
    def delimiter_name(self) -> str:
        return DELIMITERS.get(self.delimiter, f"“{self.delimiter}”")

    def rows(self) -> Iterator[Row]:
        """From the first row, each time it is called; a line that holds nothing is not a row."""
        self._lines.rewind(skip=self._lines_above)
        for line, raw in self._lines.records(self.delimiter):
            if not _is_blank(raw):
                yield self._row(line, raw)

    def _row(self, line: int, raw: tuple[str, ...]) -> Row:
        width, cells = len(self.headings), raw
        # A delimiter at the end of each line is a habit of some exports, not a column.
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) != width:
            problem = f"The row has {_columns(len(cells))} where the heading line has {width}."
            return Row(line=line, cells={}, raw=raw, problem=problem)
        return Row(line=line, cells=dict(zip(self.headings, cells, strict=True)), raw=raw)


@contextmanager
def open_sheet(source: Path | BinaryIO, *, name: str = "", encoding: str = "", delimiter: str = "") -> Iterator[Sheet]:
    """Opens a path, or a seekable binary file that the caller closes; raises UnreadableFile before any row is given.

    `encoding` and `delimiter` are found out where they are empty.
    """
    if not isinstance(source, Path):
        yield _read_through(source, name=name or "The file", encoding=encoding, delimiter=delimiter)
        return
    try:
        binary = source.open("rb")
    except FileNotFoundError:
        raise UnreadableFile(f"There is no file “{source}”.") from None
    except IsADirectoryError:
        raise UnreadableFile(f"“{source}” is a folder, not a file.") from None
    except OSError as error:
        raise UnreadableFile(f"“{source}” cannot be opened: {error.strerror}.") from error
    with binary:
        yield _read_through(binary, name=name or source.name, encoding=encoding, delimiter=delimiter)


def _read_through(binary: BinaryIO, *, name: str, encoding: str, delimiter: str) -> Sheet:
    """Reads the whole file once and keeps nothing of it, so that every fault of the file as a whole is known."""
    size = _refuse_what_is_no_text(binary, name)
    try:
        chosen = encodings.choose(binary, encoding)
    except encodings.UnknownEncoding as error:
        raise UnreadableFile(str(error)) from None
    except encodings.WrongEncoding as error:
        raise UnreadableFile(
            f"{name} is not written in {error.encoding}: line {error.line} holds bytes that mean nothing in it. "
            "Name the right encoding, or save the file as “CSV UTF-8”."
        ) from None
    # The standard limit, 131,072, would stop at a long note; the bound on a whole row takes its place.
    csv.field_size_limit(LONGEST_ROW)
    lines = _Lines(binary, encoding=chosen, name=name)
    hint = EXCEL_HINT.match(next(lines, ""))
    above = 1 if hint else 0
    mark = delimiter or (hint["delimiter"] if hint else _sniff(lines))
    lines.rewind(skip=above)
    headings = next((raw for _, raw in lines.records(mark) if not _is_blank(raw)), None)
    if headings is None:
        raise UnreadableFile(f"{name} is empty.")
    if len(headings) > MOST_COLUMNS:
        raise UnreadableFile(f"{name} has {_columns(len(headings))}; at most {MOST_COLUMNS:,} can be read.")
    above = lines.number
    row_count, blank_lines = _count(lines.records(mark))
    if row_count == 0:
        raise UnreadableFile(f"{name} has a heading line and no rows under it.")
    unique, repeated = _told_apart(headings)
    return Sheet(
        name=name,
        size=size,
        encoding=chosen,
        delimiter=mark,
        headings=unique,
        repeated=repeated,
        row_count=row_count,
        blank_lines=blank_lines,
        position=binary.tell,
        _lines=lines,
        _lines_above=above,
    )


def _refuse_what_is_no_text(binary: BinaryIO, name: str) -> int:
    size = binary.seek(0, io.SEEK_END)
    binary.seek(0)
    start = binary.read(512)
    if size == 0:
        raise UnreadableFile(f"{name} is empty.")
    for magic, what in OTHER_FORMATS:
        if start.startswith(magic):
            raise UnreadableFile(f"{name} is {what}, not a CSV file. Open it and save it as “CSV UTF-8”.")
    if start.lstrip().lower().startswith(MARKUP):
        raise UnreadableFile(f"{name} is a web page or XML, not a CSV file. Open it and save it as “CSV UTF-8”.")
    return size


class _Lines:
    """The physical lines of the file, counted; refuses a row that never ends."""

    def __init__(self, binary: BinaryIO, *, encoding: str, name: str) -> None:
        self._binary = binary
        self._encoding = encoding
        self._name = name
        self.rewind()

    def rewind(self, *, skip: int = 0) -> None:
        self._binary.seek(0)
        # newline="" keeps the line breaks inside quotes as they are, and takes \n, \r\n and \r for the end of a line.
        self._text = io.TextIOWrapper(_Borrowed(self._binary), encoding=self._encoding, newline="")
        self.number = 0
        self._begin_row()
        for _ in range(skip):
            self._begin_row()
            next(self, None)

    def sample(self) -> str:
        self.rewind()
        return self._text.read(SNIFFED)

    def records(self, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each row with the number of the line on which it starts."""
        reader = csv.reader(self, delimiter=delimiter)
        while True:
            self._begin_row()
            try:
                yield self._row_start, tuple(next(reader))
            except StopIteration:
                return

    def _begin_row(self) -> None:
        self._row_start, self._row_length = self.number + 1, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_ROW)
        if not line and not self._row_length:
            raise StopIteration
        self._row_length += len(line)
        if not line or self._row_length >= LONGEST_ROW:
            raise UnreadableFile(
                f"{self._name}: the row at line {self._row_start} never ends. Most likely a quotation mark is opened "
                "there, or a little earlier, and never closed: close it or remove it."
            )
        self.number += 1
        return line


class _Borrowed(io.BufferedIOBase):
    """A file that belongs to somebody else: it is read and never closed."""

    name = "borrowed"

    def __init__(self, binary: BinaryIO) -> None:
        self._binary = binary

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._binary.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._binary.read(size)


def _sniff(lines: _Lines) -> str:
    """The delimiter with which most rows are as wide as the heading line; among equals the widest."""
    sample = lines.sample()
    best, best_score = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        if len(sample) == SNIFFED:
            rows = rows[:-1] or rows  # the last one is cut off
        rows = rows[:SNIFFED_ROWS]
        width = len(rows[0]) if rows else 1
        if width > 1:
            agreeing = sum(len(row) == width for row in rows[1:]) / max(len(rows) - 1, 1)
            if (agreeing, width) > best_score:
                best, best_score = delimiter, (agreeing, width)
    return best


def _count(records: Iterator[tuple[int, tuple[str, ...]]]) -> tuple[int, int]:
    row_count = blank_lines = 0
    for _, raw in records:
        if _is_blank(raw):
            blank_lines += 1
        else:
            row_count += 1
    return row_count, blank_lines


def _told_apart(headings: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Headings that differ from each other; and, in lower case, those that the file has more than once."""
    tidy = [" ".join(heading.strip("\ufeff").split()) for heading in headings]
    while not tidy[-1]:
        tidy.pop()
    tidy = [heading or f"Column {at}" for at, heading in enumerate(tidy, 1)]
    seen: Counter[str] = Counter()
    taken = {heading.casefold() for heading in tidy}
    unique: list[str] = []
    repeated: set[str] = set()
    for heading in tidy:
        key = heading.casefold()
        seen[key] += 1
        if seen[key] == 1:
            unique.append(heading)
            continue
        repeated.add(key)
        number = seen[key]
        while f"{key} ({number})" in taken:
            number += 1
        taken.add(f"{key} ({number})")
        unique.append(f"{heading} ({number})")
    return tuple(unique), frozenset(repeated)


def _is_blank(raw: tuple[str, ...]) -> bool:
    return not any(cell.strip() for cell in raw)


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"
