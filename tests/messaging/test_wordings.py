"""Wordings are written, numbered and signed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from messaging import wordings
from messaging.models import RejectionPhrase, Signature, Template, Wording
from messaging.policy.floor import Touchpoint
from messaging.wording.rendering import TextFinding
from pipeline.models import User
from pipeline.outcomes import Refusal
from tests.factories import NOW, make_template, make_user, make_wording

SUBJECT = "About {{ job.title }}"
BODY = "Dear {{ candidate.full_name }},\n\nthank you for your application.\n\n{{ sender.name }}"
PHRASES = ("regret to inform", "not been successful")


def make_empty_template() -> Template:
    return Template.objects.create(name="Receipt", touchpoint=Touchpoint.ACKNOWLEDGEMENT)


def write(template: Template, *, subject: str = SUBJECT, body: str = BODY, by: User | None = None) -> Wording:
    wording = wordings.write_wording(template, subject=subject, body=body, by=by or make_user(), now=NOW)
    assert isinstance(wording, Wording), wording
    return wording


# --- Writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_first_wording_is_number_one_with_its_writer_and_its_time() -> None:
    template, writer = make_empty_template(), make_user()
    wording = write(template, by=writer)
    assert (wording.number, wording.written_by, wording.created_at) == (1, writer, NOW)
    assert (wording.subject, wording.body) == (SUBJECT, BODY)


@pytest.mark.django_db
@pytest.mark.parametrize(("subject", "body"), [("Your application", BODY), (SUBJECT, f"{BODY}\n\nTake your time.")])
def test_a_changed_text_is_the_next_number_and_the_old_one_stays(subject: str, body: str) -> None:
    template = make_empty_template()
    first = write(template)
    second = write(template, subject=subject, body=body)
    first.refresh_from_db()
    assert (first.subject, first.body) == (SUBJECT, BODY)
    assert second.number == 2


@pytest.mark.django_db
@pytest.mark.parametrize("body", [BODY, BODY.replace("\n", "\r\n"), f"\n{BODY}\n \n"])
def test_the_same_text_makes_no_new_number(body: str) -> None:
    template = make_empty_template()
    first = write(template)
    assert write(template, subject=f" {SUBJECT} ", body=body) == first
    assert template.wordings.count() == 1


@pytest.mark.django_db
def test_going_back_to_an_earlier_text_is_a_new_number() -> None:
    template = make_empty_template()
    write(template)
    write(template, subject="Your application")
    assert write(template).number == 3


@pytest.mark.django_db
def test_a_text_with_a_fault_is_not_saved_and_the_fault_has_its_place() -> None:
    template = make_empty_template()
    body = "Dear {{ candidate.full_name }},\n\nyou applied for {{ job.titel }}."
    answer = wordings.write_wording(template, subject=SUBJECT, body=body, by=make_user(), now=NOW)
    assert isinstance(answer, tuple)
    [finding] = answer
    assert isinstance(finding, TextFinding)
    assert (finding.part, finding.line, finding.column) == ("body", 3, 20)
    assert "job.title" in finding.sentence
    assert not template.wordings.exists()
    assert write(template, body=body.replace("titel", "title")).number == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_write_at_once_get_two_numbers() -> None:
    template, writer = make_template(), make_user()

    def write_one(text: str) -> int:
        try:
            return write(template, body=text, by=writer).number
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        numbers = list(pool.map(write_one, [f"{BODY}\n{line}" for line in range(8)]))
    assert sorted(numbers) == list(range(2, 10))


# --- Signing ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_writer_may_sign_their_own_wording() -> None:
    writer = make_user(first_name="Priya", last_name="Raman")
    wording = write(make_empty_template(), by=writer)
    signature = wordings.sign(wording, by=writer, now=NOW)
    assert isinstance(signature, Signature)
    assert (signature.name, signature.signed_by, signature.signed_at) == ("Priya Raman", writer, NOW)


@pytest.mark.django_db
def test_the_same_person_cannot_sign_twice_and_another_one_can() -> None:
    wording, first = write(make_empty_template()), make_user()
    assert isinstance(wordings.sign(wording, by=first, now=NOW), Signature)
    again = wordings.sign(wording, by=first, now=NOW + timedelta(days=1))
    assert isinstance(again, Refusal)
    assert "Your name already stands" in again.sentence
    assert [signature.signed_at for signature in wording.signatures.all()] == [NOW]
    assert isinstance(wordings.sign(wording, by=make_user(), now=NOW), Signature)


@pytest.mark.django_db
def test_an_account_without_a_name_cannot_sign() -> None:
    wording, nameless = write(make_empty_template()), make_user(first_name="", last_name="")
    refused = wordings.sign(wording, by=nameless, now=NOW)
    assert isinstance(refused, Refusal)
    assert "no first or last name" in refused.sentence
    nameless.first_name = "Ana"
    assert isinstance(wordings.sign(wording, by=nameless, now=NOW), Signature)


@pytest.mark.django_db
def test_a_very_long_name_is_cut_to_what_can_be_kept() -> None:
    wording = write(make_empty_template())
    signature = wordings.sign(wording, by=make_user(first_name="A" * 150, last_name="B" * 150), now=NOW)
    assert isinstance(signature, Signature)
    assert len(signature.name) == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "is_signed"),
    [
        ("Dear {{ candidate.nickname }},", False),
        ("Dear [FIRST NAME],", False),
        ("Dear {{ candidate.full_name }},", True),
    ],
)
def test_a_wording_that_came_with_a_fault_cannot_be_signed(body: str, is_signed: bool) -> None:
    wording = make_wording(make_empty_template(), signed=False, body=body)
    answer = wordings.sign(wording, by=make_user(), now=NOW)
    assert isinstance(answer, Signature) is is_signed
    assert wording.signatures.exists() is is_signed


# --- What reads like a rejection --------------------------------------------------------------------------------------


def phrases_of(*, touchpoint: str, subject: str = SUBJECT, body: str = BODY) -> tuple[str, ...]:
    wording = Wording(template=Template(touchpoint=touchpoint), number=1, subject=subject, body=body)
    return wordings.rejection_phrases_of(wording, phrases=PHRASES)


REJECTING = "Dear {{ candidate.full_name }},\n\nWe regret to inform you.\n\n{{ sender.name }}"


def test_a_status_update_that_rejects_says_with_which_phrase() -> None:
    assert phrases_of(touchpoint=Touchpoint.STATUS_UPDATE, body=REJECTING) == ("regret to inform",)
    assert phrases_of(touchpoint=Touchpoint.STATUS_UPDATE) == ()


def test_a_subject_counts_as_well() -> None:
    assert phrases_of(touchpoint=Touchpoint.REMINDER, subject="You have not been successful") == (
        "not been successful",
    )


@pytest.mark.parametrize(
    "touchpoint", [Touchpoint.REJECTION, Touchpoint.FEEDBACK, Touchpoint.OFFER, Touchpoint.CHECK_IN]
)
def test_a_rejection_may_read_like_one_and_what_is_never_automatic_needs_no_second_person(touchpoint: str) -> None:
    assert phrases_of(touchpoint=touchpoint, body=REJECTING) == ()


def test_a_branch_that_is_not_shown_is_not_overlooked() -> None:
    body = "{% if job.location %}Thank you.{% else %}We regret to inform you.{% endif %}"
    assert phrases_of(touchpoint=Touchpoint.STATUS_UPDATE, body=body) == ("regret to inform",)


def test_a_phrase_that_only_comes_together_when_read_is_found() -> None:
    body = "We regret{% if job.location %} to{% endif %} inform you."
    assert phrases_of(touchpoint=Touchpoint.STATUS_UPDATE, body=body) == ("regret to inform",)


@pytest.mark.django_db
def test_the_phrases_are_those_that_people_keep() -> None:
    RejectionPhrase.objects.get_or_create(text="another path for you")
    assert "another path for you" in wordings.read_phrases()
