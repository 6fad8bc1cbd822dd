"""A person's own page, and times in the zone of whoever reads them."""

import html
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging import working_days
from messaging.models import HandOff, Message
from messaging.reports import periods, sends
from pipeline.models import User
from tests.factories import NOW, make_application, make_colleague, make_hand_off, make_job, make_message
from tests.guards_off import force

pytestmark = pytest.mark.django_db

PAGE = "profile:page"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):  # Tuesday, 15 September, 10:00 in London
        yield


@pytest.fixture
def person() -> User:
    return make_colleague("Recruiter", first_name="Rita", last_name="Okafor")


@pytest.fixture
def client(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(client: Client) -> str:
    response = client.get(reverse(PAGE))
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def post(client: Client, **data: Any) -> str:
    response = client.post(reverse(PAGE), data, follow=True)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def save(client: Client, **data: Any) -> str:
    given = {"title": "Recruiter", "phone": "", "time_zone": "", "signature": "", "working_days": list("12345")} | data
    return post(client, save="1", **given)


def again(person: User) -> User:
    return User.objects.get(pk=person.pk)


# --- The profile ------------------------------------------------------------------------------------------------------


def test_a_person_says_where_and_when_they_work_and_what_stands_under_their_mail(client: Client, person: User) -> None:
    said = save(
        client, time_zone="America/New_York", signature=" Rita \r\n+44 20 7946 0000\r\n", working_days=["2", "4"]
    )
    assert "Your profile is saved." in said
    saved = again(person)
    assert (saved.time_zone, saved.signature, saved.working_days) == (
        "America/New_York",
        "Rita\n+44 20 7946 0000",
        "24",
    )
    assert LogEntry.objects.filter(object_id=person.pk, change_message__contains="profile").count() == 1
    save(client)
    saved = again(person)
    assert (saved.time_zone, saved.signature, saved.working_days) == (None, None, None)


@pytest.mark.parametrize(
    "broken", [{"time_zone": "Mars/Olympus"}, {"working_days": []}, {"working_days": ["8"]}, {"signature": "x\n" * 7}]
)
def test_what_makes_no_sense_is_not_saved(client: Client, person: User, broken: dict[str, Any]) -> None:
    assert "Your profile is saved." not in save(client, title="Head", **broken)
    assert again(person).title == ""
    assert "Your profile is saved." in save(client, title="Head")


def test_everybody_has_their_own_page_and_no_more_rights_by_it(client: Client, person: User) -> None:
    save(client, is_superuser="on", username="root", email="root@example.com", stand_in="1")
    saved = again(person)
    assert (saved.is_superuser, saved.username, saved.email) == (False, person.username, person.email)
    assert Client().get(reverse(PAGE)).status_code == 302
    assert reverse(PAGE) in html.unescape(client.get(reverse("admin:index")).content.decode())


# --- Out of office ----------------------------------------------------------------------------------------------------


def test_an_absence_is_planned_and_open_hand_offs_are_offered_for_handing_over(client: Client, person: User) -> None:
    stand_in = make_colleague("Recruiter", first_name="Theo", last_name="Blum")
    hand_off = make_hand_off(application=make_application(job=make_job(recruiter=person)))
    assert "open hand-off" not in page(client)
    said = post(client, away="1", first="2026-09-21", last="2026-09-25", stand_in=stand_in.pk)
    for words in (
        "Your absence is planned.",
        "Mon 21 September to Fri 25 September 2026",
        "Theo Blum stands in",
        "1 open hand-off is yours.",
        "Give it to Theo Blum",
    ):
        assert words in said
    assert HandOff.objects.get(pk=hand_off.pk).owner == person
    assert "1 hand-off is with Theo Blum now." in post(client, hand_over="1")
    assert HandOff.objects.get(pk=hand_off.pk).owner == stand_in
    assert "New hand-offs become yours again." in post(client, back="2026-09-21")
    assert (again(person).away_from, again(person).stand_in) == (None, stand_in)
    said = page(client)
    assert "1 hand-off of your jobs is with Theo Blum" in said
    assert "1 hand-off is with Rita Okafor now." in post(client, take_back="1")
    assert HandOff.objects.get(pk=hand_off.pk).owner == person


def test_what_stays_with_the_stand_in_is_not_offered_again(client: Client, person: User) -> None:
    stand_in = make_colleague("Recruiter")
    User.objects.filter(pk=person.pk).update(
        away_from=date(2026, 9, 1), away_until=date(2026, 9, 11), stand_in=stand_in
    )
    hand_off = make_hand_off(application=make_application(job=make_job(recruiter=person)))
    HandOff.objects.filter(pk=hand_off.pk).update(owner=stand_in)
    assert "of your jobs is with" in page(client)
    post(client, leave="1")
    assert "of your jobs is with" not in page(client)
    assert HandOff.objects.get().owner == stand_in


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"first": "2026-09-25", "last": "2026-09-21"}, "The last day away is before the first one."),
        ({"first": "", "last": "2026-09-21"}, "This field is required."),
        ({"first": "2026-09-21", "last": "2026-09-25", "stand_in": "0"}, "Select a valid choice"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(
    client: Client, person: User, data: dict[str, str], sentence: str
) -> None:
    assert sentence in post(client, away="1", **data)
    assert again(person).away_from is None
    assert "Your absence is planned." in post(client, away="1", first="2026-09-21", last="2026-09-25")


def test_a_stand_in_who_is_away_as_well_is_said_to_be(client: Client) -> None:
    third = make_colleague("Recruiter", first_name="Uma", last_name="Rao")
    away = {"away_from": date(2026, 9, 1), "away_until": date(2026, 9, 30)}
    stand_in = make_colleague("Recruiter", first_name="Theo", last_name="Blum", **away)
    said = post(client, away="1", first="2026-09-15", last="2026-09-16", stand_in=stand_in.pk)
    assert "Theo Blum is away as well: hand-offs go to the job’s coordinator, or to nobody yet" in said
    assert "You are out of office until Wednesday 16 September" in said
    User.objects.filter(pk=stand_in.pk).update(stand_in=third)
    assert "Uma Rao stands in, because Theo Blum is away as well" in page(client)


def test_a_holiday_in_december_and_one_in_march_are_planned_and_changed(client: Client, person: User) -> None:
    december = {"away": "1", "first": "2026-12-21", "last": "2026-12-31"}
    post(client, **december)
    said = post(client, away="1", first="2027-03-01", last="2027-03-05")
    assert said.index("Mon 21 December to Thu 31 December 2026") < said.index("Mon 1 March to Fri 5 March 2027")
    assert "You are away from 21 December to 31 December 2026 already." in post(client, **december)

    form = client.get(reverse(PAGE), {"change": "2027-03-01"}).context["absence"]
    values = {name: form[name].value() for name in ("first", "last", "replaces")}
    assert values == {"first": date(2027, 3, 1), "last": date(2027, 3, 5), "replaces": "2027-03-01"}
    said = post(client, **values | {"away": "1", "first": "2027-03-03"})
    assert "Wed 3 March to Fri 5 March 2027" in said
    assert "Mon 1 March" not in said

    said = post(client, back="2026-12-21")
    assert "21 December" not in said
    assert again(person).away_from == date(2027, 3, 3)


def test_the_page_asks_the_same_however_many_hand_offs_there_are(client: Client, person: User) -> None:
    stand_in = make_colleague("Recruiter")
    User.objects.filter(pk=person.pk).update(
        away_from=date(2026, 9, 21), away_until=date(2026, 9, 25), stand_in=stand_in
    )

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client)
        return len(captured)

    make_hand_off(application=make_application(job=make_job(recruiter=person)))
    page(client)
    few = asked()
    post(client, away="1", first="2026-12-21", last="2026-12-31", stand_in=stand_in.pk)
    post(client, away="1", first="2027-03-01", last="2027-03-05", stand_in=stand_in.pk)
    for _ in range(3):
        make_hand_off(application=make_application(job=make_job(recruiter=person)))
    assert asked() == few


