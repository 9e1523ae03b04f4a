"""Our own warnings: what is written, the schema and our own reader take, and say the same."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cap_samples import NOW, Authority, outcome, sample
from tocsin.wire.cap import feeds
from tocsin.wire.cap.alert import Alert, Info, Reference, Resource, decode
from tocsin.wire.cap.areas import Area, Circle
from tocsin.wire.cap.signing import Outcome, Signer
from tocsin.wire.cap.writing import CannotWrite, Listed, encode, feed

SQUARE = ((31.2, 121.4), (31.2, 121.6), (31.3, 121.6), (31.2, 121.4))


def info(language: str, headline: str) -> Info:
    return Info(
        language=language,
        categories=("Fire", "CBRNE"),
        event="化学品火灾" if language == "zh-CN" else "Chemical fire",
        response_types=("Shelter", "Avoid"),
        urgency="Immediate",
        severity="Severe",
        certainty="Observed",
        event_codes=(("own", "fire.chemical"),),
        expires=NOW + timedelta(hours=3),
        headline=headline,
        description="有毒烟雾 & <smoke>",
        instruction="关闭门窗。",
        web="https://example.org/w/1",
        parameters=(("a", "b"),),
        resources=(Resource("Map", "image/png", "https://example.org/m.png", 12),),
        areas=(
            Area(
                description="东城区",
                polygons=(SQUARE,),
                circles=(Circle((31.25, 121.5), 2.5),),
                geocodes=(("adcode", "310101"),),
            ),
        ),
    )


WARNING = Alert(
    identifier="w-2026-17",
    sender="warnings@example.org",
    sent=NOW,
    status="Actual",
    msg_type="Update",
    scope="Public",
    codes=("one",),
    note="n",
    references=(Reference("warnings@example.org", "w-2026-16", NOW - timedelta(hours=1)),),
    incidents=("26-17", "two words"),
    infos=(info("zh-CN", "化学品火灾预警"), info("en", "Warning: chemical fire")),
)


def test_a_warning_in_both_languages_is_read_again_as_it_was() -> None:
    document = encode(WARNING)
    assert decode(document) == WARNING
    assert b"<sent>2026-07-11T07:30:00-00:00</sent>" in document


def test_a_signed_warning_verifies() -> None:
    authority = Authority()
    document = encode(WARNING, Signer(*authority.signer()))
    assert decode(document) == replace(WARNING, is_signed=True)
    assert outcome(document, authority.pem) is Outcome.VERIFIED


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "Real"},
        {"msg_type": "Alarm"},
        {"identifier": "a b"},
        {"sender": ""},
        {"references": ()},
        {"scope": "Private"},
        {"scope": "Restricted"},
        {"sent": NOW.replace(tzinfo=None)},
        {"sent": NOW.replace(microsecond=5)},  # CAP has no fraction: it would not be the same
        {"note": " padded "},
        {"note": "\x00"},
        {"infos": (replace(WARNING.infos[0], urgency="Now"),)},
        {"infos": (replace(WARNING.infos[0], categories=()),)},
        {
            "infos": (
                replace(WARNING.infos[0], areas=(Area(description="", polygons=(SQUARE[:3],)),)),
            )
        },
        {
            "infos": (
                replace(
                    WARNING.infos[0], areas=(Area(description="", circles=(Circle((91, 0), 1),)),)
                ),
            )
        },
    ],
)
def test_what_cap_cannot_say_is_refused(changes) -> None:
    with pytest.raises(CannotWrite):
        encode(replace(WARNING, **changes))


def test_every_sample_that_is_read_can_be_written() -> None:
    for name in ("own_zh_en.xml", "wmo_sc_no_signature.xml", "google_earthquake-iso8859-1.cap"):
        alert = decode(sample(name))
        assert decode(encode(alert)) == replace(alert, is_signed=False)


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"),
    min_size=1,
    max_size=40,
).map(lambda text: " ".join(text.split()) or "x")
lats = st.floats(-90, 90).map(lambda lat: round(lat, 6) + 0.0)
lons = st.floats(-180, 180).map(lambda lon: round(lon, 6) + 0.0)


@settings(max_examples=150, deadline=None)
@given(texts, texts, st.tuples(lats, lons), st.integers(0, 20_000))
def test_any_text_and_place_is_read_again(
    headline: str, description: str, centre: tuple[float, float], radius: int
) -> None:
    area = Area(description=headline, circles=(Circle(centre, radius / 1.0),))
    told = replace(WARNING.infos[0], headline=headline, description=description, areas=(area,))
    alert = replace(WARNING, infos=(told,))
    assert decode(encode(alert)) == alert


def test_the_feed_lists_each_warning_the_newest_first() -> None:
    older = replace(WARNING, identifier="w-1", sent=NOW - timedelta(hours=1))
    document = feed(
        [Listed(older, "https://example.org/w-1.xml"), Listed(WARNING, "https://example.org/2")],
        title="Warnings",
        own="https://example.org/feed",
        updated=datetime(2026, 7, 11, 7, 30, tzinfo=UTC),
    )
    read = feeds.read(document)
    assert read.kind is feeds.Kind.ATOM
    assert [entry.link for entry in read.entries] == [
        "https://example.org/2",
        "https://example.org/w-1.xml",
    ]
    assert "化学品火灾预警".encode() in document
