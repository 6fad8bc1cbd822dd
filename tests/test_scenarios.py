"""The promise end to end: real moves, real automations, the real gate, and mail that is written where a candidate's inbox
would be. Each refusal stands beside the same story without its one reason."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from messaging import automations, gate, handoffs, tasks
from messaging.delivery import outbox
from messaging.models import Attempt, Automation, HandOff, Message, Template
from messaging.policy.floor import Touchpoint
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Job, Source, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    OWN_WORDS,
    done,
    make_application,
    make_automation,
    make_interview,
    make_job,
    make_reason,
    make_sender,
    make_source,
    make_template,
    make_user,
    move_to,
    sign,
)
from tests.guards_off import guards_off

pytestmark = pytest.mark.django_db

Event = Automation.Event
Unit = Automation.DelayUnit
DUE = NOW + timedelta(days=2)  # of a rejection: two business days after a Tuesday
UPDATE = "Dear {{ candidate.first_name }}, we read your application for {{ job.title }} this week. {{ sender.name }}"
THANKS = "Dear {{ candidate.first_name }}, we have your application for {{ job.title }}. {{ sender.name }}"


@pytest.fixture(autouse=True)
def inbox(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "mail"


@pytest.fixture(autouse=True)
def rejections() -> Automation:
    """Every rejection is answered after two business days."""
    return make_automation(delay=2, delay_unit=Unit.BUSINESS_DAYS, template=make_template(name="Early no"))


def mails(inbox: Path) -> list[EmailMessage]:
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(inbox.glob("*.eml"))]


def plain_text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").strip()


def recipients(inbox: Path) -> Counter[str]:
    return Counter(str(mail["To"]) for mail in mails(inbox))


def drain(now: datetime = DUE) -> Counter[str]:
    return outbox.drain(clock=lambda: now)


def follow(change: StageChange, *, now: datetime = NOW) -> list[Message]:
    return automations.follow(change, now=now)


def turn_down(application: Application, *, by: actors.Actor | None = None, now: datetime = NOW) -> StageChange:
    """What a person does on the application's page; nothing follows from it yet."""
    act = Act(by=by or actors.person(make_user().pk), now=now)
    return done(moves.reject(Application.objects.get(pk=application.pk), reason=make_reason(), act=act))


def reopen(application: Application, *, now: datetime = NOW) -> StageChange:
    return done(moves.reopen(application, act=Act(by=actors.person(make_user().pk), now=now)))


def email_of(application: Application) -> str:
    return application.candidate.email


def only_hand_off(application: Application) -> HandOff:
    """The candidate got nothing, and exactly one person has the task."""
    hand_off = HandOff.objects.open().get(application=application)
    assert hand_off.touchpoint == "rejection"
    assert not Attempt.objects.filter(message__application=application).exists()
    assert Application.objects.get(pk=application.pk).told_at is None
    return hand_off


def codes(hand_off: HandOff) -> list[str]:
    return [reason["code"] for reason in hand_off.reasons]


# --- A rejection before anybody spoke with them -----------------------------------------------------------------------


def test_an_early_rejection_goes_out_by_itself(inbox: Path) -> None:
    application = make_application()
    move_to(application, Milestone.REVIEW)
    [message] = follow(turn_down(application))
    assert (message.status, message.due_at) == ("scheduled", DUE)

    assert drain(DUE - timedelta(seconds=1)) == {}
    assert drain() == {"sent": 1}
    assert drain() == {}

    [mail] = mails(inbox)
    assert mail["To"] == email_of(application)
    assert (mail["Subject"], mail["Auto-Submitted"]) == (f"About {application.job.title}", "auto-generated")
    assert message.wording is not None
    signed_by = message.wording.signatures.get().name
    assert plain_text(mail).endswith(f"and we will not be moving forward with it.\n\n{signed_by}")
    application.refresh_from_db()
    assert (application.told_at, application.told_how, application.told_by) == (DUE, "mail", None)
    message.refresh_from_db()
    assert (message.status, message.recipient) == ("sent", email_of(application))
    assert not HandOff.objects.exists()


# --- The same, for somebody who was dealt with ------------------------------------------------------------------------


def reached_phone_screen(application: Application) -> None:
    follow(move_to(application, Milestone.PHONE_SCREEN))


def was_moved_back(application: Application) -> None:
    reached_phone_screen(application)
    follow(move_to(application, Milestone.APPLIED))


