"""The policy's vocabulary as choices for fields; the policy itself knows no Django."""

from messaging.policy.decision import Origin, Outcome
from messaging.policy.floor import Reserve, Touchpoint

TOUCHPOINTS = [
    (touchpoint.value, touchpoint.label.capitalize())
    for touchpoint in Touchpoint
    if touchpoint is not Touchpoint.UNKNOWN
]
RESERVES = [(reserve.value, reserve.label.capitalize()) for reserve in Reserve]
ORIGINS = [(Origin.AUTOMATION.value, "Automation"), (Origin.PERSON.value, "A person")]
OUTCOMES = [
    (Outcome.SEND.value, "May leave"),
    (Outcome.LATER.value, "Not now"),
    (Outcome.HAND_OFF.value, "Handed to a person"),
    (Outcome.STOP.value, "Stopped"),
]
