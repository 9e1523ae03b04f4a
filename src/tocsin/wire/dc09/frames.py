"""One DC-09 frame: bytes to fields and back, with its CRC, its length and its encryption.
First step of an alarm; what the fields mean is in signals.py, what is answered in answers.py."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from fastcrc import crc16

from tocsin.wire.dc09.cipher import BLOCK_BYTES, decrypt, encrypt, padding
from tocsin.wire.dc09.misprint import misprinted_crc

LF: Final = b"\n"
CR: Final = b"\r"
HEADER_BYTES: Final = 9  # LF, four of CRC, "0", three of length
FRAME_BYTES_LARGEST: Final = HEADER_BYTES + 0xFFF + 1  # the length field holds three hex digits


class Reason(StrEnum):
    """Why bytes are not a frame that can be used."""

    MALFORMED = "malformed"  # not even header and quotes of DC-09 5.5 are there
    BAD_LENGTH = "bad_length"
    BAD_CRC = "bad_crc"
    OVERSIZED = "oversized"
    CUT_SHORT = "cut_short"  # a new frame began, or silence, before this one ended
    RUBBISH = "rubbish"  # bytes outside of any frame
    WRONG_KEY = "wrong_key"  # what came out of the cipher is no message


class Form(StrEnum):
    """How a sender writes CRC and length. All but the first are dialects (dialects.py)."""

    STANDARD = "standard"  # CRC in hex over the body, which the length counts
    CRC_WITH_CR = "crc_with_cr"  # CRC and length take in the CR too
    RAW_CRC = "raw_crc"  # CRC as two bytes, the most significant first
    MISPRINTED_CRC = "misprinted_crc"  # CRC by the table as DC-07 prints it


class BadFrame(Exception):
    """The only error that decoding raises."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Frame(NamedTuple):
    """The fields of one frame, as sent: text stays text, so that an answer can echo it.

    A tuple and not a dataclass, because one is made for every frame of a storm.

    `token`      what the quotes hold, without the `*` of an encrypted frame
    `sequence`   four digits
    `receiver`   hex digits after R; None where the sender left the field out
    `line`       hex digits after L (some panels send a bare L: ""); None where left out
    `account`    after #; None where left out (a NAK has none)
    `data`       between the brackets. While `encrypted` and `pad` is None: the ciphertext in hex
    `xdata`      the x-data blocks in order, without brackets: letter and text
    `timestamp`  after the underscore, GMT, unchecked; see `sent_at`
    `pad`        what filled the encrypted region before its `|`; None unless decrypted
    `form`       how its CRC and length are written
    `odd`        where its fields are not those of DC-09: what stands between header and CR, as it
                 came; the fields above are then as near to it as can be told
    """

    token: str
    sequence: str
    receiver: str | None = None
    line: str | None = None
    account: str | None = None
    data: bytes = b""
    xdata: tuple[bytes, ...] = ()
    timestamp: str | None = None
    encrypted: bool = False
    pad: bytes | None = None
    form: Form = Form.STANDARD
    odd: bytes | None = None

    @property
    def sent_at(self) -> datetime | None:
        """The timestamp in UTC, or None where there is none that a clock could show."""
        return read_timestamp(self.timestamp) if self.timestamp else None


_TIMESTAMP: Final = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2}),([0-9]{2})-([0-9]{2})-([0-9]{4})")


@lru_cache(maxsize=256)  # the frames of a storm have the same few
def read_timestamp(text: str) -> datetime | None:
    """`HH:MM:SS,MM-DD-YYYY` in GMT (DC-09 5.5.1.9), or None for anything else."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    hour, minute, second, month, day, year = map(int, found.groups())
    try:  # not strptime: it takes ten times as long, and this is done for every frame
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def write_timestamp(moment: datetime) -> str:
    """The text after the underscore. `moment` must know its zone."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    time, date = (utc.hour, utc.minute, utc.second), (utc.month, utc.day, utc.year)
    return "%02d:%02d:%02d,%02d-%02d-%04d" % (time + date)  # noqa: UP031 - in half the time


