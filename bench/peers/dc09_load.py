"""Panels that send one plain frame, wait for its ACK, and send the next: the load of intake.py.

`dc09_load.py HOST PORT PANELS SECONDS FIRST_SEQUENCE [--any]` prints one line of JSON: answers per
second, their latency, and how many were not the ACK of the frame sent (`--any`: not looked at).
"""

import asyncio
import gc
import json
import sys
import time

import uvloop

from tocsin.wire.dc09.frames import Frame, encode

WARM_UP_S = 0.5
FRAMES_PER_PANEL = 1_200


def frames_of(panel: int, first: int) -> list[bytes]:
    account = f"{0xA000 + panel:X}"
    data = f"#{account}|Nri1/BA12".encode()
    return [
        encode(Frame("SIA-DCS", f"{(first + n) % 9999 + 1:04d}", "1", "1", account, data))
        for n in range(FRAMES_PER_PANEL)
    ]


class Panel(asyncio.Protocol):
    """One connection, kept open. Latencies in seconds are appended to `told`."""

    def __init__(self, frames: list[bytes], told: list[float], wrong: list[bytes], any_: bool):
        self.frames, self.told, self.wrong, self.any = frames, told, wrong, any_
        self.next = 0
        self.running = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write

    def send(self) -> None:
        self.sent = self.frames[self.next]
        self.next = (self.next + 1) % FRAMES_PER_PANEL
        self.at = time.perf_counter()
        self.write(self.sent)

    def data_received(self, data: bytes) -> None:
        self.told.append(time.perf_counter() - self.at)
        # LF, CRC and length (9), "ACK" (5), sequence (4); the panel's token is "SIA-DCS" (9)
        if not self.any and data[9:18] != b'"ACK"' + self.sent[18:22]:
            self.wrong.append(data)
        if self.running:
            self.send()

    def connection_lost(self, _: Exception | None) -> None:
        if self.running:
            self.wrong.append(b"connection lost")


async def main(host: str, port: int, panels: int, seconds: float, first: int, any_: bool) -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    wrong: list[bytes] = []
    prepared = [frames_of(n, first) for n in range(panels)]
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
                "sent": sum(panel.next for panel in opened),
            }
        )
    )


if __name__ == "__main__":
    host, port, panels, seconds, first = sys.argv[1:6]
    uvloop.run(main(host, int(port), int(panels), float(seconds), int(first), "--any" in sys.argv))
