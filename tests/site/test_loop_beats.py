"""A long turn is no hang while the database answers it; one without an answer is."""

from __future__ import annotations

import threading
import time

import pytest

from tocsin.record.database import Connection, Urls
from tocsin.site import loops
from tocsin.site.health import Heart
from tocsin.site.loops import Loop, run_loops

PATIENCE_S = 20


def heart_of(urls: Urls, loop: Loop, done: threading.Event) -> float:
    """The greatest age of a heart while `loop` runs until `done`."""
    heart, stop, oldest = Heart(), threading.Event(), 0.0
    running = threading.Thread(target=run_loops, args=(urls.application, [loop], heart, stop))
    running.start()
    while not done.wait(0.05):
        oldest = max(oldest, heart.age_s())
    stop.set()
    running.join(PATIENCE_S)
    return oldest


@pytest.mark.parametrize(("commits", "is_hung"), [(True, False), (False, True)])
def test_a_long_turn_of_many_transactions_is_no_hang_and_one_without_an_answer_is(
    urls: Urls, monkeypatch: pytest.MonkeyPatch, commits: bool, is_hung: bool
) -> None:
    monkeypatch.setattr(loops, "QUIET_S", 0.8)
    done = threading.Event()

    def turn(connection: Connection) -> int:
        for _ in range(25):
            time.sleep(0.1)
            if commits:
                connection.execute("SELECT 1")
                connection.commit()
        done.set()
        return 0

    assert (heart_of(urls, Loop("long", turn, idle_s=600), done) > 1.5) == is_hung


def test_what_clears_old_days_may_wait_minutes_for_one_statement(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "QUIET_S", 0.1)
    limits: list[tuple[str, ...]] = []
    done = threading.Event()

    def turn(connection: Connection) -> int:
        row = connection.execute(
            "SELECT current_setting('statement_timeout'), current_setting('transaction_timeout'),"
            " current_setting('idle_in_transaction_session_timeout')"
        ).fetchone()
        assert row is not None
        limits.append(row)
        connection.execute("SELECT pg_sleep(1.5)")
        done.set()
        return 0

    assert heart_of(urls, Loop("long", turn, idle_s=600, is_long=True), done) < 1.2
    done.clear()
    assert heart_of(urls, Loop("usual", turn, idle_s=600), done) > 1.2
    assert limits[:2] == [("5min", "5min", "30s"), ("30s", "1min", "30s")]


def test_a_turn_that_never_ends_is_a_hang_however_busy() -> None:
    beats = loops.Beats(time.monotonic() - loops.TURN_S_MAX, time.monotonic())
    assert beats.hangs(loops.QUIET_S)
    beats.turn()
    assert not beats.hangs(loops.QUIET_S)
