"""What sounds as if nobody had written it is marked where it stands, with why and with what to do."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.demo.texts import REJECTIONS, TEMPLATES, Text
from messaging.policy.floor import Touchpoint
from messaging.wording import reading_ease, voice, voice_habits
from messaging.wording.passages import Phrases, words_of
from messaging.wording.placeholders import REGISTRY
from messaging.wording.voice import Remark, Voice, listen
from messaging.wording.voice_habits import HABITS

GOOD = """Dear {{ candidate.first_name | default: "applicant" }},

I have read your application and liked the part about the trams. On Tuesday I will show it to Bea, who leads the workshop,
and on Friday you will hear from me in any case. If the week turns out otherwise I will write and say so.

{{ sender.name }}"""


def heard(body: str, *, subject: str = "Your application", kind: str = "status_update") -> Voice:
    return listen(subject=subject, body=body, touchpoint=kind)


def remarks(body: str, code: str, **values: str) -> list[Remark]:
    return [remark for remark in heard(body, **values).remarks if remark.code == code]


def test_a_person_who_says_what_happens_hears_nothing() -> None:
    assert heard(GOOD).remarks == ()
    assert heard(GOOD).ease is not None


@pytest.mark.parametrize(
    "sentence",
    [
        "If you have any questions, call me on 020 7946 0000.",
        "If you have a question before that, answer this mail: it comes to me.",
        "I am very happy to write this one.",
        "If you do not reply by Friday, I will call you.",
        "Thank you for sending your portfolio.",
        "Many people applied, and I want to read each letter properly.",
        "I decided to go on with somebody who has worked with cargo bikes.",
    ],
)
def test_what_people_say_to_people_is_left_alone(sentence: str) -> None:
    assert heard(GOOD.replace("On Tuesday", f"{sentence} On Tuesday")).remarks == ()


@pytest.mark.parametrize("text", TEMPLATES, ids=lambda text: text.name)
def test_what_people_of_the_demo_company_signed_sounds_like_them(text: Text) -> None:
    heard = listen(subject=text.subject, body=text.body, touchpoint=text.touchpoint.value)
    assert bool(heard.remarks) == (text.signed_by is None)


def test_mails_that_people_wrote_to_one_candidate_are_left_alone_and_a_form_letter_is_not() -> None:
    remarks = [remark for body in REJECTIONS for remark in heard(body, kind="rejection").remarks]
    assert len(REJECTIONS) == 20
    assert [remark.code for remark in remarks] == [voice.WE]
    letter = """Dear Applicant,

    Thank you for taking the time to apply. After careful consideration, we regret to inform you that you were not
    selected on this occasion, due to the high number of applications. We will keep your CV on file.

    We wish you every success in your future endeavours!"""
    assert len(heard(letter, kind="rejection").remarks) >= 9


@pytest.mark.parametrize(
    ("sentence", "code", "passage"),
    [
        ("Thank you for your interest in us.", voice_habits.FORM_LETTER, "Thank you for your interest"),
        ("After careful consideration I chose Omar.", voice_habits.FORM_LETTER, "After careful consideration"),
        ("I will be in touch soon.", voice_habits.FORM_LETTER, "be in touch soon"),
        ("Please don’t hesitate to call.", voice_habits.FORM_LETTER, "don’t hesitate to"),
        ("I am writing to inform you of it.", voice_habits.FORM_LETTER, "writing to inform"),
        ("If you are among them, I call.", voice_habits.FORM_LETTER, "If you are among"),
        ("It is currently under review.", voice_habits.FORM_LETTER, "under review"),
        ("A decision has been made.", voice_habits.PASSIVE_REFUSAL, "decision has been made"),
        ("Your application was not selected.", voice_habits.PASSIVE_REFUSAL, "was not selected"),
        ("You won't be considered further.", voice_habits.PASSIVE_REFUSAL, "won't be considered"),
        ("I leverage it.", voice_habits.JARGON, "leverage"),
        ("It is a fast-paced team.", voice_habits.JARGON, "fast-paced"),
        ("Come in order to talk.", voice_habits.JARGON, "in order to"),
    ],
)
def test_a_habit_is_marked_where_it_stands_with_why_and_what_to_do(sentence: str, code: str, passage: str) -> None:
    body = GOOD.replace("On Tuesday", f"{sentence} On Tuesday")
    [remark] = heard(body).remarks
    assert (remark.code, remark.part, remark.passage) == (code, "body", passage)
    assert body[remark.start : remark.end] == passage
    assert remark.why.endswith(".")
    assert remark.to_do.endswith(".")
    assert remark.source


def test_a_habit_in_the_subject_is_marked_there() -> None:
    [remark] = heard(GOOD, subject="Thank you for your interest").remarks
    assert (remark.part, remark.start) == ("subject", 0)


def test_the_passages_of_remarks_are_marked_and_not_the_text_as_a_whole() -> None:
    body = "Thank you for your interest. I leverage it!!"
    pieces = voice.in_pieces(body, heard(body).remarks)
    assert [piece for piece, is_marked in pieces if is_marked] == ["Thank you for your interest", "leverage", "!!"]
    assert voice.TOO_SHORT in {remark.code for remark in heard(body).remarks}


def test_we_needs_a_person_somewhere_in_the_text() -> None:
    nobody = (
        "Hello,\n\nwe have your papers and our team reads them until Friday. You hear from us then, whatever it is."
    )
    [remark] = remarks(nobody, voice.WE)
    assert (remark.passage, nobody[remark.start : remark.end]) == ("we", "we")
    for named in ("{{ sender.name }}", "{{ sender.first_name | default: 'x' }}", "I", "I’ll call", "It was my idea."):
        assert remarks(f"{nobody}\n\n{named}", voice.WE) == [], named
    for unnamed in ("{{ sender.email }}", "i.e. soon", "{{ job.title }}"):
        assert len(remarks(f"{nobody}\n\n{unnamed}", voice.WE)) == 1, unnamed


def test_exclamation_marks_are_counted_and_none_goes_with_bad_news() -> None:
    assert remarks(f"{GOOD} Hello!", voice.EXCLAMATION) == []
    [twice] = remarks(f"Hello! {GOOD} Bye!", voice.EXCLAMATION)
    assert (twice.passage, twice.start > 10) == ("!", True)
    [row] = remarks(f"{GOOD} Hello!!", voice.EXCLAMATION)
    assert row.passage == "!!"
    assert len(remarks(f"{GOOD} Sorry!", voice.EXCLAMATION, kind="rejection")) == 1
    assert len(remarks(GOOD, voice.EXCLAMATION, subject="Hello!")) == 1
    assert remarks(f"{GOOD}{{% if job.title != 'x' %}}{{% endif %}}", voice.EXCLAMATION, kind="rejection") == []


def test_a_text_has_a_length_that_fits_its_kind() -> None:
    fewest, most = voice.LENGTHS[Touchpoint.STATUS_UPDATE]
    fits = ("I " * most).strip()
    assert [remark.code for remark in heard(fits).remarks] == []
    [long] = remarks(f"{fits} and more", voice.TOO_LONG)
    assert long.passage == "and more"
    assert f"has {most + 2} words" in long.why
    [short] = remarks("I " * (fewest - 1), voice.TOO_SHORT)
    assert short.start == 0
    assert remarks("", voice.TOO_SHORT) == []
    # A value that is printed counts as one word, a condition as none, a contraction as one.
    assert heard("{{ candidate.first_name }}, {% if job.title %}I don’t know{% endif %}").words == 4


def test_every_kind_of_message_has_its_length() -> None:
    assert set(voice.LENGTHS) == set(Touchpoint) - {Touchpoint.UNKNOWN}
    assert heard("Hello", kind="no such kind").most == voice.ANY_LENGTH[1]


def test_reading_ease_is_what_the_formula_says() -> None:
    # Ten words and twelve syllables each: 206.835 - 10.15 - 101.52 = 95.2.
    text = "I will send you the answer on Monday at noon. " * 5
    ease = reading_ease.measure(text, words_of(text))
    assert ease is not None
    assert ease.score == 95
    assert reading_ease.measure(text[:150], words_of(text[:150])) is None


def test_what_is_hard_to_read_is_marked_at_its_longest_sentence() -> None:
    hard = (
        "I appreciate that the administration of international applications necessitates considerable documentation from "
        "everybody, and that the organisational preparation of additional conversations with departmental representatives "
        "is inconvenient. Nevertheless it is required that their documentation be made available to our people there."
    )
    [remark] = remarks(hard, voice.HARD_TO_READ)
    assert remark.passage.startswith("I appreciate")
    assert remark.passage.endswith("inconvenient")
    assert heard(hard).ease == 0


def test_another_language_is_not_measured_by_an_english_formula() -> None:
    german = "Ich habe deine Bewerbung gelesen und zeige sie am Dienstag der Werkstattleiterin. " * 6
    assert (heard(german).ease, heard(german).is_english) == (None, False)
    assert heard(GOOD).is_english


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("noon", 1),
        ("answer", 2),
        ("made", 1),
        ("decided", 3),
        ("table", 2),
        ("the", 1),
        ("x", 1),
        ("reading", 2),
        ("asked", 1),
    ],
)
def test_syllables_are_counted_by_groups_of_vowels(word: str, syllables: int) -> None:
    assert reading_ease.syllables_in(word) == syllables


# --- The lists --------------------------------------------------------------------------------------------------------


def test_every_phrase_is_listed_once_and_is_found_as_it_is_listed() -> None:
    phrases = [phrase for habit in HABITS for phrase in habit.phrases]
    assert len(phrases) == len(set(phrases))
    for phrase in phrases:
        said = " ".join(word.split("|")[0] for word in phrase.split())
        assert [passage.phrase for passage in Phrases([phrase]).find(words_of(said))] == [phrase]


def test_no_phrase_hides_behind_another_one() -> None:
    everything = Phrases([phrase for habit in HABITS for phrase in habit.phrases])
    for code, phrase in [(habit.code, phrase) for habit in HABITS for phrase in habit.phrases]:
        for said in itertools.product(*(word.split("|") for word in phrase.split())):
            [first, *more] = everything.find(words_of(" ".join(said)))
            assert not more
            assert any(first.phrase in other.phrases for other in HABITS if other.code == code), (phrase, said)


def test_every_habit_says_why_and_what_to_do_and_where_that_comes_from_and_gives_no_text_to_paste() -> None:
    for habit in HABITS:
        assert habit.why.endswith(".")
        assert habit.to_do.endswith(".")
        assert habit.source
        assert not {"“", "”", '"'} & set(habit.to_do)
        assert not any(f"{{{{ {name}" in habit.to_do for name in REGISTRY)


# --- Any text ---------------------------------------------------------------------------------------------------------

SAID = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from([phrase for habit in HABITS for phrase in habit.phrases]),
        st.sampled_from(
            [
                "{{ sender.name }}",
                "{% if job.title %}",
                "{{",
                "!",
                "!!",
                "\n\n",
                "\r\n- ",
                ". ",
                "we ",
                "I ",
                "ﬁ",
                "\ud800",
            ]
        ),
    ),
    max_size=30,
).map(" ".join)


@given(st.text(max_size=60) | SAID, SAID, st.sampled_from([*Touchpoint, "", "none"]))
def test_any_text_has_an_answer_whose_passages_are_its_own(subject: str, body: str, kind: str) -> None:
    answer = listen(subject=subject, body=body, touchpoint=str(kind))
    parts = {"subject": subject, "body": body}
    for remark in answer.remarks:
        assert 0 <= remark.start < remark.end <= len(parts[remark.part])
        assert parts[remark.part][remark.start : remark.end] == remark.passage
    for part, text in parts.items():
        pieces = voice.in_pieces(text, [remark for remark in answer.remarks if remark.part == part])
        assert "".join(piece for piece, _ in pieces) == text
        assert all(piece for piece, _ in pieces)
    assert len(answer.remarks) <= voice.AT_MOST
    assert answer.words >= 0
    assert answer.ease is None or 0 <= answer.ease <= 100


@pytest.mark.parametrize(
    "piece",
    [
        "a ",
        "!",
        "regret to inform ",
        "not be ",
        "x'",
        "\n",
        "{{",
        "{{ sender.name }}",
        "we ",
        ". ",
        "don't ",
        "é",
        "\n -",
        "%}",
    ],
)
def test_the_time_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    def seconds(length: int) -> float:
        body = piece * (length // len(piece))
        started = time.process_time()
        listen.__wrapped__(subject="", body=body, touchpoint="rejection")
        return time.process_time() - started

    # Sixteen times the length: sixteen times the time, or 256 times if it were the square.
    assert seconds(256 * 1024) < 80 * max(seconds(16 * 1024), 0.01)