def reached_final_round_at_another_job(application: Application) -> None:
    elsewhere = make_application(candidate=application.candidate)
    follow(move_to(elsewhere, Milestone.FINAL_ROUND))
    follow(move_to(elsewhere, Milestone.APPLIED))


def was_called_without_being_moved(application: Application) -> None:
    moves.log_conversation(application, kind="phone", note="A good talk.", by=actors.CLOCK, now=NOW)


def was_called_about_another_job(application: Application) -> None:
    was_called_without_being_moved(make_application(candidate=application.candidate))


def had_an_interview_that_nobody_ticked_off(application: Application) -> None:
    make_interview(application, starts_at=NOW - timedelta(days=1))


def was_written_to_by_hand(application: Application) -> None:
    message = handoffs.draft(
        application, touchpoint="status_update", subject="Hello", body=OWN_WORDS, by=make_sender(), now=NOW
    )
    assert isinstance(handoffs.compose(message, now=NOW), Message)
    assert drain(NOW) == {"sent": 1}


DEALT_WITH: list[Callable[[Application], None]] = [
    reached_phone_screen,
    was_moved_back,
    reached_final_round_at_another_job,
    was_called_without_being_moved,
    was_called_about_another_job,
    had_an_interview_that_nobody_ticked_off,
    was_written_to_by_hand,
]
STORY = pytest.mark.parametrize("story", DEALT_WITH, ids=lambda story: story.__name__)


@STORY
def test_a_candidate_who_was_dealt_with_is_handed_off_and_gets_nothing(
    story: Callable[[Application], None], inbox: Path
) -> None:
    application, nobody_spoke_with = make_application(), make_application()
    story(application)
    before = recipients(inbox)

    [held] = follow(turn_down(application))
    follow(turn_down(nobody_spoke_with))
    assert held.status == "held"
    assert drain() == drain(DUE + timedelta(days=30)) + Counter({"sent": 1})

    assert recipients(inbox) - before == {email_of(nobody_spoke_with): 1}
    hand_off = only_hand_off(application) if story is not was_written_to_by_hand else HandOff.objects.open().get()
    assert codes(hand_off) == ["floor"]
    assert hand_off.must_be_own_words


@STORY
@pytest.mark.parametrize("is_followed", [True, False])
def test_a_message_that_was_scheduled_before_and_is_due_after_is_handed_off(
    *, story: Callable[[Application], None], is_followed: bool, inbox: Path
) -> None:
    """Whether or not anybody looked at it in between: at the latest the departure does."""
    application = make_application()
    [message] = follow(turn_down(application))
    assert message.status == "scheduled"
    if story in {reached_phone_screen, was_moved_back}:
        # An application that ended is moved after it was opened again; here the candidate went on at another job.
        elsewhere = make_application(candidate=application.candidate)
        story(elsewhere)
    else:
        story(application)
    before = recipients(inbox)
    if is_followed:
        gate.resettle(application.pk, now=NOW)
        assert Message.objects.get(pk=message.pk).status == "held"

    drain()
    assert recipients(inbox) == before
    hand_off = HandOff.objects.open().get()
    assert (hand_off.message, codes(hand_off)) == (message, ["floor"])


def test_a_move_that_nobody_followed_is_seen_by_the_departure(inbox: Path) -> None:
    application = make_application()
    elsewhere = make_application(candidate=application.candidate)
    follow(turn_down(application))
    move_to(elsewhere, Milestone.PHONE_SCREEN)
    assert drain() == {"hand_off": 1}
    only_hand_off(application)
    assert mails(inbox) == []


def test_a_move_that_somebody_follows_hands_off_at_once_and_not_when_it_would_have_been_due() -> None:
    application = make_application()
    elsewhere = make_application(candidate=application.candidate)
    [message] = follow(turn_down(application))
    follow(move_to(elsewhere, Milestone.PHONE_SCREEN), now=NOW + timedelta(hours=1))
    message.refresh_from_db()
    assert message.status == "held"
    assert only_hand_off(application).created_at == NOW + timedelta(hours=1)


# --- Fifty at once ----------------------------------------------------------------------------------------------------


