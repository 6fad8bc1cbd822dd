"""The pages that show messages, and the pages that show both sides; one file a page."""

from messaging.admin import (
    applications,
    automations,
    brakes,
    bulk,
    candidates,
    handoffs,
    incidents,
    messages,
    policy,
    queue,
    records,
    reports,
    safe_mode,
    templates,
    today,
    wordings,
)

__all__ = [
    "applications",
    "automations",
    "brakes",
    "bulk",
    "candidates",
    "handoffs",
    "incidents",
    "messages",
    "policy",
    "queue",
    "records",
    "reports",
    "safe_mode",
    "templates",
    "today",
    "wordings",
]
