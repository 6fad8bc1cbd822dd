"""Which encoding a file is written in: told by its byte order mark, proved by decoding all of it, or guessed at last.

Whatever is answered here decodes the whole file.
"""

import codecs
import io
from typing import BinaryIO

from charset_normalizer import from_bytes

CHUNK = 1 << 16
# Longest first: the mark of UTF-32 begins like the one of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What spreadsheets write where they do not write Unicode, the likelier first. Without this fence the guess wanders off
# to code pages of DOS and old Macs as soon as there are few letters to judge by.
WESTERN = "cp1252"
SINGLE_BYTE = (WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "koi8_r")
MULTI_BYTE = ("shift_jis", "gb18030", "big5", "cp949")
# Chinese, Japanese and Korean text is dense in bytes above 127; three accents in a page of names are not such text.
DENSE = 0.2


class UnknownEncoding(Exception):
    """There is no encoding of the name that was given."""


class WrongEncoding(Exception):
    """The file cannot be decoded; `line` counts from 1."""

    def __init__(self, encoding: str, line: int) -> None:
        super().__init__(encoding, line)
        self.encoding = encoding
        self.line = line


def choose(binary: BinaryIO, wanted: str = "") -> str:
    """The name of a codec that decodes all of `binary`; raises UnknownEncoding or WrongEncoding.

    `wanted` is what a person said, and is then only checked; empty means: find out.
    """
    start = _head(binary)
    marked = next((name for mark, name in MARKS if start.startswith(mark)), "")
    if wanted:
        name = _known(wanted)
        # The byte order mark would otherwise become part of the first heading.
        return _proved(binary, "utf-8-sig" if name == "utf-8" and marked == "utf-8-sig" else name)
    if marked:
        return _proved(binary, marked)
    unmarked = _unmarked_utf_16(start)
    if unmarked:
        return _proved(binary, unmarked)
    try:
        return _proved(binary, "utf-8")
    except WrongEncoding:
        return _guess(binary)


def _head(binary: BinaryIO) -> bytes:
    binary.seek(0)
    return binary.read(CHUNK)


def _known(wanted: str) -> str:
    try:
        "".encode(wanted)  # refuses codecs that are not text, such as hex
        return codecs.lookup(wanted).name
    except (LookupError, ValueError):
        raise UnknownEncoding(f"There is no encoding “{wanted}”: try utf-8, utf-16 or cp1252.") from None


def _proved(binary: BinaryIO, name: str) -> str:
    decoder = codecs.getincrementaldecoder(name)()
    binary.seek(0)
    line = 1
    while True:
        chunk = binary.read(CHUNK)
        try:
            line += decoder.decode(chunk, final=not chunk).count("\n")
        except UnicodeError as error:
            before = chunk[: getattr(error, "start", 0)]
            raise WrongEncoding(name, line + before.count(b"\n")) from None
        if not chunk:
            return name


def _unmarked_utf_16(start: bytes) -> str:
    """Western text in UTF-16 has a zero in every second byte, and in no other."""
    if len(start) < 4:
        return ""
    even, odd = start[::2].count(0) / len(start[::2]), start[1::2].count(0) / len(start[1::2])
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    if even > 0.4 and odd < 0.1:
        return "utf-16-be"
    return ""


def _guess(binary: BinaryIO) -> str:
    sample = _telling_lines(binary)
    name = _likeliest(sample)
    for candidate in (name, WESTERN):
        try:
            return _proved(binary, candidate)
        except WrongEncoding:
            continue
    return "latin-1"  # gives every byte a meaning


def _telling_lines(binary: BinaryIO) -> bytes:
    """The first lines that are not plain ASCII, wherever in the file they stand; nothing else can tell."""
    binary.seek(0)
    found = io.BytesIO()
    while found.tell() < CHUNK:
        line = binary.readline(CHUNK)
        if not line:
            break
        if not line.isascii():
            found.write(line)
    return found.getvalue()


def _likeliest(sample: bytes) -> str:
    """The code page of western Windows, unless the letters make clearly more sense in another."""
    matches = list(from_bytes(sample, cp_isolation=[*SINGLE_BYTE, *MULTI_BYTE]))
    western = next((match for match in matches if WESTERN in match.could_be_from_charset), None)
    best = min(matches, key=lambda match: (match.chaos, -match.coherence, _rank(match.encoding)), default=None)
    if best is None or (western is not None and western.coherence >= best.coherence):
        return WESTERN
    if best.encoding in MULTI_BYTE and sum(byte > 127 for byte in sample) < DENSE * len(sample):
        return WESTERN
    return best.encoding


def _rank(encoding: str) -> int:
    order = (*SINGLE_BYTE, *MULTI_BYTE)
    return order.index(encoding) if encoding in order else len(order)
