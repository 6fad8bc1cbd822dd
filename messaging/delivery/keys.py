"""The key by which a provider knows a mail that it was given before: the same for every attempt with the same words."""

from __future__ import annotations

import uuid
from typing import Any

from anymail.backends.resend import EmailBackend, ResendPayload
from django.core.mail import EmailMessage

from messaging.models import Attempt, Message

BREVO = "brevo"
# Brevo reads it among the mail's own headers, and wants a UUID.
BREVO_HEADER = "idempotencyKey"
BACKENDS = {"resend": "messaging.delivery.keys.ResendWithKey"}


def key_of(attempt: Attempt, message: Message) -> str:
    """Other words or another address make another key: then it is another mail, which no provider may take for this one."""
    return str(uuid.uuid5(message.public_id, attempt.fingerprint))


class ResendWithKey(EmailBackend):  # type: ignore[misc]  # Anymail is untyped
    """Resend reads the key in a header of the request, and Anymail has no way to put one there."""

    def build_message_payload(self, message: EmailMessage, defaults: dict[str, Any]) -> ResendPayload:
        return _PayloadWithKey(message, defaults, self)


class _PayloadWithKey(ResendPayload):  # type: ignore[misc]  # the same
    def get_request_params(self, api_url: str) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_request_params(api_url)
        parameters["headers"]["Idempotency-Key"] = self.message.idempotency_key
        return parameters
