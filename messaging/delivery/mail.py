"""A cleared message as a mail: text part, the same text as HTML, and the headers that let others recognise it."""

from __future__ import annotations

import re
import secrets
from email.headerregistry import Address
from email.message import EmailMessage
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe

from messaging import letterhead
from messaging.delivery import keys
from messaging.gate import Clearance
from messaging.models import Message
from messaging.policy.decision import Origin
from messaging.wording.markup import as_html
from messaging.wording.rendering import holds_encoded_word

# The message that a mail is, for the guard and for whoever finds the mail again.
MESSAGE_HEADER = "X-Byhand-Message"
# Providers that have no field for our id, or refuse the mail when it is given; they get it as a header alone.
WITHOUT_METADATA = frozenset({"smtp", "mailersend", "postal"})
# Providers that refuse a mail which brings its own; they give it one. https://github.com/symfony/symfony/issues/44000
WITHOUT_MESSAGE_ID = frozenset({"mailjet"})

# Controls, line and paragraph separators, bidirectional embeddings, overrides and isolates.
_HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_HIDDEN_IN_HEAD = re.compile(f"[{_HIDDEN}]")
_HIDDEN_IN_TEXT = re.compile(rf"(?![\t\r\n])[{_HIDDEN}]")


class Letter(EmailMultiAlternatives):
    """Laid out once, so that what was looked at is what leaves."""

    @cached_property
    def _laid_out(self) -> EmailMessage:
        laid_out = super().message()
        # Too long to stand in a text by chance; else the library looks through all of it for one that does not.
        laid_out.set_boundary(secrets.token_hex(16))
        return laid_out

    def message(self, **_: Any) -> EmailMessage:
        return self._laid_out


def build(clearance: Clearance) -> Letter:
    """One recipient, and nothing in the head that a candidate's name could have smuggled in. Raises ValueError where
    that cannot be: the gate looks for the same before, so it is a bug, or rows were changed behind its back."""
    case, message = clearance.case, clearance.case.message
    _refuse_hidden(subject=case.subject, body=case.body)
    headers = {
        "Message-ID": message_id(message),
        "Auto-Submitted": "no" if message.origin == Origin.PERSON else "auto-generated",
        MESSAGE_HEADER: str(message.public_id),
    }
    if clearance.attempt.provider in WITHOUT_MESSAGE_ID:
        del headers["Message-ID"]
    key = keys.key_of(clearance.attempt, message)
    if clearance.attempt.provider == keys.BREVO:
        headers[keys.BREVO_HEADER] = key
    mail = Letter(
        subject=case.subject,
        body=case.body,
        from_email=letterhead.sender_line(case.sender),
        to=[clearance.recipient],
        reply_to=[str(Address(addr_spec=letterhead.reply_address(case.sender)))],
        headers=headers,
    )
    mail.attach_alternative(render_html(subject=case.subject, body=case.body), "text/html")
    mail.idempotency_key = key  # type: ignore[attr-defined]  # keys.ResendWithKey reads it
    if clearance.attempt.provider not in WITHOUT_METADATA:
        mail.metadata = {"message": str(message.public_id)}  # type: ignore[attr-defined]  # Anymail reads it
    return mail


@lru_cache(maxsize=128)
def render_html(*, subject: str, body: str) -> str:
    """The HTML part: the text, in a plain layout. Kept for a moment, because the guard asks for it again."""
    # as_html escapes everything that it does not write itself.
    return render_to_string("mail/message.html", {"subject": subject, "content": mark_safe(as_html(body))})  # noqa: S308


def message_id(message: Message) -> str:
    """The same for every attempt, so that a mail that arrived twice can be seen to be one."""
    return f"<{message.public_id}@{settings.MAIL_FROM.rpartition('@')[2]}>"


def _refuse_hidden(*, subject: str, body: str) -> None:
    if not subject.strip() or not body.strip():
        raise ValueError("The subject or the text is empty.")
    if _HIDDEN_IN_HEAD.search(subject):
        raise ValueError("The subject holds a line break or another invisible character.")
    if holds_encoded_word(subject):
        raise ValueError("The subject holds an encoded word, which would be read as something else.")
    if _HIDDEN_IN_TEXT.search(body):
        raise ValueError("The text holds an invisible character.")
