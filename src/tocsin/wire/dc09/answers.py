"""What a sender hears, decided from its frame, the device that we know under its account, and the
time: ACK, NAK, DUH or nothing. The bytes of each, and the one table of who gets which."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from fastcrc import crc16

from tocsin.core.signals import SignalRead
from tocsin.wire.dc09.cipher import encrypt, padding
from tocsin.wire.dc09.dialects import ANSWER_FORMS, AS_HEARD, NO_TIME, Register, spoken_in
from tocsin.wire.dc09.frames import (
    HEADER_BYTES,
    BadFrame,
    Form,
    Frame,
    decode,
    echo,
    opened,
    read_timestamp,
    unseal,
    wrap,
    write_timestamp,
)
from tocsin.wire.dc09.signals import NULL, TOKENS, is_about, is_poll, read, swapped, unread

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

    UNKNOWN_FORM = "unknown_form"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - DC-07's word for the kind of message
    STALE_TIME = "stale_time"
    WRONG_KEY = "wrong_key"
    NO_KEY = "no_key"
    CLOCK_OFF = "clock_off"
    RECEIVERS_WORD = "receivers_word"


class Rule(NamedTuple):
    """One line of the table. `is_stored`: kept and shown before anything is answered.
    `if_duh_is_wanted`: what a device hears instead whose dialect has DUH."""

    answer: Answer
    is_stored: bool
    why: str
    if_duh_is_wanted: Answer | None = None


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
    Problem.UNKNOWN_FORM: Rule(
        Answer.ACK,
        True,
        "length and CRC are right, so it came as it was sent, and its fields are not as the"
        " standard has them: what can be read of it is read, and what stands before the bracket is"
        " echoed as it came",
    ),
    Problem.UNKNOWN_ACCOUNT: Rule(Answer.ACK, True, "it may be a real alarm of a new device"),
    Problem.UNKNOWN_TOKEN: Rule(Answer.ACK, True, "kept as it came", Answer.DUH),
    Problem.CLOCK_OFF: Rule(
        Answer.ACK,
        True,
        "in clear, of a known device, and its timestamp is outside +20 s / -40 s: an ordinary"
        " message, marked, since what it says of the time may be wrong or it may come late",
    ),
    None: Rule(Answer.ACK, True, "after the commit"),
}


class Reception(NamedTuple):
    """What is to be kept of a frame, and what its sender then hears.

    `data` is the whole answer, b"" for nothing. `repeat_key` names the same message sent again
    (None where there is no sense in asking). `is_poll`: the device only says that it is there.
    Where `signals` is None, they and the repeat key are read later, by `read_kept`.
    `replay_key` names what was encrypted, with its timestamp, whatever stands around it. `whose`
    says of a message that says nothing else from whom it is, and what its clock showed.
    """

    answer: Answer
    data: bytes
    problem: Problem | None
    signals: tuple[SignalRead, ...] | None
    repeat_key: bytes | None
    is_poll: bool
    dialects: tuple[str, ...] = ()
    replay_key: bytes | None = None
    whose: SignalRead | None = None


def receive(
    frame: Frame,
    *,
    is_known: bool,
    key: bytes | None,
    now: datetime,
    noise: bytes,
    register: Register = AS_HEARD,
    learnt_ahead: timedelta = NO_TIME,
    turn: int = 0,
) -> Reception:
    """Decides one decoded frame. `noise`: 16 random bytes for the pad of an encrypted ACK.

    `register`: what the device's dialect is set to. `learnt_ahead`: how far its clock was found to
    be ahead of GMT, which dates frames in clear only. `turn`: of the forms that an answer to such
    a frame may have, which it is (dialects.ANSWER_FORMS).
    """
    forms = ANSWER_FORMS[frame.form]
    form = forms[turn % len(forms)] if register.form is None else register.form
    configured = register.clock_ahead
    ahead = configured if configured is not None else _learnt(frame, learnt_ahead, now)
    problem, opened = _problem(frame, is_known=is_known, key=key, now=now + ahead)
    rule = RULES[problem]
    answer = rule.answer
    if register.wants_duh and rule.if_duh_is_wanted is not None:
        answer = rule.if_duh_is_wanted
    polls = opened.token == NULL and is_poll(opened)
    is_only_poll = polls and problem in _ORDINARY
    can_repeat = not polls and problem not in _NEVER_REPEATS
    return Reception(
        answer,
        answer_bytes(
            answer,
            frame if form is frame.form else frame._replace(form=form),
            key=key,
            now=now if configured is None else now + configured,
            noise=noise,
        ),
        problem,
        _signals(
            *(opened, problem, is_only_poll, ahead, None if configured is not None else now),
            swaps_cid=register.swaps_cid,
        )
        if rule.is_stored
        else (),
        _repeat_key(opened) if can_repeat else None,
        is_only_poll,
        spoken_in(opened),
        _replay_key(opened) if frame.encrypted and can_repeat else None,
        unread(opened, ahead) if problem is Problem.STALE_TIME else None,
    )


def _learnt(frame: Frame, ahead: timedelta, now: datetime) -> timedelta:
    """What was learnt dates frames in clear, but none whose own time is about right, or that has
    none: it was learnt from polls that may be anybody's, and must not make an alarm of now one of
    hours ago."""
    if frame.encrypted or not ahead:
        return NO_TIME
    sent_at = frame.sent_at
    return NO_TIME if sent_at is None or is_about(sent_at, now) else ahead


# What nearly every frame is: in clear, with events, from an account. Each matches `decode` too.
_USUAL: Final = re.compile(
    rb'\n([0-9A-Fa-f]{4})0([0-9A-Fa-f]{3})"(?:%b)"'
    rb"([0-9]{4}(?:R[0-9A-Fa-f]{0,8})?(?:L[0-9A-Fa-f]{1,8})?#([0-9A-Za-z]{1,32}))"
    rb"\[[^\[\]\r\n]*\](?:\[[^\[\]\r\n]*\])*(?:_([ -~]*))?\r"
    % b"|".join(token.encode() for token in sorted(TOKENS - {NULL})),
    re.DOTALL,
)


# What nearly every poll is: a NULL in clear that says nothing. Each matches `decode` and `is_poll`.
_USUAL_POLL: Final = re.compile(
    rb'\n([0-9A-Fa-f]{4})0([0-9A-Fa-f]{3})"NULL"'
    rb"([0-9]{4}(?:R[0-9A-Fa-f]{0,8})?L[0-9A-Fa-f]{1,8}#([0-9A-Za-z]{1,32}))"
    rb"\[\](?:_([ -~]{1,64}))?\r",
    re.DOTALL,
)


def usual_poll(raw: bytes) -> tuple[str, bytes, bytes | None] | None:
    """The same of a poll: account, ACK and timestamp of one whole frame, LF to CR and nothing
    around it, that is in clear, as the standard has it, right, and tells of nothing. A timestamp is
    the caller's to check (`clock_problem`). None for anything else."""
    return _right(raw, _USUAL_POLL.fullmatch(raw))


