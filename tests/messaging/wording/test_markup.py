"""Text becomes HTML that shows exactly that text and can do nothing."""

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.wording.markup import as_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        (" \n\n", ""),
        ("a", "<p>a</p>"),
        ("a\r\nb\rc", "<p>a<br>\nb<br>\nc</p>"),
        ("a\n\n \nb", "<p>a</p>\n<p>b</p>"),
        (
            "a\n- b\n- <c>\nd",
            "<p>a</p>\n<ul><li>b</li><li>&lt;c&gt;</li></ul>\n<p>d</p>",
        ),
        ("-b", "<p>-b</p>"),
        ("<b onclick='x'>&", "<p>&lt;b onclick=&#x27;x&#x27;&gt;&amp;</p>"),
        ("a\x00\ud800b", "<p>ab</p>"),
        (
            "javascript:alert(1) ftp://a mailto:a@b",
            "<p>javascript:alert(1) ftp://a mailto:a@b</p>",
        ),
        ("https:// and https://... no", "<p>https:// and https://... no</p>"),
        (
            'https://a.b/?c=d&e="f',
            '<p><a href="https://a.b/?c=d&amp;e=">https://a.b/?c=d&amp;e=</a>&quot;f</p>',
        ),
    ],
)
def test_text_becomes_markup(text: str, html: str) -> None:
    assert as_html(text) == html


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://a.b/c.", "https://a.b/c"),
        ("(at https://a.b/c)", "https://a.b/c"),
        ("(https://a.b/c_(d)).", "https://a.b/c_(d)"),
        ("HTTP://A.b?!", "HTTP://A.b"),
        ("[https://a.b/]],", "https://a.b/"),
    ],
)
def test_a_link_ends_where_the_sentence_goes_on(text: str, address: str) -> None:
    assert f'<a href="{address}">{address}</a>' in as_html(text)


def test_long_hostile_text_takes_little_time() -> None:
    start = time.process_time()
    for text in (
        "https://a" + ")" * 100_000,
        "https://" * 20_000,
        "- \n" * 50_000,
        "<" * 100_000,
    ):
        as_html(text)
    assert time.process_time() - start < 2


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(max_examples=150, deadline=None)
@given(st.text() | st.lists(st.sampled_from(["https://a", "<a ", "- ", "\n", "&lt;", '"', "'", ")", " "])).map("".join))
def test_no_text_becomes_anything_but_harmless_elements(text: str) -> None:
    reader = _Reader()
    reader.feed(as_html(text))
    reader.close()
    assert reader.tags <= {"p", "br", "a", "ul", "li"}
    assert all(name == "href" and (value or "").lower().startswith("http") for name, value in reader.attributes)
