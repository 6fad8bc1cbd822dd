"""Who may hand which mail to anybody: to a candidate, what an open Attempt was cleared for, once; to an active colleague who
is no candidate, mail of the system; and to nobody else anything, whichever mail function is called.

Django's and Anymail's functions end in one of three places, and each of them asks here: the backend of the settings and
the egress by themselves, every Anymail backend through its `pre_send`, and Django's SMTP backend because `install` puts the
question into it. Who speaks SMTP or HTTP with a provider without these libraries is not stopped here: the build refuses
their import everywhere else, and the network can. Neither is code that sets out to deceive its own process, for example with
`send_defaults` for a connection that it makes by hand: Anymail adds them after everybody was asked.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from anymail.exceptions import AnymailInvalidAddress
from anymail.signals import pre_send
from anymail.utils import parse_address_list
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend as DjangoSmtp
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from messaging import routing
from messaging.delivery import keys
from messaging.delivery.mail import MESSAGE_HEADER, render_html
from messaging.delivery.outcomes import NotAsClearedError
from messaging.incidents import raise_incident
from messaging.models import Attempt, Incident, Message
from messaging.wording.fingerprint import fingerprint
from pipeline.intake.addresses import canonical_address
from pipeline.models import Candidate, User
from pipeline.written_once import UpdateOnce, WrittenOnce, ids, moment, uuids

logger = logging.getLogger(__name__)

# What a head may hold beside what Django writes itself. Some providers take templates, recipients and times from headers.
HEADERS = frozenset({"auto-submitted", "message-id", MESSAGE_HEADER.casefold(), keys.BREVO_HEADER.casefold()})
# What Anymail would put in the place of the text, the recipient or the moment.
REWRITES = (
    "esp_extra",
    "merge_data",
    "merge_global_data",
    "merge_headers",
    "merge_metadata",
    "send_at",
    "template_id",
)

# The mail that `checked` lets through, and its parts then.
_checked: ContextVar[tuple[EmailMessage, tuple[Any, ...]] | None] = ContextVar("checked", default=None)
_django_send_messages = DjangoSmtp.send_messages


def check(mail: EmailMessage, *, now: datetime) -> None:
    """Uses up the clearance of this mail, or raises NotAsClearedError and an incident. Raises ValueError for a head that
    cannot be."""
    mail.message()  # before any library begins to pass it on
    with _telling_of_refusal(mail, now=now):
        recipients = recipients_of(mail)
        _refuse_additions(mail)
        if MESSAGE_HEADER in mail.extra_headers or not are_colleagues(recipients):
            _use_clearance(mail, now=now)


def use_together(mails: Sequence[EmailMessage], *, now: datetime) -> list[bool]:
    """The same for mails to candidates that nothing speaks against, in one statement. Those that are answered with False
    used nothing up; `check` says why."""
    names = [_named_by(mail) for mail in mails]
    attempts = _read_open({name for name in names if name})
    found = [attempts.pop(name, None) if name else None for name in names]  # of two mails of one message the first
    sound = [attempt if _is_sound(mail, attempt, now=now) else None for mail, attempt in zip(mails, found, strict=True)]
    using = [attempt for attempt in sound if attempt]
    all_used = bool(using) and _mark_used(using, now=now)
    return [all_used and attempt is not None for attempt in sound]


@contextmanager
def checked(mail: EmailMessage) -> Iterator[None]:
    """Around the call of a connection with a mail that `check` let through: it leaves once, as it was."""
    token = _checked.set((mail, _parts_of(mail)))
    try:
        yield
    finally:
        _checked.reset(token)


def let_out(mail: EmailMessage) -> None:
    """At the connection. A mail that comes by another way than the egress is checked here."""
    passing, now = _checked.get(), timezone.now()
    _checked.set(None)
    if passing is None or passing[0] is not mail:
        with _telling_of_refusal(mail, now=now):
            if routing.SIMULATE in {routing.provider_for(address) for address in recipients_of(mail)}:
                raise NotAsClearedError("No mail leaves to this address in the mode that is set.")
        check(mail, now=now)
        return
    with _telling_of_refusal(mail, now=now):
        if passing[1] != _parts_of(mail):
            raise NotAsClearedError("The mail was changed after it was checked.")


def recipients_of(mail: EmailMessage) -> list[str]:
    """Over to, cc and bcc, as Anymail reads them: a comma in one field makes two."""
    try:
        return [address.addr_spec for address in parse_address_list(mail.recipients())]
    except AnymailInvalidAddress:
        # Without its cause, which names the address.
        raise NotAsClearedError("The recipient is no mail address.") from None


def are_colleagues(addresses: list[str]) -> bool:
    """Each of an active person who works here, spelled as it is stored, and none a candidate's."""
    people = User.objects.filter(email__in=addresses, is_active=True, is_staff=True).values_list("email", flat=True)
    if not addresses or set(people) != set(addresses):
        return False
    keys = [canonical_address(address) for address in addresses]
    return not Candidate.objects.filter(Q(email_key__in=keys) | Q(email__in=addresses)).exists()


