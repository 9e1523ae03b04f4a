"""Signals that wait are judged: many in one transaction, and one by one what cannot go together. A
poisonous one stops no other."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace

from tocsin.core.assurance import Assurance
from tocsin.core.code_tables import looked_up
from tocsin.core.commands import JudgeSignal
from tocsin.core.confirmation import AT_ONCE
from tocsin.core.crowds import sender_of
from tocsin.core.obligations import DEFAULT_OBLIGATIONS, Obligations
from tocsin.core.probing import PROBLEM
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Datum, Place, Reason, Refused
from tocsin.core.zones import ZoneKind
from tocsin.record import code_book, probing
from tocsin.record.arrays import Uuids
from tocsin.record.blocks import note_rules
from tocsin.record.confirming_columns import confirming
from tocsin.record.crowds import Crowds
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.heard_rows import CLOCK_OFF
from tocsin.record.keys import Keyring
from tocsin.record.networks import network_of
from tocsin.record.plans import Planned, planned
from tocsin.record.together import judge_together
from tocsin.record.turns import Turns
from tocsin.record.views.sql import fetch
from tocsin.record.working import FAILURES_MAX, process_actor, says_nothing

logger = logging.getLogger("tocsin.work")

CANDIDATES_MAX: Final = 20

TOGETHER_MAX: Final = 200
"""Signals of one transaction: a person's command on one of their incidents waits for its end."""

JUDGED_MAX: Final = 400
"""Signals that are taken up in one turn: whoever sends now waits for its end."""

ONCE_MORE: Final = timedelta(hours=1)
"""A signal that was set aside is tried again so often, for good: an alarm is never forgotten."""
ONCE_MORE_MAX: Final = 100

TURN_S_MAX: Final = 0.25
"""After this long a turn is cut short: signals that each open an incident take many times as long
as others, and whoever sends now does not wait for four hundred of them."""

_JUDGING: Final = 0x746F6373_6A756467  # advisory lock of who judges

# Signal by signal (OFFSET 0 keeps it so): of a day that has just begun the planner knows nothing,
# and would read all that a storm has left between the first and the last of them.
_PENDING: Final = """
SELECT p.signal, p.failures, s.received_at, s.district, s.agency, s.device,
    s.repeat_of, s.read, s.text IS NOT NULL AS has_text, s.source_address AS source,
    s.assurance, s.problem,
    t.id AS site, t.name_zh, t.name_en, t.address, t.address_en, t.lat, t.lon, t.datum,
    t.confirm, t.confirm_window_s, t.abort_s, t.two_trip_s,
    CASE WHEN t.confirm = 'two_technologies' THEN
        ARRAY(SELECT ARRAY[z.number, z.kind] FROM ref.zone z WHERE z.device = d.id) END AS zones,
    ARRAY(SELECT w.id FROM view.on_test w WHERE w.open AND w.site = t.id ORDER BY w.id) AS on_test
FROM unnest(%b::uuid[]) WITH ORDINALITY picked (signal, place)
JOIN heard.pending p USING (signal)
JOIN LATERAL (
    SELECT * FROM heard.signal WHERE id = p.signal AND id BETWEEN %s AND %s OFFSET 0) s ON true
LEFT JOIN ref.device d ON d.id = s.device
LEFT JOIN ref.site t ON t.id = coalesce(s.site, d.site)
ORDER BY picked.place"""

_AT_SITES: Final = """
SELECT t.site, c.id FROM unnest(%b::uuid[]) AS t (site), LATERAL (
    SELECT id, opened_at, number FROM view.incident
    WHERE site = t.site AND (open OR state = 'merged')
    ORDER BY opened_at DESC, number DESC LIMIT %s) c
ORDER BY t.site, c.opened_at DESC, c.number DESC"""

