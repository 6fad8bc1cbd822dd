"""What the provider reports after it took a mail: stored first, then applied, and applied once.

An event that cannot be applied yet, or whose applying fails, stays in the inbox and the sweep comes back to it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType
from anymail.signals import tracking as reported
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from messaging.delivery import resolving
from messaging.incidents import raise_incident
from messaging.models import Attempt, Incident, Message, ProviderEvent

logger = logging.getLogger(__name__)

Status = Message.Status
Delivery = Message.Delivery

# What each event says of how far the mail came. What is not listed says nothing of that.
DELIVERY: dict[str, Message.Delivery] = {
    EventType.QUEUED: Delivery.QUEUED,
    EventType.SENT: Delivery.SENT,
    EventType.DEFERRED: Delivery.SENT,
    EventType.DELIVERED: Delivery.DELIVERED,
    EventType.AUTORESPONDED: Delivery.DELIVERED,
    EventType.OPENED: Delivery.DELIVERED,
    EventType.CLICKED: Delivery.DELIVERED,
    EventType.REJECTED: Delivery.REJECTED,
    EventType.FAILED: Delivery.REJECTED,
    EventType.BOUNCED: Delivery.BOUNCED,
    EventType.COMPLAINED: Delivery.COMPLAINED,
}
PROVES_NOT_SENT = frozenset({EventType.REJECTED, EventType.FAILED})
PROVES_SENT = frozenset(DELIVERY) - PROVES_NOT_SENT

DESCRIPTION_AT_MOST = 300  # characters
_ADDRESS = re.compile(r"[^\s<>()\"',;:]+@[^\s<>()\"',;:]+")


def listen() -> None:
    """Anymail offers a signal and no other hook to its webhooks; this is the only one that the product listens to."""
    reported.connect(receive, dispatch_uid="messaging.delivery.tracking")


def receive(*, event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    """One event of a webhook request, whose sender Anymail has made sure of."""
    now = timezone.now()
    stored = store(event, provider=esp_name.lower().replace(" ", "_"), now=now)
    if stored is not None:
        _try_to_apply(stored, now=now)


def write_event(message: Message, kind: str, *, said: str, at: datetime) -> AnymailTrackingEvent:
    """As a provider reports it. For who has no provider: the demo company."""
    return AnymailTrackingEvent(
        event_type=kind,
        event_id=f"{message.public_id}-{kind}",
        timestamp=at,
        description=said,
        metadata={"message": str(message.public_id)},
    )


def store(event: AnymailTrackingEvent, *, provider: str, now: datetime) -> ProviderEvent | None:
    """In its own transaction, so that what is made of it cannot lose it. None: it had come before."""
    at = event.timestamp or now
    row, is_new = ProviderEvent.objects.get_or_create(
        provider=provider[:30],
        event_id=str(event.event_id or _digest(event))[:250],
        kind=str(event.event_type)[:20],
        defaults={
            "at": at if timezone.is_aware(at) else at.replace(tzinfo=UTC),
            "received_at": now,
            "public_id": _public_id(event),
            "provider_message_id": str(event.message_id or "")[:250],
            "description": _describe(event),
        },
    )
    return row if is_new else None


def apply_rest(*, now: datetime, at_most: int) -> int:
    """For the sweep: what came too early, or could not be applied. Returns how many were looked at."""
    rest = list(ProviderEvent.objects.open().order_by("pk")[:at_most])
    for event in rest:
        _try_to_apply(event, now=now)
    return len(rest)


def apply(event: ProviderEvent, *, now: datetime) -> bool:
    """Whether it was applied now. False: it was before, or it waits for our own answer to be written."""
    message = _message_of(event)
    with transaction.atomic():
        if message is None:
            may_be_named_yet = event.public_id is None and now - event.received_at < _patience()
            if may_be_named_yet or not _take(event, message=None, now=now):
                return False
            _raise(
                event, None, f"{event.provider} reports “{event.kind}” of a mail that Byhand does not know.", now=now
            )
            return True
        held = resolving.hold(message.pk)
        if held.status == Status.SENDING or not _take(event, message=held, now=now):
            return False
        _note_delivery(held, event)
        _draw_conclusions(held, event, now=now)
    return True


def _draw_conclusions(message: Message, event: ProviderEvent, *, now: datetime) -> None:
    attempts = message.attempts.filter(provider=event.provider).order_by("-number")
    uncertain = attempts.uncertain().first()
    if event.kind in PROVES_SENT:
        if uncertain is not None and message.status in (Status.UNCERTAIN, Status.SCHEDULED):
            resolving.prove_sent(message, uncertain, provider_message_id=event.provider_message_id, now=now)
        elif message.status != Status.SENT or not attempts.exists():
            status = message.get_status_display().lower()
            sentence = f"{event.provider} reports “{event.kind}” of a mail that Byhand shows as {status}."
            _raise(event, message, sentence, now=now)
    elif event.kind in PROVES_NOT_SENT and uncertain is not None and message.status == Status.UNCERTAIN:
        resolving.prove_not_sent(message, uncertain, detail=event.description, now=now)


def _try_to_apply(event: ProviderEvent, *, now: datetime) -> None:
    try:
        apply(event, now=now)
    except Exception:
        # The row stays, and the provider is not asked to repeat what is stored.
        logger.exception("Event %s of the provider could not be applied; the sweep comes back to it.", event.pk)


def _take(event: ProviderEvent, *, message: Message | None, now: datetime) -> bool:
    """Of two who apply it at once, one goes on."""
    return bool(ProviderEvent.objects.open().filter(pk=event.pk).update(applied_at=now, message=message))


def _note_delivery(message: Message, event: ProviderEvent) -> None:
    """Never back, whatever order events come in: the condition is the order of Message.Delivery."""
    reached = DELIVERY.get(event.kind)
    if reached is not None:
        before = Q(delivery__isnull=True) | Q(delivery__lt=reached)
        Message.objects.filter(before, pk=message.pk).update(delivery=reached)


def _message_of(event: ProviderEvent) -> Message | None:
    """By our id, which the mail carries; else by the provider's."""
    if event.public_id is not None:
        return Message.objects.filter(public_id=event.public_id).first()
    if not event.provider_message_id:
        return None
    known = Attempt.objects.filter(provider=event.provider, provider_message_id=event.provider_message_id)
    attempt = known.select_related("message").first()
    return attempt.message if attempt else None


