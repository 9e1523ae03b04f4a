"""Polls one feed of warnings: politely, each alert once, and a feed that is dead is said to be."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import urljoin

from tocsin.core.signals import SignalRead
from tocsin.edge.cap_fetch import Document, Fetcher, Miss, Reason, Validators
from tocsin.edge.cap_taking import NONE, Source, Taken, Taking
from tocsin.record.database import DatabaseAway
from tocsin.record.heard import NotKept
from tocsin.wire.cap import feeds
from tocsin.wire.cap.document import ALERT, FEED, BadAlert
from tocsin.wire.cap.document import Reason as Unread
from tocsin.wire.cap.signals import PROTOCOL

logger = logging.getLogger("tocsin.edge")

LINKS_AT_ONCE: Final = 4
HELD_BYTES_MAX: Final = 16 << 20
"""Of linked alerts at one poll, which are put in the order in which they were sent."""

BACK_OFF_S_MAX: Final = 900.0
"""The longest pause after misses, unless the feed's own interval is longer: warnings do not wait
for an hour because a server was away for one."""

JITTER: Final = 0.1  # of each pause, either way, so that many installations do not ask as one
LISTED_EVERY_S: Final = 3_600.0
FEED_LOST: Final = ("FeedLost", "YC")
FEED_BACK: Final = ("FeedBack", "YK")
"""Token and SIA code of what we say ourselves of a feed."""


class Feed(Protocol):
    """One feed in the settings."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def interval_s(self) -> float: ...
    @property
    def misses_max(self) -> int: ...
    @property
    def hosts(self) -> Sequence[str]: ...


@dataclass(slots=True)
class _State:
    """What is known of a feed between two polls."""

    validators: Validators = field(default_factory=Validators)
    misses: int = 0
    is_lost: bool = False
    entries: dict[str, frozenset[bytes]] = field(default_factory=dict)  # by version: known as
    present: set[bytes] = field(default_factory=set)
    listed_at: float = 0.0
    asked_s: float | None = None  # how long a server of linked alerts asks us to wait, at this poll
    elsewhere: set[str] = field(
        default_factory=set
    )  # links that were counted as not to be followed
    link_problem: str = ""  # why a linked alert could not be had, at this poll


_Looked = tuple[feeds.Entry, Taken, bytes]


