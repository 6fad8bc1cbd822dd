"""What can be done to the messages that wait, one or many: what has to be asked before, and what is said afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages as levels
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from unfold.widgets import UnfoldAdminTextInputWidget

from messaging import gate, outgoing, outlook, working_days
from messaging.bulk import TYPED_ABOVE
from messaging.gate import Case
from messaging.models import Message
from messaging.outgoing import LONGEST_HOLD, LONGEST_POSTPONEMENT
from messaging.outlook import Outlook, Show
from messaging.policy.decision import Outcome
from pipeline.models import User
from pipeline.outcomes import Refusal

MAY_ACT = "messaging.cancel_message"
AT_MOST = 500
NAMED_AT_MOST = 5  # of those with which something did not work


class DayInput(UnfoldAdminTextInputWidget):
    input_type = "date"

    def format_value(self, value: Any) -> str:
        return value.isoformat() if isinstance(value, date) else str(value or "")


class MomentInput(UnfoldAdminTextInputWidget):
    input_type = "datetime-local"

    def format_value(self, value: Any) -> str:
        return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else str(value or "")


def _next_morning() -> datetime:
    return working_days.morning_after(timezone.now(), 1)


class NothingToSay(forms.Form):
    pass


class HoldForm(forms.Form):
    reason = forms.CharField(
        label="Why it waits",
        max_length=300,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
        help_text="For colleagues, for example: the job may be frozen.",
        error_messages={"required": "Say in a few words why it waits, so that the next person knows."},
    )
    until = forms.DateField(
        label="Until the morning of",
        initial=lambda: _next_morning().date(),
        widget=DayInput,
        help_text=f"Then it goes on by itself, through the gate. At most {LONGEST_HOLD.days} days.",
    )

    def clean_until(self) -> datetime:
        until = working_days.morning(self.cleaned_data["until"])
        if not timezone.now() < until <= timezone.now() + LONGEST_HOLD:
            raise forms.ValidationError(
                f"Choose a day after today, at most {LONGEST_HOLD.days} days away. Postpone what waits for longer."
            )
        return until


class PostponeForm(forms.Form):
    to = forms.DateTimeField(
        label="New time",
        initial=_next_morning,
        widget=MomentInput,
        help_text="As your clock shows it.",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        error_messages={"invalid": "Write a day and a time, for example 2027-03-01T09:00."},
    )

    def clean_to(self) -> datetime:
        to: datetime = self.cleaned_data["to"]
        if not timezone.now() < to <= timezone.now() + LONGEST_POSTPONEMENT:
            raise forms.ValidationError(
                f"Choose a time in the future, at most {LONGEST_POSTPONEMENT.days} days from now."
            )
        return to


@dataclass(frozen=True, kw_only=True)
class Act:
    name: str
    label: str
    icon: str
    form: type[forms.Form]
    run: Callable[..., Any]  # a verb of messaging/outgoing.py, which is given the fields of the form by their names
    logged: str  # in the history of each message
    done: str  # what became of them, after their number
    not_in: frozenset[Show] = frozenset()
    wants_hold: bool = False
    is_final: bool = False

    @property
    def verb(self) -> str:
        return self.label.removesuffix(self.when)

    @property
    def when(self) -> str:
        return " now" if self.label.endswith(" now") else ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was chosen, and what of it can be done."""

    ready: list[Outlook]
    not_ready: list[Message]
    must_type: bool
    # For sending now: how many meet which outcome, and who gets what becomes a hand-off.
    outcomes: dict[str, int]
    owners: list[tuple[str, int]]


@dataclass(frozen=True, kw_only=True)
class Done:
    changed: list[Message]
    sentences: list[tuple[int, str]] = field(default_factory=list)


def find_chosen(sent: QueryDict) -> list[Message]:
    """`one`: the button of a row; else what was ticked."""
    asked = sent.getlist("one") or sent.getlist("ids")
    ids = [int(text) for text in asked if text.isdecimal() and len(text) < 19]
    return outlook.find(ids[:AT_MOST])


