"""Files that a spreadsheet makes: what is read and written, and every kind that is refused."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName

from tocsin.record import workbooks
from tocsin.record.workbooks import (
    NotReadable,
    guarded,
    read_csv,
    read_xlsx,
    unguarded,
    write_csv,
    write_xlsx,
)


def book(*rows: tuple[object, ...], sheet: str = "sites") -> bytes:
    made = Workbook()
    made.remove(made.active)
    one = made.create_sheet(sheet)
    for row in rows:
        one.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def with_part(content: bytes, name: str, body: bytes, *, instead: bool = False) -> bytes:
    """The workbook with one more part, or with another one in its place."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            if not (instead and part.filename == name):
                new.writestr(part, old.read(part))
        new.writestr(name, body)
    return out.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(NotReadable) as caught:
        read_xlsx(content)
    assert caught.value.of("zh") != caught.value.of("en")
    return caught.value.of("en")


PLAIN = book(("site", "lat"), ("S-1", 31.25))
SHEET = "xl/worksheets/sheet1.xml"


def test_cells_become_text_with_their_lines() -> None:
    made = book(
        ("site", "account", "lat", "valid_until", "delayed"),
        ("S-1", 1001, 31.25, date(2027, 12, 31), None),
        (None, None, None, None, None),
        (" S-2 ", "0012", -0.5, datetime(2027, 1, 2, 3, 4, tzinfo=UTC).replace(tzinfo=None), True),
    )
    table = read_xlsx(made)["sites"]
    assert table.header == ("site", "account", "lat", "valid_until", "delayed")
    assert table.lines == [
        (
            2,
            {
                "site": "S-1",
                "account": "1001",
                "lat": "31.25",
                "valid_until": "2027-12-31",
                "delayed": "",
            },
        ),
        (
            4,
            {
                "site": " S-2 ",
                "account": "0012",
                "lat": "-0.5",
                "valid_until": "2027-01-02 03:04:00",
                "delayed": "True",
            },
        ),
    ]


