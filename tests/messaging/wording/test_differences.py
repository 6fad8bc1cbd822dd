"""What changed between two texts."""

import time

import pytest

from messaging.wording.differences import WORD_LIMIT, Change, Piece, differences


def rebuild(pieces: tuple[Piece, ...], *, without: Change) -> str:
    return "".join(piece.text for piece in pieces if piece.change is not without)


def test_one_changed_word_is_one_removed_and_one_added_piece() -> None:
    assert differences("Thank you for applying.", "Thank you for writing.") == (
        Piece(change=Change.SAME, text="Thank you for "),
        Piece(change=Change.REMOVED, text="applying."),
        Piece(change=Change.ADDED, text="writing."),
    )


def test_equal_texts_are_one_piece_and_empty_ones_are_none() -> None:
    assert differences("Dear Kim", "Dear Kim") == (Piece(change=Change.SAME, text="Dear Kim"),)
    assert differences("", "") == ()


def test_a_line_break_that_came_can_be_seen() -> None:
    added = [
        piece for piece in differences("Dear Kim\nThank you", "Dear Kim\n\nThank you") if piece.change is Change.ADDED
    ]
    assert [piece.shown for piece in added] == ["¶\n"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "A first text.\n"),
        ("  two  spaces\tand a tab ", "two spaces and a tab"),
        ("a\r\nb\u2028c", "a\nb c"),
        ("eins\n\nzwei drei", "zwei\neins drei vier\n"),
        ("line\n" * (WORD_LIMIT + 1), "line\n" * WORD_LIMIT + "another line\n"),
    ],
)
def test_the_pieces_make_up_both_texts(old: str, new: str) -> None:
    pieces = differences(old, new)
    assert rebuild(pieces, without=Change.ADDED) == old
    assert rebuild(pieces, without=Change.REMOVED) == new


def test_two_long_texts_of_few_words_are_compared_in_time() -> None:
    old = "ab ba " * 10_000 + "\n" + "\n" * 30_000
    started = time.process_time()
    differences(old, old.replace("ab", "aa"))
    assert time.process_time() - started < 5
