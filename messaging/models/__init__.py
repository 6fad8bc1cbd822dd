"""What is said to candidates, by whom, and when; one concept a file."""

from messaging.models.attempt import Attempt
from messaging.models.automation import Automation, PlannedChange
from messaging.models.bounce_answer import BounceAnswer
from messaging.models.brake import Brake
from messaging.models.draft import Draft
from messaging.models.handoff import HandOff
from messaging.models.hold import Hold
from messaging.models.incident import Incident
from messaging.models.installation import Installation
from messaging.models.ledger import LedgerEntry, Seal
from messaging.models.message import Message
from messaging.models.minutes import Minutes
from messaging.models.operation import Operation, OperationItem
from messaging.models.overdue import Escalation, EscalationNotice, Snooze
from messaging.models.policy_row import PolicyRow
from messaging.models.progress import Progress
from messaging.models.provider_event import ProviderEvent
from messaging.models.recorded_verdict import RecordedVerdict
from messaging.models.rejection_phrase import RejectionPhrase
from messaging.models.release import Release
from messaging.models.stage_rule import StageRule
from messaging.models.template import Signature, Template, Wording

__all__ = [
    "Attempt",
    "Automation",
    "BounceAnswer",
    "Brake",
    "Draft",
    "Escalation",
    "EscalationNotice",
    "HandOff",
    "Hold",
    "Incident",
    "Installation",
    "LedgerEntry",
    "Message",
    "Minutes",
    "Operation",
    "OperationItem",
    "PlannedChange",
    "PolicyRow",
    "Progress",
    "ProviderEvent",
    "RecordedVerdict",
    "RejectionPhrase",
    "Release",
    "Seal",
    "Signature",
    "Snooze",
    "StageRule",
    "Template",
    "Wording",
]
