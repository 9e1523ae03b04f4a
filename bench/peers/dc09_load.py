"""Panels that send one plain frame, wait for its ACK, and send the next: the load of intake.py.

`dc09_load.py HOST PORT PANELS SECONDS FIRST_SEQUENCE [KEY] [--any]` prints one line of JSON:
answers per second, their latency, how many frames were ever sent and answered, and how many answers
were not the ACK of the frame sent (`--any`: not looked at). With a key the frames are encrypted,
all of them before the first is sent.
"""

import asyncio
import gc
import json
import sys
import time
from datetime import UTC, datetime

import uvloop

from tocsin.wire.dc09.frames import Frame, encode, seal, write_timestamp

WARM_UP_S = 0.5
FRAMES_PER_PANEL = 1_200
SEALED_PER_PANEL = 400


def frames_of(panel: int, first: int, key: bytes | None) -> list[bytes]:
    account = f"{0xA000 + panel:X}"
    data = f"#{account}|Nri1/BA12".encode()
    clear = Frame("SIA-DCS", "", "1", "1", account, data)
    if key is not None:
        clear = clear._replace(timestamp=write_timestamp(datetime.now(UTC)))
    made = []
    for n in range(FRAMES_PER_PANEL if key is None else SEALED_PER_PANEL):
        frame = clear._replace(sequence=f"{(first + n) % 9999 + 1:04d}")
        made.append(encode(frame if key is None else seal(frame, key, bytes(range(16)))))
    return made


class Panel(asyncio.Protocol):
    """One connection, kept open. Latencies in seconds are appended to `told`."""

    def __init__(self, frames: list[bytes], told: list[float], wrong: list[bytes], any_: bool):
        self.frames, self.told, self.wrong, self.any = frames, told, wrong, any_
        self.next = self.ever = self.acknowledged = 0
        self.is_sealed = frames[0][9:11] == b'"*'
        self.running = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write

    def send(self) -> None:
        self.sent = self.frames[self.next]
        self.ever += 1
        self.next = (self.next + 1) % len(self.frames)
        self.at = time.perf_counter()
        self.write(self.sent)

    def data_received(self, data: bytes) -> None:
        self.told.append(time.perf_counter() - self.at)
        # LF, CRC and length (9), "ACK" (5), sequence (4); the panel's token is "SIA-DCS" (9)
        if not self.any:
            said = data[9:19] if self.is_sealed else data[9:18]
            wanted = b'"*ACK"' + self.sent[19:23] if self.is_sealed else b'"ACK"' + self.sent[18:22]
            if said != wanted:
                self.wrong.append(data)
        self.acknowledged += 1
        if self.running:
            self.send()

    def connection_lost(self, _: Exception | None) -> None:
        if self.running:
            self.wrong.append(b"connection lost")


async def main(
    host: str, port: int, panels: int, seconds: float, first: int, key: bytes | None, any_: bool
) -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    wrong: list[bytes] = []
    prepared = [frames_of(n, first, key) for n in range(panels)]
    gc.freeze()
    opened = [
        (await loop.create_connection(lambda f=f: Panel(f, told, wrong, any_), host, port))[1]
        for f in prepared
    ]
    for panel in opened:
        panel.send()
    await asyncio.sleep(WARM_UP_S)
    told.clear()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    latencies = sorted(told) or [0.0]
    for panel in opened:
        panel.running = False
    print(
        json.dumps(
            {
                "rate": len(told) / took,
                "p50_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
                "wrong": len(wrong),
                "wrong_first": wrong[0].decode("latin-1") if wrong else None,
                "load_cpu": cpu / took,
                "sent": sum(panel.ever for panel in opened),
                "acknowledged": sum(panel.acknowledged for panel in opened),
            }
        )
    )


if __name__ == "__main__":
    host, port, panels, seconds, first = sys.argv[1:6]
    key = next((one.encode() for one in sys.argv[6:] if not one.startswith("-")), None)
    is_any = "--any" in sys.argv
    uvloop.run(main(host, int(port), int(panels), float(seconds), int(first), key, is_any))
