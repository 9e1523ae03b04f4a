"""What MQTT messages say in each dialect, and how a state is told from news."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mqtt_readings import PIN, TOPICS, payload_of, reading
from msgspec.structs import replace

from tocsin.core.code_tables import meaning
from tocsin.core.codes.overrides import CodeOverride, CodeTable
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType, Level
from tocsin.site.intakes.mqtt import Topic
from tocsin.wire.mqtt.dialects import DIALECTS, EVENTS_MAX, SENSORS
from tocsin.wire.mqtt.packets import V3, Publish
from tocsin.wire.mqtt.redaction import MARKER
from tocsin.wire.mqtt.saying import TOCSIN, instant
from tocsin.wire.mqtt.signals import (
    SIGNALS_MAX,
    UNREADABLE,
    account_of,
    repeat_key,
    state,
    told,
    topic_of,
    will,
)
from tocsin.wire.mqtt.topics import is_filter, match

FRAMES = Path(__file__).parent.parent / "frames/mqtt/messages.json"
MESSAGES: list[dict[str, Any]] = json.loads(FRAMES.read_text(encoding="utf-8"))


def brief(signals: tuple[SignalRead, ...]) -> list[list[str]]:
    return [[s.code, s.codes, s.qualifier, s.zone, s.partition] for s in signals]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: f"{one['dialect']} {one['topic']}")
def test_messages_of_the_field_are_read(message: dict[str, Any]) -> None:
    found = reading(message["dialect"], message["payload"], message["topic"])
    assert found.problem is None
    assert brief(found.signals) == message["signals"]
    assert found.is_news is bool(message["signals"])
    secret = message.get("secret", "no secret")
    whole = found.body + repr(found.signals).encode()
    assert secret.encode() not in whole
    assert (MARKER.encode() in found.body) is ("secret" in message)


def test_the_messages_try_every_dialect() -> None:
    assert {one["dialect"] for one in MESSAGES} == set(DIALECTS) == set(TOPICS)


@pytest.mark.parametrize(
    ("dialect", "payload"),
    [
        ("tocsin", "not json"),
        ("tocsin", "{}"),
        ("tocsin", '{"code":"B"}'),
        ("tocsin", '{"code":"BA","codes":"cid"}'),
        ("tocsin", "[]"),
        ("tocsin", "\x00\xff"),
        ("tocsin", '{"code":' + "[" * 5_000),
        ("home_assistant", "on fire"),
        ("zigbee2mqtt", "offline"),
        ("frigate", "{}"),
        ("generic", '{"event":{}}'),
        ("generic", '{"event":{"kind":"unheard of"}}'),
    ],
)
def test_what_cannot_be_read_is_kept_and_shown(dialect: str, payload: str) -> None:
    found = reading(dialect, payload)
    (signal,) = found.signals
    assert (found.problem, signal.token, signal.code) == (UNREADABLE, UNREADABLE, "")
    assert signal.text.startswith("a/b: ")
    assert signal.text.isprintable()
    kept = b"[not kept: not JSON, 5008 bytes, " if "[[" in payload else payload.encode()
    assert payload_of(found.body).startswith(kept)


@pytest.mark.parametrize("key", sorted(SENSORS))
@pytest.mark.parametrize("word", ["true", "1", "1.0", '"true"', '"ON"', '"On"', '"1"', '" True "'])
def test_a_sensor_says_yes_in_many_ways(key: str, word: str) -> None:
    alarming, code, restored = SENSORS[key]
    found = reading("zigbee2mqtt", f'{{"{key}":{word}}}', keys=(key,))
    (signal,) = found.signals
    assert signal.code == (code if alarming else restored)
    assert (signal.text, found.is_news) == (f"a/b: {key} true", True)


@pytest.mark.parametrize("key", sorted(SENSORS))
@pytest.mark.parametrize("word", ["false", "0", "0.0", '"false"', '"OFF"', '"0"'])
def test_a_sensor_says_no_in_many_ways(key: str, word: str) -> None:
    alarming, code, restored = SENSORS[key]
    (signal,) = reading("zigbee2mqtt", f'{{"{key}":{word}}}', keys=(key,)).signals
    assert signal.code == (restored if alarming else code)


@pytest.mark.parametrize("word", ['"detected"', "2", "-1", "0.5", '""', "[]", '{"value":true}'])
def test_a_sensors_value_that_nobody_foresaw_is_shown(word: str) -> None:
    found = reading("zigbee2mqtt", f'{{"smoke":{word},"tamper":true}}', "z/kitchen-7")
    unread, tamper = found.signals
    assert (unread.code, unread.codes, unread.zone) == ("", "", "kitchen-7")
    assert unread.text == f"z/kitchen-7: smoke {word}"
    assert (tamper.code, found.is_news) == ("TA", True)  # it hides nothing beside it
    # It is no state that a sensor may repeat without being heard.
    assert len(told(found, is_retained=False, last=found.state)) == 2


def test_a_sensor_without_a_value_says_nothing() -> None:
    found = reading("zigbee2mqtt", '{"smoke":null,"linkquality":90}')
    assert (found.signals, found.is_news) == ((), False)


def test_an_alarm_that_says_no_more_is_of_an_untyped_zone() -> None:
    (signal,) = reading("zigbee2mqtt", '{"alarm":true}').signals
    means = meaning(signal)
    assert (means.effect, means.level) == (Effect.ALARM, 2)
    (over,) = reading("zigbee2mqtt", '{"alarm":false}').signals
    assert meaning(over).effect is Effect.RESTORE


@pytest.mark.parametrize("other", ['{"code":"zz9"}', '{"zone":"7"}', '"FA"', "null", "[]", "7"])
def test_an_event_that_cannot_be_read_hides_none_beside_it(other: str) -> None:
    for events in (
        f'[{{"code":"FA","zone":"3"}},{other}]',
        f'[{other},{{"code":"FA","zone":"3"}}]',
    ):
        found = reading("tocsin", events)
        said = sorted(found.signals, key=lambda one: one.code)
        assert [(one.code, one.zone) for one in said] == [("", ""), ("FA", "3")]
        assert said[0].text.endswith(f" expected: {other}")


def test_texts_and_signals_are_bounded() -> None:
    many = json.dumps([{"code": "BA"}] * (SIGNALS_MAX + 5))
    found = reading("tocsin", many)
    assert [one.code for one in found.signals] == ["BA"] * SIGNALS_MAX + [""]
    more = reading("tocsin", json.dumps([{"code": "FA"}] * (EVENTS_MAX + 1)))
    assert [one.code for one in more.signals] == ["FA"] * SIGNALS_MAX + [""]
    long = reading("tocsin", json.dumps({"code": "BA", "text": "x" * 5_000}))
    assert len(long.signals[0].text) == 1_024


def test_a_zone_that_is_a_name_is_text() -> None:
    (signal,) = reading("tocsin", '{"code":"BA","zone":"Anna"}').signals
    assert (signal.zone, signal.text) == ("", "Anna")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2026-05-04T12:11:12+02:00", datetime(2026, 5, 4, 10, 11, 12, tzinfo=UTC)),
        ("2026-05-04T12:11:12", None),  # a wall clock
        (1_777_888_999, datetime(2026, 5, 4, 10, 3, 19, tzinfo=UTC)),
        (1_777_888_999_000, datetime(2026, 5, 4, 10, 3, 19, tzinfo=UTC)),
        (1e300, None),
        ("yesterday", None),
        (True, None),
        (None, None),
    ],
)
def test_times_have_their_zone_or_are_none(said: Any, found: datetime | None) -> None:
    assert instant(said) == found


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(sorted(DIALECTS)))
def test_no_payload_is_an_error(payload: bytes, dialect: str) -> None:
    found = reading(dialect, payload)
    assert found.body
    assert all(one.text.isprintable() for one in found.signals)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("code", "state", "action", "type", "after", "event", "kind", "zone", "a")
            )
            | st.sampled_from(("label", "current_zones", "smoke", "at", "pin", "text")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=700, deadline=None)
@given(json_values, st.sampled_from(sorted(DIALECTS)))
def test_no_json_is_an_error(value: Any, dialect: str) -> None:
    assert reading(dialect, json.dumps(value)).body


# -- states and news ------------------------------------------------------------------------------


def codes(signals: tuple[SignalRead, ...]) -> list[tuple[str, str]]:
    return [(one.code, one.token) for one in signals]


def test_a_retained_state_that_is_known_opens_nothing() -> None:
    triggered = reading("home_assistant", "triggered")
    disarmed = reading("home_assistant", "disarmed")
    known = told(triggered, is_retained=True, last=triggered.state)
    assert codes(known) == [("YY", "retained")]
    assert "triggered" in known[0].text
    for last in (disarmed.state, frozenset()):
        news = told(triggered, is_retained=True, last=last)
        assert codes(news) == [("BA", "home_assistant.retained")]
    doubtful = told(triggered, is_retained=True, last=None, is_doubtful=True)
    assert codes(doubtful) == [("BA", "home_assistant.retained")]
    # It is the same state when it is read back from the record.
    assert state(news) == triggered.state == state(triggered.signals)


def test_a_state_found_at_the_first_connection_is_no_alarm() -> None:
    triggered = reading("home_assistant", "triggered")
    found = told(triggered, is_retained=True, last=None)
    assert codes(found) == [("BA", "home_assistant.found")]
    means = meaning(found[0])
    assert (means.effect, means.type, means.level) == (Effect.STATUS, IncidentType.BURGLARY, 4)
    assert means.needs_answer
    assert means.text_en == "State found at connection: Burglary alarm"
    assert means.text_zh == "连接时已存在的状态：入侵报警"
    # An agency's table may make an alarm of its own code, but not of what was found.
    row = CodeOverride("sia", "BA", Effect.ALARM, IncidentType.HOLDUP, Level.P1)
    assert meaning(found[0], (CodeTable(1, (row,)),)).effect is Effect.STATUS
    assert state(found) == triggered.state == state(triggered.signals)
    # What says that all is well is told as that, and what is of now as an alarm.
    (calm,) = told(reading("home_assistant", "disarmed"), is_retained=True, last=None)
    assert meaning(calm) == meaning(replace(calm, token="home_assistant"))
    assert meaning(*told(triggered, is_retained=False, last=None)).effect is Effect.ALARM
    assert meaning(replace(found[0], protocol="dc09")).effect is Effect.ALARM  # not by its token


def test_what_is_not_retained_is_news_each_time() -> None:
    triggered = reading("home_assistant", "triggered")
    assert codes(told(triggered, is_retained=False, last=triggered.state)) == [
        ("BA", "home_assistant")
    ]


def test_an_alarm_with_another_time_is_another_one() -> None:
    first = reading("tocsin", '{"code":"BA","at":"2026-05-04T10:11:12Z"}')
    later = reading("tocsin", '{"code":"BA","at":"2026-05-04T10:12:12Z"}')
    assert codes(told(later, is_retained=True, last=first.state)) == [("BA", "tocsin.retained")]


def test_a_sensor_that_says_again_that_all_is_well_says_nothing() -> None:
    calm = reading("zigbee2mqtt", '{"smoke":false,"tamper":false}')
    fire = reading("zigbee2mqtt", '{"smoke":true,"tamper":false}')
    assert told(calm, is_retained=False, last=calm.state) == ()
    assert len(told(calm, is_retained=False, last=None)) == 2
    # After an alarm the restores are news, so that the record knows of them.
    assert [c for c, _ in codes(told(calm, is_retained=False, last=fire.state))] == ["FR", "TR"]
    assert [c for c, _ in codes(told(fire, is_retained=False, last=calm.state))] == ["FA", "TR"]
    assert [c for c, _ in codes(told(fire, is_retained=False, last=fire.state))] == ["FA"]


def test_a_will_is_a_trouble_or_what_it_says() -> None:
    lost = will(Publish("panel/state", b"offline"), V3, TOCSIN, "panel")
    assert codes(lost.signals) == [("YC", "last_will")]
    assert "offline" in lost.signals[0].text
    own = will(Publish("panel/state", b'{"code":"TA","zone":"1"}'), V3, TOCSIN, "panel")
    assert codes(own.signals) == [("TA", "last_will")]
    secret = will(Publish("x", f"pin: {PIN}".encode()), V3, TOCSIN, "panel")
    assert PIN not in repr(secret)


def test_equal_messages_share_a_key_by_device_and_packet_id() -> None:
    first = Publish("a", b"x", 1, 5)
    assert repeat_key("p", first) == repeat_key("p", replace(first, dup=True, qos=2))
    others = [
        repeat_key("q", first),
        repeat_key("p", replace(first, packet_id=6)),
        repeat_key("p", replace(first, payload=b"y")),
        repeat_key("p", replace(first, topic="b")),
        repeat_key("p", first, b"another"),
    ]
    assert len({*others, repeat_key("p", first)}) == 6


# -- topics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "topic", "found"),
    [
        ("a/b", "a/b", ()),
        ("a/+", "a/b", ("b",)),
        ("a/+", "a/b/c", None),
        ("a/#", "a/b/c", ("b/c",)),
        ("a/#", "a", ("",)),
        ("+/x/#", "a/x/b", ("a", "b")),
        ("#", "a/b", ("a/b",)),
        ("#", "$SYS/broker", None),
        ("+/broker", "$SYS/broker", None),
        ("a/b", "a", None),
        ("a", "a/b", None),
    ],
)
def test_filters_match(name: str, topic: str, found: tuple[str, ...] | None) -> None:
    assert match(name, topic) == found


def test_filters_are_well_formed() -> None:
    assert all(map(is_filter, ("a", "a/b", "+", "#", "a/+/b", "a/#", "/", "$SYS/#")))
    assert not any(map(is_filter, ("", "a#", "a+", "#/a", "a/#/b", "+a/b")))


def test_the_first_entry_that_fits_decides() -> None:
    topics = [Topic(filter="z/+/x", account="dev-{1}"), Topic(filter="#", account="other")]
    found = topic_of(topics, "z/7/x")
    assert found is not None
    assert account_of(*found) == "dev-7"
    assert topic_of(topics[:1], "z") is None
