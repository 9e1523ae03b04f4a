"""AML messages: public samples, what is refused, and that nothing of who the caller is stays."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from tocsin.core.caller_places import CallerPlace
from tocsin.wire.aml import form, sms, text
from tocsin.wire.aml.place import BadMessage, timely
from tocsin.wire.aml.text import Read

FRAMES = Path(__file__).parent.parent / "frames" / "aml" / "messages.json"
SAMPLES: list[dict[str, Any]] = json.loads(FRAMES.read_text(encoding="utf-8"))
NOW = datetime(2022, 1, 31, 17, 18, tzinfo=UTC)
GOOD = (
    'A"ML=1;lt=+51.53321;lg=-0.12601;rd=14;top=20220131171748;lc=68;pm=W;'
    "si=234159000000000;ei=123456789012345;mcc=234;mnc=15;ml=127"
)


def read(kind: str, raw: str, now: datetime = NOW) -> Read:
    if kind == "form":
        return form.read(raw.encode(), now)
    return text.read(sms.text_of_hex(raw) if kind == "hex" else raw, now)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_a_public_sample_is_read_and_names_nobody(sample: dict[str, Any]) -> None:
    now = datetime.fromisoformat(sample["now"])
    if sample["expect"] is None:
        with pytest.raises(BadMessage) as found:
            read(sample["kind"], sample["raw"], now)
        assert found.value.reason == sample["reason"]
        kept = text.without_identity(sample["raw"])
    else:
        got = read(sample["kind"], sample["raw"], now)
        defaults = to_builtins(CallerPlace(lat=0, lon=0))
        assert to_builtins(got.place) == {**defaults, **sample["expect"]}
        assert got.place.method.value != "unknown"
        kept = got.kept.decode() + json.dumps(to_builtins(got.place))
    assert sample["identity"]
    assert [one for one in sample["identity"] if one in kept] == []
    raw = sms.text_of_hex(sample["raw"]) if sample["kind"] == "hex" else sample["raw"]
    assert all(one in raw for one in sample["identity"])  # so the line above can fail


def test_what_was_packed_unpacks() -> None:
    assert sms.unpack(sms.pack(GOOD)) == GOOD + "@"  # what the last octet is filled up with
    assert sms.text_of(sms.pack(GOOD)) == GOOD
    assert sms.text_of(GOOD.encode()) == GOOD  # one character an octet


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "not_aml"),
        ("hello", "not_aml"),
        ('A"ML=3;lt=1;lg=2', "not_aml"),
        ('A"ML=1;lt=1;lt=2;lg=3;pm=G', "not_aml"),
        ('A"ML=1;lt;lg=3;pm=G', "not_aml"),
        (GOOD + ";" + "x" * 1_024, "not_aml"),
        ('A"ML=1;' + ";".join(f"{'abcdefgh'[i % 8]}=1" for i in range(41)), "not_aml"),
        ('A"ML=1;lg=3;pm=G', "missing"),
        ('A"ML=1;lt=1;pm=G', "missing"),
        ('A"ML=1;lt=1;lg=2', "missing"),
        ('A"ML=1;lt=nan;lg=2;pm=G', "not_a_number"),
        ('A"ML=1;lt=1e3;lg=2;pm=G', "not_a_number"),
        ('A"ML=1;lt=１;lg=2;pm=G', "not_a_number"),
        ('A"ML=1;lt=1_0;lg=2;pm=G', "not_a_number"),
        ('A"ML=1;lt=90.1;lg=2;pm=G', "not_a_place"),
        ('A"ML=1;lt=1;lg=-180.1;pm=G', "not_a_place"),
        ('A"ML=2;et=1593187189;lc=68', "no_location"),
        ('A"ML=2;lo=1,2,3,4', "not_a_place"),
        ('A"ML=2;lo=1', "not_a_place"),
        (GOOD.replace("ml=127", "ml=136"), "length_wrong"),
        (GOOD.replace("ml=127", "ml=-12"), "length_wrong"),
    ],
)
def test_what_is_no_location_is_named(message: str, reason: str) -> None:
    with pytest.raises(BadMessage) as found:
        text.read(message, NOW)
    assert found.value.reason == reason


@pytest.mark.parametrize(("declared", "differs"), [(127, False), (135, True), (119, True)])
def test_a_length_that_is_a_little_wrong_is_taken_and_marked(declared: int, differs: bool) -> None:
    got = text.read(GOOD.replace("ml=127", f"ml={declared}"), NOW)
    assert got.place.length_differs is differs


@pytest.mark.parametrize(
    ("top", "is_taken"),
    [
        *(("20220131172300", True), ("20220131172301", False), ("20220130171800", True)),
        *(("20220130171759", False), ("20221331171748", False), ("2022013117174", False)),
    ],
)
def test_a_time_that_cannot_be_is_left_out_and_the_place_stays(top: str, is_taken: bool) -> None:
    got = text.read(GOOD.replace("20220131171748", top).replace("ml=127", ""), NOW)
    assert (got.place.at is not None) is is_taken
    assert got.place.lat == 51.53321


@pytest.mark.parametrize("hexadecimal", ["", "4", "zz", "41 51", "00", "41" * 1_025, "4151"])
def test_what_is_no_user_data_is_named(hexadecimal: str) -> None:
    with pytest.raises(BadMessage) as found:
        sms.text_of_hex(hexadecimal)
    assert found.value.reason in ("not_hex", "not_aml")


def test_a_form_is_signed_by_one_of_the_secrets_or_by_none() -> None:
    signed = next(one for one in SAMPLES if one["id"] == "form-signed")["raw"].encode()
    assert form.signer(signed, [("other", b"x"), ("operator", b"AML")]) == "operator"
    assert form.signer(b"v=1&location_latitude=1", [("operator", b"AML")]) is None
    for wrong in (
        signed.replace(b"0.85732", b"0.85733"),
        signed[:-1],
        signed[:-1] + b"0",
        signed + b"&x=1",
        b"v=1&hmac=",
        b"v=1&hmac=zz",
    ):
        with pytest.raises(BadMessage, match="signature_wrong"):
            form.signer(wrong, [("operator", b"AML")])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_aml"),
        (b"\xff=1", "not_aml"),
        (b"v=%ff&location_latitude=1", "not_aml"),
        (b"location_latitude=1&location_longitude=2", "not_aml"),
        (b"v=1&v=1&location_latitude=1&location_longitude=2", "not_aml"),
        (b"&".join(b"f%d=1" % i for i in range(81)), "not_aml"),
        (b"v=1&location_longitude=2", "no_location"),
        (b"v=1&location_latitude=1&location_longitude=", "no_location"),
        (b"v=1&location_latitude=NaN&location_longitude=2", "not_a_number"),
        (b"v=1&location_latitude=91&location_longitude=2", "not_a_place"),
    ],
)
def test_a_form_without_a_location_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(BadMessage) as found:
        form.read(body, NOW)
    assert found.value.reason == reason


IDENTITY = st.sampled_from(["234159000000000", "+447477593102", "355458061005220", "zhang san"])
NAMES = st.sampled_from(
    ["si", "ei", "en", "mcc", "xx", "lg", "ls", "rd", "lc", "lz", "pm", "msisdn"]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, IDENTITY, min_size=1), st.sampled_from(["1", "2"]))
def test_identity_in_any_field_is_not_kept(fields: dict[str, str], version: str) -> None:
    base = {"lt": "1.5", "lg": "2.5", "pm": "G"} if version == "1" else {"lo": "1.5,2.5,20"}
    message = f'A"ML={version};' + ";".join(f"{k}={v}" for k, v in (base | fields).items())
    try:
        got = text.read(message, NOW)
    except BadMessage:
        kept = text.without_identity(message)
    else:
        kept = got.kept.decode() + json.dumps(to_builtins(got.place))
    digits = [one for one in fields.values() if one != "zhang san"]
    assert [one for one in digits if one in kept or one[1:] in kept] == []


@settings(max_examples=600, deadline=None)
@given(st.one_of(st.text(max_size=200), st.text('A"ML=12;ltgopmec.+-0', max_size=200)), st.binary())
def test_rubbish_raises_one_error_only(rubbish: str, data: bytes) -> None:
    for attempt in (
        lambda: text.read(rubbish, NOW),
        lambda: text.read('A"ML=1;' + rubbish, NOW),
        lambda: text.read('A"ML=2;' + rubbish, NOW),
        lambda: sms.text_of_hex(rubbish),
        lambda: sms.text_of(data),
        lambda: form.read(data, NOW),
        lambda: form.read(b"v=1&location_latitude=" + data, NOW),
        lambda: form.signer(data, [("x", b"y")]),
    ):
        try:
            attempt()
        except BadMessage as error:
            assert error.reason  # noqa: PT017 - what it raises is the matter


def test_the_longest_message_costs_little() -> None:
    began = time.process_time()
    for message in ('A"ML=1;' + "=" * 1_017, 'A"ML=1;' + ";" * 1_017, "0" * 1_024):
        with pytest.raises(BadMessage):
            text.read(message, NOW)
        text.without_identity(message)
    with pytest.raises(BadMessage):
        sms.text_of(b"\xff" * sms.OCTETS_MAX)
    with pytest.raises(BadMessage):
        form.read(b"v=1&" + b"&" * 16_000, NOW)
    assert time.process_time() - began < 0.5


def test_what_is_kept_of_the_unreadable_has_no_number() -> None:
    assert text.without_identity("si=234159000000000;lt=51.53321;é" + "1" * 2_000) == (
        "si=[dropped];lt=[dropped];é[dropped]"
    )
    for number in (
        *("+33 6 12 34 56 78", "138-123-456-78", "+33+6+12", "(0)6.12/34", "1 - 2 _ 3", "7"),
        *("１３８ １２３", "٠٦١٢", "1\u200b3\u00a08"),
    ):
        assert text.without_identity(f"from {number} now") == "from [dropped] now"
    assert timely(NOW - timedelta(hours=25), NOW) is None


@pytest.mark.parametrize(
    ("floor", "is_kept"),
    [
        *(("5", True), ("-2", True), ("300", True), ("-200", True), ("2.5", True), ("", True)),
        *(("301", False), ("-201", False), ("Zhang", False), ("+33 6", False), ("13812345", False)),
        *(("１", False), ("5\n", False), ("nan", False)),
    ],
)
def test_a_floor_is_one_that_a_building_can_have(floor: str, is_kept: bool) -> None:
    body = urlencode({"v": "1", "location_latitude": "1.5", "location_longitude": "2.5"})
    got = form.read(f"{body}&{urlencode({'location_floor': floor})}".encode(), NOW)
    assert got.place.floor == (floor if is_kept else "")
    assert parse_qsl(got.kept.decode(), keep_blank_values=True)[-1][1] == (
        floor if is_kept else "[dropped]"
    )


@pytest.mark.parametrize(
    "value", ["+33 6 12 34", "138-123-456-78", "zhang san", "33,6,12,34", "1234 5678", "123456789"]
)
def test_a_field_of_another_form_is_dropped_and_the_place_stays(value: str) -> None:
    message = f'A"ML=1;lt=1.5;lg=2.5;rd={value};lc={value};pm=G;top={value}'
    got = text.read(message, NOW)
    assert value not in got.kept.decode()
    assert got.place.lat == 1.5
    body = urlencode({"v": "1", "location_latitude": "1.5", "location_longitude": "2.5"})
    got = form.read(f"{body}&{urlencode({'location_altitude': value})}".encode(), NOW)
    assert parse_qsl(got.kept.decode())[-1][1] == "[dropped]"
