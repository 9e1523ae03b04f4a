"""Each protocol's own rules for a device's account, key and dialect, at their limits; and that a
key is never said back."""

import pytest

from tocsin.record import credentials
from tocsin.record.credentials import PROTOCOLS, RULES
from tocsin.record.importing import Mistake
from tocsin.record.site_rows import SiteRow, read_row

ROW = {
    "site": "S-1",
    "name_zh": "大楼",
    "name_en": "House",
    "address": "1 Mill Road",
    "lat": "31.2",
    "lon": "121.4",
    "datum": "WGS-84",
    "district": "huangpu",
    "protocol": "dc09",
    "account": "1234",
    "key": "",
    "key_form": "",
    "interval_s": "",
}


def read(language: str = "en", **fields: str) -> SiteRow | list[tuple[int, str, str]]:
    return read_row(2, ROW | fields, agency="fire", language=language)


@pytest.mark.parametrize(
    ("protocol", "account", "kept"),
    [
        ("dc09", "10af", "10AF"),
        ("dc09", "A" * 16, "A" * 16),
        ("dc09", "A" * 17, None),
        ("dc09", "10.1", None),
        ("mqtt", "Gate.way_1-b", "Gate.way_1-b"),
        ("mqtt", "a" * 64, "a" * 64),
        ("mqtt", "a" * 65, None),
        ("mqtt", "a/b", None),
        ("webhook", "Fleet-1", "Fleet-1"),
        ("webhook", "a b", None),
        ("sos_access", "{x}~!12345678Z", "{x}~!12345678Z"),
        ("sos_access", "1" * 15, "1" * 15),
        ("sos_access", "1" * 16, None),
        ("sos_access", "1 2", None),
        ("mail", "Alarm.Hall_2-a", "alarm.hall_2-a"),
        ("mail", "a@b", None),
        ("mail", "", None),
    ],
)
def test_accounts(protocol: str, account: str, kept: str | None) -> None:
    key = "k" * 15 if protocol == "sos_access" else "k" * 16
    row = read(protocol=protocol, account=account, key=key, key_form="ascii")
    if kept is None:
        assert isinstance(row, list)
        assert [(line, column) for line, column, _ in row] == [(2, "account")]
    else:
        assert isinstance(row, SiteRow)
        assert row.account == kept


@pytest.mark.parametrize(
    ("protocol", "form", "lengths_taken", "lengths_refused"),
    [
        ("dc09", "ascii", (16, 24, 32), (15, 17, 33)),
        ("dc09", "hex", (32, 48, 64), (31, 34, 65)),
        ("mqtt", "ascii", (12, 128), (11, 129)),
        ("mqtt", "hex", (), (32,)),
        ("webhook", "ascii", (16, 128), (15, 129)),
        ("webhook", "hex", (32, 256), (30, 33, 258)),
        ("sos_access", "ascii", (1, 15), (16,)),
        ("sos_access", "hex", (), (10,)),
        ("mail", "ascii", (12, 64), (11, 65)),
        ("mail", "hex", (), (32,)),
    ],
)
def test_keys_at_their_limits_and_never_said_back(
    protocol: str, form: str, lengths_taken: tuple[int, ...], lengths_refused: tuple[int, ...]
) -> None:
    for length in lengths_taken:
        row = read(protocol=protocol, account="a1", key="b" * length, key_form=form)
        assert isinstance(row, SiteRow), (length, row)
        assert row.key == (b"b" * length if form == "ascii" else b"\xbb" * (length // 2))
    for length in lengths_refused:
        for language in ("en", "zh"):
            errors = read(
                language, protocol=protocol, account="a1", key="b" * length, key_form=form
            )
            assert isinstance(errors, list), length
            assert {column for _, column, _ in errors} <= {"key", "key_form"}
            assert all("bbb" not in text for _, _, text in errors)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("key", ["密" * 16, "a" * 11 + "\t" * 5])
def test_a_key_is_printable(protocol: str, key: str) -> None:
    errors = read(protocol=protocol, account="a1", key=key, key_form="ascii")
    assert isinstance(errors, list)
    assert [column for _, column, _ in errors] == ["key"]
    assert key not in errors[0][2]


@pytest.mark.parametrize(
    ("dialect", "kept"),
    [
        ("", ""),
        ("standard", "standard"),
        ("eldes", "eldes"),
        ("binary_crc;duh", "binary_crc;duh"),
        (" eldes ; local_time:+08:00 ", "eldes;local_time:+08:00"),
        ("local_time:-03:30", "local_time:-03:30"),
        ("local_time:+14:00", "local_time:+14:00"),
        ("local_time:+14:01", None),
        ("local_time:-12:00", "local_time:-12:00"),
        ("local_time:-12:30", None),
        ("local_time:+8:00", None),
        ("local_time", None),
        ("Eldes", None),
        ("eldes,duh", None),
        ("eldes;eldes", None),
        ("local_time:+01:00;local_time:+02:00", None),
        ("standard;binary_crc", None),
    ],
)
def test_dialects(dialect: str, kept: str | None) -> None:
    row = read(dialect=dialect)
    if kept is None:
        assert isinstance(row, list)
        assert [column for _, column, _ in row] == ["dialect"]
    else:
        assert isinstance(row, SiteRow)
        assert row.dialect == kept


def test_only_dc09_has_dialects_and_a_file_may_leave_the_column_out() -> None:
    errors = read(protocol="mqtt", account="a", key="k" * 12, key_form="ascii", dialect="duh")
    assert isinstance(errors, list)
    assert [column for _, column, _ in errors] == ["dialect"]
    row = read()
    assert isinstance(row, SiteRow)
    assert row.dialect is None


def test_every_mistake_has_a_text_in_both_languages() -> None:
    said = set()
    for protocol, rules in RULES.items():
        said.add(rules.account_text)
        for form in ("ascii", "hex") if rules.hex_too else ("ascii",):
            with pytest.raises(Mistake) as caught:
                credentials.key("", protocol, form)
            said.add(caught.value.args[0])
    assert said <= set(credentials.TEXTS)
    for english, chinese in credentials.TEXTS.values():
        assert english != chinese
        assert chinese.strip()
