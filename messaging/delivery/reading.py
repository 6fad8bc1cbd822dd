"""A mail as its candidate reads it: the file that simulate mode wrote, else what was stored, in the same layout."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

from messaging.delivery.mail import render_html
from messaging.letterhead import reply_address, sender_address
from messaging.models import Message
from pipeline.models import User


@dataclass(frozen=True, kw_only=True)
class Letter:
    """`date` is empty for a mail that has not left, or that left through a provider."""

    sender: str
    recipient: str
    reply_to: str
    subject: str
    date: str
    text: str
    html: str


def path_of(message: Message) -> Path:
    """Where simulate mode keeps the mail; the file need not be there."""
    return folder() / f"{message.public_id}.eml"


def folder() -> Path:
    """Of what simulate mode writes."""
    return Path(settings.VAR_DIR) / "mail"


def read_file(message: Message) -> Letter | None:
    """The mail as simulate mode wrote it, or None when there is no such file."""
    try:
        data = path_of(message).read_bytes()
    except FileNotFoundError:
        return None
    mail = message_from_bytes(data, policy=policy.default)
    return Letter(
        sender=_header(mail, "From"),
        recipient=_header(mail, "To"),
        reply_to=_header(mail, "Reply-To"),
        subject=_header(mail, "Subject"),
        date=_header(mail, "Date"),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def lay_out(*, sender: User | None, recipient: str, subject: str, body: str) -> Letter:
    """The same out of its words, for what has not left yet or has left through a provider."""
    return Letter(
        sender=str(sender_address(sender)),
        recipient=recipient,
        reply_to=reply_address(sender),
        subject=subject,
        date="",
        text=body,
        html=render_html(subject=subject, body=body),
    )


def _header(mail: EmailMessage, name: str) -> str:
    return str(mail.get(name, ""))


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
