"""Panels that together offer so many alarms a second, whatever is answered: the load of latency.py
and storm.py.

`dc09_offered.py HOST PORT PANELS RATE SECONDS` sends each frame at its appointed time, over one
connection of each panel; where the panel still waits for its last answer, the frame waits, and the
time counts. Prints one line of JSON: frames sent and acknowledged, all latencies in ms from the
appointed time to the ACK, and this process's share of a core.
"""

import asyncio
import gc
import json
import sys
import time
from collections import deque

import uvloop

from tocsin.wire.dc09.frames import Frame, encode

AFTER_S = 5.0  # answers are waited for so long after the last frame


def account(panel: int) -> str:
    return f"{0xA000 + panel:X}"


def frame(panel: int, number: int) -> bytes:
    data = f"#{account(panel)}|Nri1/BA{number % 64 + 1}".encode()
    return encode(Frame("SIA-DCS", f"{number % 9999 + 1:04d}", "1", "1", account(panel), data))


class Panel(asyncio.Protocol):
    def __init__(self, number: int, told: list[float]) -> None:
        self.number, self.told = number, told
        self.sent = 0
        self.waiting: deque[float] = deque()  # appointed times, the first of what is on its way
        self.wrong = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write

    def offer(self, at: float) -> None:
        self.waiting.append(at)
        if len(self.waiting) == 1:
            self.send()

    def send(self) -> None:
        self.sent += 1
        self.write(frame(self.number, self.sent))

    def data_received(self, data: bytes) -> None:
        if data[9:14] != b'"ACK"':
            self.wrong += 1
            return
        self.told.append((time.perf_counter() - self.waiting.popleft()) * 1e3)
        if self.waiting:
            self.send()


async def main(host: str, port: int, panels: int, rate: float, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    opened = [
        (await loop.create_connection(lambda n=n: Panel(n, told), host, port))[1]
        for n in range(panels)
    ]
    for panel in opened:  # each is known and heard once before it counts
        panel.offer(time.perf_counter())
    await asyncio.sleep(1.0)
    told.clear()
    before = sum(panel.sent for panel in opened)
    gc.freeze()
    count = int(rate * seconds)
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        at = began + number / rate
        wait = at - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        opened[number % panels].offer(at)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    until = time.perf_counter() + AFTER_S
    while len(told) < count and time.perf_counter() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    print(
        json.dumps(
            {
                "sent": sum(panel.sent for panel in opened) - before,
                "acknowledged": len(told),
                "ever_sent": sum(panel.sent for panel in opened),
                "wrong": sum(panel.wrong for panel in opened),
                "ms": told,
                "cpu": cpu / took,
                "seconds": took,
            }
        )
    )


if __name__ == "__main__":
    host, port, panels, rate, seconds = sys.argv[1:]
    uvloop.run(main(host, int(port), int(panels), float(rate), float(seconds)))