# The region before the data is what an answer echoes. Field practice is wider than the standard:
# one-digit accounts, a bare or missing L, sequences counted in hex. Refusing those would refuse
# alarms, and the CRC has already said that the text arrived as it was sent.
_SAID: Final = (
    rb"([0-9A-Fa-f]{4})"
    rb"(?:R([0-9A-Fa-f]{0,8}))?(?:L([0-9A-Fa-f]{0,8}))?(?:#([0-9A-Za-z]{1,32}))?"
)
_HEAD: Final = rb"\n([0-9A-Fa-f]{4})0([0-9A-Fa-f]{3})" rb'"(\*?)([!#-)+-~][!#-~ ]{0,31})"' + _SAID
_HEADER: Final = re.compile(rb'\n([0-9A-Fa-f]{4})0([0-9A-Fa-f]{3})"')
# Either raw byte of the CRC may be an LF or a CR, so this is looked for before any end is.
RAW_HEADER: Final = re.compile(rb'\n..0[0-9A-Fa-f]{3}"', re.DOTALL)
RAW_HEADER_BYTES: Final = 8  # with the opening quote
_PLAIN: Final = re.compile(
    _HEAD + rb"\[([^\[\]\r\n]*)\]((?:\[[^\[\]\r\n]*\])*)(?:_([ -~]*))?\r", re.DOTALL
)
# Text with brackets in it: the data then runs to the last one, and nothing of it is lost.
_BRACKETS_IN_DATA: Final = re.compile(_HEAD + rb"\[([^\r\n]*)\](?:_([ -Z^-~]*))?\r", re.DOTALL)
_HEX: Final = re.compile(rb"[0-9A-Fa-f]*")
_SEALED: Final = re.compile(_HEAD + rb"\[([0-9A-Fa-f]*)\r", re.DOTALL)
_OPENED: Final = re.compile(
    rb"(?:([^|\[\]]*)(\|))?([^\[\]]*)\]((?:\[[^\[\]]*\])*)(?:_([ -~]*))?", re.DOTALL
)
# Brackets in a text or in the pad: a timestamp in full then stands for the key being right.
_OPENED_WITH_BRACKETS: Final = re.compile(
    rb"([^|]*\|)(.*)\]_([0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{2}-[0-9]{2}-[0-9]{4})", re.DOTALL
)
_NEXT_BLOCK: Final = re.compile(rb"\]\[(?=[A-Z])")
# Whatever stands in a frame that arrived as it was sent may be an alarm, so it is read as far as it
# goes, and what its answer has to echo is echoed as it came.
_ODD: Final = re.compile(rb'\n[^"]{8}"([^"\r\n]*)"([^\r\n]*)\r', re.DOTALL)
_ODD_SAID: Final = re.compile(_SAID)
_ODD_SEALED: Final = re.compile(rb"[0-9A-Fa-f]{32,}")
_ODD_STAMP: Final = re.compile(rb"_([ -~]*)")
ODD_SAID_BYTES_MAX: Final = 1_024
"""So much of what stands before the bracket is echoed; an answer has to fit into a frame."""
ODD_NAME_CHARS_MAX: Final = 32  # of a token or account, as of a right one


def crc(body: bytes) -> int:
    """CRC-16/ARC of the bytes from the opening quote up to, not including, CR."""
    return crc16.arc(body)


def wrap(body: bytes, form: Form = Form.STANDARD) -> bytes:
    """The whole frame around `body`. Raises ValueError for one longer than 4,095 bytes."""
    counted = body + CR if form is Form.CRC_WITH_CR else body
    if len(counted) > 0xFFF:
        raise ValueError("a DC-09 frame holds at most 4,095 bytes")
    if form is Form.RAW_CRC:
        return b"\n%b%04X%b\r" % (crc(body).to_bytes(2, "big"), len(body), body)
    checksum = misprinted_crc(body) if form is Form.MISPRINTED_CRC else crc(counted)
    return b"\n%04X%04X%b\r" % (checksum, len(counted), body)


def decode(raw: bytes) -> Frame:
    """The fields of one whole frame, LF to CR, in any form. Raises only `BadFrame`.

    Length before CRC: a frame whose length is wrong has a wrong CRC too, and the first says more.
    """
    found = _PLAIN.fullmatch(raw)
    if found is not None and not found[3]:
        crc, length, _, token, sequence, receiver, line, account, data, blocks, stamp = (
            found.groups()
        )
        return Frame(
            token.decode(),
            sequence.decode(),
            None if receiver is None else receiver.decode(),
            None if line is None else line.decode(),
            None if account is None else account.decode(),
            data,
            tuple(blocks[1:-1].split(b"][")) if blocks else (),
            None if stamp is None else stamp.decode(),
            form=_form(raw, crc, length),
        )
    header = _HEADER.match(raw)
    if header is None:
        return _decode_with_raw_crc(raw)
    if raw[-1:] != CR:
        raise BadFrame(Reason.MALFORMED)
    form = _form(raw, header[1], header[2])
    found = _SEALED.fullmatch(raw)
    if found is not None and found[3]:
        return _frame(found, found[9], None, form, encrypted=True)
    found = _BRACKETS_IN_DATA.fullmatch(raw)
    if found is not None and not found[3]:
        return _frame(found, found[9], found[10], form, encrypted=False)
    return _odd_frame(raw, form)


