"""What is fuzzed of whole documents: tables that somebody imports, and the signatures of alerts."""

import base64
import csv
import io
import zipfile
from datetime import UTC, datetime
from functools import cache, partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from cap_samples import sample
from tocsin.record.importing import header_errors, read_lines
from tocsin.record.site_rows import COLUMNS, SiteRow, read_row, site_contradictions
from tocsin.record.workbooks import (
    CELL_CHARS_MAX,
    ROWS_MAX,
    NotReadable,
    Table,
    read_csv,
    read_xlsx,
    write_csv,
    write_xlsx,
)
from tocsin.wire.cap import document, signing

# -- tables -----------------------------------------------------------------------------------

_ROW = {
    "site": "mill",
    "name_zh": "磨坊",
    "name_en": "Mill",
    "address": "Mill Road 4",
    "lat": "39.9",
    "lon": "116.4",
    "datum": "WGS-84",
    "district": "D1",
    "protocol": "dc09",
    "account": "1234",
    "key": "0123456789abcdef",
    "key_form": "ascii",
    "interval_s": "60",
}
SITE_COLUMNS = tuple(_ROW)


def imported(table: Table) -> None:
    """As far as an import goes without the database: every row is good or has its mistakes."""
    rows = [row for _, row in table.lines]
    language = ("en", "zh-CN")[len(rows) % 2]
    for line, column, text in header_errors(rows[:1], COLUMNS, language):
        assert line == 1
        assert text
        column.encode()
    good, errors = read_lines(table.lines, partial(read_row, agency="agency", language=language))
    assert {row.line for row in good}.isdisjoint(line for line, _, _ in errors)
    assert len(good) + len({line for line, _, _ in errors}) <= len(rows)
    for row in good:
        storable(row)
    for line, _, text in (*errors, *site_contradictions(good, language)):
        assert line > 1
        assert text


def storable(row: SiteRow) -> None:
    for text in (row.site, row.name_zh, row.name_en, row.address, row.account or ""):
        text.encode()
        assert "\x00" not in text


def told(why: NotReadable) -> None:
    assert why.of("en")
    assert why.of("zh-CN") != why.of("en")


def csv_run(data: bytes) -> None:
    try:
        table = read_csv(data)
    except NotReadable as why:
        told(why)
        return
    imported(table)


def csv_seeds() -> list[bytes]:
    whole = write_csv(SITE_COLUMNS, [_ROW, {**_ROW, "account": "A1", "name_en": "=1+1"}])
    return [whole, whole[3:], whole.replace(b"\r\n", b"\n"), b'site,"a\nb"\n"x""y",2\n']


TABLE_WORDS = [
    *(b",", b'"', b'""', b"\r\n", b"\n", b"\r", b"\x00", b"\xff", b"\xef\xbb\xbf", b"=1+1", b"'="),
    *(
        b"nan",
        b"inf",
        b"1e999",
        b"-0",
        b"GCJ-02",
        b"mqtt",
        b"hex",
        b"\xe2\x80\xa8",
        b"\xed\xa0\x80",
    ),
]

SHEET = "xl/worksheets/sheet1.xml"


@cache
def parts() -> dict[str, bytes]:
    whole = write_xlsx({"sites": (SITE_COLUMNS, [_ROW, {**_ROW, "account": "A1"}])})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(name: str, part: bytes) -> bytes:
    """A workbook of ours with one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in parts().items():
            archive.writestr(other, part if other == name else content)
    return out.getvalue()


def xlsx_run(data: bytes) -> None:
    """`data`: a part with its name before it, or a whole file."""
    name, _, part = data.partition(b"\n")
    if not data.startswith(b"PK") and name.decode("latin-1") in parts():
        data = packed(name.decode("latin-1"), part)
    try:
        sheets = read_xlsx(data)
    except NotReadable as why:
        told(why)
        return
    for table in sheets.values():
        imported(table)


def xlsx_seeds() -> list[bytes]:
    return [packed("", b""), *(name.encode() + b"\n" + part for name, part in parts().items())]


XLSX_WORDS = [
    *(b'<c r="A2" t="s"><v>99999</v></c>', b"<f>1+1</f>", b't="e"', b't="d"', b't="b"', b't="n"'),
    *(b'r="XFD1048576"', b'r="A9999999"', b'r="0"', b"<v>1e308</v>", b"<v>-1</v>", b's="999"'),
    *(b"2958466", b"<row>", b"</row>", b"<!DOCTYPE x>", b"&#0;", b"PK\x03\x04", b"PK\x05\x06"),
]


def csv_largest() -> dict[str, bytes]:
    """Every row that there may be, and one field as long as a file may be."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, SITE_COLUMNS)
    writer.writeheader()
    for number in range(ROWS_MAX):
        writer.writerow({**_ROW, "site": f"S{number}", "account": f"A{number}"})
    return {
        "rows": out.getvalue().encode(),
        "quote": b"site\n" + b'"' + b"x" * 20_000_000,
        "commas": b"," * 5_000_000,
    }