_OF_SOURCES: Final = """
SELECT t.key, t.address, t.district, t.agency, c.id
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS t (key, address, district, agency),
LATERAL (
    SELECT id, opened_at, number FROM (
        SELECT id, opened_at, number, district, agency FROM view.incident
        WHERE open AND source_key <> '' AND source_key = t.key
        UNION
        SELECT id, opened_at, number, district, agency FROM view.incident
        WHERE open AND source_address <> '' AND source_address = t.address) either
    WHERE district = t.district AND agency = t.agency
    ORDER BY opened_at DESC, number DESC LIMIT %s) c
ORDER BY t.key, t.address, t.district, t.agency, c.opened_at DESC, c.number DESC"""

Waiting = Mapping[str, Any]
"""A signal that waits, as `_PENDING` selects it."""


def judge_pending(
    connection: Connection,
    keyring: Keyring,
    now: datetime,
    limit: int = JUDGED_MAX,
    *,
    obligations: Obligations = DEFAULT_OBLIGATIONS,
    turns: Turns | None = None,
) -> int:
    """Judge up to `limit` signals; returns how many were dealt with.

    One worker at a time: what is open at a site is read before a signal is judged, and two at once
    would both find nothing. `turns` knows whose signals are next, and keeps what is left of a turn
    that TURN_S_MAX cuts short; without it all senders are new, and a turn ends when all is judged.
    The idempotency key is the signal's id. A signal that cannot be judged is tried again in the
    next rounds and set aside after FAILURES_MAX; it never stops the others. Raises what says that
    the database is away.
    """
    locked = connection.execute("SELECT pg_try_advisory_lock(%s)", (_JUDGING,)).fetchone()
    connection.commit()
    if locked != (True,):
        return 0  # another worker judges
    try:
        picked = (turns or Turns()).next(connection, limit, now)
        waiting: list[dict[str, Any]] = []
        if picked:  # their ids bound the days that are looked into
            asked = [Uuids.of(picked), min(picked), max(picked)]
            waiting = fetch(connection, _PENDING, asked)
        connection.rollback()
        note_rules(connection, waiting)
        book = code_book.current(connection, now)
        rest: list[Waiting] = list(waiting)
        until = time.monotonic() + TURN_S_MAX
        while rest:
            part, rest = rest[:TOGETHER_MAX], rest[TOGETHER_MAX:]
            rest = _judge_some(connection, keyring, book, part, now, obligations) + rest
            if turns is not None and time.monotonic() > until:
                turns.cut([one["signal"] for one in rest])
                break
        return len(waiting) - len(rest)
    finally:
        with contextlib.suppress(psycopg.Error):  # a connection that is gone holds no lock
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(%s)", (_JUDGING,))
            connection.commit()


def _judge_some(
    connection: Connection,
    keyring: Keyring,
    book: code_book.CodeBook,
    waiting: Sequence[Waiting],
    now: datetime,
    obligations: Obligations,
) -> list[Waiting]:
    """Together what can be; then singly, in the same order, what cannot. Returns those that it did
    not come to."""
    left = {one["signal"] for one in waiting}
    not_yet: set[UUID] = set()
    ordinary = [one for one in waiting if not one["failures"] and one["problem"] != PROBLEM]
    commands = _commands(connection, book, ordinary, now)
    if len(commands) > 1:
        singly, later = judge_together(
            connection,
            keyring,
            commands,
            actor=process_actor(""),
            key=_key,
            now=now,
            obligations=obligations,
        )
        not_yet = {one.signal for one in later}
        left -= {one.signal for one in commands} - {one.signal for one in singly}
    for one in waiting:
        if one["signal"] not in left:
            continue
        try:
            _judge(connection, keyring, book, one, now, obligations)
        except Exception as error:
            if says_nothing(error):
                raise
            connection.rollback()
            logger.exception("a signal cannot be judged", extra={"signal": str(one["signal"])})
            _failed(connection, one, now, f"{type(error).__name__}: {error}")
    return [one for one in waiting if one["signal"] in not_yet]


