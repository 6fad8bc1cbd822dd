"""The page of one candidate, and the acts that start there: do not contact, merge, un-merge."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging import automations, merging, silence
from messaging.models import Automation, HandOff, Message
from messaging.policy.floor import Touchpoint
from messaging.timeline import timeline_of
from messaging.who_may_send import Way, who_may_send
from pipeline import actors
from pipeline.duplicates import find_duplicates, tell_apart
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Distinction, Merge
from pipeline.outcomes import Refusal
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

COORDINATING = (
    "pipeline.view_candidate",
    "pipeline.change_candidate",
    "pipeline.merge_candidates",
    "messaging.answer_handoff",
)


@pytest.fixture
def client() -> Client:
    return sign_in(*COORDINATING)[0]


def page_of(candidate: Candidate) -> str:
    return reverse("admin:pipeline_candidate_change", args=[candidate.pk])


def silence_of(candidate: Candidate) -> str:
    return reverse("admin:pipeline_candidate_silence", args=[candidate.pk])


def merge_of(kept: Candidate, away: Candidate | None = None) -> str:
    url = reverse("admin:pipeline_candidate_merge", args=[kept.pk])
    return f"{url}?other={away.pk}" if away else url


def unmerge_of(merge: Merge) -> str:
    return reverse("admin:pipeline_candidate_unmerge", args=[merge.kept_id, merge.pk])


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).replace("&nbsp;", " ").split())


def acknowledged(**about: Any) -> Message:
    """An acknowledgement that waits for an hour from now."""
    application = make.make_application(now=timezone.now(), quiet=False, **about)
    template = make.make_template(
        touchpoint=Touchpoint.ACKNOWLEDGEMENT, body="We have it.", name=f"We have it {application.pk}"
    )
    make.make_automation(event=Automation.Event.RECEIVED, job=application.job, template=template, delay=60)
    [message] = automations.follow(application.stage_changes.get(), now=timezone.now())
    return message


def merged(kept: Candidate, away: Candidate) -> Merge:
    done = merging.merge(kept, away, by=make.make_user(), now=timezone.now())
    assert isinstance(done, merging.Merged)
    return done.record


class TestThePage:
    def test_it_says_where_every_application_stands_and_whether_they_were_told(self, client: Client) -> None:
        active = make.make_application(now=timezone.now() - timedelta(days=9))
        rejected = make.make_application(candidate=active.candidate)
        make.reject(rejected)
        page = text_of(client.get(page_of(active.candidate)))
        assert f"{active.job} Applied, in this stage for 9 days" in page
        assert "Not told yet" in page
        assert str(rejected.job) in page

    def test_it_says_what_comes_next_and_why_and_what_the_gate_says(self, client: Client) -> None:
        message = acknowledged(candidate=make.make_candidate(time_zone="Asia/Tokyo"))
        task = make.make_hand_off(application=make.make_application(candidate=message.application.candidate))
        page = text_of(client.get(page_of(message.application.candidate)))
        assert "“About Engineer" in page
        assert f"The automation “{message.automation}”, after “Application received”" in page
        assert "for them (Tokyo)" in page
        assert "May leave" in page
        assert f"Rejection waits for {task.owner}" in page

    def test_it_says_who_may_send_what_for_the_chosen_application(self, client: Client) -> None:
        make.make_template(name="Thanks", touchpoint=Touchpoint.ACKNOWLEDGEMENT, body="We have it.")
        make.make_template(name="No", touchpoint=Touchpoint.REJECTION)
        fresh = make.make_application()
        other = make.make_application(candidate=fresh.candidate)
        make.reject(other)
        shown = client.get(page_of(fresh.candidate), {"application": fresh.pk})
        assert {group["way"] for group in shown.context["ways"]} == {Way.MACHINE, Way.PERSON_SENDS}
        assert "This text is a rejection, and the application is not rejected." in text_of(shown)
        assert f"?application={other.pk}#" in shown.content.decode()
        chosen = client.get(page_of(fresh.candidate), {"application": other.pk})
        assert [group["label"] for group in chosen.context["ways"]] == ["By a machine"]

    def test_a_foreign_application_is_not_asked_about(self, client: Client) -> None:
        mine, foreign = make.make_application(), make.make_application()
        shown = client.get(page_of(mine.candidate), {"application": foreign.pk})
        assert shown.context["chosen"] == mine

    def test_somebody_without_anything_is_told_what_will_be_here(self, client: Client) -> None:
        page = text_of(client.get(page_of(make.make_candidate())))
        assert "They have not applied for anything yet." in page
        assert "Nothing is planned, and nobody has a task." in page
        assert "Every message belongs to an application." in page

    def test_a_reader_is_offered_no_act(self) -> None:
        reader, _ = sign_in("pipeline.view_candidate")
        candidate, twin = make.make_candidate(phone="+44 20 7946 0123"), make.make_candidate(phone="0207 946 0123")
        page = reader.get(page_of(candidate)).content.decode()
        assert str(candidate) in page
        for url in (silence_of(candidate), merge_of(candidate), page_of(twin), f"{page_of(candidate)}?edit"):
            assert url not in page

    def test_the_number_of_queries_does_not_grow(self, client: Client) -> None:
        def count(candidate: Candidate) -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(page_of(candidate)).status_code == 200
            return len(queries)

        def grow(candidate: Candidate, times: int) -> None:
            for _ in range(times):
                acknowledged(candidate=candidate)
                make.make_hand_off(application=make.make_application(candidate=candidate))
                for is_apart in (False, True):
                    like = make.make_candidate(first_name=candidate.first_name, last_name=candidate.last_name)
                    if is_apart:
                        tell_apart(candidate, like, by=actors.person(make.make_user().pk), now=timezone.now())
                merged(candidate, make.make_application().candidate)
                silence.begin(candidate, by=make.make_user(), now=timezone.now())
                silence.end(candidate, reason="They called.", by=make.make_user(), now=timezone.now())

        candidate = make.make_candidate(phone="+44 20 7946 0123")
        grow(candidate, 1)
        few = count(candidate)
        grow(candidate, 3)
        assert count(candidate) == few

    def test_saving_the_details_leads_back_to_the_page(self, client: Client) -> None:
        candidate = make.make_candidate()
        assert 'name="first_name"' in client.get(f"{page_of(candidate)}?edit").content.decode()
        assert 'name="first_name"' not in client.get(page_of(candidate)).content.decode()
        given = {"first_name": "Mia", "last_name": "Nowak", "email": candidate.email, "phone": "", "time_zone": ""}
        assert client.post(page_of(candidate), given)["Location"] == page_of(candidate)

    def test_the_timeline_tells_of_merges_and_wishes(self) -> None:
        kept, away, by = make.make_candidate(), make.make_candidate(), make.make_user()
        silence.begin(away, by=by, now=timezone.now())
        record = merged(kept, away)
        silence.end(kept, reason="They called.", by=by, now=timezone.now())
        assert "They called." in {entry.detail for entry in timeline_of(kept, now=timezone.now())}
        titles = {entry.title for entry in timeline_of(kept, now=timezone.now())}
        assert titles == {f"Merged with {away}", "Asked not to be contacted", "May be contacted again"}
        merging.unmerge(record, by=by, now=timezone.now())
        kept.refresh_from_db()
        titles = {entry.title for entry in timeline_of(kept, now=timezone.now())}
        assert titles == {f"Merged with {away}", f"Taken apart from {away}", "May be contacted again"}


class TestWhoMaySend:
    def test_each_way_has_its_case(self) -> None:
        application = make.make_application()
        make.move_to(application, Milestone.PHONE_SCREEN)
        make.reject(application)
        names = {
            "machine": (Touchpoint.STATUS_UPDATE, Way.MACHINE),
            "prepare": (Touchpoint.INTERVIEW_PREPARATION, Way.PERSON_SENDS),
            "no": (Touchpoint.REJECTION, Way.PERSON_WRITES),
            "survey": (Touchpoint.SURVEY, Way.NOT_NOW),
            "pool": (Touchpoint.TALENT_POOL, Way.NOT_AT_ALL),
        }
        for name, (kind, _) in names.items():
            make.make_template(name=name, touchpoint=kind, body="Hello.")
        application.refresh_from_db()
        answers = {answer.template.name: answer for answer in who_may_send(application, now=make.NOW)}
        assert {name: answer.way for name, answer in answers.items()} == {name: way for name, (_, way) in names.items()}
        assert answers["machine"].sentences == ()
        assert answers["pool"].sentences[0] == "The candidate did not agree to hear of other jobs."

    def test_a_retired_template_is_not_asked_about_and_an_unsigned_one_needs_a_person(self) -> None:
        application = make.make_application()
        make.make_template(name="old", touchpoint=Touchpoint.STATUS_UPDATE, is_active=False, body="Hello.")
        new = make.make_template(name="new", touchpoint=Touchpoint.STATUS_UPDATE, signed=False, body="Hello.")
        [answer] = who_may_send(application, now=make.NOW)
        assert (answer.template, answer.way) == (new, Way.PERSON_SENDS)
        make.make_wording(new, body="Signed.")
        make.make_wording(new, signed=False, body="Newer, and not signed.")
        [answer] = who_may_send(application, now=make.NOW)
        assert answer.way is Way.MACHINE


class TestDoNotContact:
    def test_the_page_says_what_it_cancels_and_then_cancels_it(self, client: Client) -> None:
        message = acknowledged()
        candidate = message.application.candidate
        page = text_of(client.get(silence_of(candidate)))
        assert f"“{message.template}”, which was planned, will not be sent." in page
        assert Message.objects.get(pk=message.pk).status == Message.Status.SCHEDULED
        done = client.post(silence_of(candidate), {"begin": "1"}, follow=True)
        assert "1 message will not be sent." in text_of(done)
        assert "Do not contact" in text_of(done)
        assert Message.objects.get(pk=message.pk).status == Message.Status.CANCELLED
        page = text_of(client.get(silence_of(candidate)))
        assert "End it only if they said that they want to hear from you." in page
        unsaid = client.post(silence_of(candidate), {"end": "1", "reason": " "})
        assert "This field is required." in text_of(unsaid)
        assert Candidate.objects.filter(pk=candidate.pk, do_not_contact_at__isnull=False).exists()
        again = client.post(silence_of(candidate), {"end": "1", "reason": "They called me."}, follow=True)
        candidate.refresh_from_db()
        assert candidate.do_not_contact_at is None
        assert "They called me." in text_of(again)

    def test_a_button_does_what_its_page_said(self, client: Client) -> None:
        candidate = make.make_candidate()
        client.post(silence_of(candidate), {"begin": "1"})
        answer = client.post(silence_of(candidate), {"begin": "1"}, follow=True)
        candidate.refresh_from_db()
        assert candidate.do_not_contact_at is not None
        assert "recorded already" in text_of(answer)

    def test_who_may_not_change_candidates_may_not_silence_them(self) -> None:
        reader, _ = sign_in("pipeline.view_candidate", "pipeline.merge_candidates")
        candidate = make.make_candidate()
        assert reader.get(silence_of(candidate)).status_code == 403
        assert reader.post(silence_of(candidate), {"begin": "1"}).status_code == 403
        candidate.refresh_from_db()
        assert candidate.do_not_contact_at is None


class TestMerging:
    def test_both_stand_side_by_side_and_nothing_happens_before_the_button(self, client: Client) -> None:
        fresh, met = make.make_message(now=timezone.now()), make.make_application()
        make.move_to(met, Milestone.PHONE_SCREEN)
        kept, away = fresh.application.candidate, met.candidate
        page = text_of(client.get(merge_of(kept, away)))
        assert kept.email in page
        assert away.email in page
        assert "Reach Applied Phone screen Phone screen" in page
        assert "The rejection becomes a hand-off" in page
        assert Merge.objects.count() == 0
        done = client.post(merge_of(kept), {"other": away.pk}, follow=True)
        assert "1 message became a person’s task." in text_of(done)
        assert HandOff.objects.get().message == fresh
        assert Merge.objects.get().kept == kept

    def test_two_applications_for_one_job_are_named(self, client: Client) -> None:
        one = make.make_application()
        other = make.make_application(job=one.job)
        make.move_to(other, Milestone.INTERVIEW)
        page = text_of(client.get(merge_of(one.candidate, other.candidate)))
        assert f"Both applied for {one.job}. The application in “Interview” (active) goes on" in page
        client.post(merge_of(one.candidate), {"other": other.candidate_id})
        page = text_of(client.get(page_of(one.candidate)))
        assert "rests beside the other application for this job" in page
        offered = client.get(page_of(one.candidate)).content.decode()
        assert f"?application={one.pk}#" not in offered
        shown = client.get(page_of(one.candidate), {"application": one.pk})
        assert {group["way"] for group in shown.context["ways"]} <= {Way.NOT_AT_ALL}

    def test_the_page_of_a_record_that_went_away_leads_to_the_one_that_stands(self, client: Client) -> None:
        kept, away = make.make_candidate(), make.make_candidate()
        merged(kept, away)
        assert client.get(page_of(away))["Location"] == page_of(kept)
        found = client.get(reverse("admin:pipeline_candidate_changelist"), {"q": away.email})
        assert list(found.context["cl"].queryset) == [kept]

    def test_taking_apart_says_what_stays_together(self, client: Client) -> None:
        one, other = make.make_application(), make.make_application()
        record = merged(one.candidate, other.candidate)
        later = make.make_application(candidate=one.candidate)
        assert unmerge_of(record) in client.get(page_of(one.candidate)).content.decode()
        page = text_of(client.get(unmerge_of(record)))
        assert f"“{other.job}” goes back with everything that happened to it since." in page
        assert f"“{later.job}” came after the merge and stays" in page
        client.post(unmerge_of(record))
        assert Application.objects.get(pk=other.pk).candidate == other.candidate
        assert client.get(page_of(other.candidate)).status_code == 200
        again = client.post(unmerge_of(record), follow=True)
        assert "two records already" in text_of(again)

    def test_an_earlier_merge_says_what_is_taken_apart_first(self, client: Client) -> None:
        kept, first, second = make.make_candidate(), make.make_candidate(), make.make_candidate()
        earlier, later = merged(kept, first), merged(kept, second)
        page = client.get(page_of(kept)).content.decode()
        assert f"{second} came later and is taken apart first." in page
        assert (unmerge_of(later) in page, unmerge_of(earlier) in page) == (True, False)

    def test_the_number_of_queries_does_not_grow_with_the_applications(self, client: Client) -> None:
        kept, away = make.make_candidate(), make.make_candidate()

        def count(url: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            return len(queries)

        def grow(candidate: Candidate, other: Candidate) -> None:
            message = acknowledged(candidate=candidate)
            make.make_application(candidate=other, job=message.application.job)
            make.make_hand_off(application=make.make_application(candidate=other))

        def counts() -> list[int]:
            both = [count(merge_of(kept, away)), count(silence_of(kept))]
            record = merged(kept, away)
            both.append(count(unmerge_of(record)))
            merging.unmerge(record, by=make.make_user(), now=timezone.now())
            return both

        grow(kept, away)
        few = counts()
        for _ in range(3):
            grow(kept, away)
        assert counts() == few

    def test_a_record_that_somebody_knows_is_looked_for(self, client: Client) -> None:
        candidate = make.make_candidate()
        assert "Which record is" in text_of(client.get(merge_of(candidate)))
        same = client.get(merge_of(candidate, candidate))
        assert "Which record is" in text_of(same)
        assert client.post(merge_of(candidate), {"other": candidate.pk}).status_code == 200
        assert Merge.objects.count() == 0

    @pytest.mark.parametrize("permission", ["pipeline.change_candidate", "pipeline.correct_reach"])
    def test_merging_needs_its_permission(self, permission: str) -> None:
        reader, _ = sign_in("pipeline.view_candidate", permission)
        kept, away, third = make.make_candidate(), make.make_candidate(), make.make_candidate()
        record = merged(kept, away)
        for url in (merge_of(kept, third), unmerge_of(record)):
            assert reader.get(url).status_code == 403
            assert reader.post(url, {"other": third.pk}).status_code == 403
        assert Merge.objects.open().get() == record

    def test_a_merge_of_somebody_else_is_not_found(self, client: Client) -> None:
        record = merged(make.make_candidate(), make.make_candidate())
        other = make.make_candidate()
        url = reverse("admin:pipeline_candidate_unmerge", args=[other.pk, record.pk])
        assert client.post(url).status_code == 404
        assert Merge.objects.open().count() == 1


class TestDuplicates:
    @pytest.mark.parametrize(
        ("other", "reasons"),
        [
            ({"phone": "(020) 7946-0123"}, ("Same phone number",)),
            ({"email": "kim.lee@example.org"}, ("Nearly the same address",)),
            ({"email": "kim.lee+jobs@example.com"}, ("Nearly the same address",)),
            ({"first_name": "KIM", "last_name": "lee"}, ("Same name",)),
            ({"first_name": "Lee", "last_name": "Kim"}, ("Same name",)),
            ({"first_name": "Kimberly", "last_name": "Lee"}, ("Nearly the same name",)),
            ({"phone": "0123"}, ()),
            ({"first_name": "Ki", "last_name": "Lee"}, ()),
            ({"email": "kim@example.org"}, ()),
        ],
    )
    def test_what_is_alike_is_found_and_named(self, other: dict[str, str], reasons: tuple[str, ...]) -> None:
        kim = make.make_candidate(
            first_name="Kim", last_name="Lee", phone="+44 20 7946 0123", email="kim.lee@example.com"
        )
        make.make_candidate(**{"first_name": "Ana", "last_name": "Nowak"} | other)
        assert [like.reasons for like in find_duplicates(kim)] == ([reasons] if reasons else [])

    def test_who_was_told_apart_is_not_suggested_until_somebody_takes_that_back(self, client: Client) -> None:
        kim, twin = make.make_candidate(), make.make_candidate()
        kim.first_name = twin.first_name = "Kim"
        kim.last_name = twin.last_name = "Lee"
        kim.save(update_fields=["first_name", "last_name"])
        twin.save(update_fields=["first_name", "last_name"])
        assert "Perhaps the same person" in text_of(client.get(page_of(kim)))

        said = text_of(client.post(merge_of(twin), {"other": kim.pk, "two": "1"}, follow=True))

        assert "is somebody else, and is not suggested any more." in said
        assert (find_duplicates(kim), find_duplicates(twin)) == ([], [])
        assert Merge.objects.count() == 0
        page = text_of(client.get(page_of(kim)))
        assert "Perhaps the same person" not in page
        assert "1 record of somebody else" in page
        assert "that they are two people." in text_of(client.get(merge_of(kim, twin)))
        client.post(merge_of(kim), {"other": twin.pk, "again": "1"})
        assert [like.candidate for like in find_duplicates(kim)] == [twin]

    def test_only_a_person_tells_two_records_apart(self) -> None:
        kim, twin = make.make_candidate(), make.make_candidate()
        by = actors.person(make.make_user().pk)
        assert isinstance(tell_apart(kim, twin, by=actors.CLOCK, now=timezone.now()), Refusal)
        assert isinstance(tell_apart(kim, kim, by=by, now=timezone.now()), Refusal)
        assert isinstance(tell_apart(twin, kim, by=by, now=timezone.now()), Distinction)
        assert Distinction.objects.get().other_than(kim) == twin

    def test_the_likeliest_come_first_and_what_was_merged_does_not_come(self) -> None:
        kim = make.make_candidate(first_name="Kim", last_name="Lee", phone="+44 20 7946 0123")
        named = make.make_candidate(first_name="Kim", last_name="Lee")
        both = make.make_candidate(first_name="Kim", last_name="Lee", phone="020 7946 0123")
        assert [like.candidate for like in find_duplicates(kim)] == [both, named]
        merged(kim, both)
        assert [like.candidate for like in find_duplicates(kim)] == [named]
