"""What DC-09 senders have shown of themselves: their dialects, whether their clocks show local
time, which form of an answer they take. Of a registered device it is kept with the register and
over restarts (record/learnt.py); of whoever else sends, as long as there is room."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from tocsin.edge.counts import Counts
from tocsin.record.devices import Device
from tocsin.record.learnt import MISPRINTED, Learnt
from tocsin.wire.dc09.cipher import BLOCK_BYTES
from tocsin.wire.dc09.clocks import POLLS_NEEDED, learn
from tocsin.wire.dc09.clocks import Learnt as Clock
from tocsin.wire.dc09.dialects import (
    ANSWER_FORMS_MAX,
    AS_HEARD,
    NO_TIME,
    Register,
    registered,
)
from tocsin.wire.dc09.frames import shows_right_table
from tocsin.wire.dc09.signals import is_about

SENDERS_MAX: Final = 50_000
"""Who is not in the register, of each kind of memory. Then the one that was silent for longest is
forgotten, and found out anew when it comes again."""

AGAIN_S_MAX: Final = 120.0
"""Panels try again after 11 to 64 s; later it is a message of its own."""

NOISE_BYTES: Final = 64 * BLOCK_BYTES

logger = logging.getLogger("tocsin.edge")


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


class Asked(NamedTuple):
    """What a sender sent last where the form of its answer leaves a choice. `at`: loop time."""

    repeat_key: bytes
    at: float


class Book(Protocol):
    """What is known of registered devices (`tocsin.record.devices.DeviceBook`)."""

    def learnt(self, device: Device) -> Learnt: ...

    def learn(self, device: Device, learnt: Learnt) -> None: ...


class Memory:
    """Nothing of it is needed to keep or to answer a message.

    `device` is everywhere the one that surely sent: None for an unknown source, and for what came
    in clear in the name of a device that has a key. Then `sender` is all that is known of it.
    """

    def __init__(self, counts: Counts, book: Book) -> None:
        self._counts = counts
        self._book = book
        self._spoken = OrderedDict[str, tuple[str, ...]]()
        self._answered = OrderedDict[str, tuple[Asked, int]]()

    # -- dialects -------------------------------------------------------------------------------

    def note(self, device: Device | None, sender: str, dialects: Iterable[str]) -> None:
        """Counts each dialect once for each sender, and logs it for a registered device: of the
        others there may be as many as somebody cares to invent."""
        if device is None:
            self._count_once(sender, dialects)
            return
        learnt = self._book.learnt(device)
        new = [name for name in dialects if name not in learnt.dialects]
        if new:
            known = tuple(sorted({*learnt.dialects, *new}))
            self._book.learn(device, replace(learnt, dialects=known))
        for name in new:
            self._counts.add(f"dialect.{name}")
            _say(device, name)

    def is_misprinted(self, device: Device | None, raw: bytes) -> bool:
        """Its panel was built from DC-07's printed table: it may check our answers by it too, also
        those to frames that do not show it. `raw`: one in the standard's form. Where such a panel
        would have written another CRC, what taught us so was not this panel, and is forgotten."""
        if device is None:
            return False
        learnt = self._book.learnt(device)
        if MISPRINTED not in learnt.dialects or not shows_right_table(raw):
            return MISPRINTED in learnt.dialects
        others = tuple(name for name in learnt.dialects if name != MISPRINTED)
        self._book.learn(device, replace(learnt, dialects=others, turn=0))
        return False

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
            self._count_once(device.account, ("duh",))
        if register.clock_ahead is not None:
            self._count_once(device.account, ("local_time",))
        return register

    def _count_once(self, sender: str, dialects: Iterable[str]) -> bool:
        """Whether one of them is new of this sender."""
        known = before = self._spoken.get(sender, ())
        for name in dialects:
            if name not in known:
                known = (*known, name)
                self._counts.add(f"dialect.{name}")
        if known:
            _put(self._spoken, sender, known)
        return known != before

    # -- the form of answers --------------------------------------------------------------------

    def turn(self, device: Device | None, sender: str) -> int:
        """Which of the forms of an answer the sender takes, as far as is known."""
        if device is not None:
            return self._book.learnt(device).turn
        asked = self._answered.get(sender)
        return 0 if asked is None else asked[1]

    def is_asked_again(
        self, device: Device | None, sender: str, repeat_key: bytes | None, now: float
    ) -> bool:
        """The sender sends at once what it sent last: it has not taken the answer, so the other
        form has its turn. For frames whose form leaves a choice. `now`: loop time."""
        if repeat_key is None:
            return False
        asked = Asked(repeat_key, now)
        if device is not None:
            learnt = self._book.learnt(device)
            again = _is_again(learnt.asked, asked)
            turn = (learnt.turn + again) % ANSWER_FORMS_MAX
            self._book.learn(device, replace(learnt, asked=asked, turn=turn))
            return again
        before, turn = self._answered.get(sender, (None, 0))
        again = _is_again(before, asked)
        _put(self._answered, sender, (asked, (turn + again) % ANSWER_FORMS_MAX))
        return again

    # -- clocks ---------------------------------------------------------------------------------

    def poll_says(self, device: Device, sent_at: datetime, now: datetime) -> None:
        """Learns from a poll in clear how far the device's clock is ahead of GMT."""
        learnt = self._book.learnt(device)
        before = _clock(learnt)
        after = learn(before, sent_at, now)
        if after == before:
            return
        if after is None:
            self._forget_clock(device, learnt)
        elif not after.is_local_time:
            trial = replace(learnt, trial=after, clock_ahead=None, clock_since=None)
            self._book.learn(device, trial)
        else:
            known = replace(learnt, trial=None, clock_ahead=after.ahead, clock_since=now)
            self._book.learn(device, known)
            if self._count_once(device.account, ("local_time",)):
                _say(device, "local_time")

    def message_says(self, device: Device, sent_at: datetime, now: datetime) -> None:
        """A message in clear that is about of now by its own stamp, read as GMT: then the clock
        does not show what polls taught. They may have been anybody's, and what is learnt lasts."""
        learnt = self._book.learnt(device)
        if _clock(learnt) is not None and is_about(sent_at, now):
            self._forget_clock(device, learnt)

    def _forget_clock(self, device: Device, learnt: Learnt) -> None:
        self._book.learn(device, replace(learnt, trial=None, clock_ahead=None, clock_since=None))

    def ahead(self, device: Device) -> timedelta:
        """How far its clock was found to be ahead of GMT."""
        return self._book.learnt(device).clock_ahead or NO_TIME


def _clock(learnt: Learnt) -> Clock | None:
    """What polls have said so far of its clock."""
    if learnt.clock_ahead is not None and learnt.clock_since is not None:
        return Clock(learnt.clock_ahead, POLLS_NEEDED, learnt.clock_since)
    return learnt.trial if isinstance(learnt.trial, Clock) else None


def _say(device: Device, name: str) -> None:
    logger.info("dialect", extra={"account": device.account, "dialect": name})


def _is_again(before: object, asked: Asked) -> bool:
    return (
        isinstance(before, Asked)
        and before.repeat_key == asked.repeat_key
        and asked.at - before.at <= AGAIN_S_MAX
    )


def _put(memory: OrderedDict[str, Any], sender: str, known: object) -> None:
    """The oldest makes room."""
    memory[sender] = known
    memory.move_to_end(sender)
    if len(memory) > SENDERS_MAX:
        memory.popitem(last=False)