def install() -> None:
    """Once, when the application is ready."""
    # A signal, against the rule of the house: it is the only way into every Anymail backend, whoever makes it.
    pre_send.connect(_ask_before_anymail_sends, dispatch_uid="messaging.delivery.guard")
    # Replacing a method, for want of any way at all: Django asks nobody before its SMTP backend sends.
    DjangoSmtp.send_messages = _ask_before_smtp_sends  # type: ignore[method-assign,assignment]


def _ask_before_anymail_sends(*, message: EmailMessage, **_: Any) -> None:
    let_out(message)


def _ask_before_smtp_sends(self: DjangoSmtp, email_messages: Sequence[EmailMessage]) -> int:
    mails = list(email_messages)
    for mail in mails:
        let_out(mail)
    return _django_send_messages(self, mails)


def _refuse_additions(mail: EmailMessage) -> None:
    if any(name.casefold() not in HEADERS for name in mail.extra_headers):
        raise NotAsClearedError("The mail has a header that no mail of ours has.")
    if any(getattr(mail, name, None) for name in REWRITES):
        raise NotAsClearedError("The mail tells the provider to send something else than it holds.")


def _use_clearance(mail: EmailMessage, *, now: datetime) -> None:
    public_id = _named_by(mail)
    if public_id is None:
        raise NotAsClearedError("The mail belongs to no message, and does not go to colleagues alone.")
    attempt = _read_open({public_id}).get(public_id)
    if attempt is None:
        raise NotAsClearedError("The clearance of this mail is over, or there never was one.")
    _compare(mail, attempt)
    if not _mark_used([attempt], now=now):
        raise NotAsClearedError("The clearance of this mail is over, or was used before.")


class _Opened(NamedTuple):
    """Of an attempt and its message, what a mail is compared with; whole rows would take longer than the comparison."""

    public_id: UUID
    pk: int
    recipient: str
    fingerprint: str
    provider: str
    expires_at: datetime
    used_at: datetime | None
    status: str


def _read_open(public_ids: Collection[UUID]) -> dict[UUID, _Opened]:
    return {row[0]: _Opened(*row) for row in _opened(public_ids=public_ids)}


@WrittenOnce
def _opened() -> QuerySet[Any, tuple[Any, ...]]:
    columns = ("pk", "recipient", "fingerprint", "provider", "expires_at", "used_at")
    rows = Attempt.objects.open().filter(message__public_id__in=uuids("public_ids")).order_by()
    return rows.values_list("message__public_id", *columns, "message__status")


def _compare(mail: EmailMessage, attempt: _Opened) -> None:
    """Raises NotAsClearedError where this is not the mail that the attempt was made for."""
    if recipients_of(mail) != [attempt.recipient]:
        raise NotAsClearedError("The mail would not go to the one address that it was cleared for.")
    if _fingerprint_of(mail, attempt.recipient) != attempt.fingerprint:
        raise NotAsClearedError("The text is not the one that was cleared, or not from whom.")
    if not _holds_its_text_alone(mail):
        raise NotAsClearedError("The mail holds more than the text that was cleared.")
    if attempt.status != Message.Status.SENDING:
        raise NotAsClearedError("The clearance of this mail is over.")


