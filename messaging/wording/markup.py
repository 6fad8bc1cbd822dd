"""Plain text as simple, safe HTML: paragraphs, line breaks, web links and lists; every other character is shown."""

import html
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

_LINE_END: Final = re.compile(r"\r\n?|\n")
# Control characters and surrogates are not allowed in HTML, not even as references.
_NOT_IN_HTML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINK: Final = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_HOST: Final = re.compile(r"https?://[^\W_]", re.IGNORECASE)
_AFTER_A_LINK: Final = ".,;:!?*_…"
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}
_BULLET: Final = "- "


def as_html(text: str) -> str:
    """HTML for the body of a mail, in time linear to the text.

    A blank line starts a paragraph; lines that start with "- " are a list; http and https addresses are links.
    """
    lines = [line.strip() for line in _LINE_END.split(_NOT_IN_HTML.sub("", text))]
    return "\n".join(_block(kind, list(block)) for kind, block in groupby(lines, _kind) if kind)


def _kind(line: str) -> str:
    if not line:
        return ""
    return "ul" if line.startswith(_BULLET) else "p"


def _block(kind: str, lines: list[str]) -> str:
    if kind == "ul":
        return "<ul>" + "".join(f"<li>{_inline(line.removeprefix(_BULLET).strip())}</li>" for line in lines) + "</ul>"
    return "<p>" + "<br>\n".join(_inline(line) for line in lines) + "</p>"


def _inline(line: str) -> str:
    return "".join(_pieces(line))


def _pieces(line: str) -> Iterator[str]:
    position = 0
    for found in _LINK.finditer(line):
        address = _without_trailing_punctuation(found.group())
        if not _HOST.match(address):
            continue
        shown = html.escape(address)
        yield html.escape(line[position : found.start()])
        yield f'<a href="{shown}">{shown}</a>'
        position = found.start() + len(address)
    yield html.escape(line[position:])


def _without_trailing_punctuation(address: str) -> str:
    """Cut what belongs to the sentence, and a closing bracket that was opened before the address."""
    surplus = {close: address.count(close) - address.count(opening) for close, opening in _BRACKETS.items()}
    end = len(address)
    while True:  # the "h" of http ends it at the latest
        last = address[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _AFTER_A_LINK:
            break
        end -= 1
    return address[:end]
