"""A grammar of DC-09 and what goes wrong with it, by a seeded mutator: no crash, nothing refused
and recorded too, and the segments of a stream never matter. TOCSIN_FUZZ_INPUTS: how many."""

import os
import random
from datetime import UTC, datetime
from functools import partial

from dc09_frames import MESSAGES

from tocsin.wire.dc09.answers import Answer, Reception, read_kept, receive, usual, usual_poll
from tocsin.wire.dc09.dialects import registered
from tocsin.wire.dc09.events import EVENTS_MAX
from tocsin.wire.dc09.frames import (
    BadFrame,
    Form,
    Frame,
    decode,
    encode,
    seal,
    wrap,
    write_timestamp,
)
from tocsin.wire.dc09.session import Foreign, Received, Refused, Session
from tocsin.wire.dc09.signals import TEXT_CHARS_MAX

INPUTS = int(os.environ.get("TOCSIN_FUZZ_INPUTS", "15000"))
SEED = int(os.environ.get("TOCSIN_FUZZ_SEED", "20261121"))
NOW = datetime(2026, 11, 21, 9, 50, 0, tzinfo=UTC)
KEY = b"0123456789abcdef"
NOISE = bytes(range(16))
LIMIT = 600
FAR = [" ", "0", "None", "[", "]", "|", "#", '"', "\n", "\r", "\x00", "é", "FFFFFFFFF", "L", "R"]
REGISTERED = ["", "duh", "eldes", "binary_crc;duh", "local_time:+08:00", "standard"]


