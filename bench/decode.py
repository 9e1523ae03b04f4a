"""Time to decode one DC-09 frame and to make its answer, in-process, without sockets or storage:
Tocsin against pysiaalarm 3.2.2, plain and AES-128, in turns, on this machine, in this run.

Both get the bytes of a frame and give the bytes of its ACK, and both read what the frame says. The
edge does less than that before it answers (`answered only`), and `tocsin work` reads afterwards
what the frame says; the ratio that counts is that of the whole. Best of many short rounds: what
else runs on the machine can only take away. `--quick`: fewer rounds.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from pysiaalarm.account import SIAAccount
from pysiaalarm.base_server import BaseSIAServer
from pysiaalarm.utils import Counter

from machine import machine
from tocsin.wire.dc09.answers import read_kept
from tocsin.wire.dc09.frames import Frame, encode, seal, write_timestamp
from tocsin.wire.dc09.sealed import Opened, open_usual
from tocsin.wire.dc09.session import Received, Session

KEY: Final = b"0123456789abcdef"
NOISE: Final = bytes(range(16))
ACCOUNT: Final = "A000"
FRAMES: Final = 200  # of a round; each has a sequence number of its own
PLAIN_MIN, AES_MIN = 5.0, 3.0


def frames(*, key: bytes | None) -> list[bytes]:
    """As a panel sends them now: pysiaalarm wants a timely timestamp also in clear."""
    stamp = write_timestamp(datetime.now(UTC))
    made = []
    for number in range(1, FRAMES + 1):
        clear = Frame(
            "SIA-DCS", f"{number:04d}", "1", "1", ACCOUNT, b"#A000|Nri1/BA12", timestamp=stamp
        )
        made.append(encode(clear if key is None else seal(clear, key, NOISE)))
    return made


def answered(raw: bytes, session: Session) -> bytes:
    """What the edge does of a plain frame of a known device before it is kept and answered."""
    session.receive_data(raw)
    event = session.next_event()
    assert isinstance(event, Received)
    assert event.ack is not None
    return event.ack


def plain(raw: bytes, session: Session) -> bytes:
    """The same, and what the frame says."""
    ack = answered(raw, session)
    signals, _ = read_kept(raw, None)
    assert signals[0].code == "BA"
    return ack


def opened(raw: bytes, session: Session) -> Opened:
    """What the edge does of an encrypted frame of a known device before it is kept and answered."""
    session.receive_data(raw)
    event = session.next_event()
    assert isinstance(event, Received)
    assert event.sealed is not None
    told = open_usual(event.sealed, KEY, datetime.now(UTC), NOISE)
    assert told is not None
    return told


def opened_and_answered(raw: bytes, session: Session) -> bytes:
    return opened(raw, session).ack


def sealed(raw: bytes, session: Session) -> bytes:
    """The same, and what the frame says."""
    told = opened(raw, session)
    signals, _ = read_kept(raw, told.region)
    assert signals[0].code == "BA"
    return told.ack


def peer(key: bytes | None) -> Callable[[bytes, Session], bytes]:
    account = SIAAccount(ACCOUNT, key.decode() if key else None)
    server = BaseSIAServer({ACCOUNT: account}, Counter(), func=lambda _: None)

    def answer(raw: bytes, _: Session) -> bytes:
        event = server.parse_and_check_event(raw)
        assert event is not None
        assert event.code == "BA"
        return event.create_response()

    return answer


def best_us(
    rounds: int, ways: dict[str, tuple[Callable[[bytes, Session], bytes], bool]]
) -> dict[str, float]:
    """Microseconds per frame in the best round of each way; the ways take turns."""
    told: dict[str, float] = {}
    for _ in range(rounds):
        for name, (way, is_sealed) in ways.items():
            made = frames(key=KEY if is_sealed else None)
            session = Session()
            began = time.perf_counter()
            for raw in made:
                answer = way(raw, session)
            took = (time.perf_counter() - began) / len(made) * 1e6
            if b"ACK" not in answer[:20]:
                raise RuntimeError(f"{name}: {answer!r}")
            told[name] = min(told.get(name, took), took)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 15 if parser.parse_args().quick else 100
    logging.disable(logging.CRITICAL)  # the peer would tell of every frame
    told = best_us(
        rounds,
        {
            "tocsin plain": (plain, False),
            "tocsin plain, answered only": (answered, False),
            "pysiaalarm plain": (peer(None), False),
            "tocsin AES-128": (sealed, True),
            "tocsin AES-128, answered only": (opened_and_answered, True),
            "pysiaalarm AES-128": (peer(KEY), True),
        },
    )
    print(machine())
    for name, took in told.items():
        print(f"{name:32}{took:8.1f} us{1e6 / took:12,.0f}/s")
    enough = True
    for kind, least in (("plain", PLAIN_MIN), ("AES-128", AES_MIN)):
        ratio = told[f"pysiaalarm {kind}"] / told[f"tocsin {kind}"]
        print(f"ratio to pysiaalarm, {kind}: {ratio:.1f} (must reach {least:.0f})")
        enough = enough and ratio >= least
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