def _odd_frame(raw: bytes, form: Form) -> Frame:
    """A frame whose length and CRC are right and whose fields are not."""
    found = _ODD.fullmatch(raw)
    if found is None:
        raise BadFrame(Reason.MALFORMED)
    name, said_and_data = found.groups()
    said, _, behind = said_and_data.partition(b"[")
    fields = _ODD_SAID.fullmatch(said)
    if fields is not None:
        sequence, receiver, line, account = (
            None if part is None else part.decode() for part in fields.groups()
        )
    else:
        sequence, receiver, line = "", None, None
        account = _odd_name(said.partition(b"#")[2]) if b"#" in said else None
    token, ciphertext = _odd_name(name), behind.strip(b" ]")
    encrypted = name[:1] == b"*" and _ODD_SEALED.fullmatch(ciphertext) is not None
    data, blocks, stamp = _odd_region(behind)
    if encrypted:
        token, data, blocks, stamp = _odd_name(name[1:]), ciphertext, [], None
    return Frame(
        *(token, sequence or "", receiver, line, account, data, tuple(blocks), stamp, encrypted),
        form=form,
        odd=raw[HEADER_BYTES:-1],
    )


def _odd_region(behind: bytes) -> tuple[bytes, list[bytes], str | None]:
    """Data, x-data and timestamp, as far as the brackets tell."""
    region, bracket, rest = behind.rpartition(b"]")
    rest = rest.strip()
    stamp = _ODD_STAMP.fullmatch(rest)
    if not bracket:
        region, rest = rest, b""
    data, *blocks = _NEXT_BLOCK.split(region)
    if stamp is None and rest:
        blocks.append(rest[1:] if rest[:1] == b"[" else b"?" + rest)
    return data, blocks, stamp[1].decode() if stamp is not None and bracket else None


def _odd_name(name: bytes) -> str:
    """As text that can be shown and stored."""
    text = name[:ODD_NAME_CHARS_MAX].decode("ascii", "replace")
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _decode_with_raw_crc(raw: bytes) -> Frame:
    if RAW_HEADER.match(raw) is None:
        raise BadFrame(Reason.MALFORMED)
    frame = decode(b"\n" + raw[1:3].hex().encode() + raw[3:])
    if frame.form is Form.MISPRINTED_CRC:
        raise BadFrame(Reason.BAD_CRC)
    if frame.form is not Form.STANDARD:  # two departures at once: nobody is known to send that
        raise BadFrame(Reason.BAD_LENGTH)
    return frame._replace(form=Form.RAW_CRC)


def shows_right_table(raw: bytes) -> bool:
    """Whether a frame in the standard's form would have another CRC by DC-07's printed table."""
    return misprinted_crc(raw[HEADER_BYTES:-1]) != int(raw[1:5], 16)


def _form(raw: bytes, declared_crc: bytes, declared_length: bytes) -> Form:
    """How CRC and length are written, both being right."""
    too_many = int(declared_length, 16) - (len(raw) - HEADER_BYTES - 1)
    declared = int(declared_crc, 16)
    if too_many == 0:
        body = raw[HEADER_BYTES:-1]
        if declared == crc16.arc(body):
            return Form.STANDARD
        if declared == misprinted_crc(body):
            return Form.MISPRINTED_CRC
        raise BadFrame(Reason.BAD_CRC)
    if too_many == 1 and declared == crc16.arc(raw[HEADER_BYTES:]):
        return Form.CRC_WITH_CR
    raise BadFrame(Reason.BAD_LENGTH)


def _frame(
    found: re.Match[bytes], region: bytes, timestamp: bytes | None, form: Form, *, encrypted: bool
) -> Frame:
    token, sequence, receiver, line, account = (
        None if part is None else part.decode() for part in found.groups()[3:8]
    )
    data, *blocks = (region,) if encrypted else _NEXT_BLOCK.split(region)
    return Frame(
        token or "",
        sequence or "",
        receiver,
        line,
        account,
        data,
        tuple(blocks),
        None if timestamp is None else timestamp.decode(),
        encrypted,
        form=form,
    )


