"""Alarm panels that behave as real ones: one frame at a time over TCP, sent again until it is
acknowledged. What was acknowledged is remembered, to be asked for later; of polls, when it was."""

from __future__ import annotations

import random
import socket
import threading
import time
from dataclasses import dataclass, field

from tocsin.wire.dc09.frames import BadFrame, Frame, decode, encode

ANSWER_S = 2.0
ZONES_MAX = 9_999


@dataclass
class Panel:
    """One panel. Every alarm has a zone number of its own, so each can be found in the record;
    `tried` is the last one used, also over several `Panels`."""

    account: str
    acknowledged: list[int] = field(default_factory=list)
    tried: int = 0
    sent_again: int = 0

    def frame(self, zone: int) -> bytes:
        return written("SIA-DCS", zone, self.account, f"#{self.account}|Nri1/FA{zone:04d}")


class Panels:
    """A thread per panel from `start` to `stop`; each pauses about `pause_s` between alarms."""

    def __init__(
        self, panels: list[Panel], address: tuple[str, int], *, pause_s: float, seed: int
    ) -> None:
        self.panels = panels
        self._address = address
        self._pause_s = pause_s
        self._seed = seed
        self._ending = threading.Event()
        self._at_once = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(panel,), daemon=True) for panel in self.panels
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, at_once: bool = False) -> None:
        """No new alarms; what is under way is sent until acknowledged, unless `at_once`."""
        self._ending.set()
        if at_once:
            self._at_once.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a panel was never answered"

    def acknowledged(self) -> int:
        """Alarms acknowledged so far, all panels together."""
        return sum(len(panel.acknowledged) for panel in self.panels)

    def acknowledged_set(self) -> set[tuple[str, int]]:
        """(account, zone) of each acknowledged alarm."""
        return {(panel.account, zone) for panel in self.panels for zone in panel.acknowledged}

    def _run(self, panel: Panel) -> None:
        dice = random.Random(f"{self._seed}/{panel.account}")
        line: socket.socket | None = None
        for zone in range(panel.tried + 1, ZONES_MAX):
            if self._ending.wait(dice.uniform(0.5, 1.5) * self._pause_s):
                break
            panel.tried += 1
            frame = panel.frame(zone)
            while not self._at_once.is_set():
                try:
                    line = line or socket.create_connection(self._address, timeout=ANSWER_S)
                    line.sendall(frame)
                    if acknowledges(answer(line), panel.account, zone):
                        panel.acknowledged.append(zone)
                        break
                except OSError:
                    pass
                if line is not None:
                    line.close()
                    line = None
                panel.sent_again += 1
                time.sleep(dice.uniform(0.1, 0.3))
        if line is not None:
            line.close()


class Polls:
    """Supervision of `accounts`: each asks every `pause_s` whether it is heard, from `start` to
    `stop`. `answered_at` are the monotonic times of the acknowledgements."""

    def __init__(self, accounts: list[str], address: tuple[str, int], *, pause_s: float) -> None:
        self.answered_at: list[float] = []
        self._address = address
        self._pause_s = pause_s
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(account,), daemon=True) for account in accounts
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def answered_between(self, since: float, until: float) -> int:
        """How many polls were acknowledged in that time."""
        return sum(since < at < until for at in list(self.answered_at))

    def _run(self, account: str) -> None:
        line: socket.socket | None = None
        while not self._ending.wait(self._pause_s):
            try:
                line = line or socket.create_connection(self._address, timeout=ANSWER_S)
                line.sendall(written("NULL", 0, account, ""))
                if acknowledges(answer(line), account, 0):
                    self.answered_at.append(time.monotonic())
            except OSError:
                if line is not None:
                    line.close()
                    line = None
        if line is not None:
            line.close()


def written(token: str, sequence: int, account: str, data: str) -> bytes:
    """A plain frame without a time, as bytes."""
    return encode(
        Frame(
            token=token,
            sequence=f"{sequence:04d}",
            receiver=None,
            line="0",
            account=account,
            data=data.encode(),
            timestamp=None,
        )
    )


def answer(line: socket.socket) -> bytes:
    """The next frame that comes; raises OSError when none comes in time."""
    came = b""
    while not came.endswith(b"\r"):
        part = line.recv(4_096)
        if not part:
            raise ConnectionError
        came += part
    return came


def acknowledges(raw: bytes, account: str, sequence: int) -> bool:
    """Whether `raw` is the ACK of this message."""
    try:
        frame = decode(raw)
    except BadFrame:
        return False
    return (frame.token, frame.account, frame.sequence) == ("ACK", account, f"{sequence:04d}")
