"""The supervisor with real child processes: restarts, waits, order of the stop, no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tocsin.site.supervisor import REFUSED, STOP_S, Child, Supervisor, reason

LINE = "import time; print('up', flush=True); time.sleep(600)"


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def until(fact: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


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
    said: list[str] = []
    child = Child("one", python(LINE), os.environ, heard=said.append)
    started(Supervisor([child]))
    until(lambda: said == ["up"])
    assert child.process is not None
    child.process.kill()
    until(lambda: said == ["up", "up"])
    assert child.restarts == 1
    entry = next(one for one in caplog.records if one.message.startswith("process ended"))
    assert (entry.__dict__["child"], entry.__dict__["why"]) == ("one", "killed by SIGKILL")


def test_one_that_keeps_failing_is_started_less_and_less_often(
    started: Callable[[Supervisor], threading.Thread], caplog: pytest.LogCaptureFixture
) -> None:
    child = Child("bad", python("raise SystemExit(1)"), os.environ, heard=print)
    good: list[str] = []
    other = Child("good", python(LINE), os.environ, heard=good.append)
    started(Supervisor([child, other]))
    until(lambda: child.restarts >= 4 and good == ["up"])
    waits = [one.__dict__["wait_s"] for one in caplog.records if "wait_s" in one.__dict__]
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]
    assert good == ["up"]


def test_a_process_that_refuses_its_configuration_ends_all() -> None:
    stays = Child("edge", python(LINE), os.environ, heard=print)
    refuses = Child("web", python(f"raise SystemExit({REFUSED})"), os.environ, heard=print)
    assert Supervisor([stays, refuses]).run() == REFUSED
    assert stays.process is not None
    assert stays.process.returncode == -signal.SIGTERM


def test_the_stop_goes_in_order_and_waits_for_each(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = f"""
import signal, sys, time
def stop(*_):
    time.sleep(0.2)
    with open({str(log)!r}, "a") as f: f.write(sys.argv[1] + "\\n")
    raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
while True: time.sleep(1)
"""
    said: list[str] = []
    names = ["clock", "work", "web", "edge"]
    children = [Child(name, [*python(text), name], os.environ, heard=said.append) for name in names]
    supervisor = Supervisor(children)

    def stop_when_up() -> None:
        if len(said) == len(names):
            supervisor.ask_to_stop()

    assert supervisor.run(each_turn=stop_when_up) == 0
    assert log.read_text().split() == ["edge", "web", "work", "clock"]


def test_a_second_request_does_not_wait_for_one_that_hangs() -> None:
    text = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True);"
        " time.sleep(600)"
    )
    said: list[str] = []
    child = Child("edge", python(text), os.environ, heard=said.append)
    supervisor = Supervisor([child])

    asked: list[float] = []

    def hurry() -> None:
        if said:
            asked.append(time.monotonic())
            supervisor.ask_to_stop()
            supervisor.ask_to_stop()

    assert supervisor.run(each_turn=hurry) == 0
    assert time.monotonic() - asked[0] < STOP_S / 2
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_children_do_not_outlive_a_killed_supervisor() -> None:
    text = f"""
import os
from tocsin.site.supervisor import Child, Supervisor
child = Child("one", [{sys.executable!r}, "-c", {LINE!r}], os.environ,
              heard=lambda line: print(child.process.pid, flush=True))
Supervisor([child]).run()
"""
    parent = subprocess.Popen(python(text), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as lines:
        child = psutil.Process(int(lines.readline()))
        parent.kill()
        parent.wait()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_reasons_are_words() -> None:
    assert reason(3) == "exit code 3"
    assert reason(-9) == "killed by SIGKILL"
    assert reason(-63) == "killed by signal 63"