def usual(raw: bytes) -> tuple[str, bytes, bytes | None] | None:
    """Account, ACK and timestamp of a whole frame, LF to CR, that is in clear, as the standard has
    it, right, and tells of events: for a known device no word of it changes the answer. None for
    any other, which `decode` reads."""
    return _right(raw, _USUAL.fullmatch(raw))


def _right(raw: bytes, found: re.Match[bytes] | None) -> tuple[str, bytes, bytes | None] | None:
    if found is None:
        return None
    declared_crc, length, said, account, stamp = found.groups()
    if int(length, 16) != len(raw) - HEADER_BYTES - 1 or (
        int(declared_crc, 16) != crc16.arc(raw[HEADER_BYTES:-1])
    ):
        return None
    return account.decode(), _ack(said), stamp


def clock_problem(stamp: bytes, now: datetime) -> Problem | None:
    """What the timestamp of a usual frame calls for."""
    return None if is_timely(read_timestamp(stamp.decode()), now) else Problem.CLOCK_OFF


def read_kept(raw: bytes, region: bytes | None) -> tuple[tuple[SignalRead, ...], bytes | None]:
    """Signals and repeat key of a frame, LF to CR, that was answered before it was read. `region`:
    what was encrypted in it, in clear; None for a frame in clear. Raises `BadFrame`."""
    frame = decode(raw)
    if region is not None:
        frame = opened(frame, region)
    return read(frame), None if is_poll(frame) else _repeat_key(frame)


_ORDINARY: Final = {None, Problem.CLOCK_OFF}
_NEVER_REPEATS: Final = {
    Problem.RECEIVERS_WORD,
    Problem.NO_KEY,
    Problem.WRONG_KEY,
    Problem.STALE_TIME,
}


def _problem(
    frame: Frame, *, is_known: bool, key: bytes | None, now: datetime
) -> tuple[Problem | None, Frame]:
    """Which line of the table a frame falls under, and the frame in clear where it could be.
    `now`: by the panel's clock, were it right."""
    if frame.token in RECEIVERS_WORDS or (
        frame.odd is not None and frame.token.strip(" *").upper() in RECEIVERS_WORDS
    ):
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
    if frame.odd is not None:
        return Problem.UNKNOWN_FORM, frame
    if not is_known:
        return Problem.UNKNOWN_ACCOUNT, frame
    if frame.token not in TOKENS:
        return Problem.UNKNOWN_TOKEN, frame
    if frame.timestamp and not frame.encrypted and not is_timely(frame.sent_at, now):
        return Problem.CLOCK_OFF, frame
    return None, frame