def _judge(
    connection: Connection,
    keyring: Keyring,
    book: code_book.CodeBook,
    one: Waiting,
    now: datetime,
    obligations: Obligations,
) -> None:
    read = _read(one)
    plans = planned(connection, [one["site"]] if one["site"] is not None else [])
    crowds = _crowds(connection, [one], [read], now)
    (candidates,) = _candidates(connection, [one], [read])
    command = _judge_signal(book, one, read, candidates, plans, crowds)
    actor = process_actor(command.agency)
    if command.synthetic:
        probing.judge(connection, keyring, command, actor=actor, key=_key(command), now=now)
        return
    try:
        handle(
            connection,
            keyring,
            command,
            actor=actor,
            key=_key(command),
            now=now,
            obligations=obligations,
        )
    except Refused as refusal:
        if refusal.reason is not Reason.ALREADY_SO:
            raise
        connection.execute("DELETE FROM heard.pending WHERE signal = %s", (command.signal,))
        connection.commit()


def _key(command: JudgeSignal) -> str:
    return f"judge:{command.signal}"


def _commands(
    connection: Connection, book: code_book.CodeBook, waiting: Sequence[Waiting], now: datetime
) -> list[JudgeSignal]:
    """One for each that can be read; what cannot is told of when it is judged singly."""
    reads = []
    readable = []
    for one in waiting:
        with contextlib.suppress(msgspec.MsgspecError):
            reads.append(_read(one))
            readable.append(one)
    plans = planned(connection, {one["site"] for one in readable if one["site"] is not None})
    crowds = _crowds(connection, readable, reads, now)
    found = _candidates(connection, readable, reads)
    commands = []
    for one, read, candidates in zip(readable, reads, found, strict=True):
        with contextlib.suppress(ValueError):
            commands.append(_judge_signal(book, one, read, candidates, plans, crowds))
    return commands


def _read(one: Waiting) -> SignalRead:
    read = msgspec.json.decode(one["read"], type=SignalRead)
    # That there is a text matters to the rules; what it says is sealed and stays so.
    return replace(read, text="-") if one["has_text"] else read


def _crowds(
    connection: Connection, waiting: Sequence[Waiting], reads: Sequence[SignalRead], now: datetime
) -> Crowds:
    of = zip(waiting, reads, strict=True)
    return Crowds(
        connection,
        [((one["district"], one["agency"]), sender_of(one["site"], read)) for one, read in of],
        now,
    )


def _candidates(
    connection: Connection, waiting: Sequence[Waiting], reads: Sequence[SignalRead]
) -> list[tuple[UUID, ...]]:
    """The incidents that each signal may belong to, the newest first."""
    sites = {one["site"] for one in waiting if one["site"] is not None}
    source_of = [
        (sender_of(None, read), network_of(one["source"]), one["district"], one["agency"])
        for one, read in zip(waiting, reads, strict=True)
    ]
    sources = {
        source for source, one in zip(source_of, waiting, strict=True) if one["site"] is None
    }
    at_site: dict[UUID, list[UUID]] = {}
    of_source: dict[tuple[str, ...], list[UUID]] = {}
    if sites:
        for site, incident in connection.execute(_AT_SITES, (Uuids.of(sites), CANDIDATES_MAX)):
            at_site.setdefault(site, []).append(incident)
    if sources:
        asked = (*(list(column) for column in zip(*sources, strict=True)), CANDIDATES_MAX)
        for *source, incident in connection.execute(_OF_SOURCES, asked):
            of_source.setdefault(tuple(source), []).append(incident)
    connection.rollback()
    return [
        tuple(of_source.get(source, ()) if one["site"] is None else at_site.get(one["site"], ()))
        for one, source in zip(waiting, source_of, strict=True)
    ]


