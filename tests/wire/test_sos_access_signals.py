"""SOS Access: what an alarm says, where it is, and what its sender hears."""

import re
from datetime import UTC, datetime

import pytest
from sos_requests import AUTHENTICATION, CODE, PUBLISHED, alarm, document

from tocsin.core.code_tables import built_in, meaning
from tocsin.core.signals import Effect, Position
from tocsin.wire.sos_access.answers import RULES, Reception, Status, answer, receive
from tocsin.wire.sos_access.requests import CHARS_MAX, Kind, Problem, Request, decode, encode
from tocsin.wire.sos_access.rt90 import to_wgs84
from tocsin.wire.sos_access.signals import RESTORES, EventCode, position, problems, read, repeat_key

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
KEY = AUTHENTICATION.encode()


def degrees(whole: float, minutes: float, seconds: float) -> float:
    return whole + minutes / 60 + seconds / 3600


# Lantmäteriet, "Kontrollpunkter RT 90 - SWEREF 99", 2006-05-03: latitude, longitude, x, y.
CHECK_POINTS = [
    (degrees(67, 5, 26.452769), degrees(21, 2, 5.101575), 7453389.762, 1727060.905),
    (degrees(63, 32, 14.761735), degrees(16, 14, 59.594626), 7047738.415, 1522128.637),
    (degrees(60, 9, 33.882413), degrees(14, 45, 28.167152), 6671665.273, 1441843.186),
    (degrees(56, 21, 17.199245), degrees(13, 52, 23.754022), 6249111.351, 1380573.079),
]


@pytest.mark.parametrize(("lat", "lon", "x", "y"), CHECK_POINTS)
def test_rt_90_at_the_published_check_points(lat, lon, x, y) -> None:
    found = to_wgs84(x, y)
    assert found is not None
    # 1e-8 degrees is a millimetre.
    assert abs(found[0] - lat) < 1e-8
    assert abs(found[1] - lon) < 1e-8


def test_what_is_not_in_sweden_is_no_place() -> None:
    for x, y in ((0, 0), (9_999_999, 9_999_999), (1_234_567, 1_234_567), (6_580_994, 9_000_000)):
        assert to_wgs84(x, y) is None


def test_positions() -> None:
    assert position("N5930E01812") is None
    found = position("N592030E0180345")
    assert found == Position(59 + 20.30 / 60, 18 + 3.45 / 60)
    assert position("S592030W0180345") == Position(-found.lat, -found.lon)
    # The protocol's own example cannot be minutes.
    assert position("N597295E0176288") == Position(59.7295, 17.6288)
    grid = position("x6671665y1441843")
    assert grid is not None
    assert abs(grid.lat - CHECK_POINTS[2][0]) < 1e-5
    for text in (
        *("", "somewhere", "N910000E0180000", "N590000E1810000", "N909999E0180000"),
        *("x1234567y1234567", "E597295E0176288", "N592030E0180345 ", "N٥92030E0180345"),
    ):
        assert position(text) is None


def test_a_position_that_cannot_be_read_is_kept_as_text() -> None:
    said = read(alarm(position="x1234567y1234567"))
    assert said.position is None
    assert said.text == "x1234567y1234567"
    assert read(alarm(position="N592030E0180345")).text == "N592030E0180345"


@pytest.mark.parametrize(
    ("event", "kind", "contact_id", "code"),
    [
        ("FA", "AL", False, ("FA", "sia", "")),
        ("FA", "", False, ("FA", "sia", "")),
        ("FA", "RE", False, ("FR", "sia", "")),
        ("FT", "RE", False, ("FJ", "sia", "")),
        ("AT", "RE", False, ("AR", "sia", "")),
        ("BB", "RE", False, ("BU", "sia", "")),
        ("BR", "RE", False, ("BR", "sia", "")),
        ("FH", "RE", False, ("FH", "sia", "")),
        ("AA", "RE", False, ("AA", "", "3")),  # AR would be the mains
        ("DF", "RE", False, ("DF", "", "3")),
        ("130", "AL", False, ("130", "", "")),
        ("130", "AL", True, ("130", "cid", "1")),
        ("E130", "AL", True, ("130", "cid", "1")),
        ("1130", "AL", True, ("130", "cid", "1")),
        ("R130", "AL", True, ("130", "cid", "3")),
        ("3130", "AL", True, ("130", "cid", "3")),
        ("6130", "AL", True, ("130", "cid", "6")),
        ("130", "RE", True, ("130", "cid", "3")),
        ("BRAND-1", "AL", False, ("BRAND-1", "", "")),
        ("fa", "AL", False, ("fa", "", "")),
        ("Eva Berg", "AL", False, ("", "", "")),
    ],
)
def test_event_codes(event, kind, contact_id, code) -> None:
    said = read(alarm(eventcode=event, alarmtype=kind), contact_id=contact_id)
    assert (said.code, said.codes, said.qualifier) == code
    assert (event in said.text) == (not said.code)


