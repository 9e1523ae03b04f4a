"""Loops rest between turns: a NOTIFY ends the rest at once, and what has come is taken up whole."""

from __future__ import annotations

import threading
import time

from tocsin.record.database import Urls, connect
from tocsin.site.health import Heart
from tocsin.site.loops import Loop, run_loops


def test_many_calls_during_one_turn_cause_one_more_turn(urls: Urls) -> None:
    turns: list[float] = []
    stop = threading.Event()

    def turn(connection: object) -> int:
        turns.append(time.monotonic())
        if len(turns) > 1:
            return 0
        with connect(urls.application) as other:
            for _ in range(50):
                other.execute("NOTIFY called")
                other.commit()
        # Each statement of a turn reads what has come: the connection keeps it.
        for _ in range(5):
            connection.execute("SELECT 1")  # type: ignore[attr-defined]
        return 1

    loop = Loop("called", turn, idle_s=0.6, channel="called")
    running = threading.Thread(
        target=run_loops, args=(urls.application, [loop], Heart(), stop), daemon=True
    )
    running.start()
    time.sleep(1.8)
    stop.set()
    running.join(10)
    assert not running.is_alive()
    assert 3 <= len(turns) <= 6, f"{len(turns)} turns for 50 calls: {turns}"


def test_a_call_ends_the_rest_at_once(urls: Urls) -> None:
    turns: list[float] = []
    stop, rested = threading.Event(), threading.Event()

    def turn(_: object) -> int:
        turns.append(time.monotonic())
        rested.set()
        return 0

    loop = Loop("called", turn, idle_s=30, channel="called")
    running = threading.Thread(
        target=run_loops, args=(urls.application, [loop], Heart(), stop), daemon=True
    )
    running.start()
    assert rested.wait(10)
    time.sleep(0.2)
    rested.clear()
    with connect(urls.application) as other:
        other.execute("NOTIFY called")
        other.commit()
    assert rested.wait(5), "the call did not end the rest of 30 s"
    stop.set()
    with connect(urls.application) as other:
        other.execute("NOTIFY called")
        other.commit()
    running.join(10)
    assert not running.is_alive()
