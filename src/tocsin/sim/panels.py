"""Alarm panels as real network clients: DC-09 frames over TCP and UDP, repeated until ACK.

A panel sends one message at a time, keeps its own sequence 0001-9999, and polls with NULL.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tocsin.sim.city.model import Panel
from tocsin.sim.events import PanelSpeaks
from tocsin.wire.dc09.frames import BadFrame, Frame, decode, encode, seal, unseal, write_timestamp

ANSWER_S: Final = 5.0
RETRY_S: Final = (1.0, 3.0, 8.0, 15.0)
POLL_TRIES: Final = 2
LATENCIES_KEPT: Final = 50_000
AT_ONCE_S: Final = 10.0


@dataclass(slots=True)
class Line:
    """What all panels together have sent and heard. Latencies in ms, from sending to ACK."""

    sent: int = 0
    acked: int = 0
    polls: int = 0
    polls_acked: int = 0
    repeated: int = 0
    nak: int = 0
    duh: int = 0
    strange: int = 0
    waiting: dict[int, tuple[str, float]] = field(default_factory=dict)  # message: account, since
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def message(panel: Panel, says: PanelSpeaks, sequence: int, now: datetime) -> Frame:
    """The frame in clear that this panel sends for what it has to say."""
    if panel.token == "ADM-CID":  # noqa: S105 - DC-07's word for the kind of message
        data = f"#{panel.account}|{says.qualifier}{says.cid} 01 {says.zone:03d}"
    else:
        data = f"#{panel.account}|Nri1/{says.sia}{says.zone or ''}"
        if says.text:
            data += f"|A{says.text}"
    return _frame(panel, panel.token, data.encode(), sequence, now)


def poll(panel: Panel, now: datetime) -> Frame:
    return _frame(panel, "NULL", b"", 0, now)


def _frame(panel: Panel, token: str, data: bytes, sequence: int, now: datetime) -> Frame:
    # Encrypted frames must carry the time (DC-09 5.4.4); of the plain ones about half do.
    stamped = panel.key or int(panel.account, 16) % 2
    return Frame(
        token=token,
        sequence=f"{sequence:04d}",
        receiver=panel.receiver,
        line=panel.line,
        account=panel.account,
        data=data,
        timestamp=write_timestamp(now) if stamped else None,
    )


def to_bytes(panel: Panel, frame: Frame) -> bytes:
    if panel.key:
        frame = seal(frame, bytes.fromhex(panel.key), secrets.token_bytes(16))
    return encode(frame)


def reads_as(panel: Panel, raw: bytes, sequence: str) -> str:
    """ACK, NAK or DUH if this answers the message with this sequence, else empty."""
    try:
        answer = decode(raw)
        if answer.encrypted:
            answer = unseal(answer, bytes.fromhex(panel.key))
    except (BadFrame, ValueError):
        return ""
    if answer.token == "NAK":  # noqa: S105
        return answer.token
    same = answer.sequence == sequence and answer.account == panel.account
    return answer.token if same and answer.token in ("ACK", "DUH") else ""


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002
        self.heard.put_nowait(data)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002
        self.heard.put_nowait(b"")  # nobody is listening: same as no answer, only sooner


class PanelLine:
    """One panel's connection to the receiver. `run` never ends."""

    def __init__(self, panel: Panel, host: str, port: int, line: Line, seed: int) -> None:
        self.panel = panel
        self._host, self._port, self._line = host, port, line
        self._dice = random.Random(f"{seed}/panel/{panel.account}")
        self._sequence = self._dice.randrange(9_999)
        self._outbox: asyncio.Queue[tuple[int, PanelSpeaks]] = asyncio.Queue()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._datagrams: _Datagrams | None = None
        self._transport: asyncio.DatagramTransport | None = None

    def say(self, says: PanelSpeaks) -> None:
        """Queue a report; it is sent as soon as the one before it is acknowledged."""
        self._line.sent += 1
        number = self._line.sent
        self._line.waiting[number] = (self.panel.account, time.monotonic())
        self._outbox.put_nowait((number, says))

    async def run(self) -> None:
        # A panel that has its line again says so at once; from then on each has its own beat.
        wait = self._dice.uniform(0.5, min(AT_ONCE_S, self.panel.interval_s))
        next_wait = self.panel.interval_s * self._dice.uniform(0.3, 1.0)
        try:
            while True:
                try:
                    async with asyncio.timeout(wait):
                        number, says = await self._outbox.get()
                except TimeoutError:
                    await self._poll()
                else:
                    await self._report(number, says)
                wait, next_wait = next_wait, float(self.panel.interval_s)
        finally:
            self._hang_up()

    async def _report(self, number: int, says: PanelSpeaks) -> None:
        self._sequence = self._sequence % 9_999 + 1
        attempt = 0
        while True:
            frame = message(self.panel, says, self._sequence, datetime.now(UTC))
            answer = await self._exchange(frame)
            if answer == "ACK":
                self._line.acked += 1
                break
            if answer == "DUH":
                self._line.duh += 1
                break
            self._line.nak += answer == "NAK"
            self._line.repeated += 1
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
        self._line.waiting.pop(number, None)

    async def _poll(self) -> None:
        self._line.polls += 1
        for _ in range(POLL_TRIES):
            if await self._exchange(poll(self.panel, datetime.now(UTC))) == "ACK":
                self._line.polls_acked += 1
                return
            await asyncio.sleep(RETRY_S[0])

    async def _exchange(self, frame: Frame) -> str:
        """Send one frame and wait for its answer; empty where none came."""
        raw = to_bytes(self.panel, frame)
        start = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._send(raw, frame.sequence)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self._hang_up()
            return ""
        if answer == "ACK":
            self._line.latencies_ms.append((time.perf_counter() - start) * 1000)
        if self.panel.transport == "tcp_close":
            self._hang_up()
        return answer

    async def _send(self, raw: bytes, sequence: str) -> str:
        if self.panel.transport == "udp":
            return await self._send_udp(raw, sequence)
        if self._writer is None or self._writer.is_closing() or self._at_eof():
            self._hang_up()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        assert self._reader is not None
        self._writer.write(raw)
        await self._writer.drain()
        while True:
            found = reads_as(self.panel, await self._reader.readuntil(b"\r"), sequence)
            if found:
                return found
            self._line.strange += 1

    async def _send_udp(self, raw: bytes, sequence: str) -> str:
        if self._transport is None:
            loop = asyncio.get_running_loop()
            self._transport, self._datagrams = await loop.create_datagram_endpoint(
                _Datagrams, remote_addr=(self._host, self._port)
            )
        assert self._datagrams is not None
        while not self._datagrams.heard.empty():
            self._datagrams.heard.get_nowait()  # a late answer to an earlier attempt
        self._transport.sendto(raw)
        while True:
            heard = await self._datagrams.heard.get()
            if not heard:
                raise ConnectionRefusedError
            found = reads_as(self.panel, heard, sequence)
            if found:
                return found
            self._line.strange += 1

    def _at_eof(self) -> bool:
        return self._reader is None or self._reader.at_eof()

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._transport is not None:
            self._transport.close()
        self._reader = self._writer = self._transport = self._datagrams = None