@pytest.mark.parametrize(
    ("mapped", "kind", "code"),
    [
        (EventCode(event="BRAND", code="FA"), "AL", ("FA", "sia", "")),
        (EventCode(event="BRAND", code="FA"), "RE", ("FR", "sia", "")),
        (EventCode(event="BRAND", code="FR"), "RE", ("FR", "sia", "")),
        (EventCode(event="BRAND", code="DF"), "RE", ("DF", "", "3")),
        (EventCode(event="BRAND", code="110", codes="cid"), "AL", ("110", "cid", "1")),
        (EventCode(event="BRAND", code="110", codes="cid"), "RE", ("110", "cid", "3")),
    ],
)
def test_event_codes_of_the_operator_s_own(mapped, kind, code) -> None:
    said = read(alarm(eventcode="BRAND", alarmtype=kind), own={"BRAND": mapped})
    assert (said.code, said.codes, said.qualifier) == code
    assert said.text == f"{kind} BRAND"
    other = EventCode(event="BA", code="FA")
    assert read(alarm(), own={"BA": other}).code == "FA"  # they come first
    assert read(alarm(), own={"XX": other}).code == "BA"


def test_event_codes_that_mean_nothing_are_named() -> None:
    for one, key in (
        (EventCode(event="", code="FA"), "event"),
        (EventCode(event="x" * 26, code="FA"), "event"),
        (EventCode(event="x", code="110"), "code"),
        (EventCode(event="x", code="FA", codes="cid"), "code"),
    ):
        assert [problem[0] for problem in problems(one)] == [key]
    assert not list(problems(EventCode(event="x" * 25, code="FA")))


@pytest.mark.parametrize(("event", "restore"), sorted(RESTORES.items()))
def test_a_restore_says_of_the_same_thing_that_it_is_over(event, restore) -> None:
    begun, over = built_in("sia", event, ""), built_in("sia", restore, "")
    assert (begun.effect, over.effect) in {
        (Effect.ALARM, Effect.RESTORE),
        (Effect.TROUBLE, Effect.RESTORE),
        (Effect.STATUS, Effect.STATUS),  # a bypass and its end
    }
    if begun.effect is Effect.ALARM:
        assert begun.type is over.type


def test_every_field_of_an_alarm_is_told() -> None:
    said = read(
        alarm(
            reference="0042",
            transmittertime="2026-03-04T06:06:07+01:00",
            transmitterarea="7",
            section="2",
            sectiontext="Ground floor",
            detector="11",
            detectortext="Smoke, kitchen",
            additionalinfo="line 1\nline 2",
        )
    )
    assert (said.protocol, said.token, said.account) == ("sos_access", "alarmrequest", CODE)
    assert (said.receiver, said.sequence) == ("42", 42)
    assert (said.partition, said.zone) == ("2", "11")
    assert said.text == "7\nGround floor\nSmoke, kitchen\nline 1\nline 2"
    assert said.occurred_at == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert read(alarm(transmitterarea="7")).partition == "7"
    assert read(alarm(transmitterarea="7")).text == ""


def test_a_name_in_a_number_s_place_is_text_which_is_sealed() -> None:
    said = read(alarm(section="Eva", detector="Ivar", transmitterarea="Bo", receiver="Eva Berg"))
    assert (said.zone, said.partition, said.receiver) == ("", "", None)
    assert said.text == "Bo\nEva\nIvar"
    assert read(alarm(transmittercode="Eva Berg")).account == ""


def test_times_without_a_zone_say_nothing_of_when() -> None:
    for text in ("2002-05-28 11:35:20.022", "yesterday", "", "0001-01-01T00:00:00+14:00"):
        assert read(alarm(transmittertime=text)).occurred_at is None


