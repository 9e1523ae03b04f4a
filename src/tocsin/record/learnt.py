"""What a way in has found out about devices from what they send: forms they speak, the form of an
answer they take, how far their clocks are from GMT. In memory, and in the tables when it changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from tocsin.record.database import Connection

WRITTEN_MAX: Final = 2_000
"""Devices whose changes are written in one transaction; the others wait for the next. Whoever sends
in the names of a million devices makes no more work than this."""

WRITE_S_MAX: Final = 10.0

MISPRINTED: Final = "misprinted_crc"
"""Whose answers depend on it, also those to frames that do not show it."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """Of one device. `dialects`: names of the forms it was heard to speak. `turn`: which of the
    forms of an answer it takes, 0 the first. `clock_ahead`: of GMT, what its clock shows, found at
    `clock_since`; None: GMT, or not known. `trial` and `asked` are its way in's own and pass: they
    are not written."""

    dialects: tuple[str, ...] = ()
    turn: int = 0
    clock_ahead: timedelta | None = None
    clock_since: datetime | None = None
    trial: object = None
    asked: object = None

    @property
    def is_odd(self) -> bool:
        """Something of it bears on how its next frame is read or answered, whatever that is."""
        return self.clock_ahead is not None or self.trial is not None or MISPRINTED in self.dialects

    @property
    def lasting(self) -> Learnt:
        """What of it is written."""
        return replace(self, trial=None, asked=None)


NOTHING: Final = Learnt()


class _Kept(NamedTuple):
    id: UUID
    panel: int
    learnt: Learnt


class Memory:
    """What was learnt of each device of the register, by protocol and account. So it holds no more
    than the register does. `put` is memory only; `write` is for a connection that nobody waits on.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._changed: dict[str, None] = {}  # not written yet, in the order of their first change

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_waiting(self) -> bool:
        """Something is not written yet."""
        return bool(self._changed)

    def of(self, name: str, panel: int) -> Learnt:
        """What is known of a device, by `protocol account`; nothing, where it was of an earlier
        panel."""
        kept = self._kept.get(name)
        return NOTHING if kept is None or kept.panel != panel else kept.learnt

    def put(self, name: str, device: UUID, panel: int, learnt: Learnt) -> None:
        """What is known from now on, unless a later panel is known already. It is written if
        anything of it that lasts is new."""
        kept = self._kept.get(name)
        if kept is not None and kept.panel > panel:
            return
        before = self.of(name, panel)
        if learnt.lasting != before.lasting:
            self._changed[name] = None
        if learnt == NOTHING and name not in self._changed:
            self._kept.pop(name, None)
        else:
            self._kept[name] = _Kept(device, panel, learnt)

    async def read(self, connection: asyncpg.Connection) -> None:
        """Takes over what the tables say; what is known here already is newer."""
        async with connection.transaction(readonly=True):
            cursor = await connection.cursor(_READ, timeout=60)
            while rows := await cursor.fetch(WRITTEN_MAX, timeout=60):
                for name, device, panel, dialects, turn, ahead_s, since in rows:
                    kept = self._kept.get(name)
                    if kept is not None and kept.panel >= panel:
                        continue
                    ahead = None if ahead_s is None else timedelta(seconds=ahead_s)
                    learnt = Learnt(tuple(dialects.split(";")), turn, ahead, since)
                    if not dialects:
                        learnt = replace(learnt, dialects=())
                    self._kept[name] = _Kept(device, panel, learnt)

    def keep_only(self, names: dict[str, bytes]) -> None:
        """Forgets whoever is not in the register any more."""
        for gone in self._kept.keys() - names.keys():
            del self._kept[gone]
            self._changed.pop(gone, None)

    async def write(self, connection: asyncpg.Connection) -> int:
        """Writes what has changed, WRITTEN_MAX devices at most; returns how many. What cannot be
        written waits for the next time. Raises what asyncpg does."""
        taken = {name: self._kept[name] for name in list(self._changed)[:WRITTEN_MAX]}
        for name in taken:
            del self._changed[name]
        some = sorted(taken.values())  # by id: two processes never wait in turn
        try:
            async with connection.transaction():
                await connection.execute(
                    _WRITE,
                    [one.id for one in some],
                    [one.panel for one in some],
                    [";".join(one.learnt.dialects) for one in some],
                    [one.learnt.turn for one in some],
                    [_seconds(one.learnt.clock_ahead) for one in some],
                    [one.learnt.clock_since for one in some],
                    timeout=WRITE_S_MAX,
                )
                await connection.execute(_BLANK, [one.id for one in some], timeout=WRITE_S_MAX)
        except BaseException:
            self._changed = dict.fromkeys(taken) | self._changed
            for name, one in taken.items():  # what was forgotten meanwhile is to be written still
                self._kept.setdefault(name, one._replace(learnt=NOTHING))
            raise
        for name in taken:
            kept = self._kept.get(name)
            if kept is not None and name not in self._changed and kept.learnt == NOTHING:
                del self._kept[name]
        return len(taken)


def forget(connection: Connection, device: UUID) -> None:
    """Nothing is known of the device any more, as if it had another panel. Every way in follows
    within seconds. The caller commits and tells (`tocsin.record.devices.CHANNEL`)."""
    connection.execute(
        "UPDATE ref.device SET panel = panel + 1, changed_at = clock_timestamp() WHERE id = %s",
        (device,),
    )
    connection.execute("DELETE FROM ref.learnt WHERE device = %s", (device,))


def _seconds(ahead: timedelta | None) -> int | None:
    return None if ahead is None else int(ahead.total_seconds())


_READ: Final = """
SELECT d.protocol || ' ' || d.account, l.device, l.panel, l.dialects, l.turn, l.clock_ahead_s,
    l.clock_since
FROM ref.learnt l JOIN ref.device d ON d.id = l.device AND d.panel = l.panel"""

# Where another process has learnt of the device too, the forms of both are kept, but for the one
# that a frame may show to be wrong; what was learnt of an earlier panel never replaces what is
# known of a later one.
_WRITE: Final = """
INSERT INTO ref.learnt AS l
    (device, panel, dialects, turn, clock_ahead_s, clock_since, changed_at)
SELECT n.*, now() FROM unnest(
    $1::uuid[], $2::integer[], $3::text[], $4::smallint[], $5::integer[], $6::timestamptz[]
) AS n (device, panel, dialects, turn, clock_ahead_s, clock_since)
JOIN ref.device d ON d.id = n.device
ON CONFLICT (device) DO UPDATE SET panel = excluded.panel, turn = excluded.turn,
    clock_ahead_s = excluded.clock_ahead_s, clock_since = excluded.clock_since,
    changed_at = excluded.changed_at,
    dialects = CASE WHEN l.panel < excluded.panel THEN excluded.dialects ELSE (
        SELECT coalesce(string_agg(DISTINCT name, ';'), '')
        FROM regexp_split_to_table(l.dialects || ';' || excluded.dialects, ';+') AS name
        WHERE name <> '' AND (name <> 'misprinted_crc'
            OR name = ANY(string_to_array(excluded.dialects, ';')))) END
WHERE l.panel <= excluded.panel"""

_BLANK: Final = """
DELETE FROM ref.learnt
WHERE device = ANY($1) AND dialects = '' AND turn = 0 AND clock_ahead_s IS NULL"""
