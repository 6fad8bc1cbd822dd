"""Makes what a test needs through the product's own functions; every value can be overridden."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission

from messaging import automations, gate, roles
from messaging.delivery import outbox
from messaging.delivery.outcomes import Result
from messaging.gate import Clearance
from messaging.models import Attempt, Automation, HandOff, Message, Signature, StageRule, Template, Wording
from messaging.policy.floor import Touchpoint
from pipeline import actors, moves
from pipeline.intake.addresses import canonical_address
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Interview, Job, Pipeline, Reason, Source, Stage, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal

# A Tuesday in a week without public holidays.
NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)

_numbers = itertools.count(1)

STAGES = (
    ("Applied", Milestone.APPLIED),
    ("Review", Milestone.REVIEW),
    ("Phone screen", Milestone.PHONE_SCREEN),
    ("Interview", Milestone.INTERVIEW),
    ("Final round", Milestone.FINAL_ROUND),
    ("Offer", Milestone.OFFER),
    ("Hired", Milestone.HIRED),
)

REJECTION = """Dear {{ candidate.first_name }},

Thank you for applying for {{ job.title }}. We have read your application and we will not be moving forward with it.

{{ sender.name }}"""

# What a person wrote themselves to a candidate whom they met.
OWN_WORDS = """Hello Kim,

I liked how you walked Mei through the billing migration, and I repeated your line about boring pipelines to half the
office. We chose a colleague who has run queues at our volume for years; that was the only gap I could name between you
two. If you like, I will call you on Friday and tell you what the panel said in more detail.

