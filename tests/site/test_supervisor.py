"""The supervisor with real child processes: restarts, waits, order of the stop, no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from queue import Queue
from typing import IO, Any

import psutil
import pytest

from tocsin.site import supervisor as module
from tocsin.site.command.up import Announced
from tocsin.site.configuration import Configuration
from tocsin.site.supervisor import (
    REFUSED,
    Child,
    Supervisor,
    end_orphans,
    reason,
    stop_signals,
)

HEARD_S = 60
"""Patience with a child that starts: it is an event that is waited for, not this time."""

LINE = "import signal; print('up', flush=True); signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + LINE


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def nothing() -> bool:
    return False


@pytest.fixture
def started() -> Iterator[Callable[[Supervisor], threading.Thread]]:
    """Runs a supervisor in a thread that stays, as its main thread would."""
    running: list[tuple[Supervisor, threading.Thread]] = []

    def start(supervisor: Supervisor) -> threading.Thread:
        thread = threading.Thread(target=supervisor.run)
        running.append((supervisor, thread))
        thread.start()
        return thread

    yield start
    for supervisor, thread in running:
        supervisor.ask_to_stop()
        thread.join(20)
        assert not thread.is_alive()


def test_what_is_killed_is_started_again_and_the_reason_is_named(
    started: Callable[[Supervisor], threading.Thread], caplog: pytest.LogCaptureFixture
) -> None:
    said: Queue[str] = Queue()
    child = Child("one", python(LINE), os.environ, heard=said.put)
    started(Supervisor([child]))
    assert said.get(timeout=HEARD_S) == "up"
    assert child.process is not None
    child.process.kill()
    assert said.get(timeout=HEARD_S) == "up"
    assert child.restarts == 1
    entry = next(one for one in caplog.records if one.message.startswith("process ended"))
    assert (entry.__dict__["child"], entry.__dict__["why"]) == ("one", "killed by SIGKILL")


def test_one_that_keeps_failing_is_started_less_and_less_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    child = Child("bad", ["false"], os.environ, heard=print)
    now = 1_000.0
    child.start(now)
    starts = [now]
    while len(starts) < 9:
        if child.process is not None:
            child.process.wait(HEARD_S)
        now += 0.05
        if child.tend(now) and child.process is not None:
            starts.append(now)
    child.process.wait(HEARD_S)
    waits = [one.__dict__["wait_s"] for one in caplog.records if "wait_s" in one.__dict__]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    for wait, (before, after) in zip(waits, pairwise(starts), strict=True):
        assert wait < after - before < wait + 0.2


def test_one_that_ran_long_is_started_again_at_once() -> None:
    said: Queue[str] = Queue()
    child = Child("one", python(LINE), os.environ, heard=said.put)
    child.start(1_000.0)
    said.get(timeout=HEARD_S)
    assert child.process is not None
    child.process.kill()
    child.process.wait()
    assert child.tend(1_011.0)
    assert said.get(timeout=HEARD_S) == "up"
    child.stop(hurry=nothing)


def test_one_that_keeps_failing_does_not_hold_up_the_others(
    started: Callable[[Supervisor], threading.Thread],
) -> None:
    good: Queue[str] = Queue()
    bad = Child("bad", ["false"], os.environ, heard=print)
    other = Child("good", python(LINE), os.environ, heard=good.put)
    started(Supervisor([bad, other]))
    assert good.get(timeout=HEARD_S) == "up"


def test_a_process_that_refuses_its_configuration_ends_all() -> None:
    stays = Child("edge", ["sleep", "600"], os.environ, heard=print)
    refuses = Child("web", python(f"raise SystemExit({REFUSED})"), os.environ, heard=print)
    assert Supervisor([stays, refuses]).run() == REFUSED
    assert stays.process is not None
    assert stays.process.returncode == -signal.SIGTERM


def test_one_that_was_up_is_started_again_whatever_it_says_at_its_end(
    started: Callable[[Supervisor], threading.Thread], caplog: pytest.LogCaptureFixture
) -> None:
    """Its port may be taken for a moment: that must not end what the others do."""
    text = f"print('listening dc09 tcp 127.0.0.1:1', flush=True); raise SystemExit({REFUSED})"
    said: Queue[str] = Queue()
    beside: Queue[str] = Queue()
    child = Child("edge", python(text), os.environ, heard=said.put, says_up="listening dc09 ")
    thread = started(Supervisor([child, Child("web", python(LINE), os.environ, heard=beside.put)]))
    assert beside.get(timeout=HEARD_S) == "up"
    for _ in range(3):
        assert said.get(timeout=HEARD_S)
    assert thread.is_alive()
    entries = [one.__dict__ for one in caplog.records if one.message.startswith("process ended")]
    assert {(one["child"], one["why"]) for one in entries} == {("edge", "exit code 2")}
    waits = [one["wait_s"] for one in entries[:2]]
    assert waits == [0.1, 0.2]


def test_its_last_words_are_read_before_its_end_is_judged(
    started: Callable[[Supervisor], threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = module._read

    def late(lines: IO[str], heard: Callable[[str], None]) -> None:
        time.sleep(0.3)  # a busy machine
        read(lines, heard)

    monkeypatch.setattr(module, "_read", late)
    text = f"print('listening dc09 tcp 127.0.0.1:1', flush=True); raise SystemExit({REFUSED})"
    said: Queue[str] = Queue()
    started(Supervisor([Child("edge", python(text), os.environ, heard=said.put, says_up="listen")]))
    assert said.get(timeout=HEARD_S)
    assert said.get(timeout=HEARD_S)  # it was started again


def test_a_line_that_says_something_else_does_not_make_a_refusal_less_final() -> None:
    text = f"print('listening health-edge http', flush=True); raise SystemExit({REFUSED})"
    child = Child("edge", python(text), os.environ, heard=print, says_up="listening dc09 ")
    assert Supervisor([child]).run() == REFUSED


def test_the_stop_goes_in_order_and_waits_for_each(tmp_path: Path) -> None:
    text = """