def _patience() -> timedelta:
    """How long an event without our id may come before the provider's id is written on its attempt."""
    return timedelta(seconds=settings.MAIL_LEASE)


def _raise(event: ProviderEvent, message: Message | None, sentence: str, *, now: datetime) -> None:
    """Only for what says that a mail left, or was meant to."""
    if event.kind in DELIVERY:
        raise_incident(
            Incident.Kind.UNKNOWN_SEND, sentence=sentence, now=now, message_id=message.pk if message else None
        )


# --- Reading an event --------------------------------------------------------------------------------------------------


def _public_id(event: AnymailTrackingEvent) -> uuid.UUID | None:
    """From the metadata; or from our own Message-ID, which some providers keep as theirs (see mail.message_id)."""
    for word in _words(event):
        try:
            return uuid.UUID(word)
        except ValueError:
            continue
    return None


def _words(event: AnymailTrackingEvent) -> Iterator[str]:
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    yield str(metadata.get("message", ""))
    yield from (str(tag) for tag in event.tags or ())
    name, _, domain = str(event.message_id or "").strip("<>").partition("@")
    if domain == settings.MAIL_FROM.rpartition("@")[2]:
        yield name


def _describe(event: AnymailTrackingEvent) -> str:
    """What was said, without the candidate's address and without what a database cannot hold."""
    said = "; ".join(str(part) for part in (event.reject_reason, event.description, event.mta_response) if part)
    printable = "".join(character if character.isprintable() else " " for character in _ADDRESS.sub("…", said))
    return " ".join(printable.split())[:DESCRIPTION_AT_MOST]


def _digest(event: AnymailTrackingEvent) -> str:
    """For providers that give their events no id: the same words are the same event."""
    said = (
        event.esp_event if event.esp_event is not None else [event.event_type, event.message_id, str(event.timestamp)]
    )
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
