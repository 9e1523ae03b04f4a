"""Whether the clock of this machine was set, asked by `tocsin clock` each second: the wall clock
against the monotonic one, and at its start, and now and then, against the newest time on record."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from tocsin.core import clock_jumps
from tocsin.core.clock_jumps import Jump, OpenClockIncident, Reading
from tocsin.core.commands import AddNote
from tocsin.core.obligations import Obligations
from tocsin.core.terms import Refused
from tocsin.record import clock_marks
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.working import process_actor
from tocsin.site.configuration import Configuration

RECORD_AGAIN_S: Final = 3_600.0
"""A record that is ahead is told of once in so long: another machine's clock may stay ahead."""

logger = logging.getLogger("tocsin.clock")


class ClockWatch:
    """One per clock process. What it has told is on the incident, so another one may go on."""

    def __init__(
        self,
        keyring: Keyring,
        chosen: Configuration,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keyring = keyring
        self._district, self._agency = chosen.district, chosen.agency
        self._obligations = Obligations(**msgspec.structs.asdict(chosen.obligations))
        self._wall, self._monotonic = wall, monotonic
        self._last: Reading | None = None
        self._untold: list[Jump] = []
        self._incident: UUID | None = None
        self._until: datetime | None = None
        self._record_told_s = -RECORD_AGAIN_S

    def turn(self, connection: Connection) -> int:
        """Tells what was done to the clock since the last turn; how much. Commits."""
        now = Reading(self._wall(), self._monotonic())
        if self._last is None:
            self._begin(connection, now)
        else:
            jump = clock_jumps.jump(self._last, now)
            self._untold += [jump] if jump is not None else []
        self._last = now
        self._ask_record(connection, now)
        done = 0
        while self._untold:  # what cannot be told now is told in the next turn
            self._tell(connection, self._untold[0], now.wall)
            del self._untold[0]
            done += 1
        if self._until is not None and now.wall >= self._until:
            self._end(connection, self._until, now.wall)
            done += 1
        return done

    def _begin(self, connection: Connection, now: Reading) -> None:
        clock_marks.release_claims(connection, now.wall)
        for known in clock_marks.told(connection):
            if known.until is not None and known.until > (self._until or now.wall):
                self._incident, self._until = known.incident, known.until

    def _ask_record(self, connection: Connection, now: Reading) -> None:
        if self._untold or now.monotonic_s - self._record_told_s < RECORD_AGAIN_S:
            return
        jump = clock_jumps.behind(clock_marks.newest(connection), now.wall, self._until)
        if jump is not None:
            self._record_told_s = now.monotonic_s
            self._untold.append(jump)

    def _tell(self, connection: Connection, jump: Jump, now: datetime) -> None:
        clock_marks.release_claims(connection, now)
        seconds = round(jump.by.total_seconds())
        key = f"clock:{jump.cause}:{jump.at.isoformat()}:{seconds}"
        logger.error("the clock was set", extra={"cause": jump.cause.value, "by_s": seconds})
        waits = [one.incident for one in clock_marks.told(connection) if one.waits]
        until = max(filter(None, (self._until, jump.until)), default=None)
        if waits:
            incident = waits[0]
        else:  # none is open, or somebody has answered it and it speaks no more
            opened = OpenClockIncident(jump.cause, seconds, until, self._district, self._agency)
            outcome = handle(
                connection,
                self._keyring,
                opened,
                actor=process_actor(self._agency),
                key=key,
                now=now,
                obligations=self._obligations,
            )
            incident = outcome.facts[0].subject
        self._note(connection, incident, clock_jumps.told(jump.cause, seconds), key, now)
        self._incident, self._until = incident, until

    def _end(self, connection: Connection, until: datetime, now: datetime) -> None:
        if self._incident is not None:
            key = f"clock:over:{self._incident}:{until.isoformat()}"
            self._note(connection, self._incident, clock_jumps.OVER, key, now)
        self._incident, self._until = None, None

    def _note(
        self, connection: Connection, incident: UUID, text: str, key: str, now: datetime
    ) -> None:
        try:
            handle(
                connection,
                self._keyring,
                AddNote(incident, text),
                actor=process_actor(self._agency),
                key=f"{key}:note",
                now=now,
                obligations=self._obligations,
            )
        except Refused as refusal:  # it was closed
            logger.info("nothing noted", extra={"why": refusal.reason.value})