import signal, sys
def stop(*_):
    print(sys.argv[1], flush=True)
    open(sys.argv[2]).close()  # waits until the test opens the other end
    raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
while True: signal.pause()
"""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    names = ["clock", "work", "web", "edge"]
    up: list[str] = []
    asked: list[str] = []
    running: list[list[str]] = []

    def heard(line: str) -> None:
        if line == "up":
            up.append(line)
            return
        asked.append(line)
        running.append(
            [one.name for one in children if one.process is not None and one.process.poll() is None]
        )
        os.close(os.open(fifo, os.O_WRONLY))

    children = [
        Child(name, [*python(text), name, str(fifo)], os.environ, heard=heard) for name in names
    ]
    supervisor = Supervisor(children)

    def stop_when_up() -> None:
        if len(up) == len(names):
            supervisor.ask_to_stop()

    assert supervisor.run(each_turn=stop_when_up) == 0
    assert asked == ["edge", "web", "work", "clock"]
    assert running == [names[:4], names[:3], names[:2], names[:1]]


@pytest.mark.timeout(60)
def test_a_second_request_does_not_wait_for_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_S", 3_600.0)
    said: list[str] = []
    child = Child("edge", python(DEAF), os.environ, heard=said.append)
    supervisor = Supervisor([child])

    def hurry() -> None:
        if said:
            supervisor.ask_to_stop()
            supervisor.ask_to_stop()

    assert supervisor.run(each_turn=hurry) == 0
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.timeout(60)
def test_one_that_hangs_is_killed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.0)
    said: Queue[str] = Queue()
    child = Child("edge", python(DEAF), os.environ, heard=said.put)
    child.start(0.0)
    said.get(timeout=HEARD_S)
    child.stop(hurry=nothing)
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


# -- what a killed supervisor leaves behind --------------------------------------------------------

SUPERVISOR = """
import os, sys
from tocsin.site.supervisor import Child, Supervisor
child = Child("one", [sys.executable, "-c", sys.argv[1]], os.environ,
              heard=lambda line: print(child.process.pid, flush=True))
