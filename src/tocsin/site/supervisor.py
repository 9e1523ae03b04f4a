"""Parent of everything that runs on one machine: PostgreSQL, then edge, web, work and clock. What
ends is started again, with the reason in the log; SIGTERM ends all, the database last."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from tocsin.site.postgres import next_wait_s
from tocsin.site.privilege import dies_with_us

STOP_S: Final = 10.0
"""Seconds a process gets to finish after SIGTERM, before SIGKILL."""

REFUSED: Final = 2
"""Exit code of a process that cannot run as it is configured: starting it again is no use, unless
it did run as configured before."""

ORPHAN_S: Final = 2.0
"""Seconds that a child of a killed supervisor gets to finish before SIGKILL. The kernel has asked
it to stop already, and nothing that it acknowledged depends on how it ends."""

READ_S: Final = 2.0
"""How long the last words of a process that has ended may take to be read."""

STOP_ORDER: Final = ("city", "edge", "web", "work", "clock")
"""Intake stops first, so that what it acknowledged is decided and seen by those still there."""

_PARENT: Final = "TOCSIN_PARENT"
"""Variable in a child's environment: the process id of who started it."""

_TURN_S: Final = 0.02

logger = logging.getLogger("tocsin.supervisor")


class Child:
    """One process: its command line, its life, and the sockets it announced."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        heard: Callable[[str], None],
        says_up: str = "",
        may_end_with: Collection[int] = (),
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """`heard` gets each line of its standard output; with one that begins with `says_up` it
        says that it runs. One that ends with a code of `may_end_with` has done its work and is not
        started again. `options` are further arguments of `subprocess`: the account it runs under.
        """
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        self.may_end_with = frozenset(may_end_with)
        self.restarts = 0
        self.was_up = False
        self.process: subprocess.Popen[str] | None = None
        self._says_up = says_up
        self._heard = heard
        self._options = dict(options)
        self._began = 0.0
        self._wait_s = 0.0
        self._due = 0.0
        self._reader: threading.Thread  # from the first start on
        self.health: tuple[str, int] | None = None  # host and port, once it has said them
        self._hung: subprocess.Popen[str] | None = None
        self._kill_at: float | None = None

    def start(self, now: float) -> None:
        """Call from the thread that stays: the kernel ends the child when that thread ends."""
        self._began = now
        self.health = None  # the new one's is another
        self.process = subprocess.Popen(
            self.command,
            env={**self.environment, _PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C in a terminal is for the supervisor, which stops in order
            preexec_fn=dies_with_us(signal.SIGTERM),  # noqa: PLW1509
            **self._options,
        )
        assert self.process.stdout is not None
        self._reader = threading.Thread(
            target=_read, args=(self.process.stdout, self._hear), daemon=True, name=self.name
        )
        self._reader.start()

    def _hear(self, line: str) -> None:
        if line.startswith(self._says_up):
            self.was_up = True
        words = line.split()
        if words[:2] == ["listening", f"health-{self.name}"] and len(words) == 4:
            host, _, port = words[3].rpartition(":")
            self.health = host.strip("[]"), int(port)
        self._heard(line)

    def give_up(self, process: subprocess.Popen[str]) -> None:
        """Let `tend` end this process, which hangs. From any thread; nothing happens when it has
        ended meanwhile, or another was started."""
        self._hung = process

    def _end_if_hung(self, now: float) -> None:
        if self.process is None or self.process is not self._hung:
            return
        if self._kill_at is None:
            self._kill_at = now + STOP_S
            self.process.terminate()
        elif now >= self._kill_at:
            self.process.kill()

    def tend(self, now: float) -> bool:
        """Start it again when it ended, after a wait that grows while it keeps ending.

        False when it said that it cannot run as configured, and never was up. Once it was, it can:
        another program may have its port for a while, and the others serve on meanwhile.
        """
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                self._end_if_hung(now)
                return True
            was_hung, self._hung, self._kill_at = self.process is self._hung, None, None
            if code in self.may_end_with and not was_hung:
                return True
            if code == REFUSED and not was_hung:
                self._reader.join(READ_S)  # its last words may say that it was up
                if not self.was_up:
                    return False
            self._wait_s = next_wait_s(self._wait_s, ran_s=now - self._began)
            self._due = now + self._wait_s
            self.process = None
            self.restarts += 1
            logger.error(
                "process ended; starting it again",
                extra={"child": self.name, "why": reason(code), "wait_s": self._wait_s},
            )
        if now >= self._due:
            self.start(now)
        return True

    def stop(self, *, hurry: Callable[[], bool]) -> None:
        """SIGTERM; SIGKILL after `STOP_S`, or at once when `hurry` becomes true."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        until = time.monotonic() + STOP_S
        while self.process.poll() is None:
            if hurry() or time.monotonic() > until:
                logger.error("process does not end; killing it", extra={"child": self.name})
                self.process.kill()
                self.process.wait()
                return
            time.sleep(_TURN_S)
        logger.info(
            "process stopped", extra={"child": self.name, "why": reason(self.process.returncode)}
        )