def _judge_signal(
    book: code_book.CodeBook,
    one: Waiting,
    read: SignalRead,
    candidates: tuple[UUID, ...],
    plans: Planned,
    crowds: Crowds,
) -> JudgeSignal:
    site: UUID | None = one["site"]
    means, codes_version = looked_up(read, book.tables(one["agency"], site))
    return JudgeSignal(
        signal=one["signal"],
        read=read,
        received_at=one["received_at"],
        district=one["district"],
        agency=one["agency"],
        source=one["source"],
        network=network_of(one["source"]),
        device=one["device"],
        site=site,
        site_name_zh=one["name_zh"] or "",
        site_name_en=one["name_en"] or "",
        place=_place(one, read),
        repeat_of=one["repeat_of"],
        candidates=candidates + crowds.of_sender(sender_of(site, read)),
        exceptions=crowds.waiting((one["district"], one["agency"])),
        on_test=tuple(one["on_test"]),
        blocks=one.get("blocks", ()),
        means=means if codes_version else None,
        codes_version=codes_version,
        plan=plans.plan(site, one["device"], read),
        assurance=Assurance(one["assurance"]),
        is_clock_off=one["problem"] == CLOCK_OFF,
        confirming=AT_ONCE if site is None else confirming(one),
        zone_kinds=tuple((number, ZoneKind(kind)) for number, kind in one["zones"] or ()),
        synthetic=one["problem"] == PROBLEM,
    )


def _place(one: Waiting, read: SignalRead) -> Place | None:
    """Where it is: the site's place; of a source without one, what it says itself."""
    if one["site"] is not None:
        address_zh, address_en = one["address"], one["address_en"] or one["address"]
        datum = Datum(one["datum"])
        return Place(one["lat"], one["lon"], datum, address_zh, address_en, "site")
    said = read.position
    if said is None or said.datum not in set(Datum):
        return None
    return Place(said.lat, said.lon, Datum(said.datum), "", "", "signal")


def _failed(connection: Connection, one: Mapping[str, Any], now: datetime, error: str) -> None:
    error = error.replace("\0", "")[:500]
    failures = one["failures"] + 1
    if failures < FAILURES_MAX:
        connection.execute(
            "UPDATE heard.pending SET failures = %s, error = %s, failed_at = %s WHERE signal = %s",
            (failures, error, now, one["signal"]),
        )
    else:
        connection.execute(
            "INSERT INTO heard.quarantined (signal, at, failures, error) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (signal) DO NOTHING",
            (one["signal"], now, failures, error),
        )
        connection.execute("DELETE FROM heard.pending WHERE signal = %s", (one["signal"],))
        logger.error("a signal was set aside", extra={"signal": str(one["signal"])})
    connection.commit()


_ONCE_MORE: Final = """
WITH again AS (
    DELETE FROM heard.quarantined WHERE signal IN (
        SELECT signal FROM heard.quarantined WHERE at < %s ORDER BY at LIMIT %s)
    RETURNING signal
)
SELECT a.signal, s.device, s.source_address FROM again a JOIN heard.signal s ON s.id = a.signal"""
_QUEUED: Final = """
INSERT INTO heard.pending (signal, known, queue, failures)
SELECT q.signal, q.known, q.queue, %s
FROM unnest(%s::uuid[], %s::boolean[], %s::text[]) AS q (signal, known, queue)
ON CONFLICT (signal) DO NOTHING"""


def try_once_more(connection: Connection, now: datetime) -> int:
    """Put signals that were set aside an hour ago back into their queues, each for one more try;
    returns how many. Commits."""
    found = connection.execute(_ONCE_MORE, (now - ONCE_MORE, ONCE_MORE_MAX)).fetchall()
    queued = (
        [signal for signal, _, _ in found],
        [device is not None for _, device, _ in found],
        [str(device) if device else network_of(source) for _, device, source in found],
    )
    done = connection.execute(_QUEUED, (FAILURES_MAX - 1, *queued)).rowcount if found else 0
    connection.commit()
    return done
