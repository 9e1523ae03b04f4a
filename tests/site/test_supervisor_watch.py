"""A process that hangs is ended and started again; a lost database or a long turn is no hang."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import psutil
import pytest

from tocsin.record.database import Urls
from tocsin.site import supervisor, supervisor_watch
from tocsin.site.postgres import Postgres
from tocsin.site.supervisor import Child, Supervisor
from tocsin.site.supervisor_watch import HUNG_S, START_S, Commits, Watch

PATIENCE_S = 20

WORK = """
import signal, sys, threading
from tocsin.site import health, loops
from tocsin.site.configuration import Configuration
from tocsin.site.loops import Loop, run_loops
from tocsin.site.process import served
health.BEAT_S_MAX, loops.QUIET_S = 1.2, 0.3
def fine(connection):
    connection.execute("SELECT 1")
    return 0
def stuck(connection):
    threading.Event().wait()
if sys.argv[3:]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
turn = {"fine": fine, "stuck": stuck}[sys.argv[2]]
with served("work", Configuration()) as heart:
    run_loops(sys.argv[1], [Loop(sys.argv[2], turn, idle_s=0.02)], heart, threading.Event())
"""


def work(url: str, turn: str, heard: Callable[[str], None], *more: str) -> Child:
    """A process with real loops, of which one turns as `turn` says."""
    words = [sys.executable, "-c", WORK, url, turn, *more]
    return Child("work", words, os.environ, heard=heard)


def health(child: Child, path: str = "health") -> tuple[int, dict[str, Any]]:
    assert child.health is not None
    address = f"http://{child.health[0]}:{child.health[1]}/{path}"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextlib.contextmanager
def started(child: Child, said: Queue[str]) -> Iterator[Child]:
    child.start(time.monotonic())
    try:
        assert said.get(timeout=PATIENCE_S).startswith("listening health-work http 127.0.0.1:")
        yield child
    finally:
        child.stop(hurry=lambda: True)


@pytest.mark.parametrize("more", [(), ("deaf",)])
def test_a_process_with_a_loop_that_hangs_is_ended_and_started_again(
    urls: Urls,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    more: tuple[str, ...],
) -> None:
    """Also one that does not hear SIGTERM any more."""
    monkeypatch.setattr(supervisor, "STOP_S", 0.2)
    for name, value in {"LOOK_S": 0.05, "START_S": 0.0, "HUNG_S": 0.3}.items():
        monkeypatch.setattr(supervisor_watch, name, value)
    said: Queue[str] = Queue()
    child = work(urls.application, "stuck", said.put, *more)
    running = Supervisor([child])
    watch = Watch(running.children, Commits(urls.application))

    def stop_when_up_again() -> None:
        if said.qsize() >= 2:
            running.ask_to_stop()
            running.ask_to_stop()

    with watch.running():
        assert running.run(each_turn=stop_when_up_again) == 0
    (hung, *_) = [one.__dict__ for one in caplog.records if one.message.startswith("process hangs")]
    assert hung["child"] == "work"
    assert hung["why"].startswith("no heartbeat for ")
    assert hung["why"].endswith(" s, hangs: stuck")
    (ended, *_) = [
        one.__dict__ for one in caplog.records if one.message.startswith("process ended")
    ]
    assert ended["why"] == ("killed by SIGKILL" if more else "killed by SIGTERM")


def test_a_process_that_does_not_answer_at_all_is_given_up_after_its_time(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_watch, "ANSWER_S", 0.5)
    said: Queue[str] = Queue()
    with started(work(urls.application, "fine", said.put), said) as child:
        assert child.process is not None
        watch, given_up = Watch([child]), []
        child.give_up = given_up.append  # type: ignore[method-assign]
        watch.look(0.0)
        until(lambda: health(child)[0] == 200)
        os.kill(child.process.pid, signal.SIGSTOP)
        try:
            for now in (START_S - 1, START_S, START_S + HUNG_S - 1):
                watch.look(now)
                assert given_up == []
            watch.look(START_S + HUNG_S)
            assert given_up == [child.process]
        finally:
            os.kill(child.process.pid, signal.SIGCONT)
        until(lambda: health(child)[0] == 200)
        for now in (200.0, 300.0, 400.0):
            watch.look(now)
        assert given_up == [child.process], "it is well again"


def test_a_lost_database_leads_to_no_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen: it answers nothing and closes nothing, and each loop hangs in its statement."""
    monkeypatch.setattr(supervisor_watch, "COMMIT_S", 0.3)
    said: Queue[str] = Queue()
    with Postgres(tmp_path / "data") as server:
        url = server.urls().application
        with started(work(url, "fine", said.put), said) as child:
            watch, given_up = Watch([child], Commits(url)), []
            child.give_up = given_up.append  # type: ignore[method-assign]
            watch.look(0.0)
            until(lambda: health(child, "ready")[0] == 200)  # its loop is in the database
            main = psutil.Process(server.pid)
            family = [main, *main.children(recursive=True)]
            for process in family:
                process.suspend()
            try:
                until(lambda: health(child)[0] == 503)
                assert health(child)[1]["hangs"] == "fine"
                for now in range(100, 1_000, 200):
                    watch.look(float(now))
                    assert health(child)[0] == 503
            finally:
                for process in family:
                    process.resume()
            until(lambda: health(child)[0] == 200)
            watch.look(2_000.0)
        assert given_up == []
        assert child.restarts == 0
        monkeypatch.setattr(supervisor_watch, "COMMIT_S", 10.0)
        assert Commits(url)() is True
    assert Commits(url)() is False
