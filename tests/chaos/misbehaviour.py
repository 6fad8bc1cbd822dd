"""What a provider can do with a mail, whatever language it speaks: on which side of accepting it, and what that leaves."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tests.messaging.delivery.doubles import Exchange, disconnects, hangs


class End(Enum):
    """What its answer proves."""

    ACCEPTED = auto()
    REFUSED = auto()  # and may be tried again
    REJECTED = auto()
    UNCERTAIN = auto()


@dataclass(frozen=True, kw_only=True)
class Misbehaviour:
    """`fault` is what it does instead of answering well; None: it answers well."""

    name: str
    end: End
    accepts: bool = False
    fault: Callable[[Exchange], None] | None = None


def says(status: int, body: Any = b"", **headers: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(status, body, **headers)


def stops_in_the_middle(exchange: Exchange) -> None:
    exchange.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id": "abc",')
    exchange.wfile.flush()
    exchange.reset()


def speaks_something_else(exchange: Exchange) -> None:
    exchange.wfile.write(b"220 mail.example ESMTP\r\n")
    exchange.close_connection = True


def hangs_up(exchange: Exchange) -> None:
    """Politely, and without an answer."""
    exchange.connection.shutdown(socket.SHUT_RDWR)
    exchange.close_connection = True


OOPS = {"ErrorCode": 0, "message": "Oops"}
ACCEPTS_AND: dict[str, Callable[[Exchange], None]] = {
    "says 200 in HTML": says(200, b"<html>Welcome</html>"),
    "says 200 in other JSON": says(200, ["yes"]),
    "says 200 and nothing": says(200),
    "says 408": says(408),
    "says 500": says(500, OOPS),
    "resets": Exchange.reset,
    "hangs": Exchange.hang,
    "stops in the middle of its answer": stops_in_the_middle,
}
ACCEPTS_NOT_AND: dict[str, Callable[[Exchange], None]] = {
    "says 200 and nothing": says(200),
    "says 301": says(301),
    "says 451": says(451),
    "says 502 in HTML": says(502, b"<html>Bad gateway</html>"),
    "says 503": says(503, Retry_After="1"),
    "resets": Exchange.reset,
    "hangs": Exchange.hang,
    "hangs up": hangs_up,
    "speaks something else": speaks_something_else,
}
SAY_NO: dict[str, tuple[Callable[[Exchange], None], End]] = {
    "says 400": (says(400, b"Bad request"), End.REJECTED),
    "says 401": (says(401, {"ErrorCode": 10, "message": "No such token"}), End.REFUSED),
    "says 403": (says(403), End.REFUSED),
    "says 404": (says(404, b"Not here"), End.REJECTED),
    "says 413": (says(413, OOPS), End.REJECTED),
    "says 422": (says(422, {"ErrorCode": 400, "message": "Sender signature not found"}), End.REJECTED),
    "says 429": (says(429, OOPS, Retry_After="7200"), End.REFUSED),
}
HTTP = [
    Misbehaviour(name="accepts", end=End.ACCEPTED, accepts=True),
    *(
        Misbehaviour(name=f"{side}, {name}", end=End.UNCERTAIN, accepts=accepts, fault=fault)
        for side, accepts, faults in (("accepts", True, ACCEPTS_AND), ("does not accept", False, ACCEPTS_NOT_AND))
        for name, fault in faults.items()
    ),
    *(Misbehaviour(name=name, end=end, fault=fault) for name, (fault, end) in SAY_NO.items()),
]

# What is said to MAIL, RCPT and after the text; only then can it have been accepted.
SMTP: dict[str, tuple[dict[str, Any], End]] = {
    "accepts": ({}, End.ACCEPTED),
    "refuses the sender for now": ({"MAIL": "451 try later"}, End.REFUSED),
    "refuses the sender": ({"MAIL": "550 who are you"}, End.REJECTED),
    "disconnects at the sender": ({"MAIL": disconnects}, End.REFUSED),
    "hangs at the sender": ({"MAIL": hangs}, End.REFUSED),
    "refuses the recipient for now": ({"RCPT": "450 mailbox busy"}, End.REFUSED),
    "refuses the recipient": ({"RCPT": "550 5.1.1 no such user"}, End.REJECTED),
    "closes at the recipient": ({"RCPT": "421 closing"}, End.REFUSED),
    "says nonsense at the recipient": ({"RCPT": "999 hm"}, End.REFUSED),
    "disconnects at the recipient": ({"RCPT": disconnects}, End.REFUSED),
    "refuses the text for now": ({"END": "452 no space"}, End.REFUSED),
    "refuses the text": ({"END": "554 looks like spam"}, End.REJECTED),
    "says nonsense after the text": ({"END": "299 hm"}, End.UNCERTAIN),
    "disconnects after the text": ({"END": disconnects}, End.UNCERTAIN),
    "hangs after the text": ({"END": hangs}, End.UNCERTAIN),
}
