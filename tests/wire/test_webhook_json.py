"""JSON as strangers send it, refused by name and at bounded cost; and the pointers into it."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.wire.webhook import identity, json_text, pointer
from tocsin.wire.webhook.mapping import Fields
from tocsin.wire.webhook.signals import read

# -- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason", "where"),
    [
        (b"", "not_json", "line 1, column 1"),
        (b"{", "not_json", "line 1, column 2"),
        (b'{"a":\n1,}', "not_json", "line 2"),
        (b"{'a': 1}", "not_json", ""),
        (b'{"a": 1} {"b": 2}', "not_json", ""),
        (b'{"a": "\x01"}', "not_json", ""),
        (b'{"a": 01}', "not_json", ""),
        (b"\xff\xfe{\x00", "not_utf8", "byte 0"),
        ('{"a": "\u00e9"}'.encode("latin-1"), "not_utf8", "byte 7"),
        (b'{"a": 1, "a": 1}', "duplicate_key", "a"),
        (b'[{"x": {"b": 1, "\\u0062": 2}}]', "duplicate_key", "b"),
        (b'{"\\ud800": 1, "\\ud800": 1}', "duplicate_key", "?"),
        (b'{"a": NaN}', "not_a_number", "NaN"),
        (b"[-Infinity]", "not_a_number", "-Infinity"),
        (b"1e999", "number_too_large", "1e999"),
        (b"[" + b"9" * 41 + b"]", "number_too_large", ""),
        (b"0." + b"9" * 40, "number_too_large", ""),
        (b"[" * 33 + b"]" * 33, "too_deep", ""),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep", ""),
        (b"[" * 262_144, "too_many_values", ""),
        (b"[" + b"1," * 20_000 + b"1]", "too_many_values", ""),
    ],
)
def test_json_that_two_readers_could_read_in_two_ways(body: bytes, reason: str, where: str) -> None:
    with pytest.raises(json_text.BadJson) as found:
        json_text.read(body)
    assert found.value.reason == reason
    assert where in found.value.where


def test_json_at_its_limits_is_read() -> None:
    assert json_text.read(b"[" * 32 + b"]" * 32)
    assert len(json_text.read(b"[" + b"1," * 19_997 + b"1]")) == 19_998
    assert json_text.read(b"9" * 40) == int("9" * 40)
    assert json_text.read('\ufeff{"é": ["[", "]"]}'.encode()) == {"é": ["[", "]"]}
    assert json_text.read(b'"' + b"[" * 1_000 + b'\\"{"') == "[" * 1_000 + '"{'


def test_the_largest_body_costs_little() -> None:
    size = 262_144
    for body in (
        b'["' + b'\\"' * (size // 2 - 4) + b'"]',
        b'"' + b"\\" * size,
        b'"a' * (size // 2),
        b"[" + b"[]," * 6_000 + b"[]]",
        b'{"' + b"a" * (size - 10) + b'":1}',
        b'["pin' + b" " * (size - 16) + b':"]',
        b"pin " * (size // 4),
        b"a" * size,
    ):
        began = time.process_time()
        try:
            read(identity.without(json_text.read(body))[0], Fields(), "x")
        except json_text.BadJson as error:
            identity.in_place_of(body, error.reason)
        assert time.process_time() - began < 0.5, body[:20]


JSON_LIKE = st.text('{}[]",:0123456789.eE+-\\untrlfasN \n\ufeff\ud7ff', max_size=60)


@settings(max_examples=1_000, deadline=None)
@given(st.one_of(st.binary(max_size=60), JSON_LIKE.map(str.encode)))
def test_rubbish_raises_one_error_only(body: bytes) -> None:
    try:
        value = json_text.read(body)
    except json_text.BadJson as error:
        assert error.reason  # noqa: PT017 - what it raises is the matter
        error.where.encode()
        return
    assert value == json.loads(body.decode("utf-8-sig"))


# -- pointers -------------------------------------------------------------------------------------

RFC_6901 = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


def test_the_examples_of_rfc_6901() -> None:
    expected = {
        "": RFC_6901,
        "/foo": ["bar", "baz"],
        "/foo/0": "bar",
        "/": 0,
        "/a~1b": 1,
        "/c%d": 2,
        "/e^f": 3,
        "/g|h": 4,
        "/i\\j": 5,
        '/k"l': 6,
        "/ ": 7,
        "/m~0n": 8,
    }
    for text, value in expected.items():
        assert pointer.find(RFC_6901, pointer.parse(text)) == value
        assert pointer.text_of(pointer.parse(text)) == text
    assert pointer.parse("/~01") == ("~1",)


@pytest.mark.parametrize("text", ["foo", "#/foo", "/a~", "/a~2b", "/" * 17])
def test_what_is_no_pointer(text: str) -> None:
    with pytest.raises(pointer.BadPointer):
        pointer.parse(text)


@pytest.mark.parametrize("text", ["/foo/2", "/foo/00", "/foo/-", "/foo/x", "/foo/0/x", "/none/x"])
def test_how_far_a_way_leads_is_said(text: str) -> None:
    with pytest.raises(pointer.Missing) as found:
        pointer.find(RFC_6901, pointer.parse(text))
    assert text.startswith(found.value.where)