def cell(value: str) -> str:
    return f'<c r="A2" t="inlineStr"><is><t>{value}</t></is></c>'


def xlsx_refused() -> dict[str, bytes]:
    """Just behind a limit: named before it costs much."""
    sheet = parts()[SHEET]
    end = sheet.index(b"</sheetData>")
    far = b'<row r="9999999"><c r="A9999999"><v>1</v></c></row>'
    long = f'<row r="4">{cell("x" * (CELL_CHARS_MAX + 1))}</row>'.encode()
    return {
        "bomb": packed(SHEET, b"x" * 50_000_001),
        "far row": packed(SHEET, sheet[:end] + far + sheet[end:]),
        "long cell": packed(SHEET, sheet[:end] + long + sheet[end:]),
    }


# -- signatures -------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def words_of(alert: etree._Element) -> list[tuple[str, str]]:
    """What an alert says: its elements and their texts, without blanks and its signature."""
    return [
        (str(one.tag), document.text_of(one))
        for one in alert.iter(etree.Element)
        if not str(one.tag).startswith(f"{{{document.XMLDSIG}}}")
    ]


@cache
def signed() -> tuple[bytes, signing.Anchors, datetime, list[tuple[str, str]]]:
    """The published sample of WMO, whose own certificate is pinned, at a time when it was valid."""
    raw = sample("wmo_sc_valid.xml")
    root = document.parse(raw)
    text = root.findtext(f".//{{{document.XMLDSIG}}}X509Certificate", "")
    certificate = x509.load_der_x509_certificate(base64.b64decode(text))
    anchors = signing.Anchors(certificate.public_bytes(Encoding.PEM))
    return raw, anchors, certificate.not_valid_before_utc, words_of(root)


def signature_run(data: bytes) -> None:
    _, anchors, at, words = signed()
    try:
        root = document.parse(data)
    except document.BadAlert:
        return
    outcome = signing.check(root, anchors, sent=at, heard=NOW)
    # What verifies says, word for word, what was signed.
    assert not outcome.is_verified or words_of(root) == words


def signature_seeds() -> list[bytes]:
    names = ("wmo_sc_valid.xml", "wmo_sc_invalid_digest.xml", "google_canada_signed.cap")
    return [sample(name) for name in (*names, names[0], names[0])]


SIGNATURE_WORDS = [
    *(b'URI=""', b'URI="#x"', b'Id="x"', b"http://www.w3.org/2000/09/xmldsig#sha1"),
    *(
        b"http://www.w3.org/2002/06/xmldsig-filter2",
        b"http://www.w3.org/TR/1999/REC-xpath-19991116",
    ),
    *(b"<ds:Transform/>", b"<ds:Reference/>", b"<ds:Object>", b"<!-- x -->", b"=", b"A", b"\x00"),
    *(b"<headline>", b"</headline>", b"<ds:X509Certificate>MII=</ds:X509Certificate>"),
]


def signature_largest() -> list[bytes]:
    """As large as an alert may be: one text, as many elements as there is room for, a value of the
    signature itself, and many certificates."""
    raw, _, _, _ = signed()
    room = document.ALERT.bytes_max - len(raw)
    end = raw.rindex(b"<ds:Signature ")
    value = raw.index(b"<ds:SignatureValue>") + len(b"<ds:SignatureValue>")
    found = [
        raw[:end] + b"<!--" + b"x" * (room - 7) + b"-->" + raw[end:],
        raw[:end] + b"<note>" + b"x" * (room - 13) + b"</note>" + raw[end:],
        raw[:end] + b"<a/>" * min(room // 4, document.ALERT.elements_max - 200) + raw[end:],
        raw[:end] + b"\n" * room + raw[end:],
        raw[:value] + b"A" * room + raw[value:],
    ]
    assert all(len(one) <= document.ALERT.bytes_max for one in found)
    return found