def test_a_cell_beyond_the_header_is_told_apart() -> None:
    table = read_xlsx(book(("site", None, "lat"), ("S-1", "lost", 31, "more")))["sites"]
    assert table.lines == [(2, {"site": "S-1", "lat": "31", None: ["lost", "more"]})]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"site,lat\n", "no .xlsx workbook"),
        (b"", "no .xlsx workbook"),
        (b"PK\x03\x04" + b"\0" * 40, "no .xlsx workbook"),
        (PLAIN[: len(PLAIN) // 2], "no .xlsx workbook"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "has a password"),
        (with_part(PLAIN, "xl/vbaProject.bin", b"\0"), "macros"),
        (with_part(PLAIN, "xl/macrosheets/sheet1.xml", b"<x/>"), "macros"),
        (with_part(PLAIN, "xl/externalLinks/externalLink1.xml", b"<x/>"), "links to other files"),
        (with_part(PLAIN, "xl/embeddings/oleObject1.bin", b"\0"), "links to other files"),
        (with_part(PLAIN, "xl/activeX/activeX1.xml", b"<x/>"), "macros"),
        (
            with_part(PLAIN, "x.xml", b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
            "macro workbook",
        ),
        (book(("site",), ("=1+1",)), "cell A2 is a formula"),
        (book(("site",), ('=HYPERLINK("http://x","y")',)), "cell A2 is a formula"),
        (book(("site",), ("#N/A",)), "cell A2 shows an error"),
        (book((), ("site",), ("S-1",)), "must stand in row 1, not in row 2"),
        (book(("site", "lat", "site"), ("S-1",)), "the column site is there twice"),
        (book(("site",), ("x" * (workbooks.CELL_CHARS_MAX + 1),)), "longer than 2000 characters"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(content: bytes, words: str) -> None:
    assert words in refusal(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_entities_are_refused_before_anything_is_parsed(encoding: str) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
    bomb = with_part(PLAIN, SHEET, laughs.encode(encoding), instead=True)
    assert "XML entities" in refusal(bomb)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    one_over = b"\0" * (workbooks.UNPACKED_BYTES_MAX - unpacked(PLAIN) + 1)
    bomb = with_part(PLAIN, "xl/media/image1.png", one_over)
    assert len(bomb) < 100_000
    assert "too big" in refusal(bomb)
    # At the limit it is read.
    assert "sites" in read_xlsx(with_part(PLAIN, "xl/media/image1.png", one_over[:-1]))


def unpacked(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return sum(part.file_size for part in archive.infolist())


def test_a_part_that_lies_about_its_size_is_not_unpacked_further() -> None:
    bomb = with_part(PLAIN, "xl/media/image1.png", b"\0" * 1_000_000)
    lies = bomb.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lies != bomb
    assert "damaged" in refusal(lies)


def test_too_many_parts_and_too_big_a_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(io.BytesIO(PLAIN)) as archive:
        parts = len(archive.infolist())
    monkeypatch.setattr(workbooks, "PARTS_MAX", parts)
    assert "sites" in read_xlsx(PLAIN)
    monkeypatch.setattr(workbooks, "PARTS_MAX", parts - 1)
    assert "too big" in refusal(PLAIN)
    monkeypatch.setattr(workbooks, "PARTS_MAX", parts)
    monkeypatch.setattr(workbooks, "FILE_BYTES_MAX", len(PLAIN))
    assert "sites" in read_xlsx(PLAIN)
    monkeypatch.setattr(workbooks, "FILE_BYTES_MAX", len(PLAIN) - 1)
    assert "too big" in refusal(PLAIN)


def test_rows_are_bounded_over_all_sheets_and_for_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "ROWS_MAX", 3)
    rows = [("site",), ("1",), ("2",), ("3",)]
    assert len(read_xlsx(book(*rows))["sites"].lines) == 3
    assert "more than 3 rows" in refusal(book(*rows, ("4",)))
    assert len(read_csv(b"site\n1\n2\n3\n").lines) == 3
    with pytest.raises(NotReadable, match="more than 3 rows"):
        read_csv(b"site\n1\n2\n3\n4\n")


def test_a_cell_far_below_does_not_make_a_million_rows() -> None:
    made = Workbook()
    made.active["A1"] = "site"
    made.active["A1048576"] = "S-1"
    out = io.BytesIO()
    made.save(out)
    assert "more than 100000 rows" in refusal(out.getvalue())


def test_names_of_formulas_elsewhere_do_no_harm() -> None:
    made = Workbook()
    made.active.title = "sites"
    made.active.append(["site"])
    made.active.append(["S-1"])
    made.defined_names["x"] = DefinedName("x", attr_text="sites!$A$1")
    out = io.BytesIO()
    made.save(out)
    assert read_xlsx(out.getvalue())["sites"].lines == [(2, {"site": "S-1"})]


FIELDS = ("=1+1", "+1", "-x", "@a", "\tx", "'=1", "''-x", "'plain", "-33.5", "a=b", "", "'", "'-5")


def test_no_field_becomes_a_formula_and_comes_back_the_same() -> None:
    rows = [{"site": "S", "x": field} for field in FIELDS]
    written = write_csv(("site", "x"), rows)
    cells = [row[1] for row in csv.reader(io.StringIO(written.decode("utf-8-sig")))][1:]
    for field, cell in zip(FIELDS, cells, strict=True):
        assert cell[:1] not in set("=+@\t\r"), field
        assert cell[:1] != "-" or float(cell) == -33.5
        assert unguarded(guarded(field)) == field
    assert [row for _, row in read_csv(written).lines] == rows

    table = read_xlsx(write_xlsx({"sites": (("site", "x"), rows)}))["sites"]
    assert [row for _, row in table.lines] == rows


def test_a_csv_that_is_none_is_said() -> None:
    for content in (b"\xff\xfe\x00", b'a,b\n"' + b"x" * 200_000 + b'"\n'):
        with pytest.raises(NotReadable):
            read_csv(content)
    assert [line for line, _ in read_csv(b'site,x\n\nA,"1\n2"\nB,\n').lines] == [4, 5]