def test_a_bulk_rejection_of_fifty_mixed_candidates_splits_exactly(inbox: Path) -> None:
    job = make_job()
    free = [make_application(job=job) for _ in range(20)]
    for application in free[:9]:
        move_to(application, Milestone.REVIEW)
    reserved = []
    for story in DEALT_WITH:
        for _ in range(3):
            reserved.append(make_application(job=job))
            story(reserved[-1])
    silent = [make_application(job=job) for _ in range(4)]
    for application in silent:
        Candidate.objects.filter(pk=application.candidate_id).update(do_not_contact_at=NOW)
    gone = [make_application(job=job) for _ in range(5)]
    for application in gone:
        done(moves.withdraw(application, act=Act(by=actors.CLOCK, now=NOW)))
    everybody = [*free, *reserved, *silent, *gone]
    assert len(everybody) == 50
    before = recipients(inbox)

    reason, act = make_reason(), Act(by=actors.person(make_user().pk), now=NOW)
    answers = [moves.reject(Application.objects.get(pk=one.pk), reason=reason, act=act) for one in everybody]
    for answer in answers:
        if isinstance(answer, StageChange):
            follow(answer)
    for _ in range(3):
        drain()

    assert [isinstance(answer, Refusal) for answer in answers] == [False] * 45 + [True] * 5
    assert recipients(inbox) - before == {email_of(application): 1 for application in free}
    tasks_of = Counter(HandOff.objects.open().values_list("application", flat=True))
    assert tasks_of == {application.pk: 1 for application in reserved}
    told = Application.objects.filter(told_at__isnull=False)
    assert set(told) == set(free)
    ends = Counter(Message.objects.filter(automation__isnull=False).values_list("status", flat=True))
    assert ends == {"sent": 20, "held": 21, "cancelled": 4}


# --- Wordings, templates, automations ---------------------------------------------------------------------------------


def test_an_unsigned_wording_does_not_leave(inbox: Path) -> None:
    template = Template.objects.get()
    wording = template.wordings.get()
    with guards_off():
        wording.signatures.all().delete()
    application = make_application()
    [message] = follow(turn_down(application))
    assert message.status == "held"
    assert drain() == {}
    assert "unsigned" in codes(only_hand_off(application))
    assert mails(inbox) == []

    sign(wording)
    other = make_application()
    follow(turn_down(other))
    assert drain() == {"sent": 1}
    assert recipients(inbox) == {email_of(other): 1}


@pytest.mark.parametrize("what", ["template", "automation"])
def test_what_was_retired_or_switched_off_after_it_was_scheduled_goes_to_a_person(what: str, inbox: Path) -> None:
    def put_in_use(*, is_active: bool) -> None:
        if what == "template":
            Template.objects.update(is_active=is_active)
        else:
            Automation.objects.update(is_active=is_active)

    application = make_application()
    follow(turn_down(application))
    put_in_use(is_active=False)
    assert drain() == {"hand_off": 1}
    assert codes(only_hand_off(application)) == [{"template": "template_retired", "automation": "automation_off"}[what]]
    assert mails(inbox) == []

    put_in_use(is_active=True)
    follow(turn_down(make_application()))
    assert drain() == {"sent": 1}


def test_a_rejection_under_another_name_is_still_one(inbox: Path) -> None:
    """A status update whose text says no, to somebody who was interviewed and to somebody who was not."""
    make_automation(event=Event.STAGE_ENTERED, template=make_template(touchpoint=Touchpoint.STATUS_UPDATE))
    application = make_application()
    [message] = follow(move_to(application, Milestone.INTERVIEW))
    assert message.status == "held"
    hand_off = HandOff.objects.get()
    assert "floor" in codes(hand_off)
    assert "reads_like_rejection" in codes(hand_off)
    assert hand_off.must_be_own_words
    assert drain() == {}
    assert mails(inbox) == []


# --- Taking it back ---------------------------------------------------------------------------------------------------


def test_reopening_takes_back_what_waits(inbox: Path) -> None:
    application = make_application()
    [message] = follow(turn_down(application))
    follow(reopen(application))
    message.refresh_from_db()
    assert message.status == "cancelled"
    assert drain() == {}
    assert mails(inbox) == []
    assert not HandOff.objects.exists()

    follow(turn_down(application, now=NOW + timedelta(days=1)))
    assert drain(DUE + timedelta(days=1)) == {"sent": 1}


def test_reopening_closes_the_hand_off(inbox: Path) -> None:
    application = make_application()
    reached_phone_screen(application)
    follow(turn_down(application))
    hand_off = only_hand_off(application)
    follow(reopen(application))
    hand_off.refresh_from_db()
    assert (hand_off.status, hand_off.closed_by) == ("not_needed", None)
    assert hand_off.message.status != "scheduled"
    assert drain() == {}
    assert mails(inbox) == []


