"""The frame that nearly every encrypted one is: of a known device, as the standard has it, timely.
It is opened and answered at once, and read later; the outcome is that of the longer way (answers).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, NamedTuple

from fastcrc import crc16

from tocsin.wire.dc09.answers import is_timely, repeat_key, replay_key, sealed_ack
from tocsin.wire.dc09.cipher import decrypt
from tocsin.wire.dc09.frames import HEADER_BYTES, read_timestamp, wrap
from tocsin.wire.dc09.signals import NULL, TOKENS


class Sealed(NamedTuple):
    """Its parts, as they came. `said`: what its answer echoes; `data`: the ciphertext in hex."""

    token: bytes
    said: bytes
    sequence: bytes
    account: bytes
    data: bytes


class Opened(NamedTuple):
    """What became of it. `region`: what was encrypted, in clear; `ack`: the whole answer; the keys
    and the dialects are those of a `Reception`."""

    region: bytes
    ack: bytes
    repeat_key: bytes
    replay_key: bytes
    dialects: tuple[str, ...]


_USUAL: Final = re.compile(
    rb'\n([0-9A-Fa-f]{4})0([0-9A-Fa-f]{3})"\*(%b)"'
    rb"(([0-9]{4})(?:R[0-9A-Fa-f]{0,8})?L[0-9A-Fa-f]{1,8}#([0-9A-Za-z]{1,32}))"
    rb"\[((?:[0-9A-Fa-f]{32})+)\r" % b"|".join(token.encode() for token in sorted(TOKENS - {NULL}))
)
# Each matches what `frames.opened` takes such a region for.
_REGION: Final = re.compile(
    rb"([^|\[\]]*)\|([^\[\]]*)\](?:\[[^\[\]]*\])*"
    rb"_([0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{2}-[0-9]{2}-[0-9]{4})"
)
_AS_EVER: Final = ()
_ANY_PAD: Final = ("any_pad",)


def usual_sealed(raw: bytes) -> Sealed | None:
    """The parts of a whole frame, LF to CR, that is encrypted, as the standard has it, right, and
    tells of events. None for any other, which `decode` reads."""
    found = _USUAL.fullmatch(raw)
    if found is None:
        return None
    declared_crc, length, *parts = found.groups()
    if int(length, 16) != len(raw) - HEADER_BYTES - 1 or (
        int(declared_crc, 16) != crc16.arc(raw[HEADER_BYTES:-1])
    ):
        return None
    return Sealed(*parts)


def open_usual(sealed: Sealed, key: bytes, now: datetime, noise: bytes) -> Opened | None:
    """Opens a known device's frame and decides it; None for one that is not timely or that does not
    open as is usual, which `receive` decides. `noise`: 16 random bytes for the pad of the ACK."""
    token, said, sequence, account, data = sealed
    region = decrypt(data, key)
    found = _REGION.fullmatch(region)
    if found is None:
        return None
    pad, content, stamp = found.groups()
    if not is_timely(read_timestamp(stamp.decode()), now):
        return None
    return Opened(
        region,
        wrap(sealed_ack(said, key, now, noise)),
        repeat_key(account, sequence, token, content, is_sealed=True),
        replay_key(account, region[len(pad) + 1 :]),
        _AS_EVER if pad.isascii() else _ANY_PAD,
    )
