"""What `tocsin work` and `tocsin clock` do in their loops, and what they measure for /metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from prometheus_client import Gauge

from tocsin.core.obligations import Obligations
from tocsin.record import (
    caller_places,
    code_force,
    judging,
    refused,
    retention,
    sequencer,
    working,
)
from tocsin.record.arrivals import Sorter
from tocsin.record.block_guard import Guard
from tocsin.record.database import Connection, DatabaseAway, connect
from tocsin.record.figures import lanes
from tocsin.record.keys import Keyring
from tocsin.record.supervision import Watch, forget_spans
from tocsin.record.turns import Turns
from tocsin.site.clock_watch import ClockWatch
from tocsin.site.configuration import Configuration
from tocsin.site.loops import Loop
from tocsin.site.probe import Prober
from tocsin.wire.dc09.answers import read_kept

READERS: Final = {"dc09": read_kept}
"""Who reads what an intake left to be read later, by protocol."""

BATCH: Final = 200
"""Deadlines taken up in one turn."""

_LAG: Final = Gauge("tocsin_lag", "What waits, by kind (counts) and for how long (_s).", ["name"])
_KEPT: Final = Gauge(
    "tocsin_heard_kept",
    "What is kept of what was heard: days, bytes, strays (messages of days that were not prepared,"
    " at most 10,001 counted), and days that are past their time, by what holds"
    " them back (overdue_waiting, overdue_set_aside, overdue_open_incident, overdue_free).",
    ["name"],
)
_DATABASE: Final = Gauge("tocsin_database_up", "1 while the database answers.")


def loops_of(process: str, keyring: Keyring, chosen: Configuration) -> list[Loop]:
    """The loops of `work` or `clock`."""
    durations = Obligations(**msgspec.structs.asdict(chosen.obligations))

    turns = Turns()

    def judge(connection: Connection) -> int:
        return judging.judge_pending(
            connection, keyring, _now(), obligations=durations, turns=turns
        )

    def react(connection: Connection) -> int:
        return working.react_after(connection, keyring, _now(), obligations=durations)

    def sound(connection: Connection) -> int:
        return working.sound_due(connection, keyring, _now(), BATCH, obligations=durations)

    guard = Guard(keyring)

    def guard_blocks(connection: Connection) -> int:
        return guard.turn(connection, _now())

    if process == "work":
        sorter = Sorter(keyring, READERS, district=chosen.district, agency=chosen.agency)
        return [
            Loop("sequencer", sequencer.assign, idle_s=0.02),
            Loop("sort", sorter.sort, idle_s=0.5, channel="heard"),
            Loop("judge", judge, idle_s=0.5, channel="sorted"),
            Loop("blocks", guard_blocks, idle_s=1.0),
            Loop("react", react, idle_s=0.5, channel="facts"),
        ]
    watch = Watch(keyring)
    days = chosen.retention.heard_days

    def forget_heard(connection: Connection) -> int:
        return retention.forget_heard(connection, _now(), days)

    def listen(connection: Connection) -> int:
        return watch.turn(connection, _now())

    return [
        Loop("deadlines", sound, idle_s=0.25),
        # While `work` does it this finds nothing to do; when `work` hangs, what the clock and
        # people write still reaches the screens.
        Loop("sequencer", sequencer.assign, idle_s=0.25),
        Loop("silence", listen, idle_s=0.5),
        Loop("clock_watch", ClockWatch(keyring, chosen).turn, idle_s=1.0),
        Loop("probe", Prober(keyring, chosen).turn, idle_s=0.5, is_grave=True),
        Loop("retention", _tidy, idle_s=600, is_long=True),
        Loop("codes", _codes, idle_s=1),
        Loop("forget_heard", forget_heard, idle_s=600, is_long=True),
        Loop("caller_places", _forget_places, idle_s=30),
    ]


def _tidy(connection: Connection) -> int:
    retention.prepare_partitions(connection, _now())
    forget_spans(connection, _now())
    judging.try_once_more(connection, _now())
    return retention.forget_old(connection, _now())


def _codes(connection: Connection) -> int:
    return code_force.come_into_force(connection, _now())


def _forget_places(connection: Connection) -> int:
    return caller_places.forget(connection, _now()) + refused.forget(connection, _now())


def measure(url: str, heard_days: int) -> None:
    """Set the gauges for /metrics."""
    try:
        with connect(url, name="tocsin metrics") as connection:
            figures = working.lag(connection)
            waits = lanes(connection)
            kept = retention.heard_kept(connection, _now(), heard_days)
    except DatabaseAway:
        _DATABASE.set(0)
        return
    _DATABASE.set(1)
    for name, value in figures.items():
        if isinstance(value, int | float):
            _LAG.labels(name).set(value)
    for wait in waits:
        name = f"lane_{wait.lane.name.lower()}"
        _LAG.labels(name).set(wait.messages)
        _LAG.labels(f"{name}_oldest_s").set(wait.oldest_s)
    _KEPT.labels("days").set(kept.days)
    _KEPT.labels("bytes").set(kept.size_bytes)
    _KEPT.labels("strays").set(kept.strays)
    for why in (*retention.HELD_BY, "free"):
        held = [one for one in kept.overdue if (one.held_by or "free") == why]
        _KEPT.labels(f"overdue_{why}").set(len(held))


def _now() -> datetime:
    return datetime.now(UTC)
