"""What a sender hears, decided from its frame, the device that we know under its account, and the
time: ACK, NAK, DUH or nothing. The bytes of each, and the one table of who gets which."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from tocsin.core.signals import SignalRead
from tocsin.wire.dc09.frames import (
    HEADER_BYTES,
    BadFrame,
    Frame,
    crc,
    decode,
    echo,
    encode,
    seal,
    unseal,
    wrap,
    write_timestamp,
)
from tocsin.wire.dc09.signals import NULL, TOKENS, is_poll, read, unread

# An encrypted message is heard from 40 s before to 20 s after our clock (DC-09 5.5.3.2).
EARLY_S_MAX: Final = 20
LATE_S_MAX: Final = 40
# What receivers say. One that comes in would be answered by an answer, and that without end.
RECEIVERS_WORDS: Final = frozenset({"ACK", "NAK", "DUH", "RSP"})


class Answer(StrEnum):
    """What the sender hears. An encrypted frame's ACK is encrypted as the frame was."""

    ACK = "ack"
    NAK = "nak"
    DUH = "duh"
    NOTHING = "nothing"


class Problem(StrEnum):
    """Why a frame that came through whole is not an ordinary one. Stored and shown beside it."""

    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - DC-07's word for the kind of message
    STALE_TIME = "stale_time"
    WRONG_KEY = "wrong_key"
    NO_KEY = "no_key"
    RECEIVERS_WORD = "receivers_word"


class Rule(NamedTuple):
    """One line of the table. `is_stored`: kept and shown before anything is answered."""

    answer: Answer
    is_stored: bool
    why: str


# In the order in which they are asked; the first that fits decides. None: an ordinary frame.
RULES: Final[dict[Problem | None, Rule]] = {
    Problem.RECEIVERS_WORD: Rule(
        Answer.NOTHING, False, "a receiver's own word; answering it would go on for ever"
    ),
    Problem.NO_KEY: Rule(
        Answer.NOTHING,
        True,
        "encrypted, and no key is known under the account: nobody can read it, nor answer it"
        " encrypted, so the sender must not take it for received",
    ),
    Problem.WRONG_KEY: Rule(Answer.NOTHING, True, "no message comes out with the device's key"),
    Problem.STALE_TIME: Rule(
        Answer.NAK,
        True,
        "encrypted, and its timestamp is missing or outside +20 s / -40 s; a replay ends here",
    ),
    Problem.UNKNOWN_ACCOUNT: Rule(Answer.ACK, True, "it may be a real alarm of a new device"),
    Problem.UNKNOWN_TOKEN: Rule(Answer.ACK, True, "kept as it came"),
    None: Rule(Answer.ACK, True, "after the commit"),
}


class Reception(NamedTuple):
    """What is to be kept of a frame, and what its sender then hears.

    `data` is the whole answer, b"" for nothing. `repeat_key` names the same message sent again
    (None where there is no sense in asking). `is_poll`: the device only says that it is there.
    Where `signals` is None, they and the repeat key are read later, by `read_plain`.
    """

    answer: Answer
    data: bytes
    problem: Problem | None
    signals: tuple[SignalRead, ...] | None
    repeat_key: bytes | None
    is_poll: bool


def receive(
    frame: Frame,
    *,
    is_known: bool,
    key: bytes | None,
    now: datetime,
    noise: bytes,
) -> Reception:
    """Decides one decoded frame. `noise`: 16 random bytes for the pad of an encrypted ACK."""
    problem, opened = _problem(frame, is_known=is_known, key=key, now=now)
    rule = RULES[problem]
    return Reception(
        rule.answer,
        answer_bytes(rule.answer, frame, key=key, now=now, noise=noise),
        problem,
        _signals(opened, problem) if rule.is_stored else (),
        repeat_key(opened) if problem not in _NEVER_REPEATS else None,
        problem is None and opened.token == NULL and is_poll(opened),
    )


# What nearly every frame is: in clear, with events, from an account. Each matches `decode` too.
_USUAL: Final = re.compile(
    rb'\n([0-9A-Fa-f]{4})0([0-9A-Fa-f]{3})"(?:%b)"'
    rb"([0-9A-Fa-f]{4}(?:R[0-9A-Fa-f]{0,8})?(?:L[0-9A-Fa-f]{0,8})?#([0-9A-Za-z]{1,32}))"
    rb"\[[^\[\]\r\n]*\](?:\[[^\[\]\r\n]*\])*(?:_[ -~]*)?\r"
    % b"|".join(token.encode() for token in sorted(TOKENS - {NULL})),
    re.DOTALL,
)