class Grammar:
    """Frames as panels could send them, from right to absurd, each from one seed."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def one_of(self, *choices):
        return self.dice.choice(choices)

    def word(self, usual: str) -> str:
        """Nearly always as it should be."""
        return usual if self.dice.random() < 0.9 else self.one_of("", *FAR) + usual[:2]

    def digits(self, most: int, base: str = "0123456789ABCDEF") -> str:
        return "".join(self.dice.choices(base, k=self.dice.randint(1, most)))

    def event(self) -> str:
        ri = self.one_of("", "ri1/", f"ri{self.digits(3)}", "ti19:44/", "id3/ri2/", "pi12/")
        code = self.one_of("BA", "FA", "RP", "OP", "NL", "QQ", self.digits(2))
        address = self.one_of("", "1", "0129", self.digits(9), "501 JOHN")
        text = self.one_of("", "", "^door^", "*'Zone 3'NM", "^[x]^", "^open", "^Küche^", "^厨房^")
        return ri + code + address + text

    def data(self, token: str, account: str) -> str:
        own = self.one_of(f"#{account}|", f"#{account}|", f"{account}|", "|", "", "#0000|")
        if token == "ADM-CID":
            cid = f"{self.one_of(1, 3, 6, 9)}{self.digits(3)} {self.digits(2)} {self.digits(3)}"
            return own + cid + self.one_of("", "|Atext", "|1130 01 004")
        if token == "NULL":
            return self.one_of("", "", own, own + "0000 00 000", own + self.event())
        events = "/".join(self.event() for _ in range(self.one_of(1, 1, 2, 5)))
        return own + self.one_of("N", "N", "O", "", "0|N") + events + self.one_of("", "|Aof 2")

    def block(self) -> str:
        return self.one_of(*"ACHIJKLMNOPRSTVXYZQ?") + self.one_of(
            "", "text", "006E07.77", "49N06.66", "_09:50:00,11-21-2026", "[", "é€", "x" * 40
        )

    def frame(self) -> Frame:
        token = self.one_of("SIA-DCS", "SIA-DCS", "ADM-CID", "NULL", "VIS-BBA", "ACK", "NAK")
        account = self.word(self.digits(16))
        stamp = self.one_of(None, write_timestamp(NOW), "18:00:01,00-19-2022", "", "x")
        return Frame(
            token,
            self.word(self.digits(4, "0123456789").zfill(4)),
            self.one_of(None, "", "1", self.digits(6)),
            self.one_of(None, "", "0", self.digits(6)),
            self.one_of(None, account, account, account),
            self.data(token, account).encode(self.one_of("utf-8", "cp1252"), "replace"),
            tuple(self.block().encode("cp1252") for _ in range(self.one_of(0, 0, 1, 2, 4))),
            stamp,
            form=self.one_of(*Form),
        )

    def message(self) -> bytes:
        if self.dice.random() < 0.15:
            return self.dice.choice(MESSAGES).raw
        frame = self.frame()
        if self.dice.random() < 0.25:
            frame = seal(frame, self.one_of(KEY, KEY, b"x" * 24), self.dice.randbytes(16))
        return encode(frame)

    def spoilt(self, raw: bytes) -> bytes:
        """What lines, modems and bad firmware do to it; some of it with a right CRC again."""
        at = self.dice.randrange(len(raw))
        to = self.dice.randint(at, min(len(raw), at + 9))
        byte = self.one_of(b"\n", b"\r", b"\x00", b"]", b"[", b'"', self.dice.randbytes(1))
        again = partial(wrap, form=self.one_of(*Form))
        body = raw[raw.index(b'"') : -1] if b'"' in raw else raw
        return self.one_of(
            lambda: raw[:at] + byte + raw[at + 1 :],
            lambda: raw[:at] + byte + raw[at:],
            lambda: raw[:at] + raw[to:],
            lambda: raw[:at] + raw[at:to] * 3 + raw[to:],
            lambda: again((body[:at] + byte + body[at + 1 :])[:4_000]),
            lambda: again((body[:at] + body[to:])[:4_000]),
            lambda: raw[:at],
            lambda: raw + byte,
            lambda: self.dice.randbytes(at),
        )()

    def stream(self) -> bytes:
        made = []
        for _ in range(self.one_of(1, 1, 2, 4)):
            raw = self.message()
            while self.dice.random() < 0.4 and raw:
                raw = self.spoilt(raw)
            made.append(raw)
        return b"".join(made)


def events(*segments: bytes) -> list[Received | Refused | Foreign]:
    session, found = Session(LIMIT), []
    for segment in segments:
        session.receive_data(segment)
        found += session.events_received()
    rest = session.abandon()
    return [*found, rest] if rest is not None else found


def check_reception(received: Received, told: Reception) -> None:
    """What is kept of a frame, and what its sender hears."""
    assert 0 <= len(told.signals) <= EVENTS_MAX + 1
    for signal in told.signals:
        assert len(signal.text) <= TEXT_CHARS_MAX
        said = signal.text + signal.code + signal.zone + signal.partition + signal.account
        assert "\x00" not in said
        said.encode()  # a lone surrogate could not be stored
    if told.answer is Answer.NOTHING:
        assert told.data == b""
        return
    answer = decode(told.data)
    assert answer.token == told.answer.name
    if told.answer is not Answer.NAK:
        frame = received.frame
        echoed = (frame.sequence, frame.receiver, frame.line, frame.account)
        assert (answer.sequence, answer.receiver, answer.line, answer.account) == echoed


def test_fuzz() -> None:
    counted = {Received: 0, Refused: 0, Foreign: 0}
    for number in range(INPUTS):
        seed = f"{SEED}/{number}"
        dice = random.Random(seed)
        stream = Grammar(dice).stream()
        whole = events(stream)
        cut = dice.randint(0, len(stream))
        assert events(stream[:cut], stream[cut:]) == whole, seed
        if number % 4 == 0:
            assert events(*(stream[at : at + 1] for at in range(len(stream)))) == whole, seed
        # Each byte is in one event at most: nothing is both refused and recorded.
        assert sum(len(event.raw) for event in whole) <= len(stream), seed
        for event in whole:
            counted[type(event)] += 1
            if not isinstance(event, Received):
                try:
                    decode(event.raw)
                except BadFrame:
                    continue
                raise AssertionError(f"{seed}: refused, and a frame: {event}")
            frame = event.frame
            assert decode(encode(frame)) == frame, seed
            known, register = dice.random() < 0.8, registered(dice.choice(REGISTERED))
            told = receive(
                frame,
                is_known=known,
                key=dice.choice([KEY, None]) if known else None,
                now=NOW,
                noise=NOISE,
                register=register,
                turn=dice.randint(0, 2),
            )
            check_reception(event, told)
            if (short := usual(event.raw)) is not None:
                plain = receive(frame, is_known=True, key=None, now=NOW, noise=NOISE)
                assert (frame.account, plain.data) == short[:2], seed
                assert read_kept(event.raw, None) == (plain.signals, plain.repeat_key), seed
            if (short := usual_poll(event.raw)) is not None:
                plain = receive(frame, is_known=True, key=None, now=NOW, noise=NOISE)
                assert (frame.account, plain.data, True) == (*short[:2], plain.is_poll), seed
    # It must get deep, or it shows nothing.
    assert counted[Received] > INPUTS * 0.5
    assert counted[Refused] > INPUTS * 0.2