def plan(act: Act, chosen: Sequence[Message], *, now: datetime) -> Plan:
    waiting = [message for message in chosen if message.status == Message.Status.SCHEDULED]
    ready = [one for one in outlook.outlooks(waiting, now=now) if one.hold or not act.wants_hold]
    ids = {one.message.pk for one in ready}
    owners = Counter(
        str(gate.owner_of(one.message.application.job, now=now) or "nobody yet")
        for one in ready
        if one.verdict.outcome is Outcome.HAND_OFF
    )
    return Plan(
        ready=ready,
        not_ready=[message for message in chosen if message.pk not in ids],
        must_type=len(ready) > TYPED_ABOVE and not act.wants_hold,
        outcomes=dict(Counter(one.verdict.outcome.value for one in ready)),
        owners=owners.most_common(),
    )


def carry_out(act: Act, plan: Plan, form: forms.Form, *, by: User, now: datetime) -> Done:
    """Each on its own: what somebody else was quicker with is said and stays as it is."""
    answers = [(one.message, act.run(one.message, **form.cleaned_data, by=by, now=now)) for one in plan.ready]
    refusals = [answer.sentence for _, answer in answers if isinstance(answer, Refusal)]
    changed = [message for message, answer in answers if not isinstance(answer, Refusal)]
    done = Done(changed=changed)
    cases = [answer for _, answer in answers if isinstance(answer, Case)]
    if cases:
        done.sentences.extend(_say_what_leaves(cases))
    elif changed:
        done.sentences.append((levels.SUCCESS, f"{_messages(len(changed))} {_with_time(act, form)}"))
    done.sentences.extend((levels.WARNING, sentence) for sentence in refusals[:NAMED_AT_MOST])
    rest = len(refusals) + len(plan.not_ready) - min(len(refusals), NAMED_AT_MOST)
    if rest:
        done.sentences.append((levels.WARNING, f"{_messages(rest)} did not wait any more, and stayed as before."))
    return done


def _say_what_leaves(cases: Sequence[Case]) -> list[tuple[int, str]]:
    by_outcome = Counter(case.verdict.outcome for case in cases)
    reasons = {case.verdict.outcome: case.verdict for case in cases}
    said = []
    if leaving := by_outcome[Outcome.SEND]:
        said.append((levels.SUCCESS, f"{_messages(leaving)} will leave within the minute."))
    if handed := by_outcome[Outcome.HAND_OFF]:
        tasks = "a hand-off" if handed == 1 else "hand-offs"
        said.append((levels.WARNING, f"{_messages(handed)} became {tasks}: a person has to send this."))
    for outcome, words in ((Outcome.LATER, "cannot leave yet"), (Outcome.STOP, "will not be sent")):
        if number := by_outcome[outcome]:
            why = " ".join(finding.sentence for finding in reasons[outcome].findings if finding.outcome is outcome)
            said.append((levels.WARNING, f"{_messages(number)} {words}. {why}"))
    return said


def _messages(number: int) -> str:
    return f"{number} message{'' if number == 1 else 's'}"


def _with_time(act: Act, form: forms.Form) -> str:
    moment = next((value for value in form.cleaned_data.values() if isinstance(value, datetime)), None)
    when = date_format(timezone.localtime(moment), "l j F, H:i") if moment else ""
    return act.done.format(when=when)


# --- The five ----------------------------------------------------------------------------------------------------------

ACTS: dict[str, Act] = {
    act.name: act
    for act in (
        Act(
            name="release",
            label="Release",
            icon="play_arrow",
            form=NothingToSay,
            run=outgoing.release,
            logged="Released from its hold.",
            done="released. What is due leaves within the minute, if the gate still agrees.",
            not_in=frozenset({Show.SCHEDULED, Show.BRAKED}),
            wants_hold=True,
        ),
        Act(
            name="hold",
            label="Hold",
            icon="pause",
            form=HoldForm,
            run=outgoing.hold,
            logged="Put on hold.",
            done="on hold until {when}.",
        ),
        Act(
            name="postpone",
            label="Postpone",
            icon="schedule",
            form=PostponeForm,
            run=outgoing.postpone,
            logged="Given another time.",
            done="due on {when} now.",
        ),
        Act(
            name="send",
            label="Send now",
            icon="send",
            form=NothingToSay,
            run=outgoing.send_now,
            logged="Made due at once.",
            done="due now.",
        ),
        Act(
            name="cancel",
            label="Cancel",
            icon="close",
            form=NothingToSay,
            run=outgoing.cancel,
            logged="Cancelled before it left.",
            done="cancelled before leaving.",
            is_final=True,
        ),
    )
}
