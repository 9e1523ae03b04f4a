"""One CAP document, wherever it came from: read, checked, kept once, and remembered until it is
over. What a source may be trusted with is decided here; who it is, by its feed or the inbox."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from tocsin.core.signals import SignalRead
from tocsin.edge.intake import Intake
from tocsin.record.cap_alerts import CapAlerts, KnownAlert
from tocsin.record.database import DatabaseAway
from tocsin.wire.cap import alert as reading
from tocsin.wire.cap.areas import Answered, concerns
from tocsin.wire.cap.document import BadAlert, Reason, parse
from tocsin.wire.cap.signals import (
    CATEGORY_ELSE,
    EXPIRED,
    Qualifier,
    content_key,
    expired,
    in_languages,
    key,
    read,
    reference,
    unread,
)
from tocsin.wire.cap.signing import Anchors, Outcome, check

logger = logging.getLogger("tocsin.edge")

AUTHENTICATED: Final = "authenticated"
NONE: Final = "none"
NOT_SIGNED: Final = "not_signed"
BAD_SIGNATURE: Final = "bad_signature"
LOOKED_AT_ONCE: Final = 2
"""Documents that are read at once, in threads: alarm panels share the process."""

UNWRITTEN_MAX: Final = 10_000
"""Rows of alerts that are kept and wait to be remembered; further ones may be heard twice."""

_ENDING: Final = ("Update", "Cancel")


@dataclass(frozen=True, slots=True)
class Source:
    """Where documents come from. `anchors` None: signatures are not looked at. `vouched`: its
    transport shows who it is (a partner's token or certificate)."""

    name: str
    languages: tuple[str, ...]
    district: str = ""
    anchors: Anchors | None = None
    vouched: bool = False
    answered: Answered = field(default_factory=Answered)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a document is: its key, what stands for all that it says, its signal, and what it makes
    over."""

    alert: KnownAlert
    content: bytes
    signal: SignalRead
    over: tuple[bytes, ...] = ()
    problem: str | None = None
    is_ours: bool = True
    bad: BadAlert | None = None


def look(raw: bytes, source: Source, now: datetime) -> Taken:
    """Reads one document. Takes as long as its size and its signature need: call it in a thread."""
    try:
        root = parse(raw)
        alert = reading.read(root)
    except BadAlert as error:
        return _unread(raw, error, source)
    is_exact = reading.Flaw.NOT_SCHEMA_EXACTLY not in alert.flaws
    assurance, problem = AUTHENTICATED if source.vouched and is_exact else NONE, None
    if source.anchors is not None and is_exact:
        outcome = check(root, source.anchors, sent=alert.sent, heard=now)
        assurance = AUTHENTICATED if outcome.is_verified else NONE
        if outcome is Outcome.NOT_SIGNED:
            problem = NOT_SIGNED
        elif not outcome.is_verified:
            problem = BAD_SIGNATURE
    if problem is None and alert.flaws:
        problem = alert.flaws[0].value
    signal = read(alert, source.languages)
    ends = alert.expires
    if signal.qualifier and ends is not None and ends <= now:
        signal = replace(signal, qualifier=Qualifier.ENDED)  # over before we heard of it
    is_over = signal.qualifier in ("", Qualifier.ENDED) or alert.status != "Actual"
    known = KnownAlert(
        key=key(source.name, assurance, reference(alert)),
        source=source.name,
        account=signal.account,
        code=signal.code,
        level=signal.level,
        assurance=assurance,
        expires_at=None if is_over else ends,
    )
    over = alert.references if alert.msg_type in _ENDING and alert.status == "Actual" else ()
    told = in_languages(alert.infos, source.languages)
    areas = [area for info in (told or alert.infos) for area in info.areas]
    return Taken(
        alert=known,
        content=content_key(source.name, assurance, root),
        signal=signal,
        over=tuple(key(source.name, assurance, one) for one in over),
        problem=problem,
        is_ours=concerns(areas, source.answered),
    )


def _unread(raw: bytes, error: BadAlert, source: Source) -> Taken:
    signal = unread(error, source.name)
    digest = blake2b(f"{source.name}\x1f".encode() + raw, digest_size=16, person=b"cap unread")
    known = KnownAlert(digest.digest(), source.name, signal.account, "", None, NONE, None)
    return Taken(known, known.key, signal, problem=error.reason.value, bad=error)


class Taking:
    """Keeps each alert of each source once. `known` of a source must have been loaded."""

    def __init__(self, intake: Intake, alerts: CapAlerts) -> None:
        self.intake = intake
        self.alerts = alerts
        self._known: dict[str, set[bytes]] = {}
        self._unwritten: dict[bytes, tuple[KnownAlert, tuple[bytes, ...]]] = {}
        self._busy: dict[bytes, asyncio.Event] = {}  # by content: set when it is kept or is not
        self._looking = asyncio.Semaphore(LOOKED_AT_ONCE)

    async def load(self, source: str) -> None:
        """What was heard of a source before; what has been forgotten since goes. Alerts that are
        heard meanwhile stay. Raises `DatabaseAway`."""
        here = self._known.get(source, set())
        settled = here - self._unwritten.keys()
        found = await self.alerts.known(source)
        known = self._known.setdefault(source, here)
        known |= found
        known -= settled - found

    async def reload(self) -> None:
        """Every source's again. Raises `DatabaseAway`."""
        for source in list(self._known):
            await self.load(source)

    def is_loaded(self, source: str) -> bool:
        return source in self._known

    async def look(self, raw: bytes, source: Source) -> Taken:
        """What a document is. Holds up nobody else, also where we fail on it: then somebody has
        to look at it."""
        async with self._looking:
            try:
                return await asyncio.to_thread(look, raw, source, datetime.now(UTC))
            except Exception:
                logger.exception("reading a document failed", extra={"source": source.name})
                self.intake.counts.refused("failed", source.name)
                return _unread(raw, BadAlert(Reason.UNREADABLE), source)

    async def store(
        self, taken: Taken, raw: bytes, source: Source, address: str, transport: str
    ) -> None:
        """It is kept, unless it was before or is not for us. Returns when it is on disk, whoever
        brought it there; raises `NotKept`."""
        name = taken.content
        while (first := self._busy.get(name)) is not None:
            await first.wait()
        known = self._known[source.name]
        if name in known:
            self.intake.counts.add("repeat")
            return
        # What takes an alert of ours away from our area is news for us too.
        if not taken.is_ours and not known.intersection(taken.over):
            self.intake.counts.add("not_our_area")
            return
        self._busy[name] = asyncio.Event()
        try:
            taken = await self._with_its_category(taken)
            await self.intake.keep(
                source=address,
                body=raw,
                answer="received" if taken.bad is None else "unreadable",
                signals=(taken.signal,),
                problem=taken.problem,
                assurance=taken.alert.assurance,
                transport=transport,
                district=source.district,
            )
            known |= {name, taken.alert.key}
        finally:
            self._busy.pop(name).set()
        if taken.bad is not None:
            logger.warning(
                "a document cannot be read", extra={"source": source.name, "why": str(taken.bad)}
            )
        elif taken.problem is not None:
            is_flaw = taken.problem not in (NOT_SIGNED, BAD_SIGNATURE)
            self.intake.counts.refused("flawed" if is_flaw else taken.problem, source.name)
        if len(self._unwritten) < UNWRITTEN_MAX:
            self._unwritten[taken.alert.key] = (taken.alert, taken.over)
            if name != taken.alert.key:
                said = dataclasses.replace(taken.alert, key=name, expires_at=None)
                self._unwritten[name] = (said, ())
        else:
            self.intake.counts.refused("not_remembered", source.name)
        await self.write()

    async def _with_its_category(self, taken: Taken) -> Taken:
        """A cancel or update that tells nothing speaks of what it refers to."""
        if not taken.over or taken.signal.code != CATEGORY_ELSE:
            return taken
        unwritten = [self._unwritten[one][0] for one in taken.over if one in self._unwritten]
        try:
            found = unwritten or await self.alerts.find(taken.over)
        except DatabaseAway:
            return taken
        if not found:
            return taken
        meant = min(found, key=lambda one: one.level or 4)
        signal = replace(taken.signal, code=meant.code, level=taken.signal.level or meant.level)
        return dataclasses.replace(taken, signal=signal)

    async def write(self) -> None:
        """Remembers what is kept and not yet remembered; what cannot be now is tried again."""
        for name, (alert, over) in list(self._unwritten.items()):
            try:
                await self.alerts.remember(alert, over, datetime.now(UTC))
            except DatabaseAway as error:
                logger.info("an alert cannot be remembered yet", extra={"why": str(error)})
                return
            self._unwritten.pop(name, None)

    async def expire(self, now: datetime, districts: dict[str, str]) -> int:
        """Says of each alert whose time is over that it is; how many. `districts` by source.
        Raises `NotKept` or `DatabaseAway`: then the rest is said later."""
        await self.write()
        due = await self.alerts.due(now, 200)
        for one in due:
            ended = one.expires_at or now
            await self.intake.keep(
                source=one.source,
                body=f"{EXPIRED} {one.account} {ended.isoformat()}".encode(),
                answer="expired",
                signals=(expired(one.account, one.code, ended, one.level),),
                assurance=one.assurance,
                transport="clock",
                district=districts.get(one.source, ""),
            )
            await self.alerts.is_over(one.key)
        return len(due)
