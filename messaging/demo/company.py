"""The demo company's people, jobs, pipelines, templates and automations: what an administrator would have set up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import Group

from messaging import wordings
from messaging.demo import texts
from messaging.models import Automation, PolicyRow, StageRule, Template, Wording
from messaging.policy.floor import Reserve, Touchpoint
from pipeline.milestones import Milestone
from pipeline.models import Job, Pipeline, Reason, Stage, User

PASSWORD = "byhand-demo-only"  # noqa: S105  (printed at start; these people cannot sign in while real mail can leave)

# username, first name, last name, title, role
PEOPLE = (
    ("coordinator", "Maya", "Lindqvist", "Recruiting coordinator", "Coordinator"),
    ("recruiter", "Tom", "Okafor", "Recruiter", "Recruiter"),
    ("recruiter2", "Ines", "Albrecht", "Recruiter, early careers", "Recruiter"),
    ("administrator", "Ruth", "Adeyemi", "Head of recruiting operations", "Administrator"),
    ("manager1", "Priya", "Nair", "Head of engineering", "Auditor"),
    ("manager2", "Colm", "Byrne", "Head of customer care", "Auditor"),
)
# What `make run` prints.
SIGN_INS = ("coordinator", "recruiter", "administrator")

PIPELINES = {
    "Standard": (
        ("New", Milestone.APPLIED),
        ("Reading", Milestone.REVIEW),
        ("Phone screen", Milestone.PHONE_SCREEN),
        ("Interview", Milestone.INTERVIEW),
        ("Final round", Milestone.FINAL_ROUND),
        ("Offer", Milestone.OFFER),
        ("Hired", Milestone.HIRED),
    ),
    "Early careers": (
        ("Inbox", Milestone.APPLIED),
        ("Small task", Milestone.REVIEW),
        ("First talk", Milestone.PHONE_SCREEN),
        ("Team day", Milestone.FINAL_ROUND),
        ("Offer", Milestone.OFFER),
        ("Signed", Milestone.HIRED),
    ),
}

# title, department, location, pipeline, recruiter, hiring manager, applications in 90 days
JOBS = (
    ("Backend engineer", "Engineering", "Bristol", "Standard", "recruiter", "manager1", 90),
    ("Product designer", "Design", "Bristol or remote", "Standard", "recruiter", "manager1", 70),
    ("Customer care specialist", "Customer care", "Leeds", "Standard", "recruiter", "manager2", 80),
    ("Workshop lead", "Operations", "Leeds", "Standard", None, "manager2", 45),
    ("Graduate engineer", "Engineering", "Bristol", "Early careers", "recruiter2", "manager1", 75),
    ("Working student, marketing", "Marketing", "Remote", "Early careers", "recruiter2", "manager2", 40),
)


@dataclass(frozen=True, kw_only=True)
class Company:
    people: dict[str, User]
    jobs: tuple[tuple[Job, int], ...]  # with the number of applications to come
    reasons: tuple[Reason, ...]
    withdrawals: tuple[Reason, ...]


def found(*, now: datetime) -> Company:
    """Everything that stands before the first candidate applies; `now` is the first day of the history."""
    people = {username: _hire(username, *rest) for username, *rest in PEOPLE}
    pipelines = {name: _lay_pipeline(name, stages) for name, stages in PIPELINES.items()}
    jobs = tuple((_open_job(row, people=people, pipelines=pipelines, now=now), row[-1]) for row in JOBS)
    reasons = tuple(Reason.objects.create(internal=internal, shareable=shared) for internal, shared in texts.REASONS)
    withdrawals = tuple(
        Reason.objects.create(kind=Reason.Kind.WITHDREW, internal=internal) for internal in texts.WITHDRAWALS
    )
    templates = {text.name: _write_template(text, people=people, now=now) for text in texts.TEMPLATES}
    _set_policy(templates)
    _set_automations(templates, pipelines=pipelines, now=now)
    return Company(people=people, jobs=jobs, reasons=reasons, withdrawals=withdrawals)


def _hire(username: str, first_name: str, last_name: str, title: str, role: str) -> User:
    person = User.objects.create_user(
        username=username,
        password=PASSWORD if username in SIGN_INS else None,
        email=f"{first_name}.{last_name}@halden-bikes.example.com".lower(),
        first_name=first_name,
        last_name=last_name,
        title=title,
        is_staff=True,
        is_demo=True,
    )
    person.groups.add(Group.objects.get(name=role))
    return person


def _lay_pipeline(name: str, stages: tuple[tuple[str, Milestone], ...]) -> Pipeline:
    pipeline = Pipeline.objects.create(name=name)
    for position, (stage, milestone) in enumerate(stages, start=1):
        Stage.objects.create(pipeline=pipeline, name=stage, position=position, milestone=milestone)
    return pipeline


def _open_job(
    row: tuple[str, str, str, str, str | None, str, int],
    *,
    people: dict[str, User],
    pipelines: dict[str, Pipeline],
    now: datetime,
) -> Job:
    title, department, location, pipeline, recruiter, manager, _ = row
    return Job.objects.create(
        title=title,
        department=department,
        location=location,
        pipeline=pipelines[pipeline],
        recruiter=people[recruiter] if recruiter else None,
        coordinator=people["coordinator"],
        hiring_manager=people[manager],
        created_at=now,
    )


def _write_template(text: texts.Text, *, people: dict[str, User], now: datetime) -> Template:
    template = Template.objects.create(name=text.name, touchpoint=text.touchpoint, created_at=now)
    writer = people[text.signed_by or "coordinator"]
    wording = wordings.write_wording(template, subject=text.subject, body=text.body, by=writer, now=now)
    if not isinstance(wording, Wording):
        raise ValueError(f"The demo's template “{text.name}” has findings: {wording}")  # noqa: TRY004
    if text.signed_by:
        wordings.sign(wording, by=writer, now=now + timedelta(minutes=10))
    return template


def _set_policy(templates: dict[str, Template]) -> None:
    PolicyRow.objects.create(
        touchpoint=Touchpoint.STATUS_UPDATE,
        from_milestone=Milestone.OFFER,
        reserve=Reserve.PERSON_SENDS,
        why="Nobody who has our offer on the table should get a standard mail.",
    )
    StageRule.objects.create(
        template=templates["Where we stand after your interview"],
        from_milestone=Milestone.FINAL_ROUND,
        reserve=Reserve.PERSON_SENDS,
    )


def _set_automations(templates: dict[str, Template], *, pipelines: dict[str, Pipeline], now: datetime) -> None:
    event, unit = Automation.Event, Automation.DelayUnit
    standard, early = pipelines["Standard"], pipelines["Early careers"]

    def plan(name: str, kind: str, template: str, **conditions: object) -> None:
        Automation.objects.create(name=name, event=kind, template=templates[template], created_at=now, **conditions)

    def stage(pipeline: Pipeline, name: str) -> Stage:
        return pipeline.stages.get(name=name)

    plan("Acknowledge", event.RECEIVED, "Thank you for applying", pipeline=standard, delay=5)
    plan(
        "Acknowledge, early careers", event.RECEIVED, "Thank you for applying (early careers)", pipeline=early, delay=5
    )
    plan(
        "Being read", event.STAGE_ENTERED, "We are reading your application", stage=stage(standard, "Reading"), delay=30
    )
    plan(
        "Late with reading",
        event.NO_NEWS,
        "It takes us longer than we said",
        stage=stage(standard, "New"),
        quiet_days=6,
    )
    plan("Find a time", event.STAGE_ENTERED, "Let us find a time to talk", stage=stage(standard, "Phone screen"))
    plan("Small task", event.STAGE_ENTERED, "A small piece of work", stage=stage(early, "Small task"), delay=15)
    plan("Before the interview", event.STAGE_ENTERED, "Before you visit us", stage=stage(standard, "Interview"))
    plan(
        "No news after an interview",
        event.NO_NEWS,
        "Where we stand after your interview",
        stage=stage(standard, "Interview"),
        quiet_days=4,
    )
    plan("Feedback", event.STAGE_ENTERED, "After the final round", stage=stage(standard, "Final round"))
    plan("Offer", event.STAGE_ENTERED, "Our offer", stage=stage(standard, "Offer"))
    plan("Offer, early careers", event.STAGE_ENTERED, "Our offer", stage=stage(early, "Offer"))
    plan("Rejection", event.REJECTED, "Not this time", delay=2, delay_unit=unit.BUSINESS_DAYS)
    plan("Withdrawal", event.WITHDRAWN, "Thank you for telling us", delay=1, delay_unit=unit.HOURS)
    plan("Survey", event.REJECTED, "How was it for you?", delay=5, delay_unit=unit.BUSINESS_DAYS)
