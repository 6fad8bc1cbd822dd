"""Texts made from a template are told apart from messages that somebody wrote."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.wording.kinship import (
    THRESHOLD,
    Kin,
    KnownText,
    closest,
    too_close,
    too_short,
)
from tests.messaging.wording.letters import FROM_THE_TEMPLATE, LETTERS, THEIR_OWN

KNOWN = [KnownText(label=label, text=text) for label, text in LETTERS.items()]
MARGIN = 15


def others_than(name: str) -> list[KnownText]:
    return [
        *KNOWN,
        *(KnownText(label=label, text=text) for label, text in THEIR_OWN.items() if label != name),
    ]


@pytest.mark.parametrize("name", FROM_THE_TEMPLATE)
def test_a_text_made_from_the_template_is_only_the_template(name: str) -> None:
    kin = too_close(FROM_THE_TEMPLATE[name], others=KNOWN)
    assert kin is not None
    assert kin.label == "rejection after interview"


@pytest.mark.parametrize("name", THEIR_OWN)
def test_an_own_message_with_stock_phrases_is_their_own(name: str) -> None:
    assert not too_short(THEIR_OWN[name])
    assert too_close(THEIR_OWN[name], others=others_than(name)) is None


def test_the_threshold_lies_between_the_groups_with_a_margin() -> None:
    def score(kin: Kin | None) -> float:
        return kin.score if kin else 0.0

    derived = [score(closest(text, others=KNOWN)) for text in FROM_THE_TEMPLATE.values()]
    own = [score(closest(text, others=others_than(name))) for name, text in THEIR_OWN.items()]
    assert len(derived) >= 12
    assert len(own) >= 12
    separation = f"own messages score up to {max(own):.0f}, texts made from the template from {min(derived):.0f}"
    assert max(own) + MARGIN <= THRESHOLD <= min(derived) - MARGIN, separation


def test_the_passage_is_shown_as_it_was_written_with_its_source() -> None:
    copied = "We were looking for somebody whose experience, more closely matches the needs of the team."
    kin = closest(
        f"I liked your bees very much indeed. {copied} Call me on Friday, please.",
        others=KNOWN,
    )
    assert kin is not None
    assert kin.passage == copied
    assert kin.known_passage == copied.replace(",", "")


def test_the_passage_of_a_reworded_sentence_has_its_source() -> None:
    known = [
        KnownText(
            label="k",
            text="One thing first. The red house stands alone on the green hill there.",
        )
    ]
    kin = closest("The tall house stands lonely on the green mountain there.", others=known)
    assert kin is not None
    assert kin.passage.startswith("The tall house")
    assert kin.known_passage.startswith("The red house")


def test_the_closest_of_several_is_named() -> None:
    near, far = KnownText(label="near", text=FROM_THE_TEMPLATE["filled in"]), KNOWN[1]
    kin = closest(FROM_THE_TEMPLATE["filled in"], others=[far, near])
    assert kin is not None
    assert (kin.label, kin.score) == ("near", 100)


def test_half_of_the_words_must_be_their_own() -> None:
    template = "alpha beta gamma delta epsilon zeta eta theta iota kappa."
    own = "one two three four five six seven eight nine ten eleven twelve."
    known = [KnownText(label="k", text=template)]
    assert too_close(f"{template} {own}", others=known) is None
    assert too_close(f"{template} {own[:40]}", others=known) is not None


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "Dear Amara,\n\nKind regards,\nPriya", "!!!", "word"])
def test_a_text_without_words_is_too_short_and_has_no_kin(text: str) -> None:
    assert too_short(text)
    assert closest(text, others=KNOWN) is None


def test_greeting_and_sign_off_do_not_make_a_short_text_long() -> None:
    long_name = "Best regards,\nPriya Raman of the Larkfield hiring team\nRua Augusta 1 in Lisbon\n+351 21 000"
    assert too_short(f"Dear Ms Amara Okafor,\nthank you for your time.\n{long_name}")
    assert not too_short("Dear Ms Amara Okafor,\nthank you very much for your kind time and patience with us today.")


def test_a_line_of_text_after_thanks_is_not_a_signature() -> None:
    text = "Thanks\nthis line is long enough to be a real sentence in the mail that I wrote"
    assert not too_short(text)


def test_a_run_of_six_words_is_a_stock_phrase_and_of_seven_a_passage() -> None:
    known = [KnownText(label="k", text="we wish you all the best always")]
    own = "so then {} said nobody ever in that room full of other people"
    assert closest(own.format("we wish you all the best"), others=known) is None
    assert closest(own.format("we wish you all the best always"), others=known) is not None


def test_the_closest_is_found_among_many_that_share_little() -> None:
    filled = FROM_THE_TEMPLATE["filled in"]
    little = [KnownText(label=f"little {n}", text=f"after careful consideration {n}") for n in range(30)]
    kin = closest(filled, others=[*little, KnownText(label="whole", text=filled), *little])
    assert kin is not None
    assert kin.label == "whole"


def test_a_short_text_that_is_all_template_is_still_close() -> None:
    kin = too_close("We enjoyed learning more", others=KNOWN)
    assert kin is not None
    assert too_close("we enjoyed", others=KNOWN) is not None


def test_nothing_known_means_no_kin() -> None:
    assert closest(FROM_THE_TEMPLATE["filled in"], others=[]) is None
    assert closest("We were there but nothing else of it is in any other letter.", others=KNOWN) is None


def test_three_hundred_known_texts_are_compared_quickly() -> None:
    shuffled = random.Random(7)
    words = " ".join(THEIR_OWN.values()).split()
    known = [KnownText(label=str(n), text=" ".join(shuffled.choices(words, k=200))) for n in range(150)]
    filled = FROM_THE_TEMPLATE["filled in"]
    known += [KnownText(label=f"sent {n}", text=filled.replace("Amara", f"N{n}") + f" {n}") for n in range(150)]
    text = " ".join(shuffled.choices(words, k=200))
    closest(text, others=known)
    times = []
    for suffix in ("one", "two", "three"):
        start = time.process_time()
        closest(f"{text} {suffix}", others=known)
        times.append(time.process_time() - start)
    assert min(times) < 0.1


@pytest.mark.parametrize("separator", [" ", "\n"])
def test_a_huge_text_is_read_to_a_limit(separator: str) -> None:
    filler = separator.join(f"word{n}" for n in range(3_000))
    template = FROM_THE_TEMPLATE["no greeting, no sign-off"]
    assert closest(f"{template} {filler}", others=KNOWN) is not None
    assert closest(f"{filler}{separator}{template}", others=KNOWN) is None


def test_huge_texts_are_compared_in_bounded_time() -> None:
    shuffled = random.Random(3)
    huge = "\n".join(" ".join(shuffled.choices("abcdefghij", k=20)) for _ in range(3_000))
    start = time.process_time()
    closest(huge, others=[KnownText(label="k", text=huge[::-1])])
    assert time.process_time() - start < 3


@settings(max_examples=100, deadline=None)
@given(
    st.text()
    | st.lists(
        st.sampled_from(
            [
                "Thank",
                "you",
                "for,",
                "your.",
                "time\n",
                "Dear",
                "Best",
                "\u200b",
                "{{",
                "x",
                "}}",
            ]
        )
    ).map(" ".join)
)
def test_no_text_raises_and_scores_stay_in_their_range(text: str) -> None:
    kin = closest(text, others=KNOWN)
    assert kin is None or 0 < kin.score <= 100
    same = closest(text, others=[KnownText(label="same", text=text)])
    assert same is None or same.score == 100