class Supervisor:
    """Runs its children until `ask_to_stop` or a signal. A second signal stops without patience."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)
        self._asked = 0

    def ask_to_stop(self, *_: object) -> None:
        self._asked += 1

    def asked_to_stop(self) -> bool:
        return self._asked > 0

    def run(self, *, each_turn: Callable[[], None] = lambda: None) -> int:
        """Start all and tend them until asked to stop; stop them in order. The exit code: 0, or 2
        when one of them refuses its configuration.

        What an earlier, killed supervisor left of the same children is ended first: it holds ports.
        """
        end_orphans([child.command for child in self.children], hurry=self.asked_to_stop)
        for child in self.children:
            child.start(time.monotonic())
        refused: list[str] = []
        while not self._asked and not refused:
            now = time.monotonic()
            refused = [child.name for child in self.children if not child.tend(now)]
            each_turn()
            time.sleep(_TURN_S)
        if refused:
            logger.error("process cannot run as configured", extra={"child": refused[0]})
        self.stop()
        return REFUSED if refused else 0

    def stop(self) -> None:
        order = {name: place for place, name in enumerate(STOP_ORDER)}
        for child in sorted(self.children, key=lambda one: order.get(one.name, -1)):
            child.stop(hurry=lambda: self._asked > 1)


def end_orphans(commands: Sequence[Sequence[str]], *, hurry: Callable[[], bool]) -> None:
    """Wait until nothing runs that an earlier, killed supervisor started with one of `commands`
    (further arguments apart); kill what is left after `ORPHAN_S`, or at once when `hurry`."""
    until = time.monotonic() + ORPHAN_S
    while found := list(_orphans(commands)):
        if time.monotonic() > until + ORPHAN_S:
            logger.error("what an earlier run left does not end", extra={"pids": found})
            return
        if hurry() or time.monotonic() > until:
            logger.warning("killing what an earlier run left", extra={"pids": found})
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_TURN_S)


def _orphans(commands: Sequence[Sequence[str]]) -> Iterator[int]:
    """Process ids of the living children whose parent is no longer the one that started them."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            # The interpreter apart: an open directory may be its path, under another number.
            if not any(words[1 : len(command)] == list(command[1:]) for command in commands):
                continue
            environment = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
            # "pid (name) state ppid ..."; the name may hold anything, parentheses too.
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has ended, or belongs to somebody else
            continue
        started_by = next((one for one in environment if one.startswith(f"{_PARENT}=")), None)
        if started_by not in (None, f"{_PARENT}={parent}") and state != "Z":
            yield int(entry.name)


def listen_to_signals(stop: Callable[..., None]) -> None:
    """SIGTERM and SIGINT call `stop`. Main thread only."""
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def stop_signals() -> list[signal.Signals]:
    """What asks the whole site to stop. A terminal that goes away (SIGHUP) does, unless it was
    ignored when we were started: nohup(1) asks for that."""
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


def reason(code: int) -> str:
    """Why a process ended, from its exit code as `subprocess` gives it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def child_environment(**more: str) -> dict[str, str]:
    """Our environment without the owner's database URL, which only migrations need."""
    kept = {key: value for key, value in os.environ.items() if key != "TOCSIN_DATABASE_OWNER_URL"}
    return {**kept, **more}


def _read(lines: IO[str], heard: Callable[[str], None]) -> None:
    with lines:
        for line in lines:
            heard(line.rstrip("\n"))
