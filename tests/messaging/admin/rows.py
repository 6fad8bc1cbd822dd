"""A row of every model that has a page, made through the product's own functions where there are any."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group

from messaging import automations, gate, incidents, ledger, operations
from messaging.bulk import Selected
from messaging.gate import Clearance
from messaging.models import (
    Attempt,
    HandOff,
    Incident,
    LedgerEntry,
    Message,
    Operation,
    PolicyRow,
    RecordedVerdict,
    RejectionPhrase,
    Seal,
    Signature,
)
from messaging.operations import Plan
from messaging.policy.floor import Reserve, Touchpoint
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Interview, Stage, StageChange, User
from tests import factories as make

_numbers = itertools.count(1)
_policy_cells = itertools.cycle(itertools.product((Touchpoint.SURVEY, Touchpoint.REMINDER), Milestone))


def make_operation(*, by: User | None = None) -> Operation:
    """Done to two people, one of whom was rejected already."""
    to_reject, rejected = make.make_application(), make.make_application()
    make.reject(rejected)
    plan = Plan(
        kind=Operation.Kind.REJECT,
        reason=make.make_reason(),
        selected=[Selected(application_id=one.pk, stage_id=one.stage_id) for one in (to_reject, rejected)],
    )
    operation = operations.begin(plan, message_count=1, by=by or make.make_user(), now=make.NOW)
    operations.go_on(clock=lambda: make.NOW, seconds=10)
    return operation


def make_interview() -> Interview:
    by = actors.person(make.make_user().pk)
    return moves.log_conversation(
        make.make_application(), kind="phone", note="Asked about the team.", by=by, now=make.NOW
    )


def make_hand_off() -> HandOff:
    make.make_automation(template=make.make_template())
    application = make.make_application()
    make.move_to(application, Milestone.PHONE_SCREEN)
    change = make.reject(application)
    [*_, message] = automations.follow(change, now=make.NOW)
    return HandOff.objects.get(message=message)


def make_attempt() -> Attempt:
    message = make.make_message()
    cleared = gate.clear(message.pk, now=make.NOW + timedelta(hours=2))
    assert isinstance(cleared, Clearance)
    return cleared.attempt


def make_incident() -> Incident:
    """Every second one is closed, because the list tells by whom."""
    incident = incidents.raise_incident(Incident.Kind.MAIL_REFUSED, sentence="It was kept.", now=make.NOW)
    if next(_numbers) % 2:
        incidents.close(incident, note="A test.", by=make.make_user(), now=make.NOW)
    return incident


def make_verdict() -> RecordedVerdict:
    return make_attempt().message.verdicts.get()


def make_ledger_entry() -> LedgerEntry:
    user = make.make_user()
    return ledger.write(
        LedgerEntry.Kind.RESOLVED, about=user, by=actors.person(user.pk), now=make.NOW, data={"attempt": 1}
    )


def make_seal() -> Seal:
    make_ledger_entry()
    ledger.seal(now=make.NOW)
    return Seal.objects.latest("number")


def make_stage() -> Stage:
    return make.make_pipeline().stages.all()[0]


def make_stage_change() -> StageChange:
    return make.make_application().stage_changes.get()


def make_policy_row() -> PolicyRow:
    touchpoint, milestone = next(_policy_cells)
    return PolicyRow.objects.create(touchpoint=touchpoint, from_milestone=milestone, reserve=Reserve.PERSON_SENDS)


def make_phrase() -> RejectionPhrase:
    return RejectionPhrase.objects.create(text=f"we chose somebody else {next(_numbers)}")


def make_wording() -> Any:
    return make.make_template().wordings.get()


def make_signature() -> Signature:
    return Signature.objects.filter(wording=make_wording()).get()


def make_group() -> Group:
    group = Group.objects.create(name=f"Role {next(_numbers)}")
    make.make_user().groups.add(group)
    return group


def make_person() -> User:
    user = make.make_user()
    user.groups.add(Group.objects.get_or_create(name="Readers")[0])
    return user


def make_message() -> Message:
    return make.make_message()


def make_candidate() -> Any:
    """With an application, because the list tells where they stand."""
    return make.make_application().candidate


MAKERS: dict[str, Callable[[], Any]] = {
    "auth.Group": make_group,
    "messaging.Attempt": make_attempt,
    "messaging.Automation": make.make_automation,
    "messaging.HandOff": make_hand_off,
    "messaging.Incident": make_incident,
    "messaging.LedgerEntry": make_ledger_entry,
    "messaging.Message": make_message,
    "messaging.Operation": make_operation,
    "messaging.PolicyRow": make_policy_row,
    "messaging.RecordedVerdict": make_verdict,
    "messaging.RejectionPhrase": make_phrase,
    "messaging.Seal": make_seal,
    "messaging.Signature": make_signature,
    "messaging.Template": make.make_template,
    "messaging.Wording": make_wording,
    "pipeline.Application": make.make_application,
    "pipeline.Candidate": make_candidate,
    "pipeline.Interview": make_interview,
    "pipeline.Job": make.make_job,
    "pipeline.Pipeline": make.make_pipeline,
    "pipeline.Reason": make.make_reason,
    "pipeline.Source": make.make_source,
    "pipeline.Stage": make_stage,
    "pipeline.StageChange": make_stage_change,
    "pipeline.User": make_person,
}
