"""From a webhook's document to signals: mappings, events, and the identity that is dropped."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.core.signals import Position
from tocsin.wire.webhook import identity, json_text
from tocsin.wire.webhook.mapping import REASONS, TABLE_ROWS_MAX, Fields, problems
from tocsin.wire.webhook.page import EXAMPLE, MEANINGS, PLAIN
from tocsin.wire.webhook.signals import ERRORS_MAX, EVENTS_MAX, Reading, read, repeat_key

PLAIN_FIELDS = Fields()
TOWER = Fields(
    events="/alarms",
    code="/type",
    values={"smoke": "FA", "7": "BA", "true": "PA"},
    zone="/sensor/number",
    text="/sensor/name",
    occurred_at="/at",
    times="epoch_ms",
    lat="/where/lat",
    lon="/where/lon",
    datum="WGS-84",
)


# -- mappings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "key", "reason"),
    [
        ({"code": "type"}, "code", "pointer_wrong"),
        ({"code": ""}, "code", "pointer_missing"),
        ({"events": "/a~"}, "events", "pointer_wrong"),
        ({"datum": "/a~"}, "datum", "pointer_wrong"),
        ({"datum": "ED50"}, "datum", "datum_unknown"),
        ({"lat": ""}, "lat", "half_a_position"),
        ({"values": {"smoke": "fire"}}, "values.smoke", "code_unknown"),
        ({"values": {"smoke": "QQ"}}, "values.smoke", "code_unknown"),
        ({"values": {"smoke": ""}}, "values.smoke", "code_unknown"),
        ({"otherwise": "110"}, "otherwise", "code_unknown"),
        ({"codes": "cid", "values": {"x": "2110"}}, "values.x", "code_unknown"),
        ({"qualifiers": {"gone": "2"}}, "qualifiers.gone", "qualifier_unknown"),
        ({"levels": {"high": 5}}, "levels.high", "level_unknown"),
        ({"levels": {str(i): 1 for i in range(TABLE_ROWS_MAX + 1)}}, "levels", "table_too_long"),
    ],
)
def test_a_wrong_mapping_is_named_with_its_key(
    fields: dict[str, Any], key: str, reason: str
) -> None:
    found = list(problems(Fields(**fields)))
    assert [(one, why) for one, why, _ in found] == [(key, reason)]
    for text in REASONS[reason]:
        assert "{" not in text.format_map(found[0][2])


def test_right_mappings_have_no_problem_and_all_reasons_are_used() -> None:
    assert list(problems(PLAIN_FIELDS)) == []
    assert list(problems(TOWER)) == []
    assert list(problems(Fields(codes="cid", values={"x": "3110", "y": "110"}))) == []
    assert list(problems(Fields(lat="", lon="", datum=""))) == []
    assert set(MEANINGS) == set(Fields.__struct_fields__)
    assert "[edge.webhook.sources.mapping]" in EXAMPLE


# -- events ---------------------------------------------------------------------------------------


def test_our_own_plain_form() -> None:
    got = read(json_text.read(PLAIN.encode()), PLAIN_FIELDS, "tower-7")
    assert (got.problem, got.findings) == (None, [])
    (one,) = got.signals
    assert (one.protocol, one.token, one.account) == ("webhook", "event", "tower-7")
    assert (one.code, one.codes, one.qualifier, one.zone) == ("FA", "sia", "", "7")
    assert one.text == "Kitchen"
    assert one.occurred_at == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
    assert one.position == Position(31.23, 121.47, "WGS-84")


def test_a_list_of_events_by_a_mapping() -> None:
    sensor = {"number": 12, "name": "Müllerstraße"}
    body = {
        "alarms": [
            {"type": "smoke", "sensor": sensor, "at": 1_790_000_000_500},
            {"type": 7, "where": {"lat": 31, "lon": 121.5}},
            {"type": True},
        ]
    }
    got = read(body, TOWER, "tower-7")
    assert got.problem is None
    assert [one.code for one in got.signals] == ["FA", "BA", "PA"]
    assert (got.signals[0].zone, got.signals[0].text) == ("12", "Müllerstraße")
    assert got.signals[0].occurred_at == datetime.fromtimestamp(1_790_000_000.5, UTC)
    assert got.signals[1].position == Position(31.0, 121.5, "WGS-84")


@pytest.mark.parametrize(
    ("body", "where", "reason"),
    [
        ({}, "/alarms", "missing"),
        ([], "/alarms", "missing"),
        ("x", "/alarms", "missing"),
        ({"alarms": {}}, "/alarms", "not_a_list"),
        ({"alarms": []}, "/alarms", "no_events"),
        ({"alarms": [{}]}, "/alarms/0/type", "missing"),
        ({"alarms": [1]}, "/alarms/0/type", "missing"),
        ({"alarms": [{"type": None}]}, "/alarms/0/type", "not_a_code"),
        ({"alarms": [{"type": {}}]}, "/alarms/0/type", "not_a_code"),
        ({"alarms": [{"type": 1.5}]}, "/alarms/0/type", "not_a_code"),
        ({"alarms": [{"type": "fog"}]}, "/alarms/0/type", "code_unknown"),
        ({"alarms": [{"type": "\ud800"}]}, "/alarms/0/type", "code_unknown"),
    ],
)
def test_what_does_not_map_is_a_signal_that_says_so(body: Any, where: str, reason: str) -> None:
    got = read(body, TOWER, "tower-7")
    assert got.problem == "unreadable"
    assert [(one.where, one.reason) for one in got.findings] == [(where, reason)]
    (one,) = got.signals
    assert (one.code, one.account) == ("", "tower-7")
    assert where in one.text


@pytest.mark.parametrize(
    ("more", "where", "reason"),
    [
        ({"text": 7}, "/text", "not_a_text"),
        ({"text": "\ud800"}, "/text", "not_a_text"),
        ({"zone": [1]}, "/zone", "not_a_text"),
        ({"zone": True}, "/zone", "not_a_text"),
        ({"partition": 1.5}, "/partition", "not_a_text"),
        ({"occurred_at": 1_790_000_000}, "/occurred_at", "not_a_time"),
        ({"occurred_at": "2026-11-21T09:30:00"}, "/occurred_at", "not_a_time"),
        ({"occurred_at": "2026-13-21T09:30:00Z"}, "/occurred_at", "not_a_time"),
        ({"occurred_at": "0001-01-01T00:00:00+23:59"}, "/occurred_at", "not_a_time"),
        ({"level": 5}, "/level", "level_unknown"),
        ({"level": "1"}, "/level", "level_unknown"),
        ({"level": True}, "/level", "level_unknown"),
        ({"position": {"lat": "31", "lon": 1}}, "/position/lat", "not_a_number"),
        ({"position": {"lat": 91, "lon": 1}}, "/position/lat", "not_a_place"),
        ({"position": {"lat": 31, "lon": 121}}, "/position/datum", "datum_unknown"),
        ({"position": {"lat": 3, "lon": 1, "datum": "x"}}, "/position/datum", "datum_unknown"),
    ],
)
def test_the_signal_stands_without_what_cannot_be_read(
    more: dict[str, Any], where: str, reason: str
) -> None:
    got = read({"code": "FA"} | more, PLAIN_FIELDS, "x")
    assert got.problem == "partly_read"
    assert [(one.where, one.reason) for one in got.findings] == [(where, reason)]
    (one,) = got.signals
    assert one.code == "FA"
    assert (one.text, one.zone, one.occurred_at, one.level, one.position) == ("", "", None) + (
        (None,) * 2
    )


def test_numbers_as_text_are_none_and_times_have_their_form() -> None:
    seconds = Fields(times="epoch_s")
    for value, is_read in (
        (1_790_000_000, True),
        ("1790000000", False),
        (1_790_000_000_000, False),
    ):
        (one,) = read({"code": "FA", "occurred_at": value}, seconds, "x").signals
        assert (one.occurred_at is not None) is is_read
    nanoseconds = {"code": "FA", "occurred_at": "2026-11-21t09:30:00.123456789z"}
    (one,) = read(nanoseconds, PLAIN_FIELDS, "x").signals
    assert one.occurred_at == datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)


def test_contact_id_levels_and_restores() -> None:
    fields = Fields(codes="cid", levels={"high": 1}, qualifiers={"open": "1", "closed": "3"})
    body = {"code": "110", "qualifier": "closed", "level": "high"}
    (one,) = read(body, fields, "x").signals
    assert (one.code, one.qualifier, one.level) == ("110", "3", 1)
    assert read({"code": 3110}, fields, "x").signals[0].qualifier == "3"
    assert read({"code": 110}, fields, "x").signals[0].qualifier == "1"


def test_sixty_four_events_and_one_more() -> None:
    def of(count: int) -> Reading:
        return read({"alarms": [{"type": "smoke"}] * count}, TOWER, "x")

    assert (of(EVENTS_MAX).problem, len(of(EVENTS_MAX).signals)) == (None, 64)
    more = of(EVENTS_MAX + 1)
    assert more.problem == "too_many_events"
    assert more.findings[0].reason == "too_many_events"
    assert [one.code for one in more.signals] == ["FA"] * 64 + [""]
    assert len(read({"alarms": [{}] * 64}, TOWER, "x").findings) == ERRORS_MAX


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "alarms", "type", "zone", "at"]), inner)
    ),
    max_leaves=12,
)
POINTER = st.sampled_from(["", "/code", "/alarms", "/type", "/0", "/zone/at", "/at"])
FIELDS = st.builds(
    Fields,
    events=POINTER,
    code=POINTER.filter(bool),
    codes=st.sampled_from(["sia", "cid", "cap"]),
    times=st.sampled_from(["rfc3339", "epoch_s", "epoch_ms"]),
    **dict.fromkeys(("text", "zone", "occurred_at", "level", "qualifier", "lat", "lon"), POINTER),
    datum=st.sampled_from(["WGS-84", "/at"]),
)


@settings(max_examples=500, deadline=None)
@given(JSON, FIELDS)
def test_any_document_by_any_mapping_is_read_or_said_not_to_be(value: Any, fields: Fields) -> None:
    got = read(identity.without(value)[0], fields, "x")
    assert 1 <= len(got.signals) <= EVENTS_MAX + 1
    assert (got.problem is None) is (got.findings == [])
    for one in got.signals:
        msgspec.json.encode(one)  # as the record packs it: no half characters
        assert one.code or got.problem in ("unreadable", "too_many_events")
        assert len(one.zone) <= 8
        assert len(one.partition) <= 8


def test_a_name_in_a_zone_goes_where_it_is_sealed() -> None:
    body = {"code": "FA", "zone": "Zhang San", "partition": 13_900_001_111, "text": "hall"}
    (one,) = read(body, PLAIN_FIELDS, "x").signals
    assert (one.zone, one.partition) == ("", "")
    assert one.text == "hall zone: Zhang San partition: 13900001111"
    (short,) = read({"code": "FA", "zone": "A-12.34_"}, PLAIN_FIELDS, "x").signals
    assert short.zone == "A-12.34_"


def test_equal_messages_share_a_key_and_others_do_not() -> None:
    keys = {
        repeat_key("a", None, b"x"),
        repeat_key("a", "1", b"x"),
        repeat_key("a", "2", b"x"),
        repeat_key("b", "1", b"x"),
        repeat_key("a", "1", b"y"),
        repeat_key("a1", "", b"x"),
        repeat_key("a", "", b"x"),
        repeat_key("a", "unread", b"x"),
    }
    assert len(keys) == 8
    assert repeat_key("a", "1", b"x") in keys
    assert {len(one) for one in keys} == {16}


# -- identity -------------------------------------------------------------------------------------

SECRETS = ("13900001111", "4711", "沪A12345", "Zhang San", "356938035643809")
CARRIER = {
    "code": "FA",
    "text": "hall",
    "Phone-Number": SECRETS[0],
    "keypad": [{"PIN": 4711}, {"action_code": "4711"}],
    "after": {"sub_label": ["Zhang San", 0.9], "recognized_license_plate": "沪A12345"},
    "modem": {"imei": SECRETS[4], "rssi": -71},
}


def test_who_somebody_is_is_dropped_and_the_rest_stays() -> None:
    clean, dropped = identity.without(CARRIER)
    assert dropped == 6
    kept = identity.written(clean).decode("unicode_escape")
    assert [one for one in SECRETS if one in kept] == []
    assert clean["text"] == "hall"
    assert clean["modem"] == {"imei": identity.MARKER, "rssi": -71}
    mapped = read(clean, Fields(text="/Phone-Number", zone="/keypad/0/PIN"), "x").signals[0]
    assert (mapped.text, mapped.zone) == (f"{identity.MARKER} zone: {identity.MARKER}", "")
    assert identity.without({"code": "FA", "pin": None}) == ({"code": "FA", "pin": None}, 0)


def test_true_and_false_identify_nobody() -> None:
    said = {"face": True, "plate_detected": False, "faces": [], "pin": None}
    assert identity.without(said) == (said, 0)


def test_nothing_is_kept_of_what_cannot_be_read() -> None:
    body = b'{"score": NaN, "faces":["Alice","Bob"], "plate":{"confidence":0.9,"text":"ABC123"}}'
    with pytest.raises(json_text.BadJson) as found:
        json_text.read(body)
    kept = identity.in_place_of(body, found.value.reason)
    digest = hashlib.sha256(body).hexdigest()
    assert kept == f"[not kept: not_a_number, 83 bytes, SHA-256 {digest}]".encode()