Ana"""


def make_user(**overrides: Any) -> User:
    number = next(_numbers)
    values: dict[str, Any] = {
        "username": f"person{number}",
        "first_name": "Ana",
        "last_name": f"Ruiz{number}",
        "email": f"person{number}@byhand.example.com",
        "is_staff": True,
    } | overrides
    return User.objects.create_user(**values)


def make_sender(**overrides: Any) -> User:
    """A person who may answer hand-offs."""
    user = make_user(**overrides)
    user.user_permissions.add(Permission.objects.get(codename="answer_handoff"))
    return user


def make_colleague(role: str, **overrides: Any) -> User:
    """A person with the permissions of one of the roles: Recruiter, Coordinator, Administrator, Auditor."""
    roles.write_roles()
    user = make_user(**overrides)
    user.groups.add(Group.objects.get(name=role))
    return user


def make_pipeline(**overrides: Any) -> Pipeline:
    """With a stage for every milestone."""
    pipeline = Pipeline.objects.create(**{"name": f"Pipeline {next(_numbers)}"} | overrides)
    Stage.objects.bulk_create(
        Stage(pipeline=pipeline, name=name, position=position, milestone=milestone)
        for position, (name, milestone) in enumerate(STAGES)
    )
    return pipeline


def make_job(**overrides: Any) -> Job:
    values: dict[str, Any] = {"title": f"Engineer {next(_numbers)}"} | overrides
    if "pipeline" not in values:
        values["pipeline"] = make_pipeline()
    if "recruiter" not in values:
        values["recruiter"] = make_sender()
    return Job.objects.create(**values)


def make_candidate(**overrides: Any) -> Candidate:
    number = next(_numbers)
    values: dict[str, Any] = {
        "first_name": "Kim",
        "last_name": f"Lee{number}",
        "email": f"candidate{number}@example.com",
    } | overrides
    return Candidate.objects.create(email_key=canonical_address(values["email"]), **values)


def make_application(*, now: datetime = NOW, by: actors.Actor | None = None, **overrides: Any) -> Application:
    """In the first stage; `candidate`, `job` and `quiet` may be given."""
    candidate = overrides.pop("candidate", None) or make_candidate()
    job = overrides.pop("job", None) or make_job()
    act = Act(by=by or actors.CLOCK, now=now, quiet=overrides.pop("quiet", True))
    return done(moves.receive(candidate, job, act=act, **overrides)).application


def stage_of(application: Application, milestone: int) -> Stage:
    return application.job.pipeline.stages.get(milestone=milestone)


def move_to(application: Application, milestone: int, *, by: User | None = None, now: datetime = NOW) -> StageChange:
    actor = actors.person(by.pk) if by else actors.CLOCK
    return done(moves.move(application, stage_of(application, milestone), act=Act(by=actor, now=now)))


def reject(application: Application, *, by: User | None = None, now: datetime = NOW, **act: Any) -> StageChange:
    by = by or make_user()
    return done(moves.reject(application, reason=make_reason(), act=Act(by=actors.person(by.pk), now=now, **act)))


def make_interview(application: Application, **overrides: Any) -> Interview:
    """Planned for the next day, unless told otherwise."""
    values: dict[str, Any] = {"starts_at": NOW + timedelta(days=1), "place": "Room 4"} | overrides
    return Interview.objects.create(application=application, **values)


def make_reason(**overrides: Any) -> Reason:
    return Reason.objects.create(**{"internal": f"Not enough experience {next(_numbers)}"} | overrides)


def make_source(**overrides: Any) -> Source:
    return Source.objects.create(**{"name": f"Export {next(_numbers)}"} | overrides)


def make_template(*, signed: bool = True, body: str = REJECTION, by: User | None = None, **overrides: Any) -> Template:
    """With one wording, written by somebody and signed by them unless told otherwise."""
    values: dict[str, Any] = {"name": f"Template {next(_numbers)}", "touchpoint": Touchpoint.REJECTION} | overrides
    template = Template.objects.create(**values)
    make_wording(template, signed=signed, body=body, by=by)
    return template


def make_wording(
    template: Template,
    *,
    signed: bool = True,
    subject: str = "About {{ job.title }}",
    body: str = REJECTION,
    by: User | None = None,
) -> Wording:
    writer = by or make_user()
    wording = Wording.objects.create(
        template=template, number=template.wordings.count() + 1, subject=subject, body=body, written_by=writer
    )
    if signed:
        sign(wording, by=writer)
    return wording


def sign(wording: Wording, *, by: User | None = None) -> Signature:
    by = by or make_user()
    return Signature.objects.create(wording=wording, signed_by=by, name=str(by), signed_at=NOW)


def make_stage_rule(template: Template, **overrides: Any) -> StageRule:
    return StageRule.objects.create(template=template, **overrides)


def make_automation(**overrides: Any) -> Automation:
    """On rejection, at once, unless told otherwise."""
    values: dict[str, Any] = {"name": f"Automation {next(_numbers)}", "event": Automation.Event.REJECTED} | overrides
    if "template" not in values:
        values["template"] = make_template()
    return Automation.objects.create(**values)


def make_message(*, now: datetime = NOW, **automation: Any) -> Message:
    """What an automation plans for a rejected application that nobody spoke with; scheduled, and due an hour later."""
    application = automation.pop("application", None) or make_application(now=now)
    # For this job alone, so that the messages of two candidates have nothing to do with each other.
    make_automation(**{"job": application.job, "delay": 1, "delay_unit": Automation.DelayUnit.HOURS} | automation)
    [message] = automations.follow(reject(application, now=now), now=now)
    return message


def make_hand_off(*, now: datetime = NOW, reach: int = Milestone.PHONE_SCREEN, **automation: Any) -> HandOff:
    """The rejection of somebody who reached a phone screen, which a person has to write."""
    application = automation.pop("application", None) or make_application(now=now)
    move_to(application, reach, now=now)
    make_automation(**automation)
    [message] = automations.follow(reject(application, now=now), now=now)
    return message.hand_offs.get()


def make_tried(outcome: Attempt.Outcome, *, now: datetime = NOW + timedelta(hours=1), **automation: Any) -> Message:
    """A message that was cleared and handed over, and what the provider said to it."""
    message = make_message(**automation)
    clearance = gate.clear(message.pk, now=now)
    assert isinstance(clearance, gate.Clearance), clearance
    outbox.record(clearance.attempt, Result(outcome=outcome), clock=lambda: now)
    message.refresh_from_db()
    return message


def done(answer: StageChange | Refusal) -> StageChange:
    assert not isinstance(answer, Refusal), answer.sentence
    return answer


def let_out(message: Message, *, now: datetime) -> Clearance:
    """As far as a process has come that ends while it sends: cleared, and the clearance used."""
    cleared = gate.clear(message.pk, now=now)
    assert isinstance(cleared, Clearance)
    Attempt.objects.filter(pk=cleared.attempt.pk).update(used_at=now)
    return cleared
