"""The probe's own tables: what listens where, which test alarms are expected, how far each came.
A message is synthetic only if its account is one that is expected now, from where it was sent, and
of no device; each is expected once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tocsin.core.commands import JudgeSignal
from tocsin.core.incidents.state import OPEN
from tocsin.core.probing import (
    Probe,
    Stage,
    Standing,
    is_reserved,
    source_key,
)
from tocsin.core.terms import Actor
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.heard_rows import Heard
from tocsin.record.keys import Keyring
from tocsin.record.views.sql import fetch

EXPECTED_FOR: Final = timedelta(days=7)
"""So long `work` may be away. A test alarm that comes later is judged like what anybody sends."""


# -- what listens where ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Socket:
    """`intake` and `over` together are the name of the probe: `dc09.tcp`."""

    intake: str
    over: str
    address: str
    port: int

    @property
    def name(self) -> str:
        return f"{self.intake}.{self.over}"


def keep_listening(
    connection: Connection, host: str, process: str, sockets: Iterable[Socket], now: datetime
) -> None:
    """These are the sockets that a process has open now. Commits."""
    connection.execute(_FORGET_LISTENING, (host, process))
    with connection.cursor() as cursor:
        cursor.executemany(
            _LISTENING,
            [(host, process, one.intake, one.over, one.address, one.port, now) for one in sockets],
        )
    connection.commit()


def listening(connection: Connection, host: str) -> list[Socket]:
    """The sockets that were open on this machine when their processes last started."""
    rows = connection.execute(_SOCKETS, (host,)).fetchall()
    connection.rollback()
    return [Socket(*row) for row in rows]


# -- one round ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expected:
    """A test alarm about to be sent. `source`: the address that it will be heard from."""

    intake: str
    account: str
    source: str


def begin(
    connection: Connection, expected: Sequence[Expected], skipped: Mapping[str, str], now: datetime
) -> None:
    """From now on these are expected; `skipped` says of others why none is sent. Commits."""
    gone = [*(one.intake for one in expected), *skipped]
    connection.execute("DELETE FROM ref.probe WHERE intake <> ALL(%s)", (gone,))
    connection.execute("DELETE FROM ref.probe_expected WHERE sent_at < %s", (now - EXPECTED_FOR,))
    with connection.cursor() as cursor:
        if expected:
            rows = [(one.intake, one.account, one.source, now) for one in expected]
            cursor.executemany(_PUT, rows)
            cursor.executemany(_EXPECT, rows)
        if skipped:
            cursor.executemany(_SKIP, list(skipped.items()))
    connection.commit()


def sent(
    connection: Connection,
    account: str,
    *,
    reached_at: datetime | None,
    acknowledged_at: datetime | None,
    why: str = "",
) -> None:
    """What its sender has found out. Commits."""
    connection.execute(_SENT, (reached_at, acknowledged_at, why.replace("\0", "")[:300], account))
    connection.commit()


def last_round(connection: Connection) -> datetime | None:
    """When test alarms were last sent."""
    row = connection.execute("SELECT max(sent_at) FROM ref.probe").fetchone()
    connection.rollback()
    return None if row is None else row[0]


@dataclass(frozen=True, slots=True)
class Under:
    """A way in with the test alarm that is on its way through it."""

    intake: str
    probe: Probe
    standing: Standing
    why: str


def unsettled(connection: Connection) -> list[Under]:
    """Those that were sent and not counted yet. An incident that was closed tells of nothing."""
    rows = fetch(connection, _UNSETTLED, [[one.value for one in OPEN]])
    connection.rollback()
    return [
        Under(
            row["intake"],
            Probe(
                row["sent_at"],
                row["reached_at"],
                row["acknowledged_at"],
                row["recorded_at"],
                row["judged_at"],
                is_waiting=row["is_waiting"],
            ),
            Standing(
                row["misses"],
                None if row["stage"] is None else Stage(row["stage"]),
                row["since"],
                row["incident"],
                row["is_restored"],
                Stage(row["told"]) if row["told"] else None,
            ),
            row["why"],
        )
        for row in rows
    ]


def settle(
    connection: Connection, under: Under, standing: Standing, now: datetime, *, has_arrived: bool
) -> None:
    """The result is counted. Commits."""
    stage = None if standing.stage is None else standing.stage.value
    values = (standing.misses, stage, standing.since, standing.incident, standing.is_restored)
    connection.execute(
        _SETTLE,
        (*values, now, now, now if has_arrived else None, under.intake, under.probe.sent_at),
    )
    connection.commit()


def waiting(connection: Connection, intake: str, stage: Stage) -> UUID | None:
    """The incident of `intake`, or `EVERY`, and `stage` that nobody has answered and whose deadline
    runs: it speaks by itself, so no other need be opened. None where there is none."""
    row = connection.execute(_WAITING, (source_key(intake, stage),)).fetchone()
    connection.rollback()
    return None if row is None else row[0]


def states(connection: Connection) -> list[dict[str, Any]]:
    """Every way in as the probe last saw it, by name."""
    rows = fetch(connection, "SELECT * FROM ref.probe ORDER BY intake", [])
    connection.rollback()
    return rows


def newest(connection: Connection) -> datetime | None:
    """When a result was last counted: a probe that is not running has none that is young."""
    # One that is left out keeps the time of its last, which may lie before the clock was set back.
    row = connection.execute("SELECT max(counted_at) FROM ref.probe WHERE skipped = ''").fetchone()
    connection.rollback()
    return None if row is None else row[0]


def every_socket(connection: Connection) -> list[Socket]:
    """All that listen, on whatever machine."""
    rows = connection.execute(
        "SELECT DISTINCT intake, over, bound, port FROM ref.listening ORDER BY 1, 2, 3, 4"
    ).fetchall()
    connection.rollback()
    return [Socket(*row) for row in rows]


def counters_with_times(connection: Connection) -> list[tuple[str, int, datetime]]:
    """What the intakes counted, by name, and when each last grew."""
    rows = connection.execute("SELECT name, value, last_at FROM ref.intake_counter ORDER BY name")
    found = rows.fetchall()
    connection.rollback()
    return [(name, value, at) for name, value, at in found]


# -- on the road ----------------------------------------------------------------------------------


def recorded(
    connection: Connection, messages: Iterable[tuple[UUID, Heard]], now: datetime
) -> set[UUID]:
    """Which of these messages are test alarms that are expected; each is, once. Leaves the
    transaction open."""
    likely = {
        account: (identifier, message)
        for identifier, message in messages
        if message.device is None
        and message.signals
        and is_reserved(account := message.signals[0].account)
    }
    if not likely:
        return set()
    taken = connection.execute(
        _TAKE,
        (
            list(likely),
            [message.source for _, message in likely.values()],
            [message.protocol for _, message in likely.values()],
            now - EXPECTED_FOR,
        ),
    )
    accounts = [account for (account,) in taken]
    connection.execute(_RECORDED, (now, accounts))
    return {likely[account][0] for account in accounts}


def judge(
    connection: Connection,
    keyring: Keyring,
    command: JudgeSignal,
    *,
    actor: Actor,
    key: str,
    now: datetime,
) -> None:
    """Judged like any other signal, up to the commit, which is not done: a test alarm each minute
    would fill the log, which is for ever. Commits that it got so far. Raises what `handle` does."""
    handle(connection, keyring, command, actor=actor, key=key, now=now, is_rehearsal=True)
    connection.execute("DELETE FROM heard.pending WHERE signal = %s", (command.signal,))
    connection.execute(_JUDGED, (now, command.read.account))
    connection.commit()


def arrived(connection: Connection, account: str, now: datetime) -> None:
    """A test call has come to its end, and was taken back. Commits."""
    connection.execute("DELETE FROM ref.probe_expected WHERE account = %s", (account,))
    connection.execute(_CALLED, (now, now, account))
    connection.commit()


def is_expected(connection: Connection, account: str, now: datetime) -> bool:
    """Whether a test call under this account is on its way."""
    row = connection.execute(_IS_EXPECTED, (account, now - EXPECTED_FOR)).fetchone()
    connection.rollback()
    return row is not None


_FORGET_LISTENING: Final = "DELETE FROM ref.listening WHERE host = %s AND process = %s"
_LISTENING: Final = """
INSERT INTO ref.listening (host, process, intake, over, bound, port, since)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""
_SOCKETS: Final = """
SELECT intake, over, bound, port FROM ref.listening WHERE host = %s
ORDER BY intake, over, bound, port"""
_PUT: Final = """
INSERT INTO ref.probe_expected (intake, account, source, sent_at) VALUES (%s, %s, %s, %s)"""
_EXPECT: Final = """
INSERT INTO ref.probe (intake, account, source, sent_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (intake) DO UPDATE SET account = excluded.account, source = excluded.source,
    sent_at = excluded.sent_at, reached_at = NULL, acknowledged_at = NULL, recorded_at = NULL,
    judged_at = NULL, settled_at = NULL, why = '', skipped = ''"""
