"""A phrase is found however it is typed, where it stands, and not across the end of a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.wording.passages import Phrases, passages_of, without_marks, words_of


def found(text: str, *phrases: str) -> list[str]:
    return [text[passage.start : passage.end] for passage in Phrases(phrases).find(words_of(text))]


@pytest.mark.parametrize(
    ("text", "passage"),
    [
        ("We regret to inform you.", "regret to inform"),
        ("We REGRET\n  to “inform” you", "REGRET\n  to “inform"),
        ("We rеgret to inform you", "rеgret to inform"),  # a Cyrillic е
        ("regret, to inform", "regret, to inform"),
    ],
)
def test_a_phrase_is_found_however_it_is_typed(text: str, passage: str) -> None:
    assert found(text, "regret to inform") == [passage]


@pytest.mark.parametrize(
    "text", ["We regret. To inform", "We regret\n\nto inform", "regretto inform", "regret to\n- inform"]
)
def test_a_phrase_ends_with_its_sentence(text: str) -> None:
    assert found(text, "regret to inform") == []


def test_contractions_are_written_out_on_both_sides() -> None:
    assert found("Don’t hesitate to ask", "do not hesitate") == ["Don’t hesitate"]
    assert found("Do not hesitate to ask", "don't hesitate") == ["Do not hesitate"]
    assert found("it can't be", "not be") == ["can't be"]


def test_one_of_several_words_may_stand_in_a_place_and_the_longest_phrase_is_taken() -> None:
    assert found("in your job search", "in|with your job search") == ["in your job search"]
    assert found("with your job search", "in|with your job search", "your job") == ["with your job search"]
    assert found("for your job search", "in|with your job search", "your job") == ["your job"]


def test_what_a_mark_says_is_not_read_and_nothing_moves() -> None:
    source = "Dear {{ candidate.first_name }}, {% if job.title %}regret{% endif %} {{ unclosed"
    said = without_marks(source)
    assert len(said) == len(source)
    assert "candidate" not in said
    assert "job" not in said
    assert said.endswith("{{ unclosed")
    assert passages_of(source, ["candidate", "regret"]).keys() == {"regret"}


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=5))
def test_every_text_has_an_answer_with_passages_inside_it_and_in_order(text: str, phrases: list[str]) -> None:
    words = words_of(text)
    assert all(0 <= word.start < word.end <= len(text) for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)
    passages = list(Phrases(phrases).find(words))
    assert all(passage.phrase in phrases and 0 <= passage.start < passage.end <= len(text) for passage in passages)
    assert len(without_marks(text)) == len(text)
