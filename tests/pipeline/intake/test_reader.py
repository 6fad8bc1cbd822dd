"""Files as people really have them, and what makes a file unreadable before its first row."""

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.intake.reader import LONGEST_ROW, Row, UnreadableFile, open_sheet

TABLE = 'Name;E-Mail;Note\r\nJosé Núñez;jose@example.com;"two\r\nlines; here"\r\n\r\nÅsa Öberg;asa@example.com;x\r\n'


def read(content: bytes | str, *, encoding: str = "", delimiter: str = "") -> list[Row]:
    binary = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    with open_sheet(binary, name="people.csv", encoding=encoding, delimiter=delimiter) as sheet:
        return list(sheet.rows())


def refused(content: bytes | str, *, encoding: str = "") -> str:
    with pytest.raises(UnreadableFile) as unreadable:
        read(content, encoding=encoding)
    return unreadable.value.sentence


@pytest.mark.parametrize(
    ("codec", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
    ],
)
def test_every_encoding_gives_the_same_rows(codec: str, found: str) -> None:
    content = TABLE.encode(codec)

    with open_sheet(io.BytesIO(content)) as sheet:
        assert sheet.encoding == found
        assert sheet.headings == ("Name", "E-Mail", "Note")
        assert [row.cells["Name"] for row in sheet.rows()] == ["José Núñez", "Åsa Öberg"]


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (
            "Имя;Почта\nАнна Петрова;a@example.com\nСергей Иванович;b@example.com\nДолжность инженера;c@example.com\n",
            "cp1251",
        ),
        ("Nazwisko;Mail\nŁukasz Świątek;a@example.com\nŻaneta Ćwiąkalska;b@example.com\n", "cp1250"),
        ("氏名;メール\n田中太郎;a@example.com\n鈴木一郎;b@example.com\n", "shift_jis"),
        ("Name;Mail\nZoë;a@example.com\n", "cp1252"),
    ],
)
def test_an_encoding_without_any_mark_is_guessed_from_the_lines_that_can_tell(text: str, codec: str) -> None:
    plain = "".join(f"Ann{number};ann{number}@example.com\n" for number in range(9_000))
    heading, rest = text.split("\n", 1)

    with open_sheet(io.BytesIO(f"{heading}\n{plain}{rest}".encode(codec))) as sheet:
        assert list(sheet.rows())[-1].cells[sheet.headings[0]] == rest.strip().split("\n")[-1].split(";")[0]


def test_bytes_that_no_code_page_knows_still_give_rows() -> None:
    assert read(b"Name,Mail\nA\x81\x8d,a@example.com\n")[0].cells["Mail"] == "a@example.com"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_by_the_rows_that_agree_with_the_heading_line(delimiter: str) -> None:
    lines = [["Name, full", "E-Mail", "Job"], ["Ann", "ann@example.com", "Engineer, senior; remote"]]
    quoted = [[f'"{cell}"' if any(mark in cell for mark in ",;|\t") else cell for cell in line] for line in lines]

    [row] = read("\n".join(delimiter.join(line) for line in quoted))

    assert row.raw == ("Ann", "ann@example.com", "Engineer, senior; remote")


def test_commas_in_an_unquoted_heading_do_not_mislead() -> None:
    [row] = read("Name, full;Email;Job\nAnn;ann@example.com;Engineer\n")

    assert row.cells == {"Name, full": "Ann", "Email": "ann@example.com", "Job": "Engineer"}


def test_the_line_in_which_excel_names_the_delimiter_is_no_heading() -> None:
    [row] = read("sep=|\r\nName|Note\r\nAnn|a,b;c\r\n")

    assert (row.line, row.cells) == (3, {"Name": "Ann", "Note": "a,b;c"})


def test_a_delimiter_that_is_given_is_used() -> None:
    [row] = read("a;b,c\n1;2,3\n", delimiter=";")

    assert row.cells == {"a": "1", "b,c": "2,3"}


def test_rows_keep_the_line_they_start_on_and_their_line_breaks() -> None:
    first, second = read(TABLE)

    assert (first.line, second.line) == (2, 5)
    assert first.cells["Note"] == "two\r\nlines; here"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_ends_a_line(ending: str) -> None:
    assert [row.line for row in read(ending.join(["a,b", "1,2", "3,4"]))] == [2, 3]


