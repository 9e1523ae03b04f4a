"""Finds the devices that are silent and tells of it: a signal for each, or one for many that fell
silent together. What it knows is in tables, so it may be stopped and started at any time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from tocsin.core.supervision import (
    FAILED,
    OUTAGE_ENDS_BELOW,
    OUTAGE_WITHIN_S,
    RESTORED,
    TELL_AGAIN_S,
    Hearing,
    allowed_s,
    is_outage,
)
from tocsin.record.database import Connection
from tocsin.record.devices import BEHIND_MAX
from tocsin.record.heard_rows import Rows
from tocsin.record.hearing import Spans
from tocsin.record.ids import OrderedIds, milliseconds
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys
from tocsin.record.told import of_device, of_outage
from tocsin.record.views.sql import fetch
from tocsin.record.watched import Devices

LOOKED_AT_MAX: Final = 20_000
"""Devices whose last sign of life is looked up with one question."""

LOOK_S_MAX: Final = 2.0
"""For so long one turn looks where more are due."""

TOLD_MAX: Final = 1_000
"""Silences and returns that are written in one transaction."""

CHANGED_EVERY_S: Final = 2.0
BEHIND_EVERY_S: Final = 60.0
SPANS_KEPT_FOR: Final = timedelta(days=40)  # the longest interval is 32 days

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = Hearing(())
_NEVER_S: Final = float("inf")
_SAME_S: Final = 1e-4  # apart are a time and the same one as a float
_WATCHING: Final = 0x746F6373_77617463  # advisory lock of who watches
_PAGE: Final = 50_000


class Watch:
    """Which devices are due, in memory.

    A device's time is when it will be silent, in seconds that its way in could hear; when that
    has passed, the record is asked when it was last heard. So a poll costs nothing here.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keys = DayKeys(keyring)
        self._ids = OrderedIds()
        self._spans = Spans()
        self._watching_on: Connection | None = None
        self._due: dict[str, Devices] = {}
        self._total_s: dict[str, float] = {}
        self._changed_at: datetime | None = None
        self._ask_changed_at = 0.0
        self._ask_behind_at = 0.0
        self._ask_returned_at = 0.0

    def turn(self, connection: Connection, now: datetime) -> int:
        """Tells of who has fallen silent and of who is back; returns how many. Commits.

        One watcher at a time; returns 0 while another is at it.
        """
        if self._watching_on is not connection:
            locked = connection.execute("SELECT pg_try_advisory_lock(%s)", (_WATCHING,)).fetchone()
            connection.commit()
            # Whoever watched meanwhile knows more; and of a commit that was lost on the way nobody
            # knows whether it was one.
            self._forget()
            if locked != (True,):
                return 0
            self._watching_on = connection
        heard = self._spans.read(connection)
        if any(self._total_s.get(intake, 0.0) > one.total_s for intake, one in heard.items()):
            self._forget()  # old spans were forgotten: seconds are counted from another beginning
        self._total_s = {intake: one.total_s for intake, one in heard.items()}
        self._follow_devices(connection, heard, now)
        told = 0
        for protocol, devices in self._due.items():
            hearing = heard.get(protocol)
            if hearing is not None:
                told += self._look(connection, devices, hearing, now)
        if time.monotonic() >= self._ask_returned_at:
            told += self._returned(connection, now)
        told += self._tell_of_outages(connection, now)
        return told

    def _forget(self) -> None:
        self._spans.forget()
        self._due.clear()
        self._changed_at = None
        self._total_s.clear()

    @property
    def watched(self) -> int:
        """How many devices are supervised."""
        return sum(len(devices) for devices in self._due.values())

    # -- which devices there are ------------------------------------------------------------------

    def _follow_devices(
        self, connection: Connection, heard: dict[str, Hearing], now: datetime
    ) -> None:
        if self._changed_at is not None and time.monotonic() < self._ask_changed_at:
            return
        self._ask_changed_at = time.monotonic() + CHANGED_EVERY_S
        # What another transaction was still writing when we last asked is asked for again; what a
        # long one was, once a minute.
        since = _LONG_AGO
        if self._changed_at is not None:
            is_time = time.monotonic() >= self._ask_behind_at
            since = self._changed_at - (BEHIND_MAX if is_time else timedelta(minutes=1))
            if is_time:
                self._ask_behind_at = time.monotonic() + BEHIND_EVERY_S
        with connection.cursor(name="devices", binary=True) as cursor:
            cursor.itersize = _PAGE
            cursor.execute(_CHANGED, (since,))
            for rows in _pages(cursor):
                for protocol, of_protocol in _grouped(rows, itemgetter(1)):
                    devices = self._due.setdefault(protocol, Devices())
                    hearing = heard.get(protocol, _NEVER)
                    devices.put(
                        [row[0] for row in of_protocol],
                        [
                            hearing.heard_by(at) + allowed_s(interval_s) if interval_s else _NEVER_S
                            for _, _, interval_s, at in of_protocol
                        ],
                    )
        connection.rollback()
        self._changed_at = now

    # -- who is silent ----------------------------------------------------------------------------

    def _look(
        self, connection: Connection, devices: Devices, hearing: Hearing, now: datetime
    ) -> int:
        """Of many that are due at once, as after an import, each must be looked at soon."""
        told, until = 0, time.monotonic() + LOOK_S_MAX
        while True:
            places = devices.due(hearing.total_s)[:LOOKED_AT_MAX]
            if len(places):
                told += self._look_at(connection, devices, places, hearing, now)
            if len(places) < LOOKED_AT_MAX or time.monotonic() > until:
                return told

    def _look_at(
        self,
        connection: Connection,
        devices: Devices,
        places: NDArray[np.intp],
        hearing: Hearing,
        now: datetime,
    ) -> int:
        ids = devices.named(places)
        found = connection.cursor(binary=True).execute(_LAST_SEEN, (ids,))
        last_seen = {device: rest for device, *rest in found}
        silent = []
        for place, identifier in zip(places, ids, strict=True):
            at, interval_s, is_told = last_seen.get(identifier, (None, 0, True))
            if at is None or is_told:  # gone, no longer supervised, or known to be silent
                devices.due_at[place] = _NEVER_S
                continue
            due_at = hearing.last_heard(at, interval_s) + allowed_s(interval_s)
            if due_at > hearing.total_s:
                devices.due_at[place] = due_at
            else:
                silent.append((place, identifier, at))
        told = 0
        for first in range(0, len(silent), TOLD_MAX):
            part = {identifier: (place, at) for place, identifier, at in silent[first:][:TOLD_MAX]}
            rows = [
                row  # but for who was heard since: it is looked at again
                for row in fetch(connection, _SUPERVISED, [list(part)])
                if abs(row["last_seen_at"].timestamp() - part[row["id"]][1]) < _SAME_S
            ]
            self._tell_silent(connection, rows, now)
            for row in rows:
                devices.due_at[part[row["id"]][0]] = _NEVER_S
            told += len(rows)
        connection.rollback()
        return told

    def _tell_silent(
        self, connection: Connection, silent: list[dict[str, Any]], now: datetime
    ) -> None:
        rows = Rows(self._keys)
        outage_of: dict[UUID, UUID | None] = {}
        for group, members in _grouped(silent, itemgetter("protocol", "district", "agency")):
            outage = self._outage(connection, group, members, rows, now)
            outage_of |= dict.fromkeys((row["id"] for row in members), outage)
            if outage is None:
                for row in members:
                    rows.add(self._id(now), of_device(row, FAILED, now))
        with connection.cursor() as cursor:
            cursor.executemany(
                _SILENT,
                [
                    (row["id"], row["last_seen_at"], now, outage, outage is None)
                    for row in silent
                    for outage in [outage_of[row["id"]]]
                ],
            )
        rows.write(connection)
        connection.execute("SELECT pg_notify('sorted', '')")
        connection.commit()

    def _outage(
        self,
        connection: Connection,
        group: tuple[str, str, str],
        members: list[dict[str, Any]],
        rows: Rows,
        now: datetime,
    ) -> UUID | None:
        """The outage that these silences belong to, begun here if they are the first to show it.

        Devices report at moments of their own, so an outage shows itself over their interval: those
        told of singly just before belong to it too. One that has taken in nobody for a while takes
        in nobody any more: what falls silent then has a cause of its own.
        """
        since = now - timedelta(seconds=OUTAGE_WITHIN_S)
        taken = connection.execute(_JOIN_OUTAGE, (now, *group, since)).fetchone()
        if taken is not None:
            return UUID(str(taken[0]))
        lately = connection.execute(_LATELY, (since, *group)).fetchall()
        sites = {row["site"] for row in members} | {site for _, site in lately}
        devices = len(members) + len(lately)
        if not is_outage(devices, len(sites)):
            return None
        # An old one is told of anew: its card may be closed, or speak of others.
        open_one = connection.execute(_JOIN_OUTAGE, (now, *group, _LONG_AGO)).fetchone()
        if open_one is not None:
            identifier = UUID(str(open_one[0]))
            connection.execute("UPDATE ref.outage SET told = 0 WHERE id = %s", (identifier,))
        else:
            identifier = self._id(now)
            began_at = min(row["last_seen_at"] for row in members)
            rows.add(identifier, of_outage(group, devices, began_at, FAILED, now))
            connection.execute(_BEGIN_OUTAGE, (identifier, *group, began_at, now, now, devices))
        connection.execute(_INTO_OUTAGE, (identifier, [device for device, _ in lately]))
        return identifier

    # -- who is back ------------------------------------------------------------------------------

    def _returned(self, connection: Connection, now: datetime) -> int:
        began = time.monotonic()
        back = fetch(connection, _BACK, [TOLD_MAX])
        if back:
            rows = Rows(self._keys)
            for row in back:
                if row["singly"]:
                    rows.add(self._id(now), of_device(row, RESTORED, now))
            connection.execute(
                "DELETE FROM ref.silence WHERE device = ANY(%s)", ([row["id"] for row in back],)
            )
            rows.write(connection)
            connection.execute("SELECT pg_notify('sorted', '')")
        connection.commit()
        for row in back:
            self._due.setdefault(row["protocol"], Devices()).put([row["id"]], [0.0])
        # Where very many are silent, looking whether they are back must not be all that is done.
        rest_s = 0.0 if len(back) == TOLD_MAX else max(1.0, 20 * (time.monotonic() - began))
        self._ask_returned_at = time.monotonic() + rest_s
        return len(back)

    def _tell_of_outages(self, connection: Connection, now: datetime) -> int:
        """Says again how many are silent where they have become more, and when it is over. Who is
        silent still is told of singly then."""
        grown_before = now - timedelta(seconds=TELL_AGAIN_S)
        young = now - timedelta(seconds=OUTAGE_WITHIN_S)
        told = 0
        for outage in fetch(connection, _OUTAGES, []):
            devices = outage["devices"]
            ends = devices <= OUTAGE_ENDS_BELOW and outage["joined_at"] <= young
            grows = devices > outage["told"] and outage["told_at"] <= grown_before
            if ends or grows:
                self._tell_of_outage(connection, outage, now, ends=ends)
                told += 1
            elif devices < outage["told"]:
                connection.execute(_FEWER, (devices, outage["id"]))
                connection.commit()
        connection.rollback()
        return told

    def _tell_of_outage(
        self, connection: Connection, outage: dict[str, Any], now: datetime, *, ends: bool
    ) -> None:
        rows = Rows(self._keys)
        group = (outage["intake"], outage["district"], outage["agency"])
        devices, code = outage["devices"], RESTORED if ends else FAILED
        rows.add(self._id(now), of_outage(group, devices, outage["began_at"], code, now))
        if ends:
            for row in fetch(connection, _LEFT, [outage["id"]]):
                rows.add(self._id(now), of_device(row, FAILED, now))
            connection.execute(_ALONE, (outage["id"],))
        connection.execute(_TOLD, (devices, now, now if ends else None, outage["id"]))
        rows.write(connection)
        connection.execute("SELECT pg_notify('sorted', '')")
        connection.commit()

    def _id(self, now: datetime) -> UUID:
        return UUID(bytes=self._ids.next(milliseconds(now), os.urandom(6)))


