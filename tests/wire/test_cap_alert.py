"""What a CAP alert says: fields, references, times, areas, and flaws that cost nobody a warning."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cap_samples import circle, document, polygon, reason_of, sample
from tocsin.edge.cap_taking import Source, look
from tocsin.wire.cap.alert import INFOS_MAX, REFERENCES_MAX, Flaw, Reference, decode
from tocsin.wire.cap.areas import (
    POINTS_MAX,
    Answered,
    Area,
    BadArea,
    Circle,
    concerns,
    position,
    read_circle,
    read_polygon,
)
from tocsin.wire.cap.document import BadAlert, Reason
from tocsin.wire.cap.times import BadTime, read_time, write_time


def test_every_field_is_read() -> None:
    alert = decode(sample("own_zh_en.xml"))
    assert (alert.identifier, alert.sender) == (
        "310000-20260711-0902-1",
        "warning@weather.example.cn",
    )
    assert alert.sent == datetime(2026, 7, 11, 7, 20, tzinfo=UTC)
    assert (alert.status, alert.msg_type, alert.scope) == ("Actual", "Alert", "Public")
    assert alert.expires == datetime(2026, 7, 11, 10, 20, tzinfo=UTC)
    zh, en = alert.infos
    assert (zh.language, en.language) == ("zh-CN", "en")
    assert zh.categories == ("Met",)
    assert zh.response_types == ("Shelter",)
    assert zh.headline == "暴雨橙色预警"
    (resource,) = zh.resources
    assert resource.uri == "https://weather.example.cn/radar.png"
    assert (resource.mime_type, resource.size) == ("image/png", 48_213)
    (area,) = zh.areas
    assert area.geocodes == (("adcode", "310101"),)
    assert area.polygons[0][0] == area.polygons[0][-1] == (31.2, 121.4)
    canada = decode(sample("google_canada.cap"))
    assert canada.codes[0] == "profile:CAP-CP:0.4"
    assert canada.infos[0].parameters[0] == ("layer:EC-MSC-SMC:1.0:Alert_Type", "watch")
    assert canada.infos[0].event_codes[1] == ("SAME", "SVA")
    assert [info.language for info in canada.infos] == ["en-CA", "fr-CA"]


def test_the_language_is_english_where_none_is_named() -> None:
    assert decode(document()).infos[0].language == "en-US"


def test_a_comment_does_not_end_a_text() -> None:
    """What is read is what canonical XML signs: `fire@example.org.evil`, not `fire@example.org`."""
    alert = decode(document(sender="fire@example.org<!-- -->.evil"))
    assert alert.sender == "fire@example.org.evil"


# -- references ---------------------------------------------------------------------------------

SENT = "2026-07-11T15:20:00+08:00"


@pytest.mark.parametrize(
    "text",
    [
        f"wcatwc@noaa.gov,PAAQ-3,{SENT}",
        f"wcatwc@noaa.gov, PAAQ-3,{SENT}",  # as NOAA's example has it
        f"wcatwc@noaa.gov,\n      PAAQ-3,\n {SENT}\n",
        f"  wcatwc@noaa.gov , PAAQ-3 , {SENT}  ",
    ],
)
def test_white_space_in_a_reference_does_not_matter(text: str) -> None:
    alert = decode(document(message="Update", references=text))
    sent = datetime(2026, 7, 11, 7, 20, tzinfo=UTC)
    assert alert.references == (Reference("wcatwc@noaa.gov", "PAAQ-3", sent),)
    assert alert.flaws == ()


def test_several_references_are_read_in_order_and_once() -> None:
    alert = decode(sample("google_canada_signed.cap"))
    assert len(alert.references) == 9
    assert alert.references[0].identifier == "2.49.0.1.124.726d2331.2013"
    twice = f"a@b,1,{SENT} a@b,1,{SENT}\na@b,2,{SENT}"
    found = decode(document(message="Cancel", references=twice)).references
    assert [one.identifier for one in found] == ["1", "2"]


@pytest.mark.parametrize("text", ["2026-07-11T07:20:00Z", "2026-07-11T07:20:00.5Z"])
@pytest.mark.parametrize("message", ["Update", "Cancel"])
def test_a_reference_is_read_as_leniently_as_the_time_that_it_repeats(message, text) -> None:
    first = decode(document("one", sent=text))
    wanted = Reference(first.sender, "one", first.sent)
    later = decode(document("two", message=message, references=f"{first.sender},one,{text}"))
    assert (later.references, later.flaws) == ((wanted,), ())


@pytest.mark.parametrize("text", ["a@b", "a@b,1", f"a@b,1,{SENT},x", "a@b,1,yesterday"])
def test_a_bad_reference_is_a_flaw_and_the_others_count(text: str) -> None:
    alert = decode(document(message="Cancel", references=f"{text} c@d,2,{SENT}"))
    assert alert.flaws == (Flaw.BAD_REFERENCE,)
    assert [one.identifier for one in alert.references] == ["2"]


@pytest.mark.parametrize("message", ["Update", "Cancel", "Ack", "Error"])
def test_only_a_new_alert_refers_to_nothing(message: str) -> None:
    assert decode(document(message=message)).flaws == (Flaw.NO_REFERENCES,)
    assert decode(document()).flaws == ()


def test_references_and_infos_are_bounded() -> None:
    many = " ".join(f"a@b,{n},{SENT}" for n in range(REFERENCES_MAX + 1))
    alert = decode(document(message="Update", references=many))
    assert len(alert.references) == REFERENCES_MAX
    assert alert.flaws == (Flaw.TOO_MUCH,)
    info = decode(document()).infos[0]
    from cap_samples import INFO

    at_limit = document(infos=INFO.replace("{more}", "") * INFOS_MAX)
    assert decode(at_limit).infos == (info,) * INFOS_MAX
    assert decode(at_limit).flaws == ()
    more = decode(document(infos=INFO.replace("{more}", "") * (INFOS_MAX + 1)))
    assert (len(more.infos), more.flaws) == (INFOS_MAX, (Flaw.TOO_MUCH,))


# -- flaws --------------------------------------------------------------------------------------


def test_each_flaw_is_named_and_costs_nobody_the_warning() -> None:
    assert decode(document(identifier="a 1")).flaws == (Flaw.BAD_IDENTIFIER,)
    assert decode(document(sender="a,b")).flaws == (Flaw.BAD_IDENTIFIER,)
    assert decode(document(infos="")).flaws == (Flaw.NO_INFO,)
    restricted = document().replace(b"Public", b"Restricted")
    assert decode(restricted).flaws == (Flaw.NO_RESTRICTION,)
    assert decode(document().replace(b"Public", b"Private")).flaws == (Flaw.NO_ADDRESSES,)
    addressed = document().replace(b"Public</scope>", b"Private</scope><addresses>a</addresses>")
    assert decode(addressed).flaws == ()
    bad = decode(document(area=polygon("1,2 3,4 5,6") + circle("31,121 5")))
    assert bad.flaws == (Flaw.BAD_AREA,)
    assert [len(area.circles) for area in bad.infos[0].areas] == [0, 1]


def test_addresses_with_a_space_stand_in_quotation_marks() -> None:
    raw = document().replace(b"</scope>", b'</scope><addresses>one "two words" three</addresses>')
    assert decode(raw).addresses == ("one", "two words", "three")


# -- times --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2026-07-11T07:20:00-00:00", "2026-07-11T07:20:00+00:00"])
def test_utc_is_written_in_two_ways(text: str) -> None:
    assert read_time(text) == datetime(2026, 7, 11, 7, 20, tzinfo=UTC)
    assert decode(document(sent=text)).sent == datetime(2026, 7, 11, 7, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-11T07:20:00Z",
        "2026-07-11T07:20:00.5+00:00",
        "2026-07-11T07:20:00,08:00",  # the comma that the schema's pattern takes for a sign
        "2026-07-11T07:20:00",
        "2026-02-30T07:20:00+00:00",
        "2026-07-11T24:00:01+00:00",
        "0000-01-01T00:00:00+00:00",
        "0001-01-01T00:00:00+14:00",  # before the calendar begins, in UTC
        "2026-07-11t07:20:00+00:00",
        "٢٠٢٦-07-11T07:20:00+00:00",
        "",
    ],
)
def test_what_is_no_time_of_cap_is_refused(text: str) -> None:
    with pytest.raises(BadTime):
        read_time(text)
    if re.fullmatch(r"[-0-9]{10}T07:20:00(Z|\.5\+00:00)", text, re.ASCII):
        assert decode(document(sent=text)).flaws == (Flaw.NOT_SCHEMA_EXACTLY,)
    else:
        assert reason_of(document(sent=text)) is Reason.NOT_SCHEMA


@pytest.mark.parametrize(
    ("theirs", "caps"),
    [
        ("<expires>2026-07-11T04:00:00Z<", "<expires>2026-07-11T12:00:00+08:00<"),
        ("<sent>2026-07-11T15:20:00.000+08:00<", "<sent>2026-07-11T15:20:00+08:00<"),
        ("<sent>2026-07-11T07:20:00.123456Z<", "<sent>2026-07-11T15:20:00+08:00<"),
        ("<responseType>All Clear<", "<responseType>AllClear<"),
    ],
)
def test_a_lenient_spelling_costs_nobody_the_warning(theirs: str, caps: str) -> None:
    right = document().replace(b"<urgency>", b"<responseType>AllClear</responseType><urgency>")
    assert caps.encode() in right
    found = decode(right.replace(caps.encode(), theirs.encode()))
    assert found.flaws == (Flaw.NOT_SCHEMA_EXACTLY,)
    assert replace(found, flaws=()) == decode(right)


def test_what_else_breaks_the_schema_is_told_as_it_is() -> None:
    """Beside a lenient spelling too: the reason is the document's own."""
    raw = document(sent="2026-07-11T07:20:00Z", status="Unheard")
    with pytest.raises(BadAlert) as bad:
        decode(raw)
    assert bad.value.reason is Reason.NOT_SCHEMA
    assert "sent" in bad.value.detail