def test_a_quiet_rejection_tells_nobody(inbox: Path) -> None:
    application = make_application()
    act = Act(by=actors.person(make_user().pk), now=NOW, quiet=True)
    assert follow(done(moves.reject(application, reason=make_reason(), act=act))) == []
    assert drain() == {}
    assert mails(inbox) == []
    assert application in Application.objects.decided_but_not_told()


# --- Once -------------------------------------------------------------------------------------------------------------


def test_the_same_cause_never_sends_twice(inbox: Path) -> None:
    make_automation(delay=1, template=Template.objects.get())
    application = make_application()
    change = turn_down(application)
    follow(change)
    follow(change)
    while automations.follow_open_changes(now=NOW):
        pass
    automations.plan_no_news(now=NOW)
    assert Message.objects.filter(application=application).count() == 1
    assert drain() + drain() == {"sent": 1}
    assert recipients(inbox) == {email_of(application): 1}


def test_two_drains_send_nothing_twice_and_leave_nothing(inbox: Path) -> None:
    applications = [make_application() for _ in range(5)]
    for application in applications:
        follow(turn_down(application))
    assert drain() == {"sent": 5}
    assert drain() == {}
    assert recipients(inbox) == {email_of(application): 1 for application in applications}


# --- Decisions that no person of ours made ----------------------------------------------------------------------------


@pytest.mark.parametrize("milestone", [Milestone.APPLIED, Milestone.REVIEW])
def test_a_rejection_that_an_import_brought_is_handed_off_at_any_milestone(milestone: Milestone, inbox: Path) -> None:
    application = make_application()
    if milestone > Milestone.APPLIED:
        move_to(application, milestone)
    source = make_source()
    follow(turn_down(application, by=actors.imported(source.pk, started_by=make_sender().pk)))
    drain()
    assert codes(only_hand_off(application)) == ["no_persons_decision"]
    assert mails(inbox) == []


def test_a_source_that_relays_decisions_of_people_may_lead_to_mail_but_never_to_what_is_reserved(inbox: Path) -> None:
    by = actors.imported(make_source(relays_decisions=True).pk)
    application, reserved = make_application(), make_application()
    reached_phone_screen(reserved)
    follow(turn_down(application, by=by))
    follow(turn_down(reserved, by=by))
    drain()
    assert recipients(inbox) == {email_of(application): 1}
    assert codes(only_hand_off(reserved)) == ["floor"]


@pytest.mark.parametrize("by", [actors.CLOCK, actors.Actor(kind=actors.ActorKind.TOKEN)], ids=["clock", "token"])
def test_a_stage_that_a_machine_set_is_no_persons_decision(by: actors.Actor, inbox: Path) -> None:
    application = make_application()
    follow(turn_down(application, by=by))
    drain()
    assert codes(only_hand_off(application)) == ["no_persons_decision"]
    assert mails(inbox) == []


def import_rejected(folder: Path, job: Job, *arguments: str) -> None:
    path = folder / "people.csv"
    path.write_text(
        "ID,Name,Email,Job,Status,Applied,Rejected at\n"
        f"1,Ann Lee,ann@example.com,{job},rejected,2026-09-01,2026-09-14\n"
        f"2,Bob Ray,bob@example.com,{job},active,2026-09-01,\n"
    )
    with time_machine.travel(NOW, tick=False):
        call_command("import_candidates", str(path), *arguments, verbosity=0)


def test_an_import_sends_nothing_unless_it_was_told_to_and_then_hands_rejections_off(
    tmp_path: Path, inbox: Path
) -> None:
    job = make_job(title="Engineer")
    make_automation(
        event=Event.NO_NEWS, quiet_days=3, template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=UPDATE)
    )
    import_rejected(tmp_path, job)
    sweep(DUE)
    assert mails(inbox) == []
    assert not Message.objects.exists()

    other = make_job(title="Designer")
    import_rejected(tmp_path, other, "--send")
    sweep(DUE)
    ann = Application.objects.get(job=other, candidate__external_id="1")
    assert codes(only_hand_off(ann)) == ["no_persons_decision"]
    assert "ann@example.com" not in recipients(inbox)


