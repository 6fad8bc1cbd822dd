"""What an organisation does before its first mail: six steps, each ticked by what is really there, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from messaging import routing
from messaging.models import Automation, Signature
from pipeline.models import Job, Stage, User

UNNAMED = "Your organisation"  # the default of ORGANISATION_NAME, which nobody is called


@dataclass(frozen=True, kw_only=True)
class Step:
    """`page`: the name of the address where it is done; empty where it is done in the environment."""

    title: str
    help: str
    page: str
    is_done: bool


def read_steps(person: User) -> tuple[Step, ...]:
    """For the person who looks; one query."""
    staged = Stage.objects.filter(pipeline=OuterRef("pipeline"))
    there = (
        User.objects.filter(pk=person.pk)
        .values_list(
            Exists(Signature.objects.filter(wording__template__is_active=True)),
            Exists(Automation.objects.in_use()),
            Exists(Job.objects.filter(Exists(staged), status=Job.Status.OPEN)),
            Exists(User.objects.filter(~Q(pk=person.pk), is_active=True, is_staff=True)),
        )
        .get()
    )
    signed, automated, hiring, with_colleagues = there
    return (
        Step(
            title="Name your organisation",
            help="Candidates read it in every mail. Set ORGANISATION_NAME in .env, and start anew.",
            page="",
            is_done=settings.ORGANISATION_NAME.strip() not in ("", UNNAMED),
        ),
        Step(
            title="Invite colleagues",
            help="Each signs in as themselves, because a name stands under every mail. A role says what they may do.",
            page="admin:pipeline_user_changelist",
            is_done=with_colleagues,
        ),
        Step(
            title="Open a job with a pipeline",
            help="Name the stages as you like; each says which milestone it means, and the policy goes by that.",
            page="admin:pipeline_job_changelist",
            is_done=hiring,
        ),
        Step(
            title="Write a template and sign it",
            help="Nothing leaves by itself whose wording nobody has signed.",
            page="admin:messaging_template_changelist",
            is_done=signed,
        ),
        Step(
            title="Turn an automation on",
            help="An event, a delay and a template: from then on it plans messages, and the gate is asked before each.",
            page="admin:messaging_automation_changelist",
            is_done=automated,
        ),
        Step(
            title="Let mail leave",
            help=(
                "In simulate mode every mail is a file, and nobody gets one. Set MAIL_MODE to allowlist, try it with your "
                "own address, then set it to live."
            ),
            page="",
            is_done=settings.MAIL_MODE != routing.SIMULATE,
        ),
    )
