"""The list of the ledger says in words what an entry holds, and its page shows the entry as it was sealed."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging import outgoing
from messaging.admin import ledger_words
from messaging.models import LedgerEntry
from tests.factories import NOW, make_message, make_user

NAMED = ("kind", "data", "said")
CASES = [
    ("rescheduled", {"act": "hold", "until": "2026-09-17T09:00:00+00:00"}, "hold, until 17 Sep, 11:00"),
    (
        "rescheduled",
        {"act": "postpone", "from": "2026-09-15T08:05:00+00:00", "to": "2025-12-31T23:30:00+00:00"},
        "postpone, from 15 Sep, 10:05, to 1 Jan, 00:30",
    ),
    (
        "hand_off_snoozed",
        {"due_before": "2025-11-26T17:00:00+00:00", "due_after": "2026-11-30T17:00:00+00:00"},
        "due from 26 Nov 2025, 18:00 to 30 Nov, 18:00",
    ),
    (
        "hand_off_escalated",
        {"to": 6, "step": 2, "due_at": "2026-09-14T16:00:00+00:00", "owner_before": 2, "owner_after": 2},
        "to the job’s hiring manager, person 6, was due 14 Sep, 18:00, owner 2",
    ),
    ("hand_off_closed", {"answer": None, "status": "told_by_phone", "message": 39}, "Told by phone, message 39"),
    (
        "rule_changed",
        {"reserve_before": 1, "reserve_after": 2, "from_milestone_before": None, "from_milestone_after": 3},
        "milestone from nothing to Phone screen, reserve from Sent by a person to Written by a person",
    ),
    ("rule_changed", {"is_active_before": True, "is_active_after": False}, "active from yes to no"),
    (
        "rule_changed",
        {"event_before": "hired", "event_after": "no_news"},
        "event from Hired to Business days in a stage without news",
    ),
    ("rule_changed", {"template_id_before": 3, "template_id_after": 4}, "template from 3 to 4"),
    (
        "rights_changed",
        {"rights_given": "messaging.answer_handoff", "is_staff": True},
        "may use the admin yes, rights given messaging.answer_handoff",
    ),
    (
        "operation",
        {"kind": "move", "event": "undo_finished", "undone": 1, "stays": 4},
        "undo finished, bulk move, could not be undone 4, undone 1",
    ),
    ("cancelled", {"undone": True}, "taken back before it left"),
    ("silence", {"end": 4, "asked": False}, "ended, end 4"),
    ("incident", {"kind": "mail_refused"}, "A mail that nobody cleared was kept from leaving"),
    (
        "unmerged",
        {"to": 4, "away": 9, "from": 3, "merge": 2},
        "merge 2, of candidate 9, reach from Phone screen, to Interview",
    ),
    ("released", {"fingerprint": "fff553e2b5d7" + "0" * 52}, "fingerprint fff553e2b5d7…"),
]


@pytest.mark.parametrize(NAMED, CASES, ids=[f"{kind}-{place}" for place, (kind, _, _) in enumerate(CASES)])
def test_an_entry_is_said_in_words(kind: str, data: dict[str, Any], said: str) -> None:
    with time_machine.travel(NOW, tick=False), timezone.override(ZoneInfo("Europe/Berlin")):
        assert ledger_words.say(kind, data) == said


@pytest.mark.django_db
def test_the_list_shows_the_readers_time_and_the_page_what_was_sealed() -> None:
    person = make_user(is_staff=True, is_superuser=True, time_zone="Asia/Tokyo")
    message = make_message(delay=9)
    client = Client()
    client.force_login(person)
    with time_machine.travel(NOW, tick=False):
        outgoing.postpone(message, to=NOW.replace(day=20, hour=9, minute=0), by=person, now=NOW)
        entry = LedgerEntry.objects.get(kind=LedgerEntry.Kind.RESCHEDULED)
        listed = client.get(reverse("admin:messaging_ledgerentry_changelist")).content.decode()
        page = client.get(reverse("admin:messaging_ledgerentry_change", args=[entry.pk])).content.decode()
    assert "to 20 Sep, 18:00" in listed
    assert entry.data["to"] not in listed
    assert entry.data["to"] in page