def _signals(
    frame: Frame,
    problem: Problem | None,
    is_only_poll: bool,
    ahead: timedelta,
    now: datetime | None,
    *,
    swaps_cid: bool,
) -> tuple[SignalRead, ...]:
    """A poll says nothing to decide unless we do not know who polls; a replay says nothing. `now`
    where `ahead` was learnt."""
    if is_only_poll or problem is Problem.STALE_TIME:
        return ()
    if problem in (Problem.NO_KEY, Problem.WRONG_KEY):
        return (unread(frame),)
    signals = read(frame, ahead, now)
    return tuple(map(swapped, signals)) if swaps_cid else signals


def is_timely(sent_at: datetime | None, now: datetime) -> bool:
    """The time test of encrypted messages (DC-09 5.5.3.2); one without a time fails it."""
    return sent_at is not None and -LATE_S_MAX <= (sent_at - now).total_seconds() <= EARLY_S_MAX


def _repeat_key(frame: Frame) -> bytes:
    """16 bytes that are the same for the same message sent again: account, sequence, token and
    data, not the timestamp, which some panels renew (Ajax) and some do not. Not for polls, which
    are meant to be the same each time."""
    account, sequence, token = str(frame.account), frame.sequence, frame.token
    return repeat_key(
        account.encode(), sequence.encode(), token.encode(), frame.data, is_sealed=frame.encrypted
    )


def repeat_key(
    account: bytes, sequence: bytes, token: bytes, data: bytes, *, is_sealed: bool
) -> bytes:
    """The same from its parts; `data` in clear, `is_sealed` where it came encrypted."""
    words = b"\0".join((account, sequence, token, b"1" if is_sealed else b"0", data))
    return blake2b(words, digest_size=16).digest()


def _replay_key(opened: Frame) -> bytes:
    """16 bytes of what was encrypted: data, x-data and timestamp. Sequence, token and account stand
    outside of it, so someone on the path can change them; and the pad too, since a block of zeros
    before a ciphertext only makes its pad longer (5.4.4: the vector is zero). Where the data names
    no account, the header's is needed to tell two panels apart that share a key."""
    said = b"][".join((opened.data, *opened.xdata)) + b"]_" + (opened.timestamp or "").encode()
    return replay_key((opened.account or "").encode(), said)


def replay_key(account: bytes, said: bytes) -> bytes:
    """The same from what stands behind the pad and its bar, down to the timestamp."""
    whose = b"" if said.startswith(b"#") else account.upper()
    return blake2b(whose + b"\0" + said, digest_size=16).digest()


def answer_bytes(
    answer: Answer, frame: Frame, *, key: bytes | None, now: datetime, noise: bytes
) -> bytes:
    """The whole frame of an answer; b"" for nothing. Raises ValueError for the ACK of an encrypted
    frame without its key."""
    match answer:
        case Answer.ACK:
            return encrypted_ack(frame, key, now, noise) if frame.encrypted else ack(frame)
        case Answer.NAK:
            return nak(now, frame.form)
        case Answer.DUH:
            return wrap(b'"DUH"%b[]' % echo(frame), frame.form)
        case Answer.NOTHING:
            return b""


def ack(frame: Frame) -> bytes:
    """`"ACK"seq[R]L#acct[]`: receiver and line only where the frame had them, as it had them."""
    if frame.form is not Form.STANDARD:
        return wrap(b'"ACK"%b[]' % echo(frame), frame.form)
    return _ack(echo(frame))


def _ack(said: bytes) -> bytes:
    body = b'"ACK"%b[]' % said
    return b"\n%04X%04X%b\r" % (crc16.arc(body), len(body), body)


def encrypted_ack(frame: Frame, key: bytes | None, now: datetime, noise: bytes) -> bytes:
    """The ACK of an encrypted frame: empty data and our time, sealed with the device's key."""
    if key is None:
        raise ValueError("an encrypted frame is acknowledged with its key")
    return wrap(sealed_ack(echo(frame), key, now, noise), frame.form)


def sealed_ack(said: bytes, key: bytes, now: datetime, noise: bytes) -> bytes:
    """Its body. `said`: what it echoes."""
    region = b"]_" + write_timestamp(now).encode()
    return b'"*ACK"%b[%b' % (said, encrypt(padding(region, noise) + region, key))


def nak(now: datetime, form: Form = Form.STANDARD) -> bytes:
    """Our time for a sender whose clock is off, never encrypted. It names nobody: the field is
    `A0`, without `#`, in every receiver that was read."""
    return wrap(b'"NAK"0000R0L0A0[]_%b' % write_timestamp(now).encode(), form)
