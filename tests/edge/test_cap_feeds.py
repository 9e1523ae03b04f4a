"""Feeds polled over real sockets into the real record: each alert once, also after a restart; what
replaces, withdraws and expires; and what a dead feed says."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cap_feed_server import (
    FastFeed,
    Site,
    atom,
    inside,
    linked,
    packed,
    page,
    redirect,
    site,
    status,
    versioned,
)
from live_cap import (
    ENDED,
    GOES_ON,
    NEW,
    World,
    bring_forward,
    emptied,
    lasting,
    now,
    triple,
)
from live_intake import Record, database_away, eventually

from cap_samples import polygon, sample
from tocsin.edge import cap_feeds
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring

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


# -- what is heard ------------------------------------------------------------------------------


def test_an_index_is_followed_and_each_alert_is_heard_once_also_after_a_restart(world) -> None:
    world.web.pages |= {
        "/feed": page(atom(linked("/one.xml"), linked("two.xml"))),
        "/one.xml": page(lasting("one")),
        "/two.xml": packed(lasting("two")),
    }
    with world.run(world.feed(district="north")):
        assert world.has(NEW, NEW)
        world.polled_again()
    with world.run(world.feed(district="north")):
        world.polled_again()
        assert world.says() == [NEW, NEW]
        world.web.pages["/feed"] = page(atom(linked("/one.xml"), linked("/three.xml")))
        world.web.pages["/three.xml"] = page(lasting("three"))
        assert world.has(NEW, NEW, NEW)
    first = world.kept()[0]
    assert first["account"] == "fire@example.org"
    assert (first["code"], first["codes"], first["level"]) == ("Fire", "cap", 1)
    assert (first["assurance"], first["problem"]) == ("none", None)
    assert (first["district"], first["source"], first["intake"]) == ("north", "county", "cap.feed")
    assert world.web.times("/one.xml") == 2  # once in each life of the process
    assert eventually(lambda: world.counted("repeat") == 2)


def test_alerts_inside_of_every_kind_of_feed_are_heard(world) -> None:
    raw = lasting("rss")
    link = f"<link>{world.web.url}/rss.xml</link>"
    world.web.pages |= {
        "/fat": page(atom(inside(lasting("fat")))),
        "/rss": page(f"<rss><channel><item>{link}</item></channel></rss>".encode()),
        "/rss.xml": page(raw),
        "/edxl": page(sample("own_edxl.xml")),
        "/bare": page(lasting("bare")),
    }
    kinds = {"fat": "atom", "rss": "rss", "edxl": "edxl", "bare": "cap"}
    feeds = [FastFeed(name, f"{world.web.url}/{name}", kind=k) for name, k in kinds.items()]
    with world.run(*feeds):
        assert eventually(lambda: {one["source"] for one in world.kept()} == set(kinds))
    assert len(world.kept()) == 4


def test_a_feed_that_has_not_changed_is_not_read_again(world) -> None:
    world.web.pages["/feed"] = versioned(atom(inside(lasting())), '"v1"')
    with world.run(world.feed()):
        assert world.has(NEW)
        world.polled_again()
        assert eventually(lambda: world.counted("unchanged") > 1)
        world.web.pages["/feed"] = versioned(atom(inside(lasting("b"))), '"v2"')
        assert world.has(NEW, NEW)
        world.polled_again()
    assert world.web.asked[-1].headers["if-none-match"] == '"v2"'


def test_updates_and_cancels_say_what_they_are_and_what_they_end(world) -> None:
    first = lasting("one")
    update = lasting("two", message="Update", references=triple(first))
    cancel = lasting("three", message="Cancel", references=triple(update), infos="")
    world.web.pages["/feed"] = page(atom(inside(first)))
    with world.run(world.feed()):
        assert world.has(NEW)
        world.web.pages["/feed"] = page(atom(inside(update)))
        assert world.has(NEW, GOES_ON)
        world.web.pages["/feed"] = page(atom(inside(cancel)))
        assert world.has(NEW, GOES_ON, ENDED)
    told = world.kept()[-1]
    assert (told["code"], told["level"]) == ("Fire", 1)  # of what it withdraws


def test_alerts_whose_times_end_in_z_are_updated_and_cancelled(world) -> None:
    def in_z(*names: str, **fields: str) -> bytes:
        return lasting(*names, **fields).replace(b"-00:00", b"Z")

    first = in_z("one")
    update = in_z("two", message="Update", references=triple(first))
    cancel = in_z("three", message="Cancel", references=triple(update), infos="")
    assert b"Z</references>" in update
    world.web.pages["/feed"] = page(atom(inside(first)))
    with world.run(world.feed()):
        assert world.has(NEW)
        world.web.pages["/feed"] = page(atom(inside(update)))
        assert world.has(NEW, GOES_ON)
        world.web.pages["/feed"] = page(atom(inside(cancel)))
        assert world.has(NEW, GOES_ON, ENDED)
    told = world.kept()[-1]
    assert (told["code"], told["level"]) == ("Fire", 1)  # of what it withdraws


def test_several_alerts_of_one_poll_are_heard_in_the_order_in_which_they_were_sent(world) -> None:
    older = lasting("one").replace(now(-60).encode(), now(-3_000).encode())
    update = lasting("two", message="Update", references=triple(older))
    world.web.pages["/feed"] = page(atom(inside(update), inside(older)))
    with world.run(world.feed()):
        assert world.has(NEW, GOES_ON)


def test_exercises_never_alarm_and_bad_ones_are_shown(world) -> None:
    world.web.pages["/feed"] = page(
        atom(linked("/a"), linked("/b"), linked("/c"), linked("/d"), linked("/e"))
    )
    world.web.pages |= {
        "/a": page(lasting("a", status="Exercise")),
        "/b": page(sample("google_xee.cap")),
        "/c": page(sample("google_earthquake.cap")),
        "/d": page(lasting("d", area=polygon("1,2 3,4"))),
        "/e": page(b"<html>not found</html>"),
    }
    with world.run(world.feed()):
        assert eventually(lambda: len(world.kept()) == 5)
        world.polled_again()
    found = {(one["problem"], one["code"]) for one in world.kept()}
    assert found == {
        (None, "Exercise"),
        ("doctype", ""),
        ("earlier_cap", ""),
        ("bad_area", "Fire"),
        ("not_cap", ""),
    }
    with world.run(world.feed()):  # what is not read is heard once too
        world.polled_again()
    assert len(world.kept()) == 5
    assert eventually(lambda: world.counted("unreadable") == 3)


def test_an_alert_that_was_over_before_we_heard_of_it_does_not_alarm(world) -> None:
    world.web.pages["/feed"] = page(atom(inside(sample("wmo_sc_no_signature.xml"))))
    with world.run(world.feed()):
        assert world.has(("Alert", "3"))
        world.polled_again()
    assert world.says() == [("Alert", "3")]


# -- expiry -------------------------------------------------------------------------------------


def test_an_alert_whose_time_is_over_is_said_to_be_once_also_over_a_restart(world) -> None:
    world.web.pages["/feed"] = page(atom(inside(lasting())))
    with world.run(world.feed(district="north")):
        assert world.has(NEW)
        world.polled_again()
    bring_forward(world)  # while nobody was there
    with world.run(world.feed(district="north")):
        assert world.has(NEW, ("Expired", "3"))
        world.polled_again()
    with world.run(world.feed(district="north")):
        world.polled_again()
    assert world.says() == [NEW, ("Expired", "3")]
    said = world.kept()[1]
    assert (said["code"], said["account"], said["level"]) == ("Fire", "fire@example.org", 1)
    assert (said["district"], said["intake"]) == ("north", "cap.clock")


def test_what_was_updated_or_cancelled_does_not_expire_as_well(world) -> None:
    first, second = lasting("one"), lasting("two")
    update = lasting("three", message="Update", references=triple(first)).replace(
        b"<expires>", b"<!-- none --><!-- "
    )
    update = update.replace(b"</expires>", b" -->")
    cancel = lasting("four", message="Cancel", references=triple(second))
    world.web.pages["/feed"] = page(atom(*map(inside, (first, second, update, cancel))))
    with world.run(world.feed()):
        assert eventually(lambda: len(world.kept()) == 4)
        world.polled_again()
        bring_forward(world)
        world.polled_again()
    assert sorted(world.says()) == sorted([NEW, NEW, GOES_ON, ENDED])


# -- feeds in trouble ---------------------------------------------------------------------------


def test_a_feed_that_dies_is_said_once_and_so_is_its_return(world) -> None:
    world.web.pages["/feed"] = status(500)
    with world.run(world.feed(misses_max=3, interval_s=0.02)):
        assert world.has(("FeedLost", ""))
        assert world.web.times("/feed") >= 3
        assert eventually(lambda: world.web.times("/feed") >= 5)
        assert world.says() == [("FeedLost", "")]
        world.web.pages["/feed"] = page(atom())
        assert world.has(("FeedLost", ""), ("FeedBack", ""))
    lost, back = world.kept()
    assert (lost["account"], lost["code"], lost["codes"]) == ("county", "YC", "sia")
    assert back["code"] == "YK"
    assert world.counted("feed_server_fault") >= 3


def test_fewer_misses_than_allowed_are_counted_and_not_said(world) -> None:
    world.web.pages["/feed"] = status(500)
    with world.run(world.feed(misses_max=3, interval_s=0.2)):
        assert eventually(lambda: world.web.times("/feed") == 2)
        world.web.pages["/feed"] = page(atom())
        assert eventually(lambda: world.counted("poll") >= 1)
    assert world.says() == []


def test_a_page_in_place_of_a_feed_is_a_miss(world) -> None:
    world.web.pages["/feed"] = page(b"<html><body>maintenance</body></html>")
    with world.run(world.feed(misses_max=1, interval_s=0.02)):
        assert world.has(("FeedLost", ""))
    assert world.counted("feed_not_feed") >= 1
    world.web.pages["/feed"] = page(atom(inside(lasting())))
    with world.run(world.feed(misses_max=1, interval_s=0.02, kind="rss")):
        assert world.has(("FeedLost", ""), ("FeedLost", ""))


def test_a_server_that_asks_to_wait_is_not_asked_before(world) -> None:
    world.web.pages["/feed"] = status(429, Retry_After="30")
    with world.run(world.feed(interval_s=0.02)):
        assert eventually(lambda: world.counted("feed_asked_to_wait") == 1)
        assert world.web.times("/feed") == 1


def test_links_to_elsewhere_are_not_followed_and_counted_once(world) -> None:
    with site() as other:
        other.pages["/x"] = page(lasting("x"))
        there = f"{other.url}/x"
        world.web.pages |= {
            "/feed": page(atom(linked(there), linked("/moved"), linked("file:///etc/passwd"))),
            "/moved": redirect(there),
        }
        with world.run(world.feed()):
            assert eventually(lambda: world.counted("link_elsewhere") == 3)
            world.polled_again()
            assert world.counted("link_elsewhere") == 3
        assert other.asked == []
        assert world.says() == []
        allowed = other.url.removeprefix("http://")
        with world.run(world.feed(hosts=(allowed,))):
            assert world.has(NEW)  # one alert by two ways


def test_a_link_that_fails_is_tried_again(world) -> None:
    world.web.pages["/feed"] = versioned(atom(linked("/one")), '"v1"')
    world.web.pages["/one"] = status(500)
    with world.run(world.feed()):
        assert eventually(lambda: world.counted("link_server_fault") > 1)
        world.web.pages["/one"] = page(lasting())
        assert world.has(NEW)


def test_a_server_of_links_that_asks_to_wait_is_not_asked_before(world) -> None:
    world.web.pages["/feed"] = page(atom(*(linked(f"/{n}") for n in range(40))))
    world.web.pages |= {f"/{n}": status(429, Retry_After="30") for n in range(40)}
    with world.run(world.feed(interval_s=0.02)):
        assert eventually(lambda: world.counted("link_asked_to_wait") > 0)
        assert world.web.times("/feed") == 1
        links = len(world.web.asked) - 1
    assert 1 <= links <= 4  # what was under way when the first was answered
    assert world.says() == []


def test_links_are_fetched_a_few_at_a_time(world) -> None:
    held, most, lock = 0, 0, threading.Lock()
    fifth = threading.Event()

    def slowly(request: Any) -> None:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
            if held == 5:
                fifth.set()
        fifth.wait(0.2)
        request.send(200, lasting(request.path[1:]))
        with lock:
            held -= 1

    world.web.pages["/feed"] = page(atom(*(linked(f"/{n}") for n in range(8))))
    world.web.pages |= {f"/{n}": slowly for n in range(8)}
    with world.run(world.feed()):
        assert eventually(lambda: len(world.kept()) == 8)
    assert most == 4


def test_no_more_of_linked_alerts_is_held_than_may_be_and_their_order_stays(
    world, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = lasting("0").replace(now(-60).encode(), now(-3_000).encode())
    update = lasting("1", message="Update", references=triple(older))
    monkeypatch.setattr(cap_feeds, "HELD_BYTES_MAX", len(update) + len(older) - 1)
    world.web.pages |= {
        "/feed": page(atom(linked("/1"), linked("/0"))),
        "/0": page(older),
        "/1": page(update),
    }
    with world.run(world.feed()):
        assert world.has(NEW, GOES_ON)
        world.polled_again()
    assert world.web.times("/0") + world.web.times("/1") == 3  # one of them again, in its turn


def test_another_body_by_the_same_name_is_heard_too(world) -> None:
    """What says the same in another layout is not."""
    first = lasting("one")
    laid_out = first.replace(b"<info>", b"\n  <info>\n ")
    other = first.replace(b"Fire at the ridge", b"Fire at the school")
    world.web.pages["/feed"] = page(atom(inside(first)))
    with world.run(world.feed()):
        assert world.has(NEW)
        world.web.pages["/feed"] = page(laid_out)
        world.polled_again()
        assert world.says() == [NEW]
        world.web.pages["/feed"] = page(other)
        assert world.has(NEW, NEW)
    with world.run(world.feed()):  # also after a restart
        world.polled_again()
        bring_forward(world)
        assert world.has(NEW, NEW, ("Expired", "3"))
        world.polled_again()
    assert world.says() == [NEW, NEW, ("Expired", "3")]


def test_while_nothing_can_be_kept_nothing_is_taken_for_heard(
    world, administrator: Connection
) -> None:
    world.web.pages["/feed"] = versioned(atom(), '"v1"')
    with world.run(world.feed()):
        world.polled_again()
        with database_away(administrator):
            world.web.pages["/feed"] = versioned(atom(inside(lasting())), '"v2"')
            world.polled_again()
        assert world.has(NEW)
        world.polled_again()
    assert world.says() == [NEW]