def test_an_import_with_send_from_a_source_that_relays_decisions_is_answered(tmp_path: Path, inbox: Path) -> None:
    job = make_job(title="Engineer")
    import_rejected(tmp_path, make_job(title="Designer"))
    Source.objects.update(relays_decisions=True)
    import_rejected(tmp_path, job, "--send")
    sweep(DUE)
    assert recipients(inbox) == {"ann@example.com": 1}


# --- The clock --------------------------------------------------------------------------------------------------------


def sweep(now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        tasks.sweep()


def test_what_no_caller_followed_is_followed_and_delivered_by_the_sweep(inbox: Path) -> None:
    application, reserved = make_application(), make_application()
    move_to(reserved, Milestone.PHONE_SCREEN)
    for one in (application, reserved):
        turn_down(one)
    sweep(NOW)
    assert mails(inbox) == []
    only_hand_off(reserved)
    for _ in range(2):
        sweep(DUE)
    assert recipients(inbox) == {email_of(application): 1}


def test_after_so_many_business_days_without_news_somebody_hears_from_us_once(inbox: Path) -> None:
    friday = datetime(2026, 9, 18, 9, 0, tzinfo=ZoneInfo("Europe/London"))
    make_automation(
        event=Event.NO_NEWS, quiet_days=2, template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=UPDATE)
    )
    application = make_application(now=friday, quiet=False)
    for hours in range(0, 24 * 4, 6):
        sweep(friday + timedelta(hours=hours))
    assert mails(inbox) == []
    for days in (4, 5, 20):
        sweep(friday + timedelta(days=days))
    assert recipients(inbox) == {email_of(application): 1}


def test_a_survey_waits_until_they_were_told_and_no_hand_off_is_open(inbox: Path) -> None:
    survey = make_template(name="Survey", touchpoint=Touchpoint.SURVEY, body="How was it with us? {{ sender.name }}")
    make_automation(template=survey)
    application, person = make_application(), make_sender()
    reached_phone_screen(application)
    follow(turn_down(application))
    hand_off = only_hand_off(application)
    for days in range(5):
        drain(NOW + timedelta(days=days))
    assert mails(inbox) == []

    answer = handoffs.answer(hand_off, subject="Our talk", body=OWN_WORDS, by=person, now=NOW + timedelta(days=5))
    assert isinstance(answer, Message)
    drain(NOW + timedelta(days=5))
    assert [str(mail["Subject"]) for mail in mails(inbox)] == ["Our talk"]

    other = make_application(candidate=application.candidate)
    follow(turn_down(other, now=NOW + timedelta(days=5)))
    drain(NOW + timedelta(days=6))
    assert len(mails(inbox)) == 1  # they were told, but another hand-off is open
    handoffs.close_as_not_needed(
        HandOff.objects.open().get(), reason="Same talk.", by=person, now=NOW + timedelta(days=6)
    )
    drain(NOW + timedelta(days=8))
    assert sorted(str(mail["Subject"]) for mail in mails(inbox)) == [f"About {application.job}", "Our talk"]


def test_a_survey_after_a_hire_does_not_wait_for_a_letter(inbox: Path) -> None:
    survey = make_template(touchpoint=Touchpoint.SURVEY, body="How was it with us? {{ sender.name }}")
    make_automation(event=Event.HIRED, template=survey)
    application = make_application()
    follow(done(moves.hire(application, act=Act(by=actors.CLOCK, now=NOW))))
    assert drain(NOW) == {"sent": 1}
    assert recipients(inbox) == {email_of(application): 1}


def test_what_waited_too_long_after_an_outage_is_looked_at_by_a_person(inbox: Path) -> None:
    application, survived = make_application(), make_application()
    follow(turn_down(application))
    assert drain(DUE + timedelta(days=14, seconds=1)) == {"hand_off": 1}
    assert codes(only_hand_off(application)) == ["stale"]
    follow(turn_down(survived))
    assert drain(DUE + timedelta(days=14)) == {"sent": 1}
    assert recipients(inbox) == {email_of(survived): 1}


