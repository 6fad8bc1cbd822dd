"""A wording is rendered whole or refused with a place and a sentence; nothing raises, nothing is silently blank."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.wording.flaws import (
    EXPRESSION_LIMIT,
    MARK_LIMIT,
    PLACEHOLDER_LIMIT,
    TRUNCATE_LIMIT,
)
from messaging.wording.language import NESTING_LIMIT, RENDERED_LIMIT
from messaging.wording.placeholders import REGISTRY, example_values
from messaging.wording.rendering import (
    BODY_LIMIT,
    RENDERED_SUBJECT_LIMIT,
    SUBJECT_LIMIT,
    Rendered,
    check,
    render,
)

VALUES = {
    "candidate": {"first_name": "Amara", "last_name": "  "},
    "job": {"title": "Data Engineer"},
}


def codes(body: str, subject: str = "Hello") -> list[str]:
    return [finding.code for finding in check(subject=subject, body=body)]


def body_of(body: str, values: dict[str, dict[str, str]] | None = None) -> str:
    rendered = render(subject="Hello", body=body, values=VALUES if values is None else values)
    assert rendered.problem == ""
    return rendered.body


def test_a_plain_wording_is_fine_and_filled_in() -> None:
    subject, body = (
        "Your application: {{ job.title }}",
        "Hi {{candidate.first_name}},\r\nsee you.",
    )
    assert check(subject=subject, body=body) == ()
    rendered = render(subject=subject, body=body, values=VALUES)
    assert (rendered.subject, rendered.body) == (
        "Your application: Data Engineer",
        "Hi Amara,\nsee you.",
    )
    assert (rendered.missing, rendered.problem) == ((), "")


def test_every_registered_placeholder_can_be_printed() -> None:
    for name, entry in REGISTRY.items():
        assert body_of(f"{{{{ {name} }}}}", example_values()) == entry.example  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "code", "column", "part_of_sentence"),
    [
        (
            "{{ candidate.frist_name }}",
            "unknown_placeholder",
            4,
            "Did you mean candidate.first_name?",
        ),
        (
            "{{ candidate.salary_xyzzy_plugh }}",
            "unknown_placeholder",
            4,
            '"candidate.salary_xyzzy_plugh".',
        ),
        ("{{ candidate }}", "unknown_placeholder", 4, "such as candidate.first_name"),
        ("{{ candidate['x'] }}", "unknown_placeholder", 4, "candidate.x"),
        (
            "{{ candidate['first_name'] }}",
            "unknown_placeholder",
            4,
            "Write this placeholder as",
        ),
        (
            "{{ candidate[job.title] }}",
            "unknown_placeholder",
            4,
            "candidate[job.title]",
        ),
        ("{{ foo }}", "unknown_placeholder", 4, '"foo"'),
        ("{{ now }}", "unknown_placeholder", 4, '"now"'),
        ("{{ reason.internal }}", "unknown_placeholder", 4, '"reason.internal"'),
        ("{{ " + "x" * 100 + " }}", "unknown_placeholder", 4, "x…"),
        ("{{ job.title | default: foo }}", "unknown_placeholder", 25, '"foo"'),
        ("{% if foo %}a{% endif %}", "unknown_placeholder", 7, '"foo"'),
        ("{{ 'text' }}", "not_a_placeholder", 4, "Only a placeholder"),
        ("{{ 7 }}", "not_a_placeholder", 4, "Only a placeholder"),
        (
            "{% if job.title == blank %}a{% endif %}",
            "not_a_placeholder",
            20,
            "{% if job.department %}",
        ),
        (
            "{% if job.title < 'b' %}a{% endif %}",
            "not_a_placeholder",
            17,
            "Only placeholders and quoted text",
        ),
        (
            "{% if 1 %}a{% endif %}",
            "not_a_placeholder",
            7,
            "Only placeholders and quoted text",
        ),
        (
            "{{ job.title | size }}",
            "unknown_filter",
            16,
            "The filters are default, capitalize",
        ),
        ("{{ job.title | default }}", "filter_argument", 16, "default needs one text"),
        (
            "{{ job.title | default: 'a', allow_false: 'b' }}",
            "filter_argument",
            16,
            "default needs one text",
        ),
        (
            "{{ job.title | truncate: 0 }}",
            "filter_argument",
            16,
            "truncate needs a number",
        ),
        (
            f"{{{{ job.title | truncate: {TRUNCATE_LIMIT + 1} }}}}",
            "filter_argument",
            16,
            "truncate needs",
        ),
        (
            "{{ job.title | truncate: 5, '" + "x" * 99 + "' }}",
            "filter_argument",
            16,
            "truncate needs",
        ),
        (
            "{{ job.title | upcase: 'a' }}",
            "filter_argument",
            16,
            "upcase needs nothing after it",
        ),
        ("{{ job.title | }}", "syntax", 4, "could not be read"),
        ("{{ job title }}", "syntax", 8, "could not be read"),
        ("{{ job.title if job.title }}", "syntax", 14, "could not be read"),
        ("{{ [[[ }}", "syntax", 4, "could not be read"),
        ("{{ }}", "syntax", 1, "{{ candidate.first_name }}"),
        ("{{-}}", "syntax", 1, "{{ candidate.first_name }}"),
        ("{%if%}a{% endif %}", "syntax", 1, "{% if job.department %}"),
        (
            "{% if job.title %}a{% else job.title %}b{% endif %}",
            "syntax",
            28,
            "after else",
        ),
        ("{{ job.title }", "unclosed", 1, "never closed with }}"),
        ("{% if job.title", "unclosed", 1, "never closed with %}"),
        ("{% if job.title %}a", "structure", 1, "{% endif %}"),
        ("{% endif %}", "structure", 1, "no {% if %} before it"),
        (
            "{% if job.title %}a{% else %}b{% else %}c{% endif %}",
            "structure",
            31,
            "after the {% else %}",
        ),
        ("{% for x in job %}", "unknown_tag", 1, '"for"'),
        ("{% assign a = job.title %}", "unknown_tag", 1, '"assign"'),
        ("{% raw %}", "unknown_tag", 1, '"raw"'),
        ("{% comment %}", "unknown_tag", 1, '"comment"'),
        ("{% # note %}", "unknown_tag", 1, '"#"'),
        ("{% include 'x' %}", "unknown_tag", 1, '"include"'),
        ("{% %}", "unknown_tag", 1, "without a name"),
        (
            "{{ job.title" + " " * EXPRESSION_LIMIT + "| upcase }}",
            "too_long",
            1,
            str(EXPRESSION_LIMIT),
        ),
    ],
)
def test_what_is_not_allowed_is_found_with_its_place_and_is_not_rendered(
    written: str, code: str, column: int, part_of_sentence: str
) -> None:
    body = f"Dear you,\n{written}"
    (finding,) = check(subject="Hello", body=body)
    assert (finding.code, finding.part, finding.line, finding.column) == (
        code,
        "body",
        2,
        column,
    )
    assert part_of_sentence in finding.sentence
    rendered = render(subject="Hello", body=body, values=VALUES)
    assert (rendered.subject, rendered.body) == ("", "")
    assert rendered.problem.startswith(f"Body, line 2, column {column}: ")


def test_all_findings_are_given_at_once_in_the_order_of_the_text() -> None:
    assert codes("{{ foo }} {% cycle %} {{ job.title | nope }} {x}", subject="{{ bar }}") == [
        "unknown_placeholder",
        "unknown_placeholder",
        "unknown_tag",
        "unknown_filter",
        "foreign_placeholder",
    ]


def test_conditions_choose_between_texts() -> None:
    body = "{% if job.title contains 'Data' and job.title != 'x' %}a{% elsif job.title == 'b' %}b{% else %}c{% endif %}"
    assert [body_of(body, {"job": {"title": title}}) for title in ("Data", "b", "c")] == ["a", "b", "c"]


def test_dashes_trim_the_space_around_a_mark() -> None:
    assert body_of("a {{- job.title -}} b {%- if job.title -%} c {%- endif %}") == "aData Engineerbc"


def test_filters_change_the_value_and_nothing_else() -> None:
    body = "{{ job.title | upcase }}/{{ job.title | downcase | capitalize }}/{{ job.title | truncate: 7 }}"
    assert body_of(body) == "DATA ENGINEER/Data engineer/Data..."


def test_a_missing_value_is_listed_once_and_shown_instead_of_a_blank() -> None:
    rendered = render(
        subject="{{ job.location }}",
        body="{{ candidate.last_name }} {{ job.location | upcase }} {{ sender.phone }}",
        values=VALUES,
    )
    assert rendered.missing == ("job.location", "candidate.last_name", "sender.phone")
    assert rendered.body == "[missing: candidate.last_name] [missing: job.location] [missing: sender.phone]"
    known = render(subject="x", body="{{ candidate.first_name }}", values=VALUES)
    assert known.missing == ()


def test_a_default_stands_in_for_a_missing_value_only() -> None:
    assert (
        body_of("{{ job.location | upcase | default: 'here' }} {{ job.title | default: 'x' }}") == "here Data Engineer"
    )
    both = render(subject="x", body="{{ job.location | default: sender.phone }}", values=VALUES)
    assert both.missing == ("sender.phone",)


def test_a_value_that_only_decides_a_condition_may_be_missing() -> None:
    body = "a{% if job.location %} in {{ job.location }}{% endif %}"
    rendered = render(subject="x", body=body, values=VALUES)
    assert (rendered.body, rendered.missing) == ("a", ())
    assert body_of(body, {"job": {"location": "Porto"}}) == "a in Porto"


def test_a_value_is_never_parsed_again() -> None:
    assert (
        body_of("{{ job.title }}", {"job": {"title": "{{ sender.email }}{% raw %}"}}) == "{{ sender.email }}{% raw %}"
    )


def test_a_rendered_subject_has_single_spaces() -> None:
    subject = "a  {% if job.location %}x{% endif %}  b"
    assert render(subject=subject, body="x", values={}).subject == "a b"


def test_line_breaks_and_hidden_characters_in_values_become_one_space() -> None:
    values = {"job": {"title": "a\r\nBcc: b\u2028c\u202ed\x00e\ud800f "}}
    rendered = render(subject="{{ job.title }}", body="{{ job.title }}", values=values)
    assert rendered.subject == rendered.body == "a Bcc: b c d e f"


def test_a_subject_that_mail_programs_would_decode_is_found_in_the_text_and_in_the_values() -> None:
    code = "=?utf-8?q?You_are_hired?="
    [finding] = check(subject=f"Your {code}", body="Hello")
    assert (finding.code, finding.part, finding.column) == ("encoded_word", "subject", 6)
    assert check(subject="Is 2+2=? Yes", body=f"In a body {code} is only text") == ()

    def named(name: str, *, subject: str = "{{ candidate.first_name }}", body: str = "Hello") -> Rendered:
        return render(subject=subject, body=body, values={"candidate": {"first_name": name}})

    assert "Mail programs" in named(code).problem
    # Half of it in the value, half in the wording.
    assert "Mail programs" in named("=?utf-8?q?x", subject="{{ candidate.first_name }}?=").problem
    assert named("=?utf-8?q?x").problem == ""
    assert named(code, subject="Hello", body="{{ candidate.first_name }}").body == code


def test_conditions_that_do_not_apply_leave_no_gap() -> None:
    assert body_of("a\n\n{% if job.location %}\nb\n{% endif %}\n\nc\n") == "a\n\nc"
    assert body_of("a\n\nb\nc") == "a\n\nb\nc"


@pytest.mark.parametrize("empty", ["", " \n", "\t"])
def test_an_empty_part_is_found(empty: str) -> None:
    assert codes("x", subject=empty) == ["empty"]
    assert codes(empty) == ["empty"]
    assert codes("x") == []


@pytest.mark.parametrize("part", ["subject", "body"])
def test_a_part_that_becomes_empty_is_a_problem(part: str) -> None:
    texts = {"subject": "x", "body": "x", part: "{% if job.location %}x{% endif %}"}
    assert render(values={}, **texts).problem == f"With its values filled in, the {part} is empty."
    assert render(values={"job": {"location": "y"}}, **texts).problem == ""


def test_a_subject_has_one_line() -> None:
    (finding,) = check(subject="Hello\r\nBcc: all@example.com", body="x")
    assert (finding.code, finding.line, finding.column) == ("line_break", 1, 6)
    assert render(subject="a\nb", body="x", values={}).problem != ""


@pytest.mark.parametrize(
    "hidden",
    ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\udc80"],
)
def test_hidden_characters_are_found_in_both_parts(hidden: str) -> None:
    assert codes("x", subject=f"a{hidden}b") == ["control_character"]
    assert codes(f"a\tb\n{hidden}") == ["control_character"]
    assert render(subject="x", body=hidden + "y", values={}).body == ""


@pytest.mark.parametrize(
    "foreign",
    ["[FIRST NAME]", "[[NAME]]", "[your name]", "((name))", "<<name>>", "{name}", "${name}", "{# note #}", "*|FNAME|*",
     "%FIRST_NAME%", "name }}", "%}"],
)  # fmt: skip
def test_blanks_of_other_tools_are_found_but_do_not_stop_rendering(
    foreign: str,
) -> None:
    assert codes(f"Dear {foreign}, {{{{ job.title }}}}") == ["foreign_placeholder"]
    assert body_of(f"Dear {foreign}") == f"Dear {foreign}"


def test_ordinary_prose_is_not_taken_for_a_blank() -> None:
    assert (
        codes("It is 5 % to 10 % (see note [1] and [2]), a < b > c, costs $5 and is [sic] fine (really (yes)).") == []
    )


def test_sources_have_limits() -> None:
    assert codes("x", subject="a" * SUBJECT_LIMIT) == []
    assert codes("x", subject="a" * (SUBJECT_LIMIT + 1)) == ["too_long"]
    assert codes("a" * BODY_LIMIT) == []
    assert codes("é" * (BODY_LIMIT // 2 + 1)) == ["too_long"]


def test_marks_have_limits() -> None:
    assert codes("{{ job.title }}" * PLACEHOLDER_LIMIT) == []
    assert codes("{{ job.title }}" * (PLACEHOLDER_LIMIT + 1)) == ["too_many_placeholders"]
    assert codes("{% if job.title %}a{% endif %}" * (MARK_LIMIT // 2)) == []
    assert codes("{% if job.title %}a{% endif %}" * (MARK_LIMIT // 2 + 1)) == ["too_many_placeholders"]


def test_conditions_nest_to_a_limit() -> None:
    def nested(depth: int) -> str:
        return "{% if job.title %}" * depth + "x" + "{% endif %}" * depth

    assert body_of(nested(NESTING_LIMIT)) == "x"
    assert codes(nested(NESTING_LIMIT + 1)) == ["too_deep"]
    assert codes(nested(150)) == ["too_deep"]


def test_rendered_texts_have_limits() -> None:
    long = {"job": {"title": "x" * (RENDERED_LIMIT // 2)}}
    assert body_of("{{ job.title }}{{ job.title }}", long)
    assert "longer than 256 KiB" in render(subject="x", body="{{ job.title }}" * 3, values=long).problem
    subject = {"job": {"title": "x" * (RENDERED_SUBJECT_LIMIT + 1)}}
    assert "subject is longer" in render(subject="{{ job.title }}", body="x", values=subject).problem
    assert render(subject="{{ job.title | truncate: 60 }}", body="x", values=subject).problem == ""


@pytest.mark.parametrize(
    "hostile",
    ["{% raw %}" * 7000, "{{" + " " * 65000, "{% " + "a" * 65000, "{{" + " " * 60000 + "}}", "{{ a" * 16000,
     "{" * 65000, "[" * 65000, "[ name" * 10000, "((" * 30000, "%A_" * 20000, "\n \n" * 20000 + "x",
     "{{ job.title | default: " + "[" * 200 + " }}", "{% if " + "job.title and " * 4000 + "job.title %}{% endif %}"],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_sources_are_answered_quickly(hostile: str) -> None:
    start = time.process_time()  # of the processor: what else the machine does is no fault of the source
    check(subject="x", body=hostile)
    render(subject="x", body=hostile, values=VALUES)
    assert time.process_time() - start < 2


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "-", " ", "\n", "if", "elsif", "else", "endif", "job.title", "candidate", ".", "[", "]",
     "'", '"', "|", ":", "default", "truncate", "5", "==", "contains", "and", "(", "..", "raw", "x", "é", "\ud800",
     "{% if job.title %}", "{% endif %}", "{{ job.location }}", "{{ job.title }}"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    subject=st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=30),
    body=st.lists(PIECES, max_size=25).map("".join) | st.text(),
    title=st.text(alphabet=st.characters()),
)
def test_no_text_whatsoever_raises_or_leaves_unfit(subject: str, body: str, title: str) -> None:
    findings = check(subject=subject, body=body)
    rendered = render(subject=subject, body=body, values={"job": {"title": title}})
    if rendered.problem:
        assert (rendered.subject, rendered.body, rendered.missing) == ("", "", ())
    else:
        assert {finding.code for finding in findings} <= {"foreign_placeholder"}
        assert rendered.subject.strip()
        assert rendered.body.strip()
        assert len(rendered.subject.splitlines()) == 1
        rendered.body.encode()
    for finding in findings:
        assert finding.line >= 1
        assert finding.column >= 1