def test_nothing_vouches_for_a_lenient_spelling() -> None:
    source = Source("post", ("en",), vouched=True)
    right = document()
    taken = look(right, source, datetime(2026, 7, 11, 7, 30, tzinfo=UTC))
    assert (taken.alert.assurance, taken.problem) == ("authenticated", None)
    lenient = right.replace(b"2026-07-11T12:00:00+08:00", b"2026-07-11T04:00:00Z")
    taken = look(lenient, source, datetime(2026, 7, 11, 7, 30, tzinfo=UTC))
    assert (taken.alert.assurance, taken.problem) == ("none", "not_schema_exactly")
    assert (taken.signal.code, taken.signal.level) == ("Fire", 1)


def test_a_later_time_that_is_none_is_a_flaw() -> None:
    raw = document().replace(b"2026-07-11T12:00:00+08:00", b"0001-01-01T00:00:00+14:00")
    assert decode(raw).flaws == (Flaw.BAD_TIME,)
    assert decode(raw).infos[0].expires is None


@given(
    st.integers(-30_000_000_000, 200_000_000_000),  # the years 1019 to 8307
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_written_is_read_again(seconds: int, minutes: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=5)
    zoned = moment.astimezone(timezone(timedelta(minutes=minutes)))
    text = write_time(zoned)
    assert read_time(text) == zoned.replace(microsecond=0)
    assert not text.endswith("+00:00")


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(BadTime):
        write_time(datetime(2026, 7, 11, tzinfo=UTC).replace(tzinfo=None))


# -- areas --------------------------------------------------------------------------------------

SQUARE = "31.2,121.4 31.2,121.6 31.3,121.6 31.3,121.4 31.2,121.4"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2 3,4 1,2",  # three points
        "1,2 3,4 5,6 7,8",  # not closed
        "1,2 3,4 5,6 x,8 1,2",
        "91,2 3,4 5,6 91,2",
        "1,181 3,4 5,6 1,181",
        "1e1,2 3,4 5,6 1e1,2",
        "nan,2 3,4 5,6 nan,2",
        "1,2,3 3,4 5,6 1,2,3",
        "1,2 " * (POINTS_MAX + 1),
    ],
)
def test_what_is_no_polygon_is_refused(text: str) -> None:
    with pytest.raises(BadArea):
        read_polygon(text)


