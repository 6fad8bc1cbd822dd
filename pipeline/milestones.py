"""The policy's fixed, ordered vocabulary that every stage maps to; standard library only, so that the policy can use
it."""

from enum import IntEnum


class Milestone(IntEnum):
    """How far in a hiring process; the numbers only order, they are stored and never change."""

    APPLIED = 1
    REVIEW = 2
    PHONE_SCREEN = 3
    INTERVIEW = 4
    FINAL_ROUND = 5
    OFFER = 6
    HIRED = 7

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").lower()


CHOICES = [(milestone.value, milestone.label.capitalize()) for milestone in Milestone]
