"""What is taken can only ever be one recipient; what is not taken comes with a sentence."""

from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intake.addresses import Address, canonical_address, is_mixed, read_address, scripts_of
from pipeline.outcomes import Refusal


def taken(text: str) -> Address:
    address = read_address(text)
    assert isinstance(address, Address), address
    return address


def refused(text: str) -> str:
    refusal = read_address(text)
    assert isinstance(refusal, Refusal), refusal
    return refusal.sentence


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@example.com", "ann@example.com"),
        (" \u00a0ann@example.com\t", "ann@example.com"),
        ("Ann.O'Hara+jobs@EXAMPLE.com", "Ann.O'Hara+jobs@example.com"),
        ("üda@bücher.example", "üda@bücher.example"),
        ("ann@xn--bcher-kva.example", "ann@bücher.example"),
        ("名@例え.jp", "名@例え.jp"),
    ],
)
def test_one_address_is_taken_with_its_local_part_as_written(text: str, address: str) -> None:
    assert taken(text).address == address


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("ann", "not a mail address"),
        ("ann@example.com\nBcc: eve@example.com", "line break"),
        ("ann@example.com\r\n", "line break"),
        ("ann@example.com\x00", "control character"),
        ("ann@example.com, eve@example.com", "more than one"),
        ("ann@example.com;eve@example.com", "more than one"),
        ("ann@example.com eve@example.com", "more than one"),
        ("Ann <ann@example.com>", "name beside"),
        ("ann@[127.0.0.1]", "not a mail address"),
        ("ann@127.0.0.1", "not a mail address"),
        ("ann@localhost", "not a mail address"),
        ("ann@intranet", "not a mail address"),
        ("ann@printer.local", "not a mail address"),
        ("ann@example..com", "not a mail address"),
        ('"ann lee"@example.com', "not a mail address"),
        ("ann@exam\u00adple.com", "not a mail address"),
        ("\u202eann@example.com", "not a mail address"),
        ("mailto:ann@example.com", "not a mail address"),
        ("=?utf-8?q?eve=40example=2Ecom?=@example.com", "read another address"),
        ("=?utf-8?q?x?=@example.com", "read another address"),
        ("a" * 400 + "@example.com", "longer"),
    ],
)
def test_what_is_not_exactly_one_address_is_refused(text: str, word: str) -> None:
    taken("ann@example.com")

    assert word in refused(text)
    assert refused(text).endswith(".")


@pytest.mark.parametrize(
    "domain",
    ["exаmple.com", "xn--exmple-4nf.com", "www.pаypal.example", "gοοgle.example"],  # Cyrillic а, Greek ο
)
def test_a_domain_label_of_mixed_scripts_is_taken_and_flagged(domain: str) -> None:
    assert taken("ann@example.com").flag == ""

    flag = taken(f"ann@{domain}").flag

    assert "mixes" in flag
    assert "xn--" in flag
    assert len(flag) <= 200


@pytest.mark.parametrize("domain", ["пример.com", "bücher.example", "例えテスト.jp", "テst.jp", "3м.example"])
def test_a_domain_in_one_writing_system_is_not_flagged(domain: str) -> None:
    assert taken(f"ann@{domain}").flag == ""


def test_mixed_letters_before_the_sign_are_flagged_too() -> None:
    assert "before the @-sign" in taken("аnn@example.com").flag


def test_spellings_of_one_address_have_one_key() -> None:
    keys = {
        taken(text).canonical
        for text in ("Ann@Example.com", "ann@EXAMPLE.com", "ANN@xn--example.com"[:3] + "@example.com")
    }

    assert keys == {"ann@example.com"}
    assert canonical_address("ANN@BÜCHER.example") == taken("ann@xn--bcher-kva.example").canonical


def test_scripts_are_those_of_the_letters_alone() -> None:
    assert scripts_of("a-1ж") == {"Latin", "Cyrillic"}
    assert is_mixed(frozenset({"Latin", "Cyrillic"}))
    assert not is_mixed(frozenset({"Latin", "Hiragana", "Cjk"}))


@given(st.text(alphabet=st.sampled_from("ab.@,;<>()[]\"' \r\n\t\x00:éа例"), max_size=30))
def test_whatever_is_taken_is_one_recipient_for_a_mail_library(text: str) -> None:
    address = read_address(text)
    if isinstance(address, Address):
        assert getaddresses([address.address]) == [("", address.address)]
        assert read_address(address.address) == address
