"""What this process has found out about DC-09 senders while it runs: their dialects, whether their
clocks show local time, and which form of an answer they take."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from tocsin.edge.counts import Counts
from tocsin.record.devices import Device
from tocsin.wire.dc09.cipher import BLOCK_BYTES
from tocsin.wire.dc09.clocks import Learnt, learn
from tocsin.wire.dc09.dialects import AS_HEARD, NO_TIME, Register, registered
from tocsin.wire.dc09.frames import Form

SENDERS_MAX: Final = 50_000
"""Of each kind of memory; when it is full all of it is forgotten, and found out anew."""

AGAIN_S_MAX: Final = 120.0
"""Panels try again after 11 to 64 s; later it is a message of its own."""

NOISE_BYTES: Final = 64 * BLOCK_BYTES

_NEVER: Final = (b"", 0, 0.0)

logger = logging.getLogger("tocsin.edge")


def who(device: Device | None, account: str | None, address: str) -> str:
    """The account of a known device, account and address of an unknown one."""
    return f"{account}@{address}" if device is None else device.account


class Noise:
    """Random bytes for the pads of answers, drawn from the kernel for many of them at once."""

    def __init__(self) -> None:
        self._drawn, self._at = b"", 0

    def draw(self) -> bytes:
        """16 bytes, no byte of which is given out again."""
        at = self._at
        if at >= len(self._drawn):
            self._drawn, at = os.urandom(NOISE_BYTES), 0
        self._at = at + BLOCK_BYTES
        return self._drawn[at : self._at]


class Memory:
    """Nothing of it is needed to keep or to answer a message, so it goes when the process ends."""

    def __init__(self, counts: Counts) -> None:
        self.local_time: set[str] = set()
        """Accounts whose frames in clear are dated by what was learnt of their clock."""
        self.misprinted: set[str] = set()
        """Accounts whose panels were built from DC-07's printed table: they may check our answers
        by it too, also those to frames that do not show it."""
        self._counts = counts
        self._clocks: dict[str, Learnt] = {}
        self._spoken: dict[str, tuple[str, ...]] = {}
        self._answered: dict[str, tuple[bytes, int, float]] = {}

    # -- dialects -------------------------------------------------------------------------------

    def note(self, sender: str, dialects: Iterable[str], *, is_known: bool = False) -> None:
        """Counts each dialect once for each sender, and logs it for a registered device: of the
        others there may be as many as somebody cares to invent."""
        known = self._spoken.get(sender, ())
        for name in dialects:
            if name not in known:
                if len(self._spoken) >= SENDERS_MAX:
                    self._spoken.clear()
                known = self._spoken[sender] = (*known, name)
                self._counts.add(f"dialect.{name}")
                if is_known:
                    if name == Form.MISPRINTED_CRC:
                        self.misprinted.add(sender)
                    logger.info("dialect", extra={"account": sender, "dialect": name})

    def dialects(self, sender: str) -> tuple[str, ...]:
        """What this sender was heard to speak."""
        return self._spoken.get(sender, ())

    def registered(self, device: Device, address: str) -> Register:
        """What the register says of its dialect. `address`: where it sends from now."""
        if not device.dialect:
            return AS_HEARD
        try:
            register = registered(device.dialect)
        except ValueError:  # written by another version of Tocsin, or by hand
            self._counts.refused("unknown_dialect", address)
            return AS_HEARD
        if register.wants_duh:
            self.note(device.account, ("duh",), is_known=True)
        if register.clock_ahead is not None:
            self.note(device.account, ("local_time",), is_known=True)
        return register

    # -- the form of answers --------------------------------------------------------------------

    def turn(self, sender: str) -> int:
        """Which of the forms of an answer the sender takes, as far as is known."""
        return self._answered.get(sender, _NEVER)[1]

    def is_asked_again(self, sender: str, repeat_key: bytes | None, now: float) -> bool:
        """The sender sends at once what it sent last: it has not taken the answer, so the other
        form has its turn. For frames whose form leaves a choice. `now`: loop time."""
        if repeat_key is None:
            return False
        before, turn, at = self._answered.get(sender, _NEVER)
        again = before == repeat_key and now - at <= AGAIN_S_MAX
        if len(self._answered) >= SENDERS_MAX:
            self._answered.clear()
        self._answered[sender] = (repeat_key, turn + again, now)
        return again

    # -- clocks ---------------------------------------------------------------------------------

    def poll_says(self, device: str, sent_at: datetime, now: datetime) -> None:
        """Learns from a poll in clear how far the device's clock is ahead of GMT."""
        learnt = learn(self._clocks.get(device), sent_at, now)
        if learnt is None:
            self._clocks.pop(device, None)
        else:
            self._clocks[device] = learnt
        if learnt is not None and learnt.is_local_time:
            self.local_time.add(device)
            self.note(device, ("local_time",), is_known=True)
        else:
            self.local_time.discard(device)

    def ahead(self, device: str) -> timedelta:
        """How far its clock was found to be ahead of GMT."""
        return self._clocks[device].ahead if device in self.local_time else NO_TIME
