"""The page of an automation, its list and its switch."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging.models import Automation, Message, PolicyRow, Template
from messaging.policy.floor import Reserve, Touchpoint
from pipeline.milestones import Milestone
from tests.factories import (
    make_automation,
    make_colleague,
    make_job,
    make_message,
    make_pipeline,
    make_stage_rule,
    make_template,
    make_user,
)
from tests.guards_off import force
from tests.messaging.admin import saving
from tests.messaging.admin.saving import save

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"
ADD = "admin:messaging_automation_add"
LIST = "admin:messaging_automation_changelist"
BODY = "Dear {{ candidate.full_name }}, thank you. {{ sender.name }}"
Event = Automation.Event


@pytest.fixture
def client() -> Client:
    return client_of("Coordinator")


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_colleague(role))
    return client


def make_news(**overrides: Any) -> Template:
    """A template that a machine may send to everybody."""
    return make_template(**{"touchpoint": Touchpoint.STATUS_UPDATE, "body": BODY} | overrides)


def fields(**overrides: Any) -> dict[str, Any]:
    """A valid automation, on application received, unless told otherwise; rows are given as rows."""
    posted: dict[str, Any] = {
        "name": "Receipt",
        "is_active": "on",
        "event": Event.RECEIVED,
        "stage": "",
        "quiet_days": "",
        "job": "",
        "pipeline": "",
        "template": None,
        "delay": 0,
        "delay_unit": "minutes",
    } | overrides
    posted["template"] = posted["template"] or make_news()
    return {name: getattr(value, "pk", value) for name, value in posted.items()}


def add(client: Client, **overrides: Any) -> Any:
    return save(client, reverse(ADD), fields(**overrides), follow=True)


def page(automation: Automation) -> str:
    return reverse("admin:messaging_automation_change", args=[automation.pk])


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


# --- What is refused --------------------------------------------------------------------------------------------------


def test_a_plain_automation_is_saved_without_a_warning(client: Client) -> None:
    response = add(client)
    assert Automation.objects.get().event == Event.RECEIVED
    assert said(response).count("Receipt") == 1


@pytest.mark.parametrize("event", [Event.RECEIVED, Event.REJECTED, Event.WITHDRAWN, Event.HIRED])
def test_a_stage_is_for_the_two_stage_events_only(client: Client, event: str) -> None:
    stage = make_pipeline().stages.all()[0]
    assert "does not look at the stage" in errors_of(add(client, event=event, stage=stage))["stage"][0]
    assert not Automation.objects.exists()
    add(client, event=Event.STAGE_ENTERED, stage=stage)
    assert Automation.objects.get().stage == stage


def test_a_stage_belongs_to_the_pipeline(client: Client) -> None:
    pipeline, other = make_pipeline(name="Engineering"), make_pipeline(name="Sales")
    posted = {"event": Event.STAGE_ENTERED, "pipeline": pipeline}
    [sentence] = errors_of(add(client, stage=other.stages.all()[1], **posted))["stage"]
    assert sentence == "“Review” is a stage of the pipeline “Sales”. Choose a stage of “Engineering”."
    add(client, stage=pipeline.stages.all()[1], **posted)
    assert Automation.objects.exists()


def test_a_stage_belongs_to_the_pipeline_of_the_job(client: Client) -> None:
    job, other = make_job(), make_pipeline()
    posted = {"event": Event.STAGE_ENTERED, "job": job}
    assert "Choose a stage of" in errors_of(add(client, stage=other.stages.all()[1], **posted))["stage"][0]
    add(client, stage=job.pipeline.stages.all()[1], **posted)
    assert Automation.objects.exists()


def test_job_and_pipeline_fit_together(client: Client) -> None:
    job = make_job()
    [sentence] = errors_of(add(client, job=job, pipeline=make_pipeline()))["pipeline"]
    assert sentence.startswith(f"“{job}” runs in the pipeline “{job.pipeline}”.")
    add(client, job=job, pipeline=job.pipeline)
    assert Automation.objects.exists()


def test_silence_has_its_days_and_nothing_else_has(client: Client) -> None:
    assert "1 or more" in errors_of(add(client, event=Event.NO_NEWS))["quiet_days"][0]
    assert "1 or more" in errors_of(add(client, event=Event.NO_NEWS, quiet_days=0))["quiet_days"][0]
    assert "waits for no silence" in errors_of(add(client, quiet_days=5))["quiet_days"][0]
    assert not Automation.objects.exists()
    add(client, event=Event.NO_NEWS, quiet_days=5)
    assert Automation.objects.get().quiet_days == 5


def test_a_contradiction_is_said_once_and_not_by_the_database_too(client: Client) -> None:
    assert set(errors_of(add(client, event=Event.NO_NEWS))) == {"quiet_days"}


def test_silence_is_the_wait_itself(client: Client) -> None:
    posted = {"event": Event.NO_NEWS, "quiet_days": 5}
    assert "Set the delay to 0" in errors_of(add(client, delay=2, **posted))["delay"][0]
    add(client, **posted)
    assert Automation.objects.exists()


def test_a_wait_of_many_years_is_refused(client: Client) -> None:
    assert "a year" in errors_of(add(client, delay=261, delay_unit="business_days"))["delay"][0]
    assert "a year" in errors_of(add(client, event=Event.NO_NEWS, quiet_days=261))["quiet_days"][0]
    add(client, delay=260, delay_unit="business_days")
    assert Automation.objects.exists()


def test_a_template_without_a_wording_is_refused(client: Client) -> None:
    empty = Template.objects.create(name="Empty", touchpoint=Touchpoint.REMINDER)
    assert errors_of(add(client, template=empty))["template"] == [
        "“Empty” has no wording yet. Write one on its page first."
    ]
    assert not Automation.objects.exists()


def test_nothing_is_lost_when_something_is_refused(client: Client) -> None:
    shown = text_of(add(client, name="Hello again", delay=17, quiet_days=4))
    assert 'value="Hello again"' in shown
    assert 'value="17"' in shown


# --- What is warned of ------------------------------------------------------------------------------------------------


def test_an_unsigned_template_is_warned_of(client: Client) -> None:
    assert "goes to a person until somebody signs it" in said(add(client, template=make_news(signed=False)))
    assert Automation.objects.exists()


def test_a_retired_template_is_warned_of(client: Client) -> None:
    assert "is retired" in said(add(client, template=make_news(is_active=False)))
    assert Automation.objects.exists()


def test_an_offer_is_never_automatic_and_that_is_said(client: Client) -> None:
    warning = said(add(client, template=make_template(touchpoint=Touchpoint.OFFER, body=BODY)))
    assert "“offer” is never sent automatically here; each becomes a hand-off" in warning


def test_a_policy_that_leaves_nothing_automatic_is_warned_of(client: Client) -> None:
    PolicyRow.objects.create(touchpoint=Touchpoint.STATUS_UPDATE, from_milestone=1, reserve=Reserve.PERSON_SENDS)
    assert "“status update” is never sent automatically here" in said(add(client))


def test_stage_rules_and_the_stage_of_the_automation_are_looked_at_together(client: Client) -> None:
    template = make_news()
    make_stage_rule(template, from_milestone=Milestone.INTERVIEW, reserve=Reserve.PERSON_SENDS)
    stages = make_pipeline().stages
    early, late = stages.get(milestone=Milestone.REVIEW), stages.get(milestone=Milestone.INTERVIEW)
    posted = {"event": Event.STAGE_ENTERED, "template": template}
    warning = said(add(client, stage=early, **posted))
    assert "Not every message of this automation is sent automatically." in warning
    assert "From interview on: sent by a person." in warning
    assert "is never sent automatically here" in said(add(client, name="Later", stage=late, **posted))


def test_a_rejection_says_from_when_on_a_person_writes_it(client: Client) -> None:
    warning = said(add(client, event=Event.REJECTED, template=make_template()))
    assert "From phone screen on: written by a person." in warning
    assert "follows only from" not in warning


def test_a_rejection_that_follows_from_something_else_is_warned_of(client: Client) -> None:
    assert "follows only from the event “Rejected”" in said(add(client, template=make_template()))


def test_two_automations_that_answer_the_same_event_with_the_same_kind_are_warned_of(client: Client) -> None:
    job = make_job()
    add(client, name="For all jobs")
    assert "“For all jobs” answers the same event" in said(add(client, name="For one job", job=job))
    assert "answers the same" not in said(add(client, name="Hired", event=Event.HIRED))
    assert "answers the same" not in said(add(client, name="Reminder", template=make_news(touchpoint="reminder")))
    Automation.objects.update(is_active=False)
    assert "answers the same" not in said(add(client, name="Alone", job=job))


def test_two_automations_for_two_jobs_do_not_meet(client: Client) -> None:
    add(client, name="One", job=make_job())
    assert "answers the same" not in said(add(client, name="Other", job=make_job()))


def test_the_page_of_an_automation_says_what_to_expect(client: Client) -> None:
    automation = make_automation(event=Event.RECEIVED, template=make_template(touchpoint=Touchpoint.OFFER, body=BODY))
    assert "is never sent automatically here" in text_of(client.get(page(automation)))
    assert "is never sent automatically here" not in text_of(client.get(page(make_automation(template=make_news()))))


def test_who_goes_on_editing_reads_the_warnings_once(client: Client) -> None:
    posted = fields(template=make_news(signed=False)) | {"_continue": "1"}
    shown = text_of(save(client, reverse(ADD), posted, follow=True))
    assert shown.count("goes to a person until somebody signs it") == 1


# --- The list ---------------------------------------------------------------------------------------------------------


def row_of(client: Client, automation: Automation) -> str:
    shown = text_of(client.get(reverse(LIST)))
    start = shown.index(f">{automation.name}<")
    return " ".join(shown[start : shown.index("</tr>", start)].split())


def test_the_list_says_event_scope_and_delay_in_words(client: Client) -> None:
    job = make_job(title="Data Engineer")
    job.pipeline.name = "Engineering"
    job.pipeline.save()
    review = job.pipeline.stages.get(milestone=Milestone.REVIEW)
    make = make_automation
    template = make_news(name="News")
    entered = make(event=Event.STAGE_ENTERED, stage=review, delay=1, delay_unit="business_days", template=template)
    quiet = make(event=Event.NO_NEWS, quiet_days=5, job=job, template=template)
    hired = make(event=Event.HIRED, pipeline=job.pipeline, delay=36, delay_unit="hours", template=template)
    rejected = make(event=Event.REJECTED, template=template)
    for automation, words in (
        (entered, ["Entered “Review”", "Every job in “Engineering”", "After 1 business day<"]),
        (quiet, ["5 business days in any stage without news", "Data Engineer", "At once"]),
        (hired, ["Hired", "Every job in “Engineering”", "After 36 hours"]),
        (
            rejected,
            [
                "Rejected",
                "Every job<",
                "At once",
                f'href="{reverse("admin:messaging_template_change", args=[template.pk])}"',
            ],
        ),
    ):
        row = row_of(client, automation)
        for word in words:
            assert word in row


def test_the_list_counts_what_was_planned_and_sent_in_thirty_days(client: Client) -> None:
    automation = make_automation()
    messages = [make_message(template=automation.template) for _ in range(3)]
    force(Message.objects.all(), automation=automation)
    now = timezone.now()
    sent = {"status": "sent", "recipient": "kim@example.com"}
    force(Message.objects.filter(pk=messages[0].pk), created_at=now, sent_at=now, **sent)
    force(Message.objects.filter(pk=messages[1].pk), created_at=now)
    long_ago = now - timedelta(days=31)
    force(Message.objects.filter(pk=messages[2].pk), created_at=long_ago, sent_at=long_ago, **sent)
    rows = {row.pk: (row.planned, row.sent) for row in client.get(reverse(LIST)).context["cl"].result_list}
    assert rows.pop(automation.pk) == (2, 1)
    assert set(rows.values()) == {(0, 0)}


def test_the_list_costs_the_same_for_two_automations_and_for_twelve(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(LIST)).status_code == 200
        return len(captured)

    def make_many(number: int) -> None:
        for _ in range(number):
            job = make_job()
            stage = job.pipeline.stages.all()[0]
            make_automation(event=Event.STAGE_ENTERED, stage=stage, job=job, pipeline=job.pipeline)
            make_automation(event=Event.STAGE_ENTERED, stage=stage)

    make_many(1)
    queries()
    few = queries()
    make_many(5)
    assert queries() == few


def test_stages_are_offered_with_the_names_of_their_pipelines(client: Client) -> None:
    make_pipeline(name="Engineering")
    shown = text_of(client.get(reverse(ADD)))
    assert "Engineering: Phone screen</option>" in shown


# --- Switch and delete ------------------------------------------------------------------------------------------------


def switch(client: Client, action: str, *automations: Automation) -> Any:
    chosen = {"action": action, "_selected_action": [automation.pk for automation in automations]}
    return saving.switch(client, reverse(LIST), chosen, follow=True)


def test_automations_are_switched_off_and_on_from_the_list(client: Client) -> None:
    on, off = make_automation(), make_automation(is_active=False)
    assert "Switched off 1 automation." in said(switch(client, "switch_off", on, off))
    assert not Automation.objects.in_use().exists()
    assert "Switched on 2 automations." in said(switch(client, "switch_on", on, off))
    assert Automation.objects.in_use().count() == 2
    notes = LogEntry.objects.filter(object_id=str(on.pk)).order_by("pk").values_list("change_message", flat=True)
    assert list(notes) == ["Switched off.", "Switched on."]


def test_switching_off_says_how_many_scheduled_messages_become_a_persons_task(client: Client) -> None:
    message = make_message()
    assert message.automation is not None
    warning = "1 scheduled message will be handed to a person when due."
    assert warning in said(switch(client, "switch_off", message.automation))
    Automation.objects.update(is_active=True)
    posted = fields(name=message.automation.name, event=Event.REJECTED, template=message.template)
    del posted["is_active"]
    assert warning in said(save(client, page(message.automation), posted, follow=True))
    message.refresh_from_db()
    assert message.status == Message.Status.SCHEDULED


def test_an_automation_that_planned_messages_is_not_deleted_but_switched_off(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    message = make_message()
    assert message.automation is not None
    delete = reverse("admin:messaging_automation_delete", args=[message.automation.pk])
    for answer in (client.get(delete, follow=True), client.post(delete, {"post": "yes"}, follow=True)):
        assert "Switch it off instead" in said(answer)
    assert Automation.objects.filter(pk=message.automation.pk).exists()
    unused = make_automation()
    client.post(reverse("admin:messaging_automation_delete", args=[unused.pk]), {"post": "yes"})
    assert not Automation.objects.filter(pk=unused.pk).exists()


def test_there_is_no_way_to_delete_many_at_once(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    chosen = {"action": "delete_selected", "_selected_action": [make_automation().pk], "post": "yes"}
    client.post(reverse(LIST), chosen)
    assert Automation.objects.count() == 1


# --- Who may what -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["Auditor", "Recruiter"])
def test_only_coordinators_and_administrators_change_automations(role: str) -> None:
    automation, client = make_automation(), client_of(role)
    assert client.get(reverse(LIST)).status_code == 200
    assert client.get(page(automation)).status_code == 200
    assert client.post(page(automation), fields()).status_code == 403
    assert client.post(reverse(ADD), fields()).status_code == 403
    switch(client, "switch_off", automation)
    automation.refresh_from_db()
    assert automation.is_active
    save(client_of("Administrator"), page(automation), fields(name="Renamed"))
    automation.refresh_from_db()
    assert automation.name == "Renamed"


# --- What arrives is hostile ------------------------------------------------------------------------------------------


def test_no_page_runs_what_a_name_brings(client: Client) -> None:
    pipeline = make_pipeline(name=f"P {EVIL}")
    stage = pipeline.stages.all()[0]
    stage.name = f"S {EVIL}"
    stage.save()
    job = make_job(title=f"J {EVIL}", pipeline=pipeline)
    template = make_news(name=f"T {EVIL}", signed=False)
    automation = make_automation(
        name=f"A {EVIL}", event=Event.STAGE_ENTERED, stage=stage, job=job, pipeline=pipeline, template=template
    )
    other = make_pipeline().stages.all()[0]
    pages = [
        client.get(reverse(LIST)),
        client.get(page(automation)),
        add(client, event=Event.STAGE_ENTERED, stage=other, job=job, template=template),
        add(client, event=Event.STAGE_ENTERED, stage=stage, job=job, template=template),
    ]
    for response in pages:
        assert response.status_code == 200
        assert EVIL not in text_of(response)