def test_today_says_that_one_is_away_and_what_is_still_with_the_stand_in(client: Client, person: User) -> None:
    stand_in = make_colleague("Recruiter")

    def today() -> str:
        return html.unescape(client.get(reverse("admin:index")).content.decode())

    assert "out of office" not in today()
    User.objects.filter(pk=person.pk).update(
        away_from=date(2026, 9, 14), away_until=date(2026, 9, 15), stand_in=stand_in
    )
    make_hand_off(application=make_application(job=make_job(recruiter=again(person))))
    assert "You are out of office until Tuesday 15 September" in today()
    assert "still with who stood in" not in today()
    User.objects.filter(pk=person.pk).update(away_until=date(2026, 9, 14))
    assert "out of office" not in today()
    assert "1 hand-off of your jobs is still with who stood in for you." in today()


# --- Times ------------------------------------------------------------------------------------------------------------


def test_times_are_shown_in_the_zone_of_whoever_reads_them(client: Client, person: User) -> None:
    make_message()  # due at 11:00 in London
    url = reverse("outbox:list")
    assert ">11:00</time>" in html.unescape(client.get(url).content.decode())
    User.objects.filter(pk=person.pk).update(time_zone="Asia/Tokyo")
    said = html.unescape(client.get(url).content.decode())
    assert ">19:00</time>" in said
    assert "Tue 15 Sep, 11:00 for them (London)" in said
    User.objects.filter(pk=person.pk).update(time_zone="Europe")  # a folder, not a zone
    assert ">11:00</time>" in html.unescape(client.get(url).content.decode())
    assert timezone.get_current_timezone() == timezone.get_default_timezone()


def test_what_is_counted_in_days_stays_the_organisations() -> None:
    with timezone.override("Asia/Tokyo"):
        late = NOW.replace(hour=20)  # 21:00 in London, the next day in Tokyo
        assert working_days.today(late) == date(2026, 9, 15)
        assert working_days.due(late, 1).isoformat() == "2026-09-16T17:00:00+01:00"
        assert working_days.add(late, 1).isoformat() == "2026-09-16T21:00:00+01:00"
        assert working_days.between(NOW, late) == 0
        assert working_days.back(late, 1).isoformat() == "2026-09-14T21:00:00+01:00"
        assert working_days.midnight(date(2026, 9, 15)).isoformat() == "2026-09-15T00:00:00+01:00"


def test_a_day_and_a_week_of_a_report_are_the_organisations() -> None:
    message = make_message()
    late = NOW.replace(day=20, hour=21)  # Sunday, 22:00 in London, and Monday in Tokyo
    force(Message.objects.all(), status=Message.Status.SENT, sent_at=late, recipient="kim@example.com")
    with timezone.override("Asia/Tokyo"):
        period = periods.this_week(late)
        assert period.days[0] == date(2026, 9, 14)
        assert [day.day for day in sends.per_day(Message.objects.all(), period=period) if day.automation] == [
            date(2026, 9, 20)
        ]
        weeks = Message.objects.annotate(week=periods.week_of("sent_at")).values_list("week", flat=True)
        assert working_days.today(weeks.get(pk=message.pk)) == date(2026, 9, 14)
