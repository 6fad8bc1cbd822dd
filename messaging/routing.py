"""Where a mail goes in each of the three modes; what is not clearly allowed to leave is simulated."""

from datetime import timedelta

from django.conf import settings

SIMULATE, ALLOWLIST, LIVE = "simulate", "allowlist", "live"
MODES = (SIMULATE, ALLOWLIST, LIVE)

# How long a provider knows a mail by its key and does not take it twice, with a margin. Resend says 24 hours
# (https://resend.com/docs/dashboard/emails/idempotency-keys). Brevo says 30 minutes in one place and 15 in another
# (https://developers.brevo.com/changelog/email-api-now-supports-idempotency).
KEY_WINDOWS = {"resend": timedelta(hours=23), "brevo": timedelta(minutes=14)}


def provider_for(recipient: str) -> str:
    """The provider's name, or SIMULATE when the mail is to be written as a file."""
    if settings.MAIL_MODE == LIVE or (settings.MAIL_MODE == ALLOWLIST and _is_listed(recipient)):
        return str(settings.MAIL_PROVIDER)
    return SIMULATE


def _is_listed(recipient: str) -> bool:
    """An entry is a whole address, or “@” and a whole domain."""
    address = recipient.casefold()
    return address in settings.MAIL_ALLOWLIST or f"@{address.rpartition('@')[2]}" in settings.MAIL_ALLOWLIST
