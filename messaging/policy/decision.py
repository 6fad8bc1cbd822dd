"""The one answer to "may this message leave now?": pure, total, and closed where something is unknown.

`decide` collects every finding, so that a person sees all reasons at once; the gravest one is the outcome. Nothing is
read here: no row, no clock, no setting. The preview and the departure call the same function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from messaging.policy.floor import HUMAN_FROM, Reserve, Touchpoint, floor, read_reserve, standing_of, touchpoint_of


class Origin(StrEnum):
    """AUTOMATION is everything but a signed-in person at the compose page of one candidate."""

    AUTOMATION = "automation"
    PERSON = "person"


class Outcome(StrEnum):
    """In the order of gravity."""

    SEND = "send"
    LATER = "later"
    HAND_OFF = "hand_off"
    STOP = "stop"


GRAVITY = {outcome: number for number, outcome in enumerate(Outcome)}

# A message that waited this long past its time, after an outage or a restore, tells something that may no longer be so.
STALE_AFTER = timedelta(days=14)
# A survey leaves within this time of its planning, however often it waited since, or not at all.
SURVEY_WITHIN = timedelta(days=30)
# How long a survey waits before it asks again whether the candidate was told.
ASK_AGAIN_AFTER = timedelta(days=1)
# What safe mode or a brake holds is asked about again after this time, however long a person takes to look.
HELD_UP_FOR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Plain values that a decision depends on; no default, so that nothing is permitted by being forgotten.

    None means unknown and leads to a person. Times are aware. Texts are single values for a sentence and never decide
    by their content, except that an empty problem is no problem.
    """

    now: datetime
    planned_at: datetime
    due_at: datetime
    touchpoint: str
    origin: str

    reach: int | None  # a Milestone
    contact: bool | None  # a held conversation, a hand-sent message, a call logged at a hand-off
    policy_reserve: int | None  # what the organisation's rows ask at this standing
    stage_rule_reserve: int | None  # what the template's rows ask at this standing
    reads_like_rejection: bool | None

    signatures: int  # people who put their name to this wording
    template_in_use: bool
    automation_in_use: bool
    decided_by_a_person: bool | None  # who ended the application; None: nobody did, or it cannot be told
    application_status: str
    cause_stands: bool | None  # what the message follows from is still so

    at_home: bool  # the installation is not in safe mode
    brake_on: bool  # the automation was about to send far more than usual, and nobody has looked at it yet
    on_hold: bool  # a person said that it waits
    told: bool  # the candidate knows the outcome
    same_cause_sent: bool
    do_not_contact: bool
    talent_pool_consent: bool
    other_hand_offs_open: int
    address_problem: str
    text_problem: str
    missing: tuple[str, ...]  # placeholders without a value

    sender_may_send: bool  # the person is active and holds the permission
    is_as_released: bool  # what the person let go is what would leave
    written_alone: bool  # composed for this one candidate
    too_short: bool
    too_close_to: str | None  # label of the text it repeats; "" for none, None when it was not compared
    too_close_passage: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason. With `retry_at` it means "not now"; a HAND_OFF means "not by a machine", a STOP "not ever"."""

    code: str
    sentence: str
    outcome: Outcome
    retry_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    outcome: Outcome
    findings: tuple[Finding, ...]
    reserve: Reserve  # what floor, policy and stage rules ask together

    @property
    def retry_at(self) -> datetime | None:
        """When to ask again; None unless the outcome is LATER."""
        if self.outcome is not Outcome.LATER:
            return None
        return max((finding.retry_at for finding in self.findings if finding.retry_at), default=None)


def decide(facts: Facts) -> Verdict:
    """Facts in, verdict out; every rule is asked."""
    findings = tuple(finding for rule in RULES if (finding := rule(facts)) is not None)
    outcome = max((finding.outcome for finding in findings), key=GRAVITY.__getitem__, default=Outcome.SEND)
    return Verdict(outcome=outcome, findings=findings, reserve=reserve_of(facts))


def reserve_of(facts: Facts) -> Reserve:
    """The strictest of floor, policy and stage rules; unknown is the strictest there is."""
    return max(_floor_of(facts), read_reserve(facts.policy_reserve), read_reserve(facts.stage_rule_reserve))


def _floor_of(facts: Facts) -> Reserve:
    standing = standing_of(reach=facts.reach, contact=facts.contact)
    asked = floor(facts.touchpoint, standing)
    # What reads like a rejection is one, whatever its template calls it.
    return max(asked, floor(Touchpoint.REJECTION, standing)) if facts.reads_like_rejection is not False else asked


def _is_by_a_person(facts: Facts) -> bool:
    return facts.origin == Origin.PERSON


def _is_adverse(facts: Facts) -> bool:
    return facts.touchpoint == Touchpoint.REJECTION or facts.reads_like_rejection is not False


def _hand_off(code: str, sentence: str) -> Finding:
    return Finding(code=code, sentence=sentence, outcome=Outcome.HAND_OFF)


def _stop(code: str, sentence: str) -> Finding:
    return Finding(code=code, sentence=sentence, outcome=Outcome.STOP)


def _later(code: str, sentence: str, retry_at: datetime) -> Finding:
    return Finding(code=code, sentence=sentence, outcome=Outcome.LATER, retry_at=retry_at)


def _standing_words(facts: Facts) -> str:
    if not _is_reach_known(facts):
        return "nobody knows how far the candidate came"
    reached = standing_of(reach=facts.reach, contact=False)
    if reached >= HUMAN_FROM or facts.contact is False:
        return f"the candidate reached {reached.label}"
    known = "somebody already dealt with the candidate" if facts.contact else "contact is not ruled out"
    return f"{known}, although they only reached {reached.label}"


def _is_reach_known(facts: Facts) -> bool:
    return facts.reach is not None and 1 <= facts.reach <= 7


def _kind_words(facts: Facts) -> str:
    """What is asked of a rejection is asked of a text that reads like one, so the sentence names both."""
    kind = f"the kind “{touchpoint_of(facts.touchpoint).label}”"
    if facts.touchpoint == Touchpoint.REJECTION or facts.reads_like_rejection is False:
        return kind
    return f"{kind} that {'reads' if facts.reads_like_rejection else 'may read'} like a rejection"


# --- Who may send -----------------------------------------------------------------------------------------------------


def the_kind_of_message_is_known(facts: Facts) -> Finding | None:
    if touchpoint_of(facts.touchpoint) is not Touchpoint.UNKNOWN or _is_by_a_person(facts):
        return None
    return _hand_off("unknown_touchpoint", "Nobody said what kind of message this is, so a person writes it.")


def the_reach_is_known(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or _is_reach_known(facts):
        return None
    return _hand_off("unknown_reach", "It is not known how far this candidate came, so a person decides.")


def the_floor_lets_a_machine_send(facts: Facts) -> Finding | None:
    asked = _floor_of(facts)
    if _is_by_a_person(facts) or asked is Reserve.AUTOMATIC:
        return None
    return _hand_off(
        "floor",
        f"The floor: a message of {_kind_words(facts)} is {asked.label} here, because {_standing_words(facts)}.",
    )


def the_policy_lets_a_machine_send(facts: Facts) -> Finding | None:
    asked = read_reserve(facts.policy_reserve)
    if _is_by_a_person(facts) or asked is Reserve.AUTOMATIC:
        return None
    if facts.policy_reserve is None:
        return _hand_off("policy", "It is not known what your policy asks here, so a person decides.")
    return _hand_off("policy", f"Your policy: a message of {_kind_words(facts)} is {asked.label} from here on.")


def the_stage_rules_let_a_machine_send(facts: Facts) -> Finding | None:
    asked = read_reserve(facts.stage_rule_reserve)
    if _is_by_a_person(facts) or asked is Reserve.AUTOMATIC:
        return None
    if facts.stage_rule_reserve is None:
        return _hand_off("stage_rule", "It is not known what the stage rules ask here, so a person decides.")
    return _hand_off("stage_rule", f"A stage rule of this template: it is {asked.label} from here on.")


def it_does_not_read_like_a_rejection(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or facts.touchpoint == Touchpoint.REJECTION or facts.reads_like_rejection is False:
        return None
    if facts.signatures >= 2 and facts.reads_like_rejection and _floor_of(facts) is Reserve.AUTOMATIC:
        return None
    return _hand_off(
        "reads_like_rejection",
        "The text reads like a rejection although its template is of another kind, so a person looks at it.",
    )


def a_person_made_the_decision(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or not _is_adverse(facts) or facts.decided_by_a_person:
        return None
    return _hand_off(
        "no_persons_decision",
        "No decision of a person is recorded: the stage was set by an import, a token or the clock.",
    )


def a_rejection_follows_a_decision(facts: Facts) -> Finding | None:
    # Other kinds that people write may use the same words and mean something else.
    is_rejection = facts.touchpoint == Touchpoint.REJECTION if _is_by_a_person(facts) else _is_adverse(facts)
    if not is_rejection or facts.application_status == "rejected":
        return None
    return _hand_off(
        "not_rejected", "This text is a rejection, and the application is not rejected. Reject the application first."
    )


# --- What may be sent -------------------------------------------------------------------------------------------------


def somebody_signed_the_wording(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or facts.signatures >= 1:
        return None
    return _hand_off(
        "unsigned", "Nobody signed this wording. Sign it on the template’s page, or write to them yourself."
    )


def the_template_is_in_use(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or facts.template_in_use:
        return None
    return _hand_off("template_retired", "The template of this message was retired after it was scheduled.")


def the_automation_is_in_use(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or facts.automation_in_use:
        return None
    return _hand_off("automation_off", "The automation behind this message was switched off after it was scheduled.")


def every_placeholder_has_a_value(facts: Facts) -> Finding | None:
    if not facts.missing:
        return None
    names = ", ".join(facts.missing)
    return _hand_off("missing_value", f"There is no value for {names}. Fill it in, or give the placeholder a default.")


def the_text_can_be_rendered(facts: Facts) -> Finding | None:
    if not facts.text_problem:
        return None
    return _hand_off("text_problem", facts.text_problem)


# --- To whom ----------------------------------------------------------------------------------------------------------


def the_address_can_be_written_to(facts: Facts) -> Finding | None:
    if not facts.address_problem:
        return None
    return _hand_off("address", facts.address_problem)


def the_candidate_may_be_contacted(facts: Facts) -> Finding | None:
    if not facts.do_not_contact:
        return None
    return _stop("do_not_contact", "The candidate asked not to be contacted.")


def the_candidate_agreed_to_the_talent_pool(facts: Facts) -> Finding | None:
    if facts.touchpoint != Touchpoint.TALENT_POOL or facts.talent_pool_consent:
        return None
    return _stop("no_consent", "The candidate did not agree to hear of other jobs.")


# --- Whether and when -------------------------------------------------------------------------------------------------


def its_cause_still_stands(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or facts.cause_stands:
        return None
    if facts.cause_stands is None:
        return _hand_off("unknown_cause", "It is not known what this message follows from, so a person decides.")
    return _stop("superseded", "What this message follows from was taken back or has moved on.")


def the_candidate_was_not_told_already(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or facts.touchpoint != Touchpoint.REJECTION or not facts.told:
        return None
    return _stop("told", "The candidate knows the outcome already.")


def nothing_was_sent_for_the_same_cause(facts: Facts) -> Finding | None:
    if not facts.same_cause_sent:
        return None
    return _stop("repeated", "A message of this kind already went out for the same cause.")


def it_is_due(facts: Facts) -> Finding | None:
    if facts.due_at <= facts.now:
        return None
    return _later("not_due", f"It is due on {facts.due_at.day} {facts.due_at:%B %Y, %H:%M %Z}.", facts.due_at)


def it_is_not_stale(facts: Facts) -> Finding | None:
    if facts.now - facts.due_at <= STALE_AFTER:
        return None
    if facts.touchpoint == Touchpoint.SURVEY:
        return _stop("stale", "The time for this survey has passed.")
    return _hand_off("stale", "It should have left more than two weeks ago. See whether what it says still holds.")


def a_survey_is_not_asked_too_late(facts: Facts) -> Finding | None:
    if facts.touchpoint != Touchpoint.SURVEY or facts.now - facts.planned_at <= SURVEY_WITHIN:
        return None
    return _stop("too_late", "It is too long ago for a survey; they would wonder why it comes now.")


def a_survey_waits_until_they_were_told(facts: Facts) -> Finding | None:
    if facts.touchpoint != Touchpoint.SURVEY or facts.told:
        return None
    return _later("not_told", "The candidate does not know the outcome yet.", facts.now + ASK_AGAIN_AFTER)


def a_survey_waits_for_open_hand_offs(facts: Facts) -> Finding | None:
    if facts.touchpoint != Touchpoint.SURVEY or not facts.other_hand_offs_open:
        return None
    return _later("hand_off_open", "A hand-off for this candidate is still open.", facts.now + ASK_AGAIN_AFTER)


def the_installation_is_at_home(facts: Facts) -> Finding | None:
    if facts.at_home:
        return None
    return _later(
        "safe_mode", "Safe mode: nothing is sent until an administrator looked at it.", facts.now + HELD_UP_FOR
    )


def no_brake_is_on(facts: Facts) -> Finding | None:
    if _is_by_a_person(facts) or not facts.brake_on:
        return None
    return _later(
        "braked",
        "The brake is on: this automation was about to send far more than usual. A second person releases or drops it.",
        facts.now + HELD_UP_FOR,
    )


def nobody_holds_it(facts: Facts) -> Finding | None:
    if not facts.on_hold:
        return None
    # Its own time, so that it keeps its place: what is on hold is not taken, however long ago it was due.
    return _later("on_hold", "A person put it on hold.", facts.due_at)


# --- What a person sends ----------------------------------------------------------------------------------------------


def the_person_may_send(facts: Facts) -> Finding | None:
    if not _is_by_a_person(facts) or facts.sender_may_send:
        return None
    return _hand_off("sender", "Whoever wrote this may not send mail to candidates (any more).")


def the_person_let_these_words_go(facts: Facts) -> Finding | None:
    if not _is_by_a_person(facts) or facts.is_as_released:
        return None
    return _hand_off("not_released", "The text is not the one that its writer sent, so a person looks at it.")


def a_person_writes_to_one_candidate(facts: Facts) -> Finding | None:
    if not _is_by_a_person(facts) or facts.written_alone:
        return None
    return _hand_off("not_alone", "A message by a person is written to one candidate at a time.")


def the_words_are_long_enough_to_be_theirs(facts: Facts) -> Finding | None:
    if not _is_by_a_person(facts) or reserve_of(facts) is not Reserve.PERSON_WRITES or not facts.too_short:
        return None
    return _hand_off("too_short", "This is too short to be a message of your own. Say a little more to them.")


def the_words_are_their_own(facts: Facts) -> Finding | None:
    if not _is_by_a_person(facts) or reserve_of(facts) is not Reserve.PERSON_WRITES or facts.too_close_to == "":
        return None
    if facts.too_close_to is None:
        return _hand_off("not_compared", "The text was not compared with the templates, so it cannot leave yet.")
    passage = facts.too_close_passage.rstrip(" .,;:!?…")
    return _hand_off(
        "too_close", f"This is too close to {facts.too_close_to}: “{passage}”. Write it in your own words."
    )


def the_origin_is_known(facts: Facts) -> Finding | None:
    if facts.origin in (Origin.AUTOMATION, Origin.PERSON):
        return None
    return _hand_off("unknown_origin", "It is not known who or what wrote this message.")


# The sentences of these findings quote an address or a text; where a verdict is kept, these stand in for them.
WITHOUT_QUOTES = {
    "address": "The address cannot be written to.",
    "text_problem": "The text cannot be sent as it is.",
    "too_close": "The text is too close to a known one.",
}

RULES: tuple[Callable[[Facts], Finding | None], ...] = (
    the_origin_is_known,
    the_kind_of_message_is_known,
    the_reach_is_known,
    the_floor_lets_a_machine_send,
    the_policy_lets_a_machine_send,
    the_stage_rules_let_a_machine_send,
    it_does_not_read_like_a_rejection,
    a_person_made_the_decision,
    a_rejection_follows_a_decision,
    somebody_signed_the_wording,
    the_template_is_in_use,
    the_automation_is_in_use,
    every_placeholder_has_a_value,
    the_text_can_be_rendered,
    the_address_can_be_written_to,
    the_candidate_may_be_contacted,
    the_candidate_agreed_to_the_talent_pool,
    its_cause_still_stands,
    the_candidate_was_not_told_already,
    nothing_was_sent_for_the_same_cause,
    it_is_due,
    it_is_not_stale,
    a_survey_is_not_asked_too_late,
    a_survey_waits_until_they_were_told,
    a_survey_waits_for_open_hand_offs,
    the_installation_is_at_home,
    no_brake_is_on,
    nobody_holds_it,
    the_person_may_send,
    the_person_let_these_words_go,
    a_person_writes_to_one_candidate,
    the_words_are_long_enough_to_be_theirs,
    the_words_are_their_own,
)