# --- People -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("created", "touchpoint", "due"),
    [
        ("2026-09-15T09:00", "rejection", "2026-09-17T17:00"),
        ("2026-09-17T23:30", "rejection", "2026-09-21T17:00"),  # over a weekend
        ("2026-09-19T09:00", "rejection", "2026-09-22T17:00"),  # on a Saturday
        ("2026-12-23T09:00", "rejection", "2026-12-29T17:00"),  # over Christmas
        ("2026-09-18T09:00", "feedback", "2026-09-21T17:00"),
        ("2026-12-24T09:00", "offer", "2026-12-29T17:00"),
    ],
)
def test_a_hand_off_is_due_after_business_days(created: str, touchpoint: str, due: str) -> None:
    london = ZoneInfo("Europe/London")
    now = datetime.fromisoformat(created).replace(tzinfo=london)
    Automation.objects.all().update(is_active=False)
    make_automation(template=make_template(touchpoint=touchpoint))
    application = make_application(now=now)
    reached_phone_screen(application)
    follow(turn_down(application, now=now), now=now)
    assert HandOff.objects.get().due_at == datetime.fromisoformat(due).replace(tzinfo=london)


def test_the_recruiter_of_the_job_owns_it_else_the_coordinator_and_people_who_left_are_passed_over() -> None:
    recruiter, coordinator = make_sender(), make_sender()
    owners = []
    for recruits, coordinates in [(True, True), (False, True), (False, False)]:
        User.objects.filter(pk=recruiter.pk).update(is_active=recruits)
        User.objects.filter(pk=coordinator.pk).update(is_active=coordinates)
        application = make_application(job=make_job(recruiter=recruiter, coordinator=coordinator))
        reached_phone_screen(application)
        follow(turn_down(application))
        owners.append(only_hand_off(application).owner)
    assert owners == [recruiter, coordinator, None]


def test_an_answer_in_own_words_leaves_in_the_persons_name_and_tells_the_candidate(inbox: Path) -> None:
    application, person = make_application(), make_sender(first_name="Ana", last_name="Ruiz")
    reached_phone_screen(application)
    follow(turn_down(application))
    hand_off = only_hand_off(application)

    copied = Template.objects.get().wordings.get().body.replace("{{ candidate.first_name }}", "Kim")
    refused = handoffs.answer(
        hand_off,
        subject="Hello",
        body=copied.replace("{{ job.title }}", "it").replace("{{ sender.name }}", ""),
        by=person,
        now=NOW,
    )
    assert isinstance(refused, gate.Case)
    [sentence] = [finding.sentence for finding in refused.verdict.findings]
    assert "the template “Early no”" in sentence
    assert "We have read your application and we will not be moving forward" in sentence
    assert drain(NOW) == {}

    answer = handoffs.answer(hand_off, subject="Our talk", body=OWN_WORDS, by=person, now=NOW)
    assert isinstance(answer, Message)
    assert drain(NOW) == {"sent": 1}
    [mail] = mails(inbox)
    assert (mail["To"], mail["Subject"], mail["Auto-Submitted"]) == (email_of(application), "Our talk", "no")
    assert "Ana Ruiz" in mail["From"]
    assert plain_text(mail) == OWN_WORDS
    application.refresh_from_db()
    assert (application.told_how, application.told_by) == ("mail", person)
    hand_off.refresh_from_db()
    assert (hand_off.status, hand_off.answer) == ("answered", answer)
    # The message that was stopped never leaves beside it.
    assert drain(DUE + timedelta(days=1)) == {}


def test_a_rejection_written_beside_its_hand_off_closes_it(inbox: Path) -> None:
    application, person = make_application(), make_sender()
    reached_phone_screen(application)
    follow(turn_down(application))
    hand_off = only_hand_off(application)
    fresh = Application.objects.get(pk=application.pk)
    draft = handoffs.draft(fresh, touchpoint="rejection", subject="Our talk", body=OWN_WORDS, by=person, now=NOW)
    assert isinstance(handoffs.compose(draft, now=NOW), Message)
    assert hand_off.is_open
    assert drain(NOW) == {"sent": 1}
    hand_off.refresh_from_db()
    assert (hand_off.status, hand_off.note) == ("not_needed", "The candidate knows the outcome already.")


def test_a_letter_after_a_call_leaves_and_the_call_stays_how_they_were_told(inbox: Path) -> None:
    application, person = make_application(), make_sender()
    turn_down(application)
    assert moves.record_told(application, how="phone", by=actors.person(person.pk), now=NOW)
    fresh = Application.objects.get(pk=application.pk)
    draft = handoffs.draft(fresh, touchpoint="rejection", subject="Our talk", body=OWN_WORDS, by=person, now=DUE)
    assert isinstance(handoffs.compose(draft, now=DUE), Message)
    assert drain(DUE) == {"sent": 1}
    fresh.refresh_from_db()
    assert (fresh.told_at, fresh.told_how) == (NOW, "phone")


