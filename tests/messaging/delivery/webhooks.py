"""What providers report, as they post it: Postmark's, Resend's and Brevo's words, to the address that Anymail listens at."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

from django.test import Client

from messaging.models import Message

SECRET = "reporter:a long enough word for it"
AUTHORISED = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}

_numbers = itertools.count(1)

POSTMARK: dict[str, dict[str, Any]] = {
    "delivered": {"RecordType": "Delivery", "DeliveredAt": "2026-09-15T10:05:00Z"},
    "opened": {"RecordType": "Open", "ReceivedAt": "2026-09-15T11:00:00Z"},
    "bounced": {"RecordType": "Bounce", "Type": "HardBounce", "BouncedAt": "2026-09-15T10:06:00Z"},
    "complained": {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "BouncedAt": "2026-09-16T10:06:00Z"},
    "rejected": {"RecordType": "Bounce", "Type": "Blocked", "BouncedAt": "2026-09-15T10:06:00Z"},
    "deferred": {"RecordType": "Bounce", "Type": "Transient", "BouncedAt": "2026-09-15T10:04:00Z"},
    "unsubscribed": {"RecordType": "SubscriptionChange", "SuppressionReason": "ManualSuppression"},
}


def postmark(kind: str, message: Message | None = None, **more: Any) -> dict[str, Any]:
    event = POSTMARK[kind] | {"MessageID": "provider-1", "Recipient": "kim@example.com", "Email": "kim@example.com"}
    if event["RecordType"] in ("Bounce", "SpamComplaint"):
        event["ID"] = next(_numbers)
    if message is not None:
        event["Metadata"] = {"message": str(message.public_id)}
    return event | more


def post(payload: Any, *, provider: str = "postmark", headers: dict[str, str] | None = None) -> int:
    response = Client(raise_request_exception=False).post(
        f"/anymail/{provider}/tracking/",
        json.dumps(payload),
        content_type="application/json",
        headers=AUTHORISED | (headers or {}),
    )
    return response.status_code
