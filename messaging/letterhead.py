"""Whom a mail is from and where answers to it go."""

from __future__ import annotations

from email.headerregistry import Address
from functools import lru_cache

from django.conf import settings

from pipeline.models import User


def sender_address(sender: User | None) -> Address:
    """The person's name with the organisation's address; without a person, the organisation."""
    return Address(display_name=_printable(_name_of(sender)), addr_spec=settings.MAIL_FROM)


def reply_address(sender: User | None) -> str:
    return settings.MAIL_REPLY_TO or (sender.email if sender else "") or settings.MAIL_FROM


def sender_line(sender: User | None) -> str:
    """As it stands in the head."""
    return _line(_name_of(sender), settings.MAIL_FROM)


def _name_of(sender: User | None) -> str:
    return f"{sender}, {settings.ORGANISATION_NAME}" if sender else str(settings.ORGANISATION_NAME)


@lru_cache(maxsize=64)
def _line(name: str, address: str) -> str:
    """Kept, because each mail asks three times for one of few."""
    return str(Address(display_name=_printable(name), addr_spec=address))


def _printable(name: str) -> str:
    """Without line breaks and other control characters: a name is the oldest way to smuggle a header in. And without the
    start of an encoded word, which mail programs would show as something else."""
    visible = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(visible.replace("=?", "= ?").split())
