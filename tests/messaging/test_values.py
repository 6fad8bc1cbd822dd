"""What a wording can mention, and that nothing else reaches a candidate."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from messaging.values import gather_values
from messaging.wording import rendering
from messaging.wording.placeholders import REGISTRY, Values
from pipeline import actors, moves
from pipeline.models import Application, Interview, Reason
from pipeline.moves import Act
from tests.factories import NOW, done, make_application, make_candidate, make_interview, make_job, make_user

pytestmark = pytest.mark.django_db

CANARY = "zqcanary"


def make_full_application() -> Application:
    """Every value that may be mentioned is there, and everything that may not is a canary."""
    candidate = make_candidate(
        first_name="Kim", last_name="Lee", email=f"{CANARY}@example.com", phone=CANARY, came_from=CANARY
    )
    job = make_job(title="Engineer", department="Platform", location="Lisbon", external_id=CANARY)
    application = make_application(candidate=candidate, job=job)
    reason = Reason.objects.create(internal=f"{CANARY}: too expensive", shareable="we needed more experience")
    act = Act(by=actors.CLOCK, now=NOW, note=CANARY)
    return done(moves.reject(application, reason=reason, act=act)).application


def values_of(application: Application, interview: Interview | None = None) -> Values:
    sender = make_user(first_name="Ana", last_name="Ruiz", title="Recruiter", phone="123")
    sender.username = CANARY
    return gather_values(application, interview=interview, sender=sender)


def test_every_placeholder_has_its_value_and_nothing_internal_is_among_them(settings: Settings) -> None:
    settings.ORGANISATION_NAME, settings.ORGANISATION_WEBSITE = "Larkfield", "https://example.com"
    settings.ORGANISATION_ADDRESS = "Rua Augusta 1"
    application = make_full_application()
    interview = make_interview(application, interviewers="Mei Lin", note=CANARY)
    values = values_of(application, interview)

    everything = "\n".join(f"{name}: {{{{ {name} }}}}" for name in REGISTRY)
    rendered = rendering.render(subject="All of it", body=everything, values=values)
    assert (rendered.missing, rendered.problem) == ((), "")
    assert CANARY not in rendered.body
    assert CANARY not in repr(values)
    assert "reason.shared: we needed more experience" in rendered.body
    assert {f"{group}.{field}" for group, fields in values.items() for field in fields} == set(REGISTRY)


@pytest.mark.parametrize(
    "name", ["reason.internal", "reason", "candidate.email", "application.reason.internal", "interview.note"]
)
def test_the_internal_part_of_a_reason_can_never_be_rendered(name: str) -> None:
    values = values_of(make_full_application())
    for body in (
        f"{{{{ {name} }}}}",
        f"{{% if {name} %}}{{{{ {name} }}}}{{% endif %}}",
        f"{{{{ {name} | default: 'x' }}}}",
    ):
        rendered = rendering.render(subject="Hello", body=f"Because: {body}", values=values)
        assert rendered.problem
        assert CANARY not in rendered.body
    assert rendering.render(subject="Hello", body="Because: {{ reason.shared }}", values=values).problem == ""


def test_without_a_reason_or_a_shareable_part_nothing_is_shared() -> None:
    assert values_of(make_application())["reason"] == {"shared": ""}
    application = make_full_application()
    assert application.reason is not None
    application.reason.shareable = ""
    assert values_of(application)["reason"] == {"shared": ""}


def test_without_a_sender_or_an_interview_their_values_are_missing_and_not_blank() -> None:
    values = gather_values(make_application(), interview=None, sender=None)
    assert (values["sender"], values["interview"]) == ({}, {})
    rendered = rendering.render(subject="Hello", body="{{ sender.name }} {{ interview.date }}", values=values)
    assert rendered.missing == ("sender.name", "interview.date")


@pytest.mark.parametrize(
    ("zone", "time", "said"),
    [
        ("", "10:30", "Europe/London"),
        ("America/New_York", "05:30", "America/New_York"),
        ("Asia/Kolkata", "15:00", "Asia/Kolkata"),
        ("Nowhere/Special", "10:30", "Europe/London"),
        ("Europe", "10:30", "Europe/London"),
        ("../../etc/passwd", "10:30", "Europe/London"),
        ("/etc/localtime", "10:30", "Europe/London"),
    ],
)
def test_an_interview_is_told_in_the_candidates_zone_else_in_ours(zone: str, time: str, said: str) -> None:
    application = make_application(candidate=make_candidate(time_zone=zone))
    starts_at = datetime(2026, 9, 16, 10, 30, tzinfo=ZoneInfo("Europe/London"))
    interview = values_of(application, make_interview(application, starts_at=starts_at, kind="video"))["interview"]
    assert (interview["date"], interview["time"], interview["time_zone"]) == (
        "Wednesday, 16 September 2026",
        time,
        said,
    )
    assert interview["kind"] == "video call"


def test_the_day_of_an_interview_is_the_one_where_the_candidate_is() -> None:
    application = make_application(candidate=make_candidate(time_zone="Asia/Tokyo"))
    late = datetime(2026, 9, 16, 22, 0, tzinfo=ZoneInfo("Europe/London")) + timedelta(0)
    interview = values_of(application, make_interview(application, starts_at=late))["interview"]
    assert (interview["date"], interview["time"]) == ("Thursday, 17 September 2026", "06:00")


@pytest.mark.parametrize(
    "name", ["{{ reason.shared }}", "{% raw %}", "Kim\r\nBcc: eve@example.org", "{{ sender.email }}"]
)
def test_what_a_name_says_is_printed_and_never_read_as_a_placeholder(name: str) -> None:
    values = values_of(make_application(candidate=make_candidate(first_name=name, last_name="")))
    rendered = rendering.render(subject="Hello {{ candidate.first_name }}", body="Hi", values=values)
    assert rendered.subject == "Hello " + " ".join(name.split())
