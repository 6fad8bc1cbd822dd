"""Two records of one person become one and two again, and nothing that is known of either is lost on the way."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from pipeline import actors, candidates, merging, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Job, Merge, MergedApplication, ReachCorrection, Unmerge
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from pipeline.reach import read_reach
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

Status = Application.Status
LATER = NOW + timedelta(hours=2)


def person() -> actors.Actor:
    return actors.person(make.make_user().pk)


def merge(kept: Candidate, away: Candidate) -> Merge:
    record = merging.merge(kept, away, by=person(), now=NOW)
    assert isinstance(record, Merge), record.sentence
    kept.refresh_from_db()
    away.refresh_from_db()
    return record


def unmerge(record: Merge) -> Unmerge:
    answer = merging.unmerge(record, by=person(), now=LATER)
    assert isinstance(answer, Unmerge), answer.sentence
    record.kept.refresh_from_db()
    record.away.refresh_from_db()
    return answer


def refused(answer: object, *, because: str) -> None:
    assert isinstance(answer, Refusal), answer
    assert because in answer.sentence


def prevented(act: Callable[[], object], *, because: str) -> None:
    with pytest.raises(IntegrityError, match=because), transaction.atomic():
        act()


def at(milestone: int, *, candidate: Candidate | None = None, job: Job | None = None) -> Application:
    application = make.make_application(candidate=candidate, job=job)
    if milestone > Milestone.APPLIED:
        make.move_to(application, milestone)
    application.refresh_from_db()
    return application


def rows(*people: Candidate) -> list[dict[str, Any]]:
    pks = [candidate.pk for candidate in people]
    return [
        dict(row)
        for found in (Candidate.objects.filter(pk__in=pks), Application.objects.filter(candidate__in=pks))
        for row in found.order_by("pk").values()
    ]


class TestMerging:
    def test_the_kept_record_has_both_runs_and_the_further_reach(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.INTERVIEW)
        merge(first.candidate, second.candidate)
        kept = Candidate.objects.get(pk=first.candidate_id)
        assert set(kept.applications.all()) == {first, second}
        assert kept.reach == Milestone.INTERVIEW
        assert second.candidate.merged_into == kept
        assert list(Candidate.objects.standing()) == [kept]

    def test_the_stricter_wish_counts(self) -> None:
        kept = make.make_candidate(talent_pool_consent_at=NOW)
        away = make.make_candidate(do_not_contact_at=NOW)
        merge(kept, away)
        assert kept.do_not_contact_at == NOW
        assert kept.talent_pool_consent_at is None

    def test_what_both_agreed_to_stays_agreed(self) -> None:
        kept = make.make_candidate(talent_pool_consent_at=NOW)
        merge(kept, make.make_candidate(talent_pool_consent_at=LATER))
        assert kept.talent_pool_consent_at == NOW

    def test_what_the_kept_record_does_not_say_comes_from_the_other(self) -> None:
        kept = make.make_candidate(phone="+44 1")
        merge(kept, make.make_candidate(phone="+44 2", time_zone="Europe/Madrid", came_from="A friend"))
        assert (kept.phone, kept.time_zone, kept.came_from) == ("+44 1", "Europe/Madrid", "A friend")

    def test_it_is_on_record(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.INTERVIEW)
        record = merge(first.candidate, second.candidate)
        assert (record.kept_reach, record.away_reach) == (Milestone.REVIEW, Milestone.INTERVIEW)
        assert [(row.application, row.was_of, row.rests) for row in record.applications.all()] == [
            (second, second.candidate, False)
        ]

    def test_a_corrected_reach_stays_corrected(self) -> None:
        wrong, other = at(Milestone.OFFER), at(Milestone.REVIEW)
        make.move_to(wrong, Milestone.APPLIED)
        corrected = moves.correct_reach(
            wrong.candidate, to=Milestone.APPLIED, reason="Another Kim.", by=person(), now=NOW
        )
        assert isinstance(corrected, ReachCorrection)
        merge(other.candidate, wrong.candidate)
        assert read_reach([other.candidate_id]) == {other.candidate_id: Milestone.REVIEW}
        make.move_to(Application.objects.get(pk=other.pk), Milestone.INTERVIEW)
        assert read_reach([other.candidate_id]) == {other.candidate_id: Milestone.INTERVIEW}

    def test_only_a_person_merges_two_records_that_stand(self) -> None:
        kept, away, third = make.make_candidate(), make.make_candidate(), make.make_candidate()
        refused(merging.merge(kept, away, by=actors.CLOCK, now=NOW), because="Only a person")
        refused(merging.merge(kept, kept, by=person(), now=NOW), because="the same record")
        merge(kept, away)
        refused(merging.merge(third, away, by=person(), now=NOW), because="merged into another record already")
        refused(merging.merge(away, third, by=person(), now=NOW), because="merged into another record already")


class TestTwoApplicationsForOneJob:
    """The one that goes on is named first."""

    def both(self, one: str, other: str) -> tuple[Application, Application]:
        job = make.make_job()
        made = []
        for what in (one, other):
            application = at(Milestone.REVIEW, job=job)
            if what == "interview":
                make.move_to(application, Milestone.INTERVIEW)
            elif what in ("rejected", "told"):
                make.reject(application)
            elif what == "withdrawn":
                moves.withdraw(application, act=Act(by=person(), now=NOW))
            elif what == "hired":
                moves.hire(application, act=Act(by=person(), now=NOW))
            if what == "told":
                moves.record_told(application, how="phone", by=person(), now=NOW)
            application.refresh_from_db()
            made.append(application)
        return made[0], made[1]

    @pytest.mark.parametrize("kept_goes_on", [True, False])
    @pytest.mark.parametrize(
        ("goes_on", "rests"),
        [
            ("interview", "review"),
            ("review", "rejected"),
            ("review", "withdrawn"),
            ("hired", "interview"),
            ("rejected", "told"),
            ("told", "withdrawn"),
        ],
    )
    def test_the_one_that_matters_goes_on_and_the_other_rests(
        self, goes_on: str, rests: str, kept_goes_on: bool
    ) -> None:
        lives, sleeps = self.both(goes_on, rests)
        kept, away = (lives, sleeps) if kept_goes_on else (sleeps, lives)
        people = kept.candidate, away.candidate
        before = rows(*people)
        record = merge(*people)
        status = lives.status
        for application in (lives, sleeps):
            application.refresh_from_db()
            assert application.candidate == people[0]
        assert (lives.status, sleeps.status) == (status, Status.DUPLICATE)
        assert sleeps.stage_changes.exists()
        unmerge(record)
        assert rows(*people) == before

    def test_what_rests_does_not_move_and_is_not_reopened(self) -> None:
        lives, sleeps = self.both("interview", "review")
        merge(lives.candidate, sleeps.candidate)
        sleeps.refresh_from_db()
        act = Act(by=person(), now=LATER)
        refused(moves.move(sleeps, make.stage_of(sleeps, Milestone.OFFER), act=act), because="duplicate by now")
        refused(moves.reopen(sleeps, act=act), because="goes on in its place")
        make.move_to(Application.objects.get(pk=lives.pk), Milestone.OFFER)

    def test_a_third_application_for_the_job_is_refused_as_before(self) -> None:
        lives, sleeps = self.both("interview", "review")
        merge(lives.candidate, sleeps.candidate)
        answer = moves.receive(lives.candidate, lives.job, act=Act(by=actors.CLOCK, now=LATER))
        refused(answer, because="already applied")


class TestTakingApart:
    @pytest.mark.parametrize("seed", range(12))
    def test_where_nothing_happened_both_are_what_they_were(self, seed: int) -> None:
        chance = random.Random(seed)
        jobs = [make.make_job() for _ in range(3)]

        def anybody() -> Candidate:
            wishes = {
                name: chance.choice([None, NOW, LATER]) for name in ("do_not_contact_at", "talent_pool_consent_at")
            }
            candidate = make.make_candidate(phone=chance.choice(["", "+44 1"]), **wishes)
            for job in chance.sample(jobs, chance.randint(0, 3)):
                application = at(chance.choice(list(Milestone)[:6]), candidate=candidate, job=job)
                if chance.random() < 0.4:
                    make.reject(application)
            candidate.refresh_from_db()
            return candidate

        kept, away = anybody(), anybody()
        before = rows(kept, away)
        for _ in range(2):  # a second time leaves as little behind
            record = merge(kept, away)
            assert kept.reach == max(record.kept_reach, record.away_reach)
            unmerge(record)
            assert rows(kept, away) == before

    def test_each_keeps_what_its_own_runs_did_since(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.REVIEW)
        record = merge(first.candidate, second.candidate)
        make.move_to(Application.objects.get(pk=second.pk), Milestone.OFFER)
        first.candidate.refresh_from_db()
        assert first.candidate.reach == Milestone.OFFER
        unmerge(record)
        assert (record.kept.reach, record.away.reach) == (Milestone.REVIEW, Milestone.OFFER)

    def test_no_reach_falls_below_what_its_own_history_shows(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.INTERVIEW)
        record = merge(first.candidate, second.candidate)
        run = Application.objects.get(pk=first.pk)
        make.move_to(run, Milestone.FINAL_ROUND)
        make.move_to(run, Milestone.APPLIED)
        unmerge(record)
        assert (record.kept.reach, record.away.reach) == (Milestone.FINAL_ROUND, Milestone.INTERVIEW)

    def test_what_came_since_stays_with_the_kept_record_and_is_named(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.REVIEW)
        record = merge(first.candidate, second.candidate)
        assert merging.came_since(record) == []
        third = make.make_application(candidate=first.candidate)
        assert merging.came_since(record) == [third]
        unmerge(record)
        assert set(first.candidate.applications.all()) == {first, third}
        assert set(second.candidate.applications.all()) == {second}

    def test_a_wish_for_silence_since_is_the_wish_of_both(self) -> None:
        kept, away = make.make_candidate(talent_pool_consent_at=NOW), make.make_candidate(talent_pool_consent_at=NOW)
        record = merge(kept, away)
        candidates.ask_for_silence(kept, now=LATER)
        Candidate.objects.filter(pk=kept.pk).update(talent_pool_consent_at=None)
        unmerge(record)
        for candidate in (record.kept, record.away):
            assert candidate.do_not_contact_at == LATER
            assert candidate.talent_pool_consent_at is None

    def test_silence_that_ended_since_is_still_the_wish_of_the_record_that_had_it(self) -> None:
        kept, away = make.make_candidate(), make.make_candidate(do_not_contact_at=NOW)
        record = merge(kept, away)
        candidates.end_silence(kept, reason="She called.", by=person(), now=LATER)
        unmerge(record)
        assert (record.kept.do_not_contact_at, record.away.do_not_contact_at) == (None, NOW)

    def test_the_last_merge_comes_apart_first(self) -> None:
        kept, first, second, further = (make.make_candidate() for _ in range(4))
        one, two = merge(kept, first), merge(kept, second)
        refused(merging.unmerge(one, by=person(), now=LATER), because=f"{second} was merged in later")
        three = merge(further, kept)
        refused(merging.unmerge(two, by=person(), now=LATER), because=f"merged into {further} since")
        refused(merging.unmerge(three, by=actors.CLOCK, now=LATER), because="Only a person")
        for record in (three, two, one):
            unmerge(record)
        refused(merging.unmerge(one, by=person(), now=LATER), because="two records already")
        assert Candidate.objects.standing().count() == 4


class TestWhoIsFound:
    def test_every_address_finds_the_record_that_stands(self) -> None:
        kept, away, oldest = (make.make_candidate(email=f"kim{n}@example.com") for n in range(3))
        merge(away, oldest)
        record = merge(kept, away)
        for n in range(3):
            assert candidates.find_by_address(f"Kim{n}@example.com") == kept
        unmerge(record)
        assert candidates.find_by_address("kim2@example.com") == away
        assert candidates.find_by_address("nobody@example.com") is None

    def test_nobody_applies_as_a_record_that_was_merged_away(self) -> None:
        kept, away = make.make_candidate(), make.make_candidate()
        merge(kept, away)
        act = Act(by=actors.CLOCK, now=LATER)
        refused(moves.receive(away, make.make_job(), act=act), because="merged into another record")
        make.done(moves.receive(kept, make.make_job(), act=act))

    def test_an_address_of_a_merged_record_is_given_to_nobody(self) -> None:
        kept, away, other = (make.make_candidate(email=f"kim{n}@example.com") for n in range(3))
        merge(kept, away)
        refused(candidates.read_own_address("kim1@example.com", candidate_id=other.pk), because=f"{kept} has this")
        refused(candidates.read_own_address("kim1@example.com", candidate_id=kept.pk), because="found by this address")
        assert not isinstance(candidates.read_own_address("kim0@example.com", candidate_id=kept.pk), Refusal)


class TestTheDatabase:
    """Every refusal stands beside the verb that is allowed to."""

    def test_an_application_goes_to_somebody_else_by_a_merge_alone(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.OFFER)
        stray = make.make_candidate()
        moving = Application.objects.filter(pk=second.pk)
        prevented(lambda: moving.update(candidate=first.candidate), because="by a merge that is on record")
        record = merge(first.candidate, second.candidate)
        prevented(lambda: moving.update(candidate=stray), because="by a merge that is on record")
        prevented(lambda: moving.update(candidate=second.candidate), because="by a merge that is on record")
        unmerge(record)
        prevented(lambda: moving.update(candidate=first.candidate), because="by a merge that is on record")

    def test_a_record_is_merged_away_on_record_alone(self) -> None:
        kept, away = make.make_candidate(), make.make_candidate()
        row = Candidate.objects.filter(pk=away.pk)
        prevented(lambda: row.update(merged_into=kept), because="on record")
        prevented(lambda: make.make_candidate(merged_into=kept), because="record of its own")
        record = merge(kept, away)
        prevented(lambda: row.update(merged_into=None), because="on record")
        prevented(lambda: Application.objects.create(
            candidate=away, job=make.make_job(), stage=make.make_pipeline().stages.all()[0], applied_at=NOW,
            stage_entered_at=NOW), because="applies in its place")  # fmt: skip
        unmerge(record)
        prevented(lambda: row.update(merged_into=kept), because="on record")

    def test_two_that_do_not_stand_are_not_merged(self) -> None:
        kept, away, third = make.make_candidate(), make.make_candidate(), make.make_candidate()
        record = merge(kept, away)
        again = {"merged_by": record.merged_by, "merged_at": NOW, "kept_reach": 0, "away_reach": 0}
        prevented(lambda: Merge.objects.create(kept=third, away=away, **again), because="records that stand")
        prevented(lambda: Merge.objects.create(kept=away, away=third, **again), because="records that stand")

    def test_the_reach_of_a_merge_goes_with_it_alone(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.OFFER)
        record = merge(first.candidate, second.candidate)
        row = Candidate.objects.filter(pk=first.candidate_id)
        prevented(lambda: row.update(reach=Milestone.REVIEW), because="never goes down")
        unmerge(record)
        # The word is not good for a reach that they came to themselves, nor while another merge brought as much.
        make.move_to(Application.objects.get(pk=first.pk), Milestone.OFFER)
        prevented(lambda: row.update(reach=Milestone.REVIEW), because="never goes down")

    def test_the_word_of_one_merge_lowers_nothing_that_another_brought(self) -> None:
        first, second, third = at(Milestone.REVIEW), at(Milestone.OFFER), at(Milestone.OFFER)
        make.move_to(third, Milestone.APPLIED)
        unmerge(merge(first.candidate, second.candidate))
        record = merge(first.candidate, third.candidate)
        row = Candidate.objects.filter(pk=first.candidate_id)
        prevented(lambda: row.update(reach=Milestone.REVIEW), because="never goes down")
        unmerge(record)
        assert row.get().reach == Milestone.REVIEW

    def test_the_record_of_a_merge_is_never_rewritten(self) -> None:
        first, second = at(Milestone.REVIEW), at(Milestone.OFFER)
        record = merge(first.candidate, second.candidate)
        unmerge(record)
        changes: list[tuple[Any, dict[str, Any]]] = [
            (Merge, {"kept_reach": 0}),
            (MergedApplication, {"status": "active"}),
            (Unmerge, {"to_reach": 0}),
        ]
        for model, change in changes:
            prevented(partial(model.objects.update, **change), because="never changed")
            prevented(partial(raw_delete, model), because="never deleted")


def raw_delete(model: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table}")