def _is_sound(mail: EmailMessage, attempt: _Opened | None, *, now: datetime) -> bool:
    if attempt is None or attempt.used_at is not None or attempt.expires_at <= now:
        return False
    try:
        mail.message()
        _refuse_additions(mail)
        _compare(mail, attempt)
    except (NotAsClearedError, ValueError):
        return False
    return True


def _named_by(mail: EmailMessage) -> UUID | None:
    """The message that it says it is; None where it says none."""
    try:
        return UUID(mail.extra_headers.get(MESSAGE_HEADER, ""))
    except ValueError:
        return None


def _message_id_of(mail: EmailMessage) -> int | None:
    public_id = _named_by(mail)
    return Message.objects.filter(public_id=public_id).values_list("pk", flat=True).first() if public_id else None


def _fingerprint_of(mail: EmailMessage, recipient: str) -> str:
    return fingerprint(
        recipient=recipient,
        subject=str(mail.subject),
        body=str(mail.body),
        sender=str(mail.from_email),
        reply_to=", ".join(str(address) for address in mail.reply_to),
    )


def _holds_its_text_alone(mail: EmailMessage) -> bool:
    """Of the text the HTML part follows; an attachment is never cleared."""
    html = (render_html(subject=str(mail.subject), body=str(mail.body)), "text/html")
    alternatives = [tuple(alternative) for alternative in getattr(mail, "alternatives", ())]
    return alternatives == [html] and not mail.attachments and mail.content_subtype == "plain"


def _mark_used(attempts: Sequence[_Opened], *, now: datetime) -> bool:
    """All of them or none: one conditional UPDATE, committed before a byte leaves. It is a commit more, and worth it: what a
    process remembers keeps no other process from sending the same mail, and an open attempt is all that another one
    would see. What it does not mark has not left, which the reaper relies on. A simulated mail is a file, which nobody gets
    if a transaction around it is taken back. Only own columns are named, because PostgreSQL asks again for those alone after
    it waited for a lock."""
    pks = [attempt.pk for attempt in attempts]
    leaves = any(attempt.provider != routing.SIMULATE for attempt in attempts)
    try:
        with transaction.atomic(durable=leaves):
            all_marked = _use(attempts=pks, now=now) == len(pks)
            if not all_marked:
                transaction.set_rollback(True)
            return all_marked
    except RuntimeError:  # a transaction is open around us, which could be taken back after the mail has left
        raise NotAsClearedError("A mail to a candidate cannot leave out of a transaction.") from None


@UpdateOnce
def _use() -> tuple[QuerySet[Any], dict[str, Any]]:
    unused = Attempt.objects.open().filter(pk__in=ids("attempts"), used_at__isnull=True, expires_at__gt=moment("now"))
    return unused, {"used_at": moment("now")}


def _parts_of(mail: EmailMessage) -> tuple[Any, ...]:
    return (
        tuple(mail.recipients()),
        str(mail.subject),
        str(mail.body),
        mail.from_email,
        tuple(mail.reply_to),
        dict(mail.extra_headers),
        tuple(getattr(mail, "alternatives", ())),
        tuple(mail.attachments),
        tuple(getattr(mail, name, None) for name in REWRITES),
    )


@contextmanager
def _telling_of_refusal(mail: EmailMessage, *, now: datetime) -> Iterator[None]:
    """In a transaction of the caller's the incident goes when that is rolled back; the line in the log stays."""
    try:
        yield
    except NotAsClearedError as refusal:
        sentence = f"{refusal} It was kept from leaving. It came from {_caller()}."
        try:
            raise_incident(Incident.Kind.MAIL_REFUSED, sentence=sentence, now=now, message_id=_message_id_of(mail))
        except DatabaseError:  # the refusal stands even where nobody can write it down
            logger.exception("Incident: %s", sentence)
        raise


def _caller() -> str:
    """The innermost code that only uses mail and is no part of it."""
    part_of_it = ("anymail.", "contextlib", "django.", "messaging.delivery.")
    modules = ((frame.f_globals.get("__name__", ""), line) for frame, line in traceback.walk_stack(None))
    return next(f"{module}, line {line}" for module, line in modules if not module.startswith(part_of_it))
