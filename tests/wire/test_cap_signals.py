"""From an alert to a signal: level, qualifier, language, place; and feeds to alerts."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from cap_samples import Authority, document, outcome, polygon, reason_of, sample, to_bytes
from tocsin.core.signals import Position
from tocsin.wire.cap import feeds
from tocsin.wire.cap.alert import Info, Reference, decode
from tocsin.wire.cap.document import BadAlert, Reason, parse
from tocsin.wire.cap.signals import (
    TEXT_CHARS_MAX,
    expired,
    in_languages,
    key,
    level,
    read,
    reference,
    unread,
)
from tocsin.wire.cap.signing import Outcome, Signer

BOTH = ("zh", "en")


def test_an_alert_becomes_one_signal() -> None:
    signal = read(decode(sample("own_zh_en.xml")), BOTH)
    assert (signal.protocol, signal.token, signal.codes) == ("cap", "Alert", "cap")
    assert signal.account == "warning@weather.example.cn"
    assert (signal.code, signal.qualifier, signal.level) == ("Met", "1", 1)
    assert signal.position == Position(31.25, 121.5, "WGS-84", 11_015.0)
    assert signal.occurred_at == datetime(2026, 7, 11, 7, 20, tzinfo=UTC)
    assert signal.text == (
        "暴雨橙色预警\n过去三小时降雨量已达 50 毫米以上，预计仍将持续。\n"
        "停止户外作业，远离低洼地带。\n东城区\n\n"
        "Orange rainstorm warning\nMore than 50 mm of rain in three hours, and more to come.\n"
        "East district"
    )
    assert "021-00000000" not in signal.text  # a person's number stays in the original


def test_each_wanted_language_is_told_in_its_order() -> None:
    infos = decode(sample("own_zh_en.xml")).infos
    for wanted, found in (
        (("en",), ["en"]),
        (("en", "zh"), ["en", "zh-CN"]),
        (("zh-cn",), ["zh-CN"]),
        (("fr",), ["zh-CN"]),  # none of them: the alert's first
        (("z",), ["zh-CN"]),
        ((), ["zh-CN"]),
    ):
        assert [info.language for info in in_languages(infos, wanted)] == found
    assert in_languages((), BOTH) == []


def info(urgency: str, severity: str, certainty: str) -> Info:
    return Info(
        categories=("Met",), event="x", urgency=urgency, severity=severity, certainty=certainty
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Immediate Extreme Observed", 1),
        ("Immediate Severe Likely", 1),
        ("Immediate Severe Possible", 2),
        ("Expected Extreme Observed", 2),
        ("Unknown Extreme Unknown", 2),
        ("Immediate Moderate Observed", 3),
        ("Future Severe Likely", 3),
        ("Unknown Unknown Unknown", 3),
        ("Immediate Minor Observed", 4),
        ("Past Extreme Observed", 4),
        ("Immediate Extreme Unlikely", 4),
    ],
)
def test_level_is_by_the_table(words: str, expected: int) -> None:
    assert level(info(*words.split())) == expected


def test_nothing_unknown_is_level_1_and_graver_words_never_lower_it() -> None:
    order = (
        ("Immediate", "Expected", "Future", "Past"),
        ("Extreme", "Severe", "Moderate", "Minor"),
        ("Observed", "Likely", "Possible", "Unlikely"),
    )
    for u, urgency in enumerate(order[0]):
        for s, severity in enumerate(order[1]):
            for c, certainty in enumerate(order[2]):
                here = level(info(urgency, severity, certainty))
                if u:
                    assert level(info(order[0][u - 1], severity, certainty)) <= here
                if s:
                    assert level(info(urgency, order[1][s - 1], certainty)) <= here
                if c:
                    assert level(info(urgency, severity, order[2][c - 1])) <= here
    assert level(info("Unknown", "Extreme", "Observed")) > 1


def test_the_gravest_of_several_infos_counts() -> None:
    minor = decode(document(infos="".join(block("Minor", "Met") + block("Extreme", "Safety"))))
    signal = read(minor, ("en",))
    assert (signal.code, signal.level) == ("Safety", 1)
    assert signal.text == "Event\n\nEvent"


def block(severity: str, category: str, response: str = "") -> str:
    if response:
        response = f"<responseType>{response}</responseType>"
    return (
        f"<info><category>{category}</category><event>Event</event>{response}"
        f"<urgency>Immediate</urgency><severity>{severity}</severity>"
        "<certainty>Observed</certainty></info>"
    )


SENT = "2026-07-11T15:20:00+08:00"


@pytest.mark.parametrize(
    ("message", "qualifier"),
    [("Alert", "1"), ("Update", "6"), ("Cancel", "3"), ("Ack", ""), ("Error", "")],
)
def test_the_message_says_whether_it_is_new(message: str, qualifier: str) -> None:
    signal = read(decode(document(message=message, references=f"a@b,1,{SENT}")), BOTH)
    assert (signal.token, signal.qualifier) == (message, qualifier)
    assert signal.code == (message if message in ("Ack", "Error") else "Fire")


def test_an_update_that_is_all_clear_ends_it() -> None:
    assert read(decode(sample("google_canada.cap")), ("en",)).qualifier == "3"
    clear, not_yet = block("Minor", "Met", "AllClear"), block("Minor", "Met", "Monitor")
    for infos, qualifier in ((clear, "3"), (clear + not_yet, "6"), ("", "6")):
        raw = document(message="Update", references=f"a@b,1,{SENT}", infos=infos)
        assert read(decode(raw), BOTH).qualifier == qualifier


@pytest.mark.parametrize("status", ["Exercise", "System", "Test", "Draft"])
@pytest.mark.parametrize("message", ["Alert", "Update", "Cancel", "Ack"])
def test_what_is_not_actual_has_its_status_for_a_code(status: str, message: str) -> None:
    raw = document(status=status, message=message, references=f"a@b,1,{SENT}")
    assert read(decode(raw), BOTH).code == status


def test_an_alert_that_tells_nothing_is_still_one() -> None:
    signal = read(decode(document(infos="")), BOTH)
    assert (signal.code, signal.qualifier, signal.level, signal.text) == ("Other", "1", None, "")


def test_a_text_is_bounded_and_each_language_has_its_share() -> None:
    long = sample("own_zh_en.xml").replace("过去".encode(), "雨".encode() * 9_000)
    text = read(decode(long), BOTH).text
    assert len(text) <= TEXT_CHARS_MAX
    assert "…\n\nOrange rainstorm warning" in text
    alone = read(decode(long), ("zh",)).text
    assert TEXT_CHARS_MAX - 2 <= len(alone) <= TEXT_CHARS_MAX


def test_what_is_not_read_says_what_it_can() -> None:
    with pytest.raises(BadAlert) as caught:
        decode(sample("google_invalid.cap"))
    signal = unread(caught.value, "ny")
    assert (signal.account, signal.code, signal.text) == ("ny", "", "sender; Storm; 12345")
    with pytest.raises(BadAlert) as caught:
        decode(document(status="Test", sent="2026-07-11 15:20"))
    assert unread(caught.value, "ny").code == "Test"
    assert unread(BadAlert(Reason.NOT_XML), "ny").account == "ny"


def test_what_expires_is_told_with_its_own_code() -> None:
    at = datetime(2026, 7, 11, 7, 20, tzinfo=UTC)
    signal = expired("a@b", "Met", at, 2)
    assert (signal.token, signal.qualifier, signal.code) == ("Expired", "3", "Met")


def test_an_alert_is_known_by_source_assurance_and_triple() -> None:
    alert = decode(document())
    own = reference(alert)
    keys = [
        key("one", "none", own),
        key("two", "none", own),
        key("one", "authenticated", own),
        key("one", "none", Reference(own.sender, "a-2", own.sent)),
        key("one", "none", Reference("x", own.identifier, own.sent)),
        key("one", "none", Reference(own.sender, own.identifier, datetime(2026, 1, 1, tzinfo=UTC))),
    ]
    assert len(set(keys)) == len(keys)
    elsewhere = decode(document(sent="2026-07-11T07:20:00-00:00"))  # the same moment
    assert key("one", "none", reference(elsewhere)) == keys[0]


# -- feeds --------------------------------------------------------------------------------------


def test_an_index_gives_its_links() -> None:
    feed = feeds.read(sample("google_weather_index.atom"))
    assert feed.kind is feeds.Kind.ATOM
    assert len(feed.entries) == 2
    link = "http://www.weather.gov/alerts-beta/wwacapget.php?x=CT20100831030400OKXAirQualityAlert"
    assert feed.entries[0].link == f"{link}OKX20100901031500CT"
    assert feed.entries[0].version == f"{feed.entries[0].link} 2010-08-30T23:04:00-04:00"
    feed = feeds.read(sample("google_ny_index.rss"))
    assert feed.kind is feeds.Kind.RSS
    assert [entry.link.rpartition("-")[2] for entry in feed.entries] == ["3167113", "3162202"]


def test_alerts_in_a_feed_are_documents_of_their_own() -> None:
    (entry,) = feeds.read(sample("google_amber.atom")).entries
    assert reason_of(entry.document) is Reason.EARLIER_CAP
    feed = feeds.read(sample("own_edxl.xml"))
    assert feed.kind is feeds.Kind.EDXL
    alert = decode(feed.entries[0].document)
    assert (alert.identifier, alert.infos[0].event) == ("flood-17", "Dam failure")
    raw = sample("own_zh_en.xml")
    bare = feeds.read(raw)
    assert (bare.kind, [one.document for one in bare.entries]) == (feeds.Kind.CAP, [raw])
    other = feeds.read(raw.replace(b"Severe", b"Minor"))
    assert len({one.version for one in (*bare.entries, *other.entries, *feed.entries)}) == 3


ATOM = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:cap='urn:oasis:names:tc:emergency:cap:1.2'>"


def atom(*entries: str) -> feeds.Feed:
    return feeds.read(f"{ATOM}<entry>{'</entry><entry>'.join(entries)}</entry></feed>".encode())


def test_the_link_is_the_one_to_the_alert() -> None:
    html = "<link rel='alternate' type='text/html' href='http://a/html'/>"
    cap = "<link type='application/cap+xml; charset=utf-8' href='/cap.xml'/>"
    own = "<link rel='self' href='http://a/self'/>"
    entries = atom(html + cap, own + html, own, "<id>http://a/id</id>", "<id>tag:a</id>").entries
    assert [one.link for one in entries] == ["/cap.xml", "http://a/html", "", "http://a/id", ""]


def test_an_alert_may_stand_in_a_feed_as_text() -> None:
    text = document().decode().replace("UTF-8", "ISO-8859-1").replace("ridge", "暴雨")
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    (entry,) = atom(f"<content type='text'>{escaped}</content>").entries
    assert decode(entry.document).infos[0].headline == "Fire at the 暴雨"
    (entry,) = atom("<content type='html'>see &lt; the map</content>").entries
    assert entry == feeds.Entry()


def test_a_signed_alert_stays_signed_in_a_feed() -> None:
    authority = Authority()
    signed = Signer(*authority.signer()).sign(parse(document(area=polygon("1,2 3,4 5,6 1,2"))))
    inside = to_bytes(signed).split(b"?>", 1)[1].decode()
    (entry,) = atom(f"<content type='application/cap+xml'>{inside}</content>").entries
    assert outcome(entry.document, authority.pem) is Outcome.VERIFIED
    forged = entry.document.replace(b"Severe", b"Minor!")
    assert outcome(forged, authority.pem) is Outcome.ALTERED


def test_entries_are_bounded_and_what_is_left_out_is_counted() -> None:
    one = "<id>http://a/id</id>"
    assert len(atom(*[one] * feeds.ENTRIES_MAX).entries) == feeds.ENTRIES_MAX
    assert atom(*[one] * feeds.ENTRIES_MAX).left_out == 0
    feed = atom(*[one] * (feeds.ENTRIES_MAX + 3))
    assert (len(feed.entries), feed.left_out) == (feeds.ENTRIES_MAX, 3)
    long = f"<id>http://a/{'x' * feeds.LINK_CHARS_MAX}</id>"
    assert atom(long).entries == (feeds.Entry(),)


@pytest.mark.parametrize("raw", [b"<html/>", b"<rdf/>", to_bytes(etree.Element("feed"))])
def test_what_is_no_feed_is_named(raw: bytes) -> None:
    assert reason_of(raw, feeds.read) is Reason.NOT_FEED


def test_an_empty_feed_has_no_entries() -> None:
    assert feeds.read(f"{ATOM}</feed>".encode()).entries == ()
    assert feeds.read(b"<rss version='2.0'><channel/></rss>").entries == ()