def test_the_same_own_words_are_not_sent_to_two_candidates(inbox: Path) -> None:
    person = make_sender()
    hand_offs = []
    for _ in range(2):
        application = make_application()
        reached_phone_screen(application)
        follow(turn_down(application))
        hand_offs.append(only_hand_off(application))
    first, second = (
        handoffs.answer(hand_off, subject="Our talk", body=OWN_WORDS, by=person, now=NOW) for hand_off in hand_offs
    )
    assert isinstance(first, Message)
    assert isinstance(second, gate.Case)
    assert "a message to another candidate" in second.verdict.findings[0].sentence
    drain(NOW)
    assert len(mails(inbox)) == 1


def test_two_people_who_answer_one_hand_off_send_one_message(inbox: Path) -> None:
    application, first, second = make_application(), make_sender(), make_sender()
    reached_phone_screen(application)
    follow(turn_down(application))
    hand_off = only_hand_off(application)
    screens = [HandOff.objects.get(pk=hand_off.pk) for _ in range(2)]
    answers = [
        handoffs.answer(screen, subject="Our talk", body=OWN_WORDS, by=person, now=NOW)
        for screen, person in zip(screens, (first, second), strict=True)
    ]
    assert isinstance(answers[0], Message)
    assert isinstance(answers[1], Refusal)
    assert str(first) in answers[1].sentence
    drain(NOW)
    assert len(mails(inbox)) == 1


def test_who_was_told_by_phone_gets_no_letter_and_is_dealt_with_from_then_on(inbox: Path) -> None:
    application, person = make_application(), make_sender()
    reached_phone_screen(application)
    follow(turn_down(application))
    handoffs.tell_by_phone(only_hand_off(application), note="She had expected it.", by=person, now=NOW)
    assert drain() == {}
    row = Application.objects.get(pk=application.pk)
    assert (row.told_at, row.told_how, row.told_by) == (NOW, "phone", person)

    elsewhere = make_application(candidate=application.candidate)
    follow(turn_down(elsewhere))
    drain()
    assert codes(only_hand_off(elsewhere)) == ["floor"]
    assert mails(inbox) == []


def test_an_answer_that_waits_while_its_writer_loses_their_permission_does_not_leave(inbox: Path) -> None:
    application, person = make_application(), make_sender()
    reached_phone_screen(application)
    follow(turn_down(application))
    handoffs.answer(only_hand_off(application), subject="Our talk", body=OWN_WORDS, by=person, now=NOW)
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert drain(NOW) == {"hand_off": 1}
    assert codes(HandOff.objects.open().get()) == ["sender"]
    assert mails(inbox) == []


def test_a_candidate_who_asked_to_hear_nothing_hears_nothing_from_anybody(inbox: Path) -> None:
    application, person = make_application(), make_sender()
    follow(turn_down(application))
    Candidate.objects.filter(pk=application.candidate_id).update(do_not_contact_at=NOW)
    assert drain() == {"stop": 1}
    fresh = Application.objects.get(pk=application.pk)
    draft = handoffs.draft(fresh, touchpoint="status_update", subject="Hello", body=OWN_WORDS, by=person, now=NOW)
    assert isinstance(handoffs.compose(draft, now=NOW), gate.Case)
    assert mails(inbox) == []
    assert not HandOff.objects.exists()


def test_a_receipt_does_not_follow_a_rejection_that_was_quicker(inbox: Path) -> None:
    make_automation(
        event=Event.RECEIVED,
        delay=3,
        delay_unit=Unit.BUSINESS_DAYS,
        template=make_template(touchpoint=Touchpoint.ACKNOWLEDGEMENT, body=THANKS),
    )
    application, other = make_application(quiet=False), make_application(quiet=False)
    for one in (application, other):
        follow(one.stage_changes.get())
    follow(turn_down(application))
    assert drain() == {"sent": 1}
    # Once they knew the outcome, the receipt had nothing to say any more.
    assert application.messages.get(touchpoint=Touchpoint.ACKNOWLEDGEMENT).status == Message.Status.CANCELLED
    assert drain(DUE + timedelta(days=1)) == {"sent": 1}
    assert recipients(inbox) == {email_of(application): 1, email_of(other): 1}
