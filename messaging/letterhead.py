"""Whom a mail is from and where answers to it go."""

from __future__ import annotations

from email.headerregistry import Address

from django.conf import settings

from pipeline.models import User


def sender_address(sender: User | None) -> Address:
    """The person's name with the organisation's address; without a person, the organisation."""
    name = f"{sender}, {settings.ORGANISATION_NAME}" if sender else settings.ORGANISATION_NAME
    return Address(display_name=_printable(name), addr_spec=settings.MAIL_FROM)


def reply_address(sender: User | None) -> str:
    return settings.MAIL_REPLY_TO or (sender.email if sender else "") or settings.MAIL_FROM


def sender_line(sender: User | None) -> str:
    """As it stands in the head."""
    return str(sender_address(sender))


def _printable(name: str) -> str:
    """Without line breaks and other control characters: a name is the oldest way to smuggle a header in. And without the
    start of an encoded word, which mail programs would show as something else."""
    visible = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(visible.replace("=?", "= ?").split())
