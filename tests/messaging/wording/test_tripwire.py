"""Rejections are recognised however they are typed, and ordinary updates are not."""

import pytest

from messaging.wording.tripwire import DEFAULT_PHRASES, rejection_phrases_in


@pytest.mark.parametrize("phrase", DEFAULT_PHRASES)
def test_every_default_phrase_is_found_in_a_sentence(phrase: str) -> None:
    assert phrase in rejection_phrases_in(f"Dear you, {phrase.upper()}!", phrases=DEFAULT_PHRASES)


@pytest.mark.parametrize(
    "text",
    [
        "We will not be moving forward.",
        "We WON'T be moving forward",
        "We won’t be moving forward",
        "we wont be\n   moving\tforward",
        "We will not, be *moving* forward",
        "We will n\u200bot be mo\u00adving for\u2060ward",
        "We will nоt bе mоving fоrwаrd",
        "We will \uff4eot be moving forward",
        "We will not be mo\u0336ving forward",
        "We will not\u00a0be\u2800moving forward",
        "We aren`t able, and so we shan´t be moving forward",
        "we're sure that we won't be moving forward",
    ],
)
def test_disguise_does_not_hide_a_phrase(text: str) -> None:
    assert rejection_phrases_in(text, phrases=["not be moving forward"]) == ("not be moving forward",)


def test_a_contracted_phrase_finds_the_long_form_and_the_other_way_round() -> None:
    assert rejection_phrases_in("We are not hiring", phrases=["we're not hiring"]) == ("we're not hiring",)
    assert rejection_phrases_in("We didnt choose you", phrases=["did not choose"]) == ("did not choose",)
    assert rejection_phrases_in("You cannot join", phrases=["can't join"]) == ("can't join",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you for applying. Unfortunately the interviewer is ill, so we will move your call to Friday.",
        "We would like to move forward and invite you.",
        "Good news: you have been selected for an interview.",
        "This is notselected and not selectedness.",
    ],
)
def test_ordinary_updates_are_not_rejections(text: str) -> None:
    assert rejection_phrases_in(text, phrases=DEFAULT_PHRASES) == ()


def test_phrases_come_back_as_given_once_and_blank_ones_never() -> None:
    phrases = ["Regret to  inform", "", " - ", "not selected", "Regret to  inform"]
    text = "We regret to inform you: you were not selected."
    assert rejection_phrases_in(text, phrases=phrases) == (
        "Regret to  inform",
        "not selected",
    )
