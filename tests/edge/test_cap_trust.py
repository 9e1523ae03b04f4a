"""Which alerts of a feed are trusted, which are for us, and that none that is odd silences the
others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cap_feed_server import (
    Site,
    atom,
    inside,
    page,
    site,
)
from live_cap import (
    GOES_ON,
    NEW,
    World,
    bring_forward,
    emptied,
    lasting,
    now,
    signed,
    triple,
)
from live_intake import Record, eventually

from cap_samples import ODD_NAMES, Authority, circle, sample
from tocsin.edge import cap_feeds, cap_taking
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.cap.document import parse

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as one:
        yield one


@pytest.fixture
def world(urls: Urls, keyring: Keyring, web: Site) -> Iterator[World]:
    with connect(urls.owner) as owner:
        emptied(owner)
        yield World(urls, keyring, Record(owner, keyring), web)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    found = Authority()
    (tmp_path / "anchors.pem").write_bytes(found.pem)
    return found


def test_only_a_signature_that_counts_is_trusted_and_nothing_else_stands_in_for_it(
    world, authority, tmp_path
) -> None:
    raw = signed(lasting(), authority)
    forged = raw.replace(b"Fire at the ridge", b"Nothing to fear")
    cancel = lasting("c", message="Cancel", references=triple(raw))
    feed = world.feed(anchors=str(tmp_path / "anchors.pem"))
    world.web.pages["/feed"] = page(atom(inside(forged), inside(cancel)))
    with world.run(feed):
        assert eventually(lambda: len(world.kept()) == 2)
        world.web.pages["/feed"] = page(raw)  # the same identifier, sender and time
        assert eventually(lambda: len(world.kept()) == 3)
        world.polled_again()
        bring_forward(world)
        assert eventually(lambda: len(world.kept()) == 4)
        world.polled_again()
    found = [(one["token"], one["assurance"], one["problem"]) for one in world.kept()]
    assert sorted(found[:2]) == [
        ("Alert", "none", "bad_signature"),
        ("Cancel", "none", "not_signed"),
    ]
    assert found[2] == ("Alert", "authenticated", None)
    # The forged cancel ended the forged alert; what is signed it did not, and that expires.
    assert found[3:] == [("Expired", "authenticated", None)]


def test_an_odd_certificate_silences_nobody_else(world, authority, tmp_path) -> None:
    odd = signed(lasting("odd"), authority, named=ODD_NAMES[0])
    world.web.pages["/feed"] = page(atom(inside(odd), inside(signed(lasting("b"), authority))))
    with world.run(world.feed(anchors=str(tmp_path / "anchors.pem"))):
        assert world.has(NEW, NEW)
    assert {one["problem"] for one in world.kept()} == {"bad_signature", None}
    assert world.counted("failed") == 0


def test_one_document_that_we_fail_on_is_shown_and_silences_nobody_else(
    world, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_on_one(raw: bytes) -> Any:
        if b">bad<" in raw:
            raise RuntimeError("a fault of ours")
        return parse(raw)

    monkeypatch.setattr(cap_taking, "parse", fails_on_one)
    world.web.pages["/feed"] = page(atom(inside(lasting("bad")), inside(lasting("good"))))
    with world.run(world.feed(misses_max=1)):
        assert eventually(lambda: len(world.kept()) == 2)
        world.polled_again()
        assert world.counted("unreadable") == 1
        assert world.counted("failed") == 1
    found = {(one["token"], one["problem"]) for one in world.kept()}
    assert found == {("", "unreadable"), ("Alert", None)}


def test_a_poll_that_we_fail_on_is_a_miss(world, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: bytes) -> Any:
        raise RuntimeError("a fault of ours")

    world.web.pages["/feed"] = page(atom())
    monkeypatch.setattr(cap_feeds.feeds, "read", fails)
    with world.run(world.feed(misses_max=2, interval_s=0.02)):
        assert world.has(("FeedLost", ""))
        monkeypatch.undo()
        assert world.has(("FeedLost", ""), ("FeedBack", ""))
    assert world.counted("failed") >= 2


def test_anchors_that_cannot_be_read_trust_nobody(world, authority, tmp_path) -> None:
    (tmp_path / "anchors.pem").write_bytes(b"no certificate")
    world.web.pages["/feed"] = page(signed(lasting(), authority))
    with world.run(world.feed(anchors=str(tmp_path / "anchors.pem"))):
        assert world.has(NEW)
    assert world.kept()[0]["problem"] == "bad_signature"
    assert world.counted("bad_anchors") == 1


def test_an_alert_for_elsewhere_is_counted_and_not_kept(world) -> None:
    area = "31.2,121.4 31.2,121.6 31.3,121.6 31.3,121.4 31.2,121.4"
    here = lasting("here", area=circle("31.25,121.5 1"))
    there = lasting("there", area=circle("40,100 1"))
    moved = lasting("moved", message="Update", references=triple(here), area=circle("40,100 1"))
    world.web.pages["/feed"] = page(atom(inside(here), inside(there)))
    with world.run(world.feed(area=area)):
        assert world.has(NEW)
        assert eventually(lambda: world.counted("not_our_area") == 1)
        world.polled_again()
        # What takes an alert of ours elsewhere is news for us.
        world.web.pages["/feed"] = page(atom(inside(moved), inside(there)))
        assert world.has(NEW, GOES_ON)
        world.polled_again()
    assert world.counted("not_our_area") == 1


def test_languages_are_those_of_the_feed(world) -> None:
    raw = sample("own_zh_en.xml").replace(b"2026-07-11T18:20:00+08:00", now(3_600).encode())
    world.web.pages["/feed"] = page(raw)
    english, chinese = world.feed("en", languages=("en",)), world.feed("zh")
    with world.run(english, chinese):
        assert eventually(lambda: len(world.kept()) == 2)
    assert {one["account"] for one in world.kept()} == {"warning@weather.example.cn"}