def test_no_information_is_no_text() -> None:
    client = next(one for one in PUBLISHED if one["id"] == "sos-client-empty-elements")
    said = read(decode(client["xml"].encode()))
    assert (said.code, said.text, said.sequence) == ("BA", "", None)


def test_repeats_share_a_key_and_news_does_not() -> None:
    sent = alarm(reference="1", section="2")
    key = repeat_key(sent, authorized=True)
    assert key is not None
    assert len(key) == 16
    assert repeat_key(alarm(reference="1", section="2"), authorized=True) == key
    assert repeat_key(sent, authorized=False) != key
    values = {name: "9" for name in CHARS_MAX if name not in ("authentication", "receiver")}
    for name in set(values) - {"transmittertype"}:
        assert (
            repeat_key(alarm(**({"reference": "1", "section": "2"} | {name: "8"})), authorized=True)
            != key
        )
    assert repeat_key(alarm(section="2"), authorized=True) is None
    assert repeat_key(alarm(kind=Kind.PING, reference="1"), authorized=True) is None
    assert repeat_key(alarm(transmittertime="2026"), authorized=True) is not None


def test_values_next_to_each_other_do_not_run_together() -> None:
    one = repeat_key(alarm(reference="1", section="12", sectiontext="3"), authorized=True)
    other = repeat_key(alarm(reference="1", section="1", sectiontext="23"), authorized=True)
    assert one != other


# -- what is heard ------------------------------------------------------------------------------


def received(request: Request, *, known: bool = True, key: bytes | None = KEY) -> Reception:
    raw = encode(request)
    return receive(decode(raw), raw, is_known=known, key=key if known else None)


def test_ordinary_alarm_is_the_device_s() -> None:
    reception = received(alarm())
    assert (reception.status, reception.problem) == (Status.OK, None)
    assert reception.is_kept
    assert reception.is_devices
    assert not reception.is_poll
    assert received(alarm(kind=Kind.PING)).is_poll


@pytest.mark.parametrize(
    ("request_", "known", "key", "problem"),
    [
        (alarm(), False, None, Problem.UNKNOWN_TRANSMITTER),
        (alarm(), True, b"another", Problem.NOT_AUTHORIZED),
        (alarm(), True, b"", Problem.NOT_AUTHORIZED),
        (alarm(), True, None, Problem.NO_KEY),
        (alarm(kind=Kind.PING), True, b"another", Problem.NOT_AUTHORIZED),
        (alarm(kind=Kind.PING), False, None, Problem.UNKNOWN_TRANSMITTER),
        (alarm(kind=Kind.NEW_AUTHENTICATION), True, KEY, Problem.NEW_AUTHENTICATION),
        (alarm(kind=Kind.NEW_AUTHENTICATION), True, b"another", Problem.NOT_AUTHORIZED),
        (alarm(eventcode=""), True, KEY, Problem.MANDATORY_DATA_MISSING),
        (alarm(authentication=""), True, KEY, Problem.MANDATORY_DATA_MISSING),
        (alarm(authentication=""), True, b"", Problem.MANDATORY_DATA_MISSING),
        (alarm(sectiontext="x" * 41), True, KEY, Problem.WRONG_CONTENT),
        (alarm(sectiontext="x" * 41), True, b"another", Problem.NOT_AUTHORIZED),
    ],
)
def test_the_table_decides(request_, known, key, problem) -> None:
    reception = received(request_, known=known, key=key)
    rule = RULES[problem]
    assert (reception.problem, reception.status) == (problem, rule.status)
    assert reception.is_kept == rule.is_kept == bool(reception.signals)
    if key != KEY or not request_.authentication:
        assert not reception.is_devices
    assert not reception.is_poll
    assert AUTHENTICATION.encode() not in reception.body


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (encode(alarm(eventcode="FA")).partition(b"?>")[2], Problem.XML_HEADER),
        (encode(alarm(eventcode="FA")).replace(b"ISO-8859-1", b"UTF-8"), Problem.XML_HEADER),
        (encode(alarm(eventcode="FA", detectortext="x" * 41)), Problem.WRONG_CONTENT),
        (encode(alarm(eventcode="FA", alarmtype="XX")), Problem.WRONG_CONTENT),
    ],
)
def test_an_authentic_alarm_with_a_fault_is_taken(raw: bytes, problem: Problem) -> None:
    def reception(key: bytes) -> Reception:
        return receive(decode(raw), raw, is_known=True, key=key)

    taken = reception(KEY)
    assert (taken.status, taken.problem, taken.is_devices) == (Status.OK, problem, True)
    assert taken.signals[0].code == "FA"
    refused = reception(b"another")
    assert (refused.status, refused.is_devices) == (Status.NOT_AUTHORIZED, False)


