"""CAP warnings: polls the configured feeds, takes what partners push, and says when the time of an
alert is over. What a document is, is decided in wire/cap; what is kept of it, in cap_taking."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from tocsin.edge import cap_feeds, http_parts
from tocsin.edge.cap_feeds import Poller
from tocsin.edge.cap_fetch import Fetcher
from tocsin.edge.cap_inbox import Inbox, Partner
from tocsin.edge.cap_taking import Source, Taking
from tocsin.edge.http_in import Server
from tocsin.edge.http_problems import problem
from tocsin.edge.intake import FINISH_S, Intake
from tocsin.record.cap_alerts import CapAlerts
from tocsin.record.database import DatabaseAway
from tocsin.record.fetching import Way, address_of_url
from tocsin.record.heard import NotKept
from tocsin.wire.cap.areas import Answered, BadArea, read_polygon
from tocsin.wire.cap.signing import Anchors, BadKey

logger = logging.getLogger("tocsin.edge")

FORGET_AFTER: Final = timedelta(days=30)
FORGET_EVERY_S: Final = 3_600.0
TOKEN_CHARS_MIN: Final = 16
CERTIFIED: Final = "inbox"
"""The source of what comes with a client certificate and without a token."""


class Trusted(Protocol):
    """What a feed and a partner have in common."""

    @property
    def name(self) -> str: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def district(self) -> str: ...
    @property
    def anchors(self) -> str: ...


class FeedSettings(Trusted, cap_feeds.Feed, Protocol):
    """One of `edge.cap.feeds`."""

    @property
    def tls_ca(self) -> str: ...
    @property
    def authorization(self) -> str: ...
    @property
    def area(self) -> str: ...
    @property
    def geocodes(self) -> Sequence[str]: ...


class PartnerSettings(Trusted, Protocol):
    """One of `edge.cap.partners`."""

    @property
    def token(self) -> str: ...


class Settings(http_parts.Settings, Protocol):
    """The `edge.cap` section of the configuration."""

    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def expire_every_s(self) -> float: ...
    @property
    def feeds(self) -> Sequence[FeedSettings]: ...
    @property
    def partners(self) -> Sequence[PartnerSettings]: ...


async def serve(settings: Settings, intake: Intake) -> None:
    """Hears warnings until the intake is told to stop. Raises `AddressNotHad`."""
    alerts = CapAlerts(intake.url)
    taking = Taking(intake, alerts)
    fetchers: list[Fetcher] = []
    runs: list[Callable[[], Coroutine[None, None, None]]] = [partial(_expire, settings, taking)]
    intake.fetches(map(_way, settings.feeds))
    for feed in settings.feeds:
        fetcher = _fetcher(feed, intake)
        fetchers.append(fetcher)
        runs.append(Poller(feed, _feed_source(settings, feed, intake), fetcher, taking).run)
    inbox = Inbox(taking, list(_partners(settings, intake)), _certified(settings))
    tasks = [asyncio.create_task(run()) for run in runs]
    try:
        await Server(intake, settings, inbox.answer, problem, inbox.door).serve()
    finally:
        intake_ends = intake.stop.is_set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=FINISH_S if intake_ends else 0)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for fetcher in fetchers:
            await fetcher.close()
        await alerts.close()


async def _expire(settings: Settings, taking: Taking) -> None:
    """Says what is over, and forgets what has been over for long."""
    stop, loop = taking.intake.stop, asyncio.get_running_loop()
    districts = {one.name: one.district for one in (*settings.feeds, *settings.partners)}
    forgot_at = loop.time() - FORGET_EVERY_S
    while not stop.is_set():
        try:
            now = datetime.now(UTC)
            await taking.expire(now, districts)
            if loop.time() - forgot_at >= FORGET_EVERY_S:
                await taking.alerts.forget(now - FORGET_AFTER)
                await taking.reload()
                forgot_at = loop.time()
        except (NotKept, DatabaseAway) as error:
            logger.info("what is over cannot be said yet", extra={"why": str(error)})
        except Exception:
            logger.exception("saying what is over failed")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), settings.expire_every_s)


def _way(feed: FeedSettings) -> Way:
    address = address_of_url(feed.url)
    is_tls = address.startswith("https:")
    return Way(feed.name, address, is_tls, checks_signatures=bool(feed.anchors))


def _fetcher(feed: FeedSettings, intake: Intake) -> Fetcher:
    try:
        return Fetcher(
            feed.url,
            hosts=feed.hosts,
            ca=feed.tls_ca,
            authorization=_secret(feed.authorization, intake, feed.name),
        )
    except Exception:  # its authorities cannot be read: none of them is polled
        intake.not_fetched(feed.name, "bad_anchors")
        raise


def _feed_source(settings: Settings, feed: FeedSettings, intake: Intake) -> Source:
    answered = Answered(geocodes=frozenset(feed.geocodes))
    if feed.area:
        try:
            answered = Answered(read_polygon(feed.area), answered.geocodes)
        except BadArea as error:  # the configuration's check has said it; nothing is left out
            logger.warning("an area that is none", extra={"feed": feed.name, "why": str(error)})
    return Source(
        name=feed.name,
        languages=tuple(feed.languages or settings.languages),
        district=feed.district,
        anchors=_anchors(feed, intake),
        answered=answered,
    )


def _partners(settings: Settings, intake: Intake) -> list[Partner]:
    found = []
    for one in settings.partners:
        token = _secret(one.token, intake, one.name)
        if len(token) < TOKEN_CHARS_MIN:
            logger.error("a partner without a token of 16 characters", extra={"partner": one.name})
            intake.counts.refused("bad_secret", one.name)
            continue
        source = Source(
            name=one.name,
            languages=tuple(one.languages or settings.languages),
            district=one.district,
            anchors=_anchors(one, intake),
            vouched=True,
        )
        found.append(Partner(source, sha256(token.encode()).digest()))
    return found


def _certified(settings: Settings) -> Source | None:
    if not settings.tls_client_ca:
        return None
    return Source(name=CERTIFIED, languages=tuple(settings.languages), vouched=True)


def _anchors(one: Trusted, intake: Intake) -> Anchors | None:
    """Whose signatures count. A file that cannot be read trusts nobody, and is said."""
    if not one.anchors:
        return None
    try:
        return Anchors(Path(one.anchors).read_bytes())
    except (OSError, BadKey) as error:
        logger.error("trust anchors cannot be read", extra={"source": one.name, "why": str(error)})  # noqa: TRY400
        intake.counts.refused("bad_anchors", one.name)
        return Anchors.nobody()


def _secret(file: str, intake: Intake, name: str) -> str:
    """What stands in a file, for a header: one line. Empty where there is none."""
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        logger.error("a secret cannot be read", extra={"source": name, "why": str(error)})  # noqa: TRY400
        intake.counts.refused("bad_secret", name)
        return ""