class Poller:
    """One feed."""

    def __init__(self, feed: Feed, source: Source, fetcher: Fetcher, taking: Taking) -> None:
        self._feed = feed
        self._source = source
        self._fetcher = fetcher
        self._taking = taking
        self._intake = taking.intake
        self._state = _State()
        self._links_at_once = asyncio.Semaphore(LINKS_AT_ONCE)
        self._held_bytes = 0

    async def run(self) -> None:
        """Polls until the intake is told to stop."""
        stop = self._intake.stop
        while not stop.is_set():
            try:
                pause_s = await self._turn()
            except (NotKept, DatabaseAway):
                # What was not kept is still in the feed, whose version is not taken for known.
                pause_s = min(self._feed.interval_s, 5.0)
            except Exception:
                logger.exception("a feed's turn failed", extra={"feed": self._feed.name})
                self._intake.counts.refused("failed", self._feed.name)
                pause_s = self._feed.interval_s
            pause_s *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)

    async def _turn(self) -> float:
        """One poll; how long to wait until the next."""
        state = self._state
        state.asked_s, state.link_problem = None, ""
        try:
            await self._poll()
        except (Miss, BadAlert) as miss:
            reason = miss.reason if isinstance(miss, Miss) else Unread.NOT_FEED
            self._intake.counts.refused(f"feed_{reason.value}", self._feed.name)
            self._intake.not_fetched(self._feed.name, f"feed_{reason.value}")
            asked = miss.retry_after_s if isinstance(miss, Miss) else None
            return await self._missed(str(miss), asked)
        except (NotKept, DatabaseAway):
            raise
        except Exception as error:
            # A feed that we cannot read says as little as one that is away.
            logger.exception("a feed's poll failed", extra={"feed": self._feed.name})
            self._intake.counts.refused("failed", self._feed.name)
            self._intake.not_fetched(self._feed.name, "failed")
            return await self._missed(f"failed: {type(error).__name__}", None)
        if state.link_problem:
            # What it lists is not heard: its warnings are missing as if it were away.
            self._intake.not_fetched(self._feed.name, state.link_problem)
        else:
            self._intake.fetched(self._feed.name)
        state.misses = 0
        if state.is_lost:
            await self._say(FEED_BACK, "")
            state.is_lost = False
        return max(self._feed.interval_s, state.asked_s or 0.0)

    async def _missed(self, why: str, asked_s: float | None) -> float:
        """How long to wait, after one more turn in which nothing was heard."""
        state = self._state
        state.misses += 1
        state.validators = Validators()
        if state.misses >= self._feed.misses_max and not state.is_lost:
            await self._say(FEED_LOST, why)
            state.is_lost = True
        return back_off_s(self._feed.interval_s, state.misses, asked_s)

    async def _say(self, what: tuple[str, str], why: str) -> None:
        """A signal of our own: nobody hears warnings of this feed, or does again."""
        token, code = what
        text = f"CAP {self._feed.name}: {why}" if why else f"CAP {self._feed.name}"
        signal = SignalRead(
            protocol=PROTOCOL,
            token=token,
            account=self._feed.name,
            code=code,
            codes="sia",
            text=text[:500],
            occurred_at=datetime.now(UTC),
        )
        await self._intake.keep(
            source=self._feed.name,
            body=f"{token} {text}".encode(),
            answer="feed_lost" if what is FEED_LOST else "feed_back",
            signals=(signal,),
            assurance=NONE,
            transport="feed",
            district=self._source.district,
        )

    async def _poll(self) -> None:
        state, feed = self._state, self._feed
        await self._refresh()
        found = await self._fetcher.fetch(feed.url, FEED.bytes_max, state.validators)
        self._intake.counts.add("poll")
        if found.body is None:
            self._intake.counts.add("unchanged")
            return
        read = await asyncio.to_thread(feeds.read, found.body)
        if feed.kind not in ("any", read.kind):
            raise BadAlert(Unread.NOT_FEED, f"{read.kind}, not {feed.kind}")
        if read.left_out:
            self._intake.counts.refused("feed_too_long", feed.name)
        is_whole = await self._take(found.url, read.entries)
        # One alert could not be fetched: the feed is asked for all of it again.
        state.validators = found.validators if is_whole else Validators()

    async def _take(self, url: str, entries: Sequence[feeds.Entry]) -> bool:
        """Every entry that is new, the oldest first; whether all of them could be had."""
        self._held_bytes = 0
        looked = await asyncio.gather(*(self._look_first(url, entry) for entry in entries))
        versions = {entry.version for entry in entries}
        state = self._state
        state.entries = {v: k for v, k in state.entries.items() if v in versions}
        state.elsewhere &= versions
        state.present = set().union(*state.entries.values())
        fresh = [one for one in looked if one is not None]
        long_ago = datetime.min.replace(tzinfo=UTC)
        for found in sorted(fresh, key=lambda one: one[1].signal.occurred_at or long_ago):
            entry = found[0]
            whole = found if found[2] else await self._look(url, entry)
            if whole is None:
                continue
            _, taken, raw = whole
            await self._taking.store(taken, raw, self._source, self._source.name, "feed")
            state.entries[entry.version] = frozenset((taken.alert.key, taken.content))
            state.present |= state.entries[entry.version]
        lost = [
            entry
            for entry in entries
            if entry.link and entry.version not in state.entries.keys() | state.elsewhere
        ]
        return not lost

    async def _look_first(self, url: str, entry: feeds.Entry) -> _Looked | None:
        """The same, without the bytes of a linked alert where as much is held as may be: those are
        fetched again when it is their turn."""
        found = await self._look(url, entry)
        if found is None or not entry.link:
            return found
        _, taken, raw = found
        if self._held_bytes + len(raw) > HELD_BYTES_MAX:
            return entry, taken, b""
        self._held_bytes += len(raw)
        return found

    async def _look(self, url: str, entry: feeds.Entry) -> _Looked | None:
        """What an entry is, if it is new and can be had."""
        state, raw = self._state, entry.document
        if entry.version in state.entries or entry.version in state.elsewhere:
            return None
        if entry.link:
            async with self._links_at_once:  # until it is read: few are held at a time
                found = await self._linked(urljoin(url, entry.link), entry.version)
                if found is None or found.body is None:
                    return None
                return entry, await self._taking.look(found.body, self._source), found.body
        if not raw:
            self._intake.counts.add("empty_entry")
            return None
        return entry, await self._taking.look(raw, self._source), raw

    async def _linked(self, url: str, version: str) -> Document | None:
        if self._intake.stop.is_set() or self._state.asked_s is not None:
            return None
        try:
            return await self._fetcher.fetch(url, ALERT.bytes_max)
        except Miss as miss:
            self._intake.counts.refused(f"link_{miss.reason.value}", self._feed.name)
            if miss.reason is Reason.ASKED_TO_WAIT:
                self._state.asked_s = max(self._state.asked_s or 0.0, miss.retry_after_s or 0.0)
            if miss.reason in (Reason.ELSEWHERE, Reason.TOO_LARGE):
                self._state.elsewhere.add(version)  # the same every time: said once
            else:
                self._state.link_problem = f"link_{miss.reason.value}"
            return None

    async def _refresh(self) -> None:
        """At the first poll, what was heard before; then each hour, what is still listed."""
        now = asyncio.get_running_loop().time()
        state = self._state
        if not self._taking.is_loaded(self._source.name):
            await self._taking.load(self._source.name)
        elif now - state.listed_at >= LISTED_EVERY_S:
            await self._taking.alerts.listed(state.present, datetime.now(UTC))
        else:
            return
        state.listed_at = now


def back_off_s(interval_s: float, misses: int, asked_s: float | None) -> float:
    """Seconds until a feed that could not be had is asked again: twice as long each time, within
    bounds, and not sooner than its server asks."""
    doubled: float = interval_s * 2 ** min(misses - 1, 10)
    return max(min(doubled, max(interval_s, BACK_OFF_S_MAX)), asked_s or 0.0)
