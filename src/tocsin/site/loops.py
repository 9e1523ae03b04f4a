"""The loops of `tocsin work` and `tocsin clock`: a turn of work again and again, fast while there
is any, calm when there is none, patient when the database is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psycopg
from prometheus_client import Counter, Histogram

from tocsin.record.database import CLEARING, TURN, Connection, connect, is_away
from tocsin.site.health import Heart

IDLE_S_MIN: Final = 0.01
RETRY_S_MAX: Final = 1.0

QUIET_S: Final = 5.0
"""Seconds without an answer of the database, or an end of the turn, after which a loop hangs."""

TURN_S_MAX: Final = 600.0
"""Seconds after which a turn counts as hung though it still works: each is far shorter."""

_DONE: Final = Counter("tocsin_loop_items_total", "Items a loop has dealt with.", ["loop"])
_FAILED: Final = Counter("tocsin_loop_failures_total", "Turns of a loop that failed.", ["loop"])
_TURN: Final = Histogram(
    "tocsin_loop_turn_seconds",
    "Duration of the turns that found something to do.",
    ["loop"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

logger = logging.getLogger("tocsin.loop")


@dataclass(frozen=True, slots=True)
class Loop:
    """`turn` does what there is to do and returns how much it was; 0 lets the loop rest.

    It rests `IDLE_S_MIN` after work, twice as long each time it finds nothing, up to `idle_s`.
    With `channel`, a NOTIFY on it ends the rest at once, so it rests `idle_s` from the beginning.
    """

    name: str
    turn: Callable[[Connection], int]
    idle_s: float
    channel: str | None = None
    is_grave: bool = False  # what keeps it from its turn is an error, not a warning
    is_long: bool = False  # one statement may take minutes: it clears what is old

    @property
    def quiet_s(self) -> float:
        """So long it may be without an answer before it counts as hung."""
        return CLEARING.statement_s + QUIET_S if self.is_long else QUIET_S


@dataclass(slots=True)
class Beats:
    """When a loop was last seen to live: at its turn's begin or end, and at each answer that it
    got from the database. A turn of many transactions on a slow disk is no hang."""

    turned: float
    answered: float

    def turn(self) -> None:
        self.turned = self.answered = time.monotonic()

    def answer(self) -> None:
        self.answered = time.monotonic()

    def hangs(self, quiet_s: float) -> bool:
        now = time.monotonic()
        return now - self.answered >= quiet_s or now - self.turned >= TURN_S_MAX


def run_loops(url: str, loops: list[Loop], heart: Heart, stop: threading.Event) -> None:
    """Run each loop in a thread with a connection of its own until `stop`; waits for their end.

    The process is ready while every loop's last turn succeeded.
    """
    problems: dict[str, str | None] = {loop.name: "starting" for loop in loops}

    def tell(name: str, problem: str | None) -> None:
        problems[name] = problem
        found = next((one for one in problems.values() if one is not None), None)
        if found is None:
            heart.ready()
        else:
            heart.not_ready(found)

    now = time.monotonic()
    beats = {loop.name: Beats(now, now) for loop in loops}
    threads = [
        threading.Thread(
            target=_run, args=(url, loop, stop, tell, beats[loop.name]), name=loop.name
        )
        for loop in loops
    ]
    for thread in threads:
        thread.start()
    while not stop.wait(0.5):
        # One loop that hangs is a hung process.
        hung = [loop.name for loop in loops if beats[loop.name].hangs(loop.quiet_s)]
        if hung:
            heart.hangs = ", ".join(hung)
        else:
            heart.beat()
    for thread in threads:
        thread.join()


def _run(
    url: str,
    loop: Loop,
    stop: threading.Event,
    tell: Callable[[str, str | None], None],
    beats: Beats,
) -> None:
    retry_s = 0.05
    limits, name = (CLEARING if loop.is_long else TURN), f"tocsin {loop.name}"
    while not stop.is_set():
        try:
            with connect(url, name=name, limits=limits, answered=beats.answer) as connection:
                if loop.channel is not None:
                    connection.execute(f"LISTEN {loop.channel}".encode())
                    connection.commit()
                rest_s = IDLE_S_MIN
                while not stop.is_set():
                    beats.turn()
                    done = _turn(loop, connection)
                    tell(loop.name, None)
                    retry_s = 0.05
                    rest_s = IDLE_S_MIN if done else min(rest_s * 2, loop.idle_s)
                    if not done:
                        called = loop.channel is not None
                        _rest(connection, loop, stop, loop.idle_s if called else rest_s, beats)
        except Exception as error:  # noqa: BLE001  whatever it was, the loop goes on
            _note(loop, error, tell)
        beats.turn()
        stop.wait(retry_s)
        retry_s = min(retry_s * 2, RETRY_S_MAX)


def _note(loop: Loop, error: Exception, tell: Callable[[str, str | None], None]) -> None:
    if is_away(error) or isinstance(error, psycopg.OperationalError):
        tell(loop.name, "database lost")
        level = logging.ERROR if loop.is_grave else logging.WARNING
        extra = {"loop": loop.name, "why": str(error).strip()}
        logger.log(level, "database lost", extra=extra)
        return
    # A turn is one transaction: it left nothing half done, and comes again.
    tell(loop.name, f"{loop.name} fails")
    _FAILED.labels(loop.name).inc()
    logger.error("turn failed", extra={"loop": loop.name}, exc_info=error)


def _turn(loop: Loop, connection: Connection) -> int:
    began = time.monotonic()
    done = loop.turn(connection)
    connection.rollback()  # ends a transaction that only read; what was written is committed
    if done:
        _DONE.labels(loop.name).inc(done)
        _TURN.labels(loop.name).observe(time.monotonic() - began)
    return done


def _rest(
    connection: Connection,
    loop: Loop,
    stop: threading.Event,
    rest_s: float,
    beats: Beats,
) -> None:
    if loop.channel is None:
        until = time.monotonic() + rest_s
        while not stop.wait(min(1.0, max(0.0, until - time.monotonic()))):
            beats.turn()
            if beats.turned >= until:
                return
        return
    was = connection.autocommit
    connection.autocommit = True
    try:
        for _ in connection.notifies(timeout=rest_s, stop_after=1):
            pass  # all that has come: what is left would end the next rests for nothing
    finally:
        if not connection.closed:
            connection.autocommit = was