def test_a_polygon_is_read_up_to_the_limit() -> None:
    assert len(read_polygon("1,2 " * POINTS_MAX)) == POINTS_MAX
    assert read_polygon("31.2, 121.4\n31.2,121.6 31.3,121.6 31.2,121.4")[1] == (31.2, 121.6)
    assert read_polygon("90,180 -90,-180 +1,0 90,180")[2] == (1.0, 0.0)


@pytest.mark.parametrize("text", ["", "1,2", "1,2 x", "1,2 -1", "1,2 nan", "1,2 20039", "1,2 3 4"])
def test_what_is_no_circle_is_refused(text: str) -> None:
    with pytest.raises(BadArea):
        read_circle(text)


def test_the_middle_of_an_area_holds_all_of_it() -> None:
    area = Area(description="", polygons=(read_polygon(SQUARE),))
    middle = position([area])
    assert middle is not None
    assert (middle.lat, middle.lon, middle.datum) == (31.25, 121.5, "WGS-84")
    assert 11_000 < (middle.radius_m or 0) < 11_050  # half of the diagonal of 11.1 by 19.0 km
    point = position([Area(description="", circles=(Circle((31.0, 121.0), 2.5),))])
    assert point is not None
    assert (point.lat, point.lon, point.radius_m) == (31.0, 121.0, 2_500.0)
    across = Area(description="", circles=(Circle((0, 179.0), 0), Circle((0, -179.0), 0)))
    middle = position([across])
    assert middle is not None
    assert abs(middle.lon) == 180
    assert 111_000 < (middle.radius_m or 0) < 111_300
    assert position([Area(description="somewhere")]) is None