def test_what_is_missing_is_asked_before_the_form() -> None:
    """Without a header too, nobody hears 0 who is not authorized or says no event."""
    for request in (alarm(authentication=""), alarm(transmittercode=""), alarm(eventcode="")):
        raw = encode(request).partition(b"?>")[2]
        found = receive(decode(raw), raw, is_known=True, key=KEY)
        assert found.status is Status.MANDATORY_DATA_MISSING
        assert found.is_devices == (request.eventcode == "")
        assert meaning(found.signals[0]).effect is Effect.UNKNOWN or not found.is_devices


def test_a_ping_with_a_fault_is_a_poll() -> None:
    raw = encode(alarm(kind=Kind.PING)).partition(b"?>")[2]
    assert receive(decode(raw), raw, is_known=True, key=KEY).is_poll
    assert not receive(decode(raw), raw, is_known=True, key=b"another").is_poll


def test_what_stands_twice_is_not_lost() -> None:
    further = b"<eventcode>FA</eventcode><alarmtype>RE</alarmtype><alarmtype>AL</alarmtype>"
    further += b"<authentication>a secret</authentication>"
    raw = encode(alarm()).replace(b"</alarmrequest>", further + b"</alarmrequest>")
    found = receive(decode(raw), raw, is_known=True, key=KEY)
    assert (found.status, found.problem) == (Status.OK, Problem.WRONG_CONTENT)
    (signal,) = found.signals
    assert (signal.code, signal.text) == ("BA", "eventcode: FA\nalarmtype: AL")
    assert "a secret" not in repr(found)


def test_an_unauthorized_one_is_never_taken_for_the_device_s() -> None:
    for problem in (Problem.UNKNOWN_TRANSMITTER, Problem.NOT_AUTHORIZED, Problem.NO_KEY):
        assert not RULES[problem].is_devices
        assert RULES[problem].is_kept


def test_a_secret_in_a_text_is_in_no_signal() -> None:
    request = alarm(additionalinfo=f"my code is {AUTHENTICATION}", eventcode="X")
    for key in (KEY, b"another"):
        reception = received(request, key=key)
        assert reception.signals[0].text == "my code is [removed]"
        assert AUTHENTICATION not in repr(reception)


def test_ping_of_a_stranger_is_a_test_and_alarms_nobody() -> None:
    (said,) = received(alarm(kind=Kind.PING, eventcode=""), known=False).signals
    assert (said.token, said.code, said.codes) == ("pingrequest", "RP", "sia")


def test_answers_are_what_the_protocol_shows() -> None:
    shown = next(one for one in PUBLISHED if "answer" in one)
    raw = answer(Kind.ALARM, Status.OK, now=NOW, reference="001")
    assert raw == (
        b'<?xml version="1.0" encoding="ISO-8859-1"?><alarmresponse><reference>001</reference>'
        b"<status>0</status><info>OK</info><arrivaltime>2026-03-04 05:06:07.089</arrivaltime>"
        b"</alarmresponse>"
    )

    def tags(text: str) -> list[str]:
        return re.findall(r"<[a-z?/][^> ]*", text)

    assert tags(raw.decode()) == tags(shown["xml"])
    assert b"<pingresponse><status>4</status>" in answer(Kind.PING, Status.NOT_AUTHORIZED, now=NOW)
    assert b"</requestnewauthenticationresponse>" in answer(
        Kind.NEW_AUTHENTICATION, Status.SERVICE_UNAVAILABLE, now=NOW
    )
    odd = answer(Kind.ALARM, Status.OK, now=NOW, reference="<å&>")
    assert "<reference>&lt;å&amp;&gt;</reference>".encode("latin-1") in odd


def test_bytes_of_a_request_with_a_long_text_are_kept_whole() -> None:
    raw = document(
        f"<authentication>{AUTHENTICATION}</authentication><transmittercode>{CODE}"
        "</transmittercode><eventcode>FA</eventcode><more>of a later version</more>"
    )
    reception = receive(decode(raw), raw, is_known=True, key=KEY)
    assert reception.problem is None
    assert reception.body == raw.replace(AUTHENTICATION.encode(), b"[removed]")
