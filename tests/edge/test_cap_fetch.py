"""Fetching a document: every bound on real sockets, and nothing from where it should not come."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cap_feed_server import (
    Site,
    dripping,
    endless,
    hung_up,
    packed,
    page,
    redirect,
    site,
    status,
    versioned,
)

from tocsin.edge import cap_fetch
from tocsin.edge.cap_feeds import BACK_OFF_S_MAX, back_off_s
from tocsin.edge.cap_fetch import (
    REDIRECTS_MAX,
    RETRY_AFTER_S_MAX,
    Document,
    Fetcher,
    Miss,
    Reason,
    Validators,
)

MAX = 100_000


@pytest.fixture(scope="module")
def web() -> Iterator[Site]:
    with site() as one:
        yield one


def fetch(
    web: Site, path: str, validators: Validators | None = None, hosts: tuple[str, ...] = ()
) -> Document:
    async def run() -> Document:
        fetcher = Fetcher(f"{web.url}/feed", hosts=hosts)
        try:
            return await fetcher.fetch(path if "://" in path else web.url + path, MAX, validators)
        finally:
            await fetcher.close()

    return asyncio.run(run())


def miss(web: Site, path: str, hosts: tuple[str, ...] = ()) -> Miss:
    with pytest.raises(Miss) as caught:
        fetch(web, path, hosts=hosts)
    return caught.value


def test_a_document_is_fetched_and_then_only_asked_for(web: Site) -> None:
    web.pages["/v"] = versioned(b"one", '"1"', "Sat, 11 Jul 2026 07:20:00 GMT")
    first = fetch(web, "/v")
    assert first.body == b"one"
    assert first.validators == Validators('"1"', "Sat, 11 Jul 2026 07:20:00 GMT")
    again = fetch(web, "/v", first.validators)
    assert again.body is None
    asked = web.asked[-1].headers
    assert asked["if-none-match"] == '"1"'
    assert asked["if-modified-since"] == "Sat, 11 Jul 2026 07:20:00 GMT"


def test_what_is_packed_is_unpacked_up_to_the_bound(web: Site) -> None:
    web.pages["/gzip"] = packed(b"x" * MAX)
    assert fetch(web, "/gzip").body == b"x" * MAX
    web.pages["/gzip"] = packed(b"x" * (MAX + 1))
    assert miss(web, "/gzip").reason is Reason.TOO_LARGE
    web.pages["/plain"] = page(b"x" * MAX)
    assert fetch(web, "/plain").body == b"x" * MAX
    web.pages["/plain"] = page(b"x" * (MAX + 1))
    assert miss(web, "/plain").reason is Reason.TOO_LARGE


def test_a_gzip_bomb_never_is_in_memory(web: Site) -> None:
    web.pages["/bomb"] = packed(b"\0" * 300_000_000)  # 290 kB as it is sent
    fetch_small = packed(b"x")
    web.pages["/small"] = fetch_small
    fetch(web, "/small")  # what a first request needs is not the bomb's
    tracemalloc.start()
    try:
        assert miss(web, "/bomb").reason is Reason.TOO_LARGE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_bad_packing_is_named(web: Site) -> None:
    web.pages["/br"] = page(b"x", Content_Encoding="br")
    assert miss(web, "/br").reason is Reason.BAD_PACKING
    web.pages["/no"] = page(b"no gzip at all", Content_Encoding="gzip")
    assert miss(web, "/no").reason is Reason.BAD_PACKING
    import gzip

    web.pages["/cut"] = page(gzip.compress(b"hello" * 50)[:-9], Content_Encoding="gzip")
    assert miss(web, "/cut").reason is Reason.BAD_PACKING


def test_an_endless_document_is_cut_off(web: Site) -> None:
    web.pages["/endless"] = endless
    assert miss(web, "/endless").reason is Reason.TOO_LARGE


def test_a_slow_server_does_not_hold_us(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cap_fetch, "FETCH_S", 0.3)
    web.pages["/slow"] = dripping
    assert miss(web, "/slow").reason is Reason.TOO_SLOW


def test_a_server_that_is_away_is_unreachable(web: Site) -> None:
    web.pages["/hung"] = hung_up
    assert miss(web, "/hung").reason is Reason.UNREACHABLE
    assert miss(web, "http://127.0.0.1:9/", hosts=("127.0.0.1:9",)).reason is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (404, Reason.REFUSED),
        (401, Reason.REFUSED),
        (204, Reason.REFUSED),
        (500, Reason.SERVER_FAULT),
        (502, Reason.SERVER_FAULT),
        (429, Reason.ASKED_TO_WAIT),
        (503, Reason.ASKED_TO_WAIT),
    ],
)
def test_each_refusal_has_its_name(web: Site, code: int, reason: Reason) -> None:
    web.pages["/code"] = status(code)
    found = miss(web, "/code")
    assert (found.reason, found.retry_after_s) == (reason, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("999999", RETRY_AFTER_S_MAX), ("soon", None), ("-5", None), ("", None)],
)
def test_retry_after_is_heeded_within_bounds(web: Site, text: str, seconds: float | None) -> None:
    web.pages["/wait"] = status(429, Retry_After=text)
    assert miss(web, "/wait").retry_after_s == seconds


def test_retry_after_may_be_a_date(web: Site) -> None:
    later = datetime.now(UTC) + timedelta(seconds=100)
    web.pages["/wait"] = status(503, Retry_After=format_datetime(later, usegmt=True))
    assert 90 < (miss(web, "/wait").retry_after_s or 0) <= 100
    past = datetime.now(UTC) - timedelta(days=1)
    web.pages["/wait"] = status(503, Retry_After=format_datetime(past, usegmt=True))
    assert miss(web, "/wait").retry_after_s == 0.0


def test_redirects_stay_where_they_may(web: Site) -> None:
    web.pages["/to"] = page(b"here")
    web.pages["/from"] = redirect("/to")
    found = fetch(web, "/from")
    assert (found.body, found.url) == (b"here", f"{web.url}/to")
    with site() as other:
        other.pages["/to"] = page(b"there")
        web.pages["/away"] = redirect(f"{other.url}/to")
        assert miss(web, "/away").reason is Reason.ELSEWHERE
        assert other.asked == []  # another port is another host
        allowed = other.url.removeprefix("http://")
        assert fetch(web, "/away", hosts=(allowed,)).body == b"there"


def test_redirects_end(web: Site) -> None:
    for number in range(REDIRECTS_MAX + 1):
        web.pages[f"/r{number}"] = redirect(f"/r{number + 1}")
    web.pages[f"/r{REDIRECTS_MAX}"] = page(b"at last")
    assert fetch(web, "/r0").body == b"at last"
    web.pages["/more"] = redirect("/r0")
    assert miss(web, "/more").reason is Reason.TOO_MANY_REDIRECTS


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://example.org/x",
        "http://127.0.0.1@example.org/x",
        "http://[::1/x",
        "//x",
        "",
        "http://user:word@127.0.0.1:{port}/x",
    ],
)
def test_nothing_is_fetched_from_elsewhere(web: Site, url: str) -> None:
    async def run() -> None:
        fetcher = Fetcher(f"{web.url}/feed")
        try:
            await fetcher.fetch(url.format(port=web.url.rpartition(":")[2]), MAX)
        finally:
            await fetcher.close()

    before = len(web.asked)
    with pytest.raises(Miss) as caught:
        asyncio.run(run())
    assert caught.value.reason is Reason.ELSEWHERE
    assert len(web.asked) == before


@pytest.mark.parametrize(
    ("feed", "hosts", "link", "may"),
    [
        ("http://a.test/feed", (), "http://a.test/x", True),
        ("http://a.test/feed", (), "https://A.test:443/x", True),
        ("https://a.test/feed", (), "http://a.test/x", False),  # HTTPS is not left for HTTP
        ("http://a.test:8080/feed", (), "http://a.test/x", False),
        ("http://a.test/feed", (), "http://a.test:8080/x", False),
        ("http://a.test/feed", (), "http://b.test/x", False),
        ("http://a.test/feed", ("b.test",), "http://b.test/x", True),
        ("https://a.test/feed", ("b.test",), "https://b.test/x", True),
        ("http://a.test/feed", ("b.test",), "http://b.test:8080/x", False),
        ("http://a.test/feed", ("b.test:8080",), "http://b.test:8080/x", True),
        ("http://a.test/feed", ("b.test:8080",), "http://b.test/x", False),
        ("http://a.test/feed", ("b.test",), "http://b.test.evil/x", False),
        ("http://a.test/feed", (), "http://a.test:99999/x", False),
    ],
)
def test_a_link_may_lead_to_the_feed_s_host_and_to_those_named(
    feed: str, hosts: tuple[str, ...], link: str, may: bool
) -> None:
    async def run() -> None:
        fetcher = Fetcher(feed, hosts=hosts)
        try:
            fetcher.check(link)
        finally:
            await fetcher.close()

    if may:
        asyncio.run(run())
        return
    with pytest.raises(Miss) as caught:
        asyncio.run(run())
    assert caught.value.reason is Reason.ELSEWHERE


def test_a_secret_is_sent_to_the_feed_only(web: Site) -> None:
    async def run(hosts: tuple[str, ...], url: str) -> None:
        fetcher = Fetcher(f"{web.url}/feed", hosts=hosts, authorization="Bearer 123")
        try:
            await fetcher.fetch(url, MAX)
        finally:
            await fetcher.close()

    with site() as other:
        other.pages["/to"] = page(b"x")
        web.pages["/away"] = redirect(f"{other.url}/to")
        asyncio.run(run((other.url.removeprefix("http://"),), f"{web.url}/away"))
        assert web.asked[-1].headers["authorization"] == "Bearer 123"
        assert "authorization" not in other.asked[0].headers


def test_pauses_grow_within_bounds_and_heed_the_server() -> None:
    assert [back_off_s(60, misses, None) for misses in range(1, 7)] == [
        *(60, 120, 240, 480),
        *(BACK_OFF_S_MAX, BACK_OFF_S_MAX),
    ]
    assert back_off_s(3_600, 5, None) == 3_600
    assert back_off_s(60, 1, 500.0) == 500
    assert back_off_s(60, 10_000, 1.0) == BACK_OFF_S_MAX