Supervisor([child]).run()
"""


def killed_supervisor(text: str) -> psutil.Process:
    """A supervisor is started with one child that runs `text`, and killed when that is up."""
    parent = subprocess.Popen([*python(SUPERVISOR), text], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as lines:
        child = psutil.Process(int(lines.readline()))
        parent.kill()
        parent.wait()
    return child


def is_gone(process: psutil.Process) -> bool:
    """Ended, whether or not its new parent has asked how."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def wait_until_gone(process: psutil.Process) -> None:
    while not is_gone(process):
        psutil.wait_procs([process], timeout=0.01)


@pytest.mark.timeout(60)
def test_children_do_not_outlive_a_killed_supervisor() -> None:
    wait_until_gone(killed_supervisor(LINE))


@pytest.mark.timeout(60)
def test_a_child_that_did_outlive_it_is_ended_before_another_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ORPHAN_S", 0.05)
    orphan = killed_supervisor(DEAF)
    child = Child("one", python(DEAF), os.environ, heard=lambda _: seen.append(is_gone(orphan)))
    seen: list[bool] = []
    supervisor = Supervisor([child])

    def stop_when_up() -> None:
        if seen:
            supervisor.ask_to_stop()
            supervisor.ask_to_stop()

    try:
        assert not is_gone(orphan)
        assert supervisor.run(each_turn=stop_when_up) == 0
        assert seen == [True]
    finally:
        if orphan.is_running():
            orphan.kill()


def test_only_orphans_of_the_same_command_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ORPHAN_S", 0.05)
    of_another_command = killed_supervisor(DEAF + "  # another")
    said: Queue[str] = Queue()
    tended = Child("one", python(DEAF), os.environ, heard=said.put)
    tended.start(0.0)
    by_hand = subprocess.Popen(python(DEAF), stdout=subprocess.PIPE, text=True)
    try:
        said.get(timeout=HEARD_S)
        assert by_hand.stdout is not None
        with by_hand.stdout as lines:
            lines.readline()
        end_orphans([python(DEAF)], hurry=nothing)
        end_orphans([python(DEAF)], hurry=lambda: True)
        assert tended.process is not None
        assert tended.process.poll() is None
        assert by_hand.poll() is None
        assert not is_gone(of_another_command)
    finally:
        of_another_command.kill()
        by_hand.kill()
        by_hand.wait()
        tended.stop(hurry=lambda: True)


# -- how the whole is asked to stop ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "stops"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False), (print, True)]
)
def test_a_terminal_that_goes_away_stops_it_unless_that_was_ignored_at_the_start(
    before: Any, stops: bool
) -> None:
    usual = signal.signal(signal.SIGHUP, before)
    try:
        assert (signal.SIGHUP in stop_signals()) == stops
        assert {signal.SIGTERM, signal.SIGINT} <= set(stop_signals())
    finally:
        signal.signal(signal.SIGHUP, usual)


# -- what is said ----------------------------------------------------------------------------------


def test_sockets_that_are_announced_at_once_are_said_one_by_one() -> None:
    """Each child is heard by a thread of its own; a line inside another would not be understood."""
    inside: list[int] = []
    said: list[str] = []
    go_on = threading.Barrier(4)

    def say(line: str) -> None:
        inside.append(1)
        for _ in range(10):  # where Python changes threads
            found = len(inside)
        said.append(f"{line} {found}")
        inside.pop()

    announced = Announced(Configuration(), say)
    children = [Child(str(number), ["true"], {}, heard=say) for number in range(4)]

    def announce(child: Child) -> None:
        heard = announced.listener(lambda: child)
        go_on.wait()
        for port in range(1, 500):
            heard(f"listening health-{child.name} http 127.0.0.1:{port}")

    threads = [threading.Thread(target=announce, args=(child,)) for child in children]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads are changed wherever they can be
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    assert len(said) == 4 * 499
    assert all(line.endswith(" 1") for line in said)


def test_reasons_are_words() -> None:
    assert reason(3) == "exit code 3"
    assert reason(-9) == "killed by SIGKILL"
    assert reason(-63) == "killed by signal 63"