def test_a_row_with_too_many_or_too_few_columns_says_so_and_keeps_its_text() -> None:
    right, short, long = read("a,b,c\n1,2,3\n1,2\n1,2,3,4\n")

    assert (right.problem, short.raw, long.raw) == ("", ("1", "2"), ("1", "2", "3", "4"))
    assert short.problem == "The row has 2 columns where the heading line has 3."
    assert long.problem == "The row has 4 columns where the heading line has 3."
    assert short.cells == long.cells == {}


def test_a_delimiter_at_the_end_of_the_lines_is_no_column() -> None:
    assert [row.problem for row in read("a,b,\n1,2,\n1,2\n1,2,,,\n1,2,x\n")] == [
        "",
        "",
        "",
        "The row has 3 columns where the heading line has 2.",
    ]


def test_headings_are_told_apart_and_tidied() -> None:
    with open_sheet(io.BytesIO(b'\n"\tFirst \n name ",Note,,note,Note (2),Job\n1,2,3,4,5,6\n')) as sheet:
        assert sheet.headings == ("First name", "Note", "Column 3", "note (3)", "Note (2)", "Job")
        assert sheet.repeated == {"note"}


def test_blank_lines_are_counted_and_are_no_rows() -> None:
    with open_sheet(io.BytesIO(b"a,b\n\n1,2\n , \n,,\n3,4\n\n")) as sheet:
        assert (sheet.row_count, sheet.blank_lines) == (2, 4)
        assert len(list(sheet.rows())) == 2


def test_the_rows_can_be_read_again_from_the_start() -> None:
    with open_sheet(io.BytesIO(TABLE.encode("utf-16"))) as sheet:
        assert list(sheet.rows()) == list(sheet.rows())
        assert sheet.position() == sheet.size


def test_a_nul_byte_stays_in_its_cell() -> None:
    assert read(b"a,b\n1,2\x00\n")[0].cells["b"] == "2\x00"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n \r\n,,\n", "is empty"),
        (b"a,b\n", "no rows under it"),
        (b"a,b\n\n,\n", "no rows under it"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "Excel workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\n<!DOCTYPE html><table>", "web page"),
        (b'a,b\n1,2\n"3,4\n5,6\n', "line 3 never ends"),
        (b'a,b\n1,2\n"' + b"x" * LONGEST_ROW, "line 3 never ends"),
        (b"a,b\n" + b"x" * (LONGEST_ROW + 1), "line 2 never ends"),
        (b",".join(b"c%d" % number for number in range(1_001)) + b"\n1\n", "1001 columns"),
    ],
)
def test_what_is_wrong_with_the_whole_file_is_said_before_any_row(content: bytes, word: str) -> None:
    sentence = refused(content)

    assert word in sentence
    assert sentence.startswith("people.csv")


def test_an_encoding_that_does_not_fit_is_named_with_the_line() -> None:
    content = "Name,Mail\nAnn,a@example.com\nZoë,b@example.com\n".encode("cp1252")
    assert read(content, encoding="cp1252")[1].cells["Name"] == "Zoë"

    assert "not written in utf-8: line 3" in refused(content, encoding="utf-8")
    assert "no encoding “nonsense”" in refused(content, encoding="nonsense")
    assert "no encoding “hex”" in refused(content, encoding="hex")


def test_a_marked_file_is_read_without_its_mark_even_when_the_encoding_is_given() -> None:
    content = b'\xef\xbb\xbf"Name",Mail\nAnn,a@example.com\n'

    assert read(content, encoding="utf-8")[0].cells["Name"] == "Ann"


def test_a_path_that_cannot_be_opened_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"a\n1\n")
    with open_sheet(path) as sheet:
        assert sheet.name == "people.csv"

    for wrong, word in ((tmp_path / "nowhere.csv", "There is no file"), (tmp_path, "is a folder")):
        with pytest.raises(UnreadableFile, match=word), open_sheet(wrong):
            pass


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def lines(count: int) -> Iterator[str]:
        yield "Name,Mail,Note\n"
        for number in range(count):
            yield f'Ann {number},ann{number}@example.com,"a note of {number}\nwith two lines"\n'

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        with path.open("w", encoding="cp1252") as file:
            file.writelines(lines(count))
            file.write("Zoë,zoe@example.com,last\n")
        tracemalloc.start()
        try:
            with open_sheet(path) as sheet:
                assert sum(1 for _ in sheet.rows()) == count + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is imported and cached once
    assert peak(20_000) < peak(2_000) * 1.5