_SKIP: Final = """
INSERT INTO ref.probe (intake, skipped) VALUES (%s, %s)
ON CONFLICT (intake) DO UPDATE SET skipped = excluded.skipped, account = '', sent_at = NULL,
    settled_at = NULL, misses = 0, stage = NULL, since = NULL"""
_SENT: Final = """
UPDATE ref.probe SET reached_at = %s, acknowledged_at = %s, why = %s WHERE account = %s"""
_UNSETTLED: Final = """
SELECT p.intake, p.sent_at, p.reached_at, p.acknowledged_at, p.recorded_at, p.judged_at, p.why,
    p.acknowledged_at IS NOT NULL AND EXISTS (
        SELECT FROM heard.arrived a WHERE a.oldest_at <= p.acknowledged_at) AS is_waiting,
    p.misses, p.stage, p.since, i.id AS incident,
    p.is_restored AND i.id IS NOT NULL AS is_restored, split_part(i.source_key, '/', 3) AS told
FROM ref.probe p LEFT JOIN view.incident i ON i.id = p.incident AND i.state = ANY(%s)
WHERE p.sent_at IS NOT NULL AND p.settled_at IS NULL ORDER BY p.intake"""
_WAITING: Final = """
SELECT i.id FROM view.incident i JOIN log.due d ON d.subject = i.id
WHERE i.open AND i.source_key = %s AND i.state = 'new' ORDER BY i.id DESC LIMIT 1"""
_SETTLE: Final = """
UPDATE ref.probe SET misses = %s, stage = %s, since = %s, incident = %s, is_restored = %s,
    settled_at = %s, counted_at = %s, arrived_at = coalesce(%s, arrived_at)
WHERE intake = %s AND sent_at = %s"""
_TAKE: Final = """
DELETE FROM ref.probe_expected p
USING unnest(%s::text[], %s::text[], %s::text[]) AS m (account, source, protocol)
WHERE p.account = m.account AND p.source = m.source
    AND split_part(p.intake, '.', 1) = m.protocol AND p.sent_at > %s
RETURNING p.account"""
_RECORDED: Final = "UPDATE ref.probe SET recorded_at = %s WHERE account = ANY(%s)"
_JUDGED: Final = "UPDATE ref.probe SET judged_at = %s WHERE account = %s"
_CALLED: Final = "UPDATE ref.probe SET recorded_at = %s, judged_at = %s WHERE account = %s"
_IS_EXPECTED: Final = """
SELECT FROM ref.probe_expected WHERE account = %s AND sent_at > %s"""