def usual(raw: bytes) -> tuple[str, bytes] | None:
    """Account and ACK of a whole frame, LF to CR, that is in clear, right, and tells of events: for
    a known device no word of it changes the answer. None for any other, which `decode` reads."""
    found = _USUAL.fullmatch(raw)
    if found is None:
        return None
    declared_crc, length, said, account = found.groups()
    if int(length, 16) != len(raw) - HEADER_BYTES - 1 or int(declared_crc, 16) != crc(
        raw[HEADER_BYTES:-1]
    ):
        return None
    return account.decode(), _ack(said)


def read_later(ack: bytes) -> Reception:
    """The usual frame of a known device: answered as any other, and what it says is read later."""
    return Reception(Answer.ACK, ack, None, None, None, False)


def read_plain(raw: bytes) -> tuple[tuple[SignalRead, ...], bytes | None]:
    """Signals and repeat key of a frame in clear, LF to CR, that `usual` has answered. Raises
    `BadFrame`."""
    frame = decode(raw)
    return read(frame), repeat_key(frame)


_NEVER_REPEATS: Final = {
    Problem.RECEIVERS_WORD,
    Problem.NO_KEY,
    Problem.WRONG_KEY,
    Problem.STALE_TIME,
}


def _problem(
    frame: Frame, *, is_known: bool, key: bytes | None, now: datetime
) -> tuple[Problem | None, Frame]:
    """Which line of the table a frame falls under, and the frame in clear where it could be."""
    if frame.token in RECEIVERS_WORDS:
        return Problem.RECEIVERS_WORD, frame
    if frame.encrypted:
        if key is None:
            return Problem.NO_KEY, frame
        try:
            frame = unseal(frame, key)
        except BadFrame:
            return Problem.WRONG_KEY, frame
        if not is_timely(frame.sent_at, now):
            return Problem.STALE_TIME, frame
    if not is_known:
        return Problem.UNKNOWN_ACCOUNT, frame
    if frame.token not in TOKENS:
        return Problem.UNKNOWN_TOKEN, frame
    return None, frame


def _signals(frame: Frame, problem: Problem | None) -> tuple[SignalRead, ...]:
    """A poll says nothing to decide unless we do not know who polls; a replay says nothing."""
    if problem is None:
        return () if frame.token == NULL and is_poll(frame) else read(frame)
    if problem is Problem.STALE_TIME:
        return ()
    if problem in (Problem.NO_KEY, Problem.WRONG_KEY):
        return (unread(frame),)
    return read(frame)


def is_timely(sent_at: datetime | None, now: datetime) -> bool:
    """The time test of encrypted messages (DC-09 5.5.3.2); one without a time fails it."""
    return sent_at is not None and -LATE_S_MAX <= (sent_at - now).total_seconds() <= EARLY_S_MAX


def repeat_key(frame: Frame) -> bytes | None:
    """16 bytes that are the same for the same message sent again: account, sequence, token and
    data, not the timestamp, which some panels renew (Ajax) and some do not. None for a poll, which
    is meant to be the same each time."""
    if frame.token == NULL:
        return None
    words = f"{frame.account}\0{frame.sequence}\0{frame.token}\0{frame.encrypted:d}\0"
    return blake2b(words.encode() + frame.data, digest_size=16).digest()


def answer_bytes(
    answer: Answer, frame: Frame, *, key: bytes | None, now: datetime, noise: bytes
) -> bytes:
    """The whole frame of an answer; b"" for nothing. Raises ValueError for the ACK of an encrypted
    frame without its key."""
    match answer:
        case Answer.ACK:
            return encrypted_ack(frame, key, now, noise) if frame.encrypted else ack(frame)
        case Answer.NAK:
            return nak(now)
        case Answer.DUH:
            return wrap(b'"DUH"' + echo(frame) + b"[]")
        case Answer.NOTHING:
            return b""


def ack(frame: Frame) -> bytes:
    """`"ACK"seq[R]L#acct[]`: receiver and line only where the frame had them, as it had them."""
    return _ack(echo(frame))


def _ack(said: bytes) -> bytes:
    body = b'"ACK"%b[]' % said
    return b"\n%04X%04X%b\r" % (crc(body), len(body), body)


def encrypted_ack(frame: Frame, key: bytes | None, now: datetime, noise: bytes) -> bytes:
    """The ACK of an encrypted frame: empty data and our time, sealed with the device's key."""
    if key is None:
        raise ValueError("an encrypted frame is acknowledged with its key")
    clear = Frame(
        "ACK",
        frame.sequence,
        frame.receiver,
        frame.line,
        frame.account,
        timestamp=write_timestamp(now),
    )
    return encode(seal(clear, key, noise))


def nak(now: datetime) -> bytes:
    """Our time for a sender whose clock is off, never encrypted. It names nobody: the field is
    `A0`, without `#`, in every receiver that was read."""
    return wrap(b'"NAK"0000R0L0A0[]_' + write_timestamp(now).encode())