HOME = Answered(polygon=read_polygon(SQUARE))


@pytest.mark.parametrize(
    ("area", "is_ours"),
    [
        (Area(description="", circles=(Circle((31.25, 121.5), 0),)), True),
        (Area(description="", circles=(Circle((31.25, 121.39), 0),)), False),
        (Area(description="", circles=(Circle((31.25, 121.39), 1.0),)), True),  # 0.95 km away
        (Area(description="", circles=(Circle((31.25, 121.38), 1.0),)), False),
        (Area(description="", circles=(Circle((89.9, 0), 7_000.0),)), True),
        (Area(description="", polygons=(read_polygon("30,120 30,123 33,123 30,120"),)), True),
        (Area(description="", polygons=(read_polygon("30,120 30,121 31,121 30,120"),)), False),
        # Of one that crosses itself, all around it counts.
        (
            Area(description="", polygons=(read_polygon("31,121 32,122 31,122 32,121 31,121"),)),
            True,
        ),
        (Area(description="the whole province"), True),  # in doubt
        (Area(description="", geocodes=(("SAME", "006109"),)), True),  # not comparable: in doubt
    ],
)
def test_an_alert_is_ours_where_its_area_meets_ours(area: Area, is_ours: bool) -> None:
    assert concerns([area], HOME) is is_ours
    assert concerns([area], Answered())


def test_an_area_is_compared_across_the_date_line() -> None:
    fiji = Answered(polygon=read_polygon("-20,177 -20,-178 -15,-178 -15,177 -20,177"))
    assert concerns([Area(description="", circles=(Circle((-17, -179.5), 1),))], fiji)
    assert not concerns([Area(description="", circles=(Circle((-17, 0), 1),))], fiji)
    # The control: 121.5 E is inside of the polygon, were it drawn the other way round.
    assert not concerns([Area(description="", circles=(Circle((-17, 121.5), 1),))], fiji)


def test_codes_of_areas_are_compared_where_both_sides_have_them() -> None:
    ours = Answered(geocodes=frozenset({"adcode=310101"}))
    here = Area(description="", geocodes=(("adcode", "310000"), ("adcode", "310101")))
    there = Area(description="", geocodes=(("adcode", "320000"),))
    assert concerns([here], ours)
    assert not concerns([there], ours)
    assert concerns([there, here], ours)
    assert concerns([Area(description="")], ours)
    both = Answered(polygon=HOME.polygon, geocodes=ours.geocodes)
    outside = Area(description="", geocodes=there.geocodes, circles=(Circle((0, 0), 1),))
    assert not concerns([outside], both)
    inside = Area(description="", geocodes=there.geocodes, circles=(Circle((31.25, 121.5), 1),))
    assert concerns([inside], both)