def encode(frame: Frame) -> bytes:
    """The bytes of a frame in its form, with its length and CRC in upper case.

    Raises ValueError for a frame that is to be encrypted and is not yet (see `seal`), and for one
    that is longer than the length field can say.
    """
    if frame.odd is not None and frame.pad is None:
        return wrap(frame.odd, frame.form)
    if frame.encrypted:
        if frame.pad is not None or _HEX.fullmatch(frame.data) is None:
            raise ValueError("seal the frame before it is encoded")
        body = b'"*%b"%b[%b' % (frame.token.encode(), echo(frame), frame.data)
    else:
        body = b'"%b"%b[%b' % (frame.token.encode(), echo(frame), _region(frame))
    return wrap(body, frame.form)


def echo(frame: Frame) -> bytes:
    """Sequence, receiver, line and account exactly as they were sent."""
    if frame.odd is not None:
        return frame.odd.split(b'"', 2)[2].partition(b"[")[0][:ODD_SAID_BYTES_MAX]
    text = frame.sequence
    if frame.receiver is not None:
        text += "R" + frame.receiver
    if frame.line is not None:
        text += "L" + frame.line
    if frame.account is not None:
        text += "#" + frame.account
    return text.encode()


def _region(frame: Frame) -> bytes:
    """Everything after the opening bracket, in clear."""
    region = frame.data + b"]"
    for block in frame.xdata:
        region += b"[" + block + b"]"
    if frame.timestamp is not None:
        region += b"_" + frame.timestamp.encode()
    return region


def seal(frame: Frame, key: bytes, noise: bytes) -> Frame:
    """The encrypted form of a frame in clear, ready for `encode`.

    `noise`: at least 16 random bytes for the pad (DC-09 5.4.4: any byte but `|`, `[` and `]`, up to
    the next multiple of 16, a whole block where the length is one already; `|` ends it). A frame
    that `unseal` made keeps the pad it had, so that it becomes the bytes it was.
    """
    region = _region(frame)
    padded = padding(region, noise) + region if frame.pad is None else frame.pad + region
    data = encrypt(padded, key)
    return frame._replace(data=data, xdata=(), timestamp=None, encrypted=True, pad=None)


def unseal(frame: Frame, key: bytes) -> Frame:
    """An encrypted frame in clear: data, x-data, timestamp, and its pad with the `|`.

    The pad is bytes, not text (Ajax fills it with anything above 127), and may lack its `|`
    (Hikvision's NULL): then all before the `]` is taken as pad. Raises `BadFrame(WRONG_KEY)` where
    no message comes out, which is DC-09's only sign of a wrong key. One wrong key in about 2**15
    looks like a message without a usable timestamp, which fails the time test and is not
    acknowledged either; with a timestamp within the window it is one in more than 2**100.
    """
    if len(frame.data) % (2 * BLOCK_BYTES) or not frame.data:
        raise BadFrame(Reason.WRONG_KEY)
    return opened(frame, decrypt(frame.data, key))


def opened(frame: Frame, region: bytes) -> Frame:
    """An encrypted frame with its region in clear, as `unseal` gives it."""
    found = _OPENED.fullmatch(region)
    if found is None or (found[2] is None and b"|" in region):
        return _opened_with_brackets(frame, region)
    pad, bar, data, blocks, timestamp = found.groups()
    if bar is None:
        pad, data = data, b""
    else:
        pad += bar
    xdata = tuple(blocks[1:-1].split(b"][")) if blocks else ()
    text = None if timestamp is None else timestamp.decode()
    if text is None and (bar is None or not data.isascii()):
        raise BadFrame(Reason.WRONG_KEY)
    return frame._replace(data=data, xdata=xdata, timestamp=text, pad=pad)


def _opened_with_brackets(frame: Frame, region: bytes) -> Frame:
    found = _OPENED_WITH_BRACKETS.fullmatch(region)
    if found is None:
        raise BadFrame(Reason.WRONG_KEY)
    data, *blocks = _NEXT_BLOCK.split(found[2])
    return frame._replace(data=data, xdata=tuple(blocks), timestamp=found[3].decode(), pad=found[1])