def forget_spans(connection: Connection, now: datetime) -> int:
    """Remove spans of hearing that no interval reaches back to, outages that ended before them, and
    the silence of devices that are gone; returns how many. Commits."""
    before = now - SPANS_KEPT_FOR
    gone = connection.execute("DELETE FROM ref.hearing WHERE until_at < %s", (before,)).rowcount
    gone += connection.execute("DELETE FROM ref.outage WHERE ended_at < %s", (before,)).rowcount
    gone += connection.execute(
        "DELETE FROM ref.silence s WHERE NOT EXISTS (SELECT FROM ref.device WHERE id = s.device)"
    ).rowcount
    connection.commit()
    return gone


# -- the tables -----------------------------------------------------------------------------------


def _pages(cursor: Any) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(_PAGE):
        yield rows


def _grouped(rows: Iterable[Any], key: Callable[[Any], Any]) -> list[tuple[Any, list[Any]]]:
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return sorted(found.items())


# One that never reported counts from when it was first expected to.
_CHANGED: Final = """
SELECT d.id, d.protocol, d.interval_s,
    extract(epoch FROM coalesce(n.last_seen_at, d.supervised_since))::float8
FROM ref.device d LEFT JOIN ref.seen n ON n.device = d.id
WHERE d.changed_at >= %s
ORDER BY d.id"""
_OF_DEVICE: Final = """
d.id, d.site, d.protocol, d.account, d.district, d.agency, d.interval_s"""
_LAST_SEEN: Final = """
SELECT d.id, extract(epoch FROM coalesce(n.last_seen_at, d.supervised_since))::float8,
    d.interval_s, EXISTS (SELECT FROM ref.silence s WHERE s.device = d.id)
FROM ref.device d LEFT JOIN ref.seen n ON n.device = d.id
WHERE d.id = ANY(%s) AND d.interval_s IS NOT NULL"""
_SUPERVISED: Final = f"""
SELECT {_OF_DEVICE}, coalesce(n.last_seen_at, d.supervised_since) AS last_seen_at
FROM ref.device d LEFT JOIN ref.seen n ON n.device = d.id
WHERE d.id = ANY(%s) AND d.interval_s IS NOT NULL"""  # noqa: S608
_SILENT: Final = """
INSERT INTO ref.silence (device, last_seen_at, told_at, outage, singly)
VALUES (%s, %s, %s, %s, %s)"""
_BACK: Final = f"""
SELECT {_OF_DEVICE}, s.singly, n.last_seen_at FROM ref.silence s
JOIN ref.device d ON d.id = s.device LEFT JOIN ref.seen n ON n.device = s.device
WHERE n.last_seen_at > s.last_seen_at OR d.interval_s IS NULL
LIMIT %s"""  # noqa: S608
_LATELY: Final = """
SELECT s.device, d.site FROM ref.silence s JOIN ref.device d ON d.id = s.device
WHERE s.outage IS NULL AND s.told_at > %s AND d.protocol = %s AND d.district = %s AND d.agency = %s
LIMIT 1000"""
_BEGIN_OUTAGE: Final = """
INSERT INTO ref.outage (id, intake, district, agency, began_at, joined_at, told_at, told)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""
_JOIN_OUTAGE: Final = """
UPDATE ref.outage SET joined_at = %s
WHERE intake = %s AND district = %s AND agency = %s AND ended_at IS NULL AND joined_at > %s
RETURNING id"""
_INTO_OUTAGE: Final = "UPDATE ref.silence SET outage = %s WHERE device = ANY(%s)"
_OUTAGES: Final = """
SELECT o.id, o.intake, o.district, o.agency, o.began_at, o.joined_at, o.told_at, o.told,
    (SELECT count(*) FROM ref.silence s WHERE s.outage = o.id)::int AS devices
FROM ref.outage o WHERE o.ended_at IS NULL"""
_FEWER: Final = "UPDATE ref.outage SET told = %s WHERE id = %s"
_ALONE: Final = "UPDATE ref.silence SET outage = NULL, singly = true WHERE outage = %s"
_LEFT: Final = f"""
SELECT {_OF_DEVICE}, s.last_seen_at FROM ref.silence s JOIN ref.device d ON d.id = s.device
WHERE s.outage = %s AND NOT s.singly"""  # noqa: S608
_TOLD: Final = """
UPDATE ref.outage SET told = %s, told_at = %s, ended_at = %s WHERE id = %s"""
