"""Panels that were cut off and now tell all that they kept: the load of flush.py.

`dc09_flush.py HOST PORT PANELS EVENTS HOURS` opens a connection for each panel; each sends its
events one after the other, each after the last one's ACK, the oldest first, of the last HOURS.
Prints one line of JSON: how many were acknowledged, the seconds it took, wrong answers, and this
process's share of a core.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta

import uvloop

from tocsin.wire.dc09.frames import Frame, encode, write_timestamp


class Panel(asyncio.Protocol):
    def __init__(self, number: int, events: int, stamps: list[str], ended: asyncio.Event) -> None:
        self.account = f"{0xA000 + number:X}"
        self.events, self.stamps, self.ended = events, stamps, ended
        self.done = self.wrong = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write

    def send(self) -> None:
        data = f"#{self.account}|Nri1/{'BA' if self.done % 2 else 'BR'}{self.done % 64 + 1}"
        sequence = f"{self.done % 9999 + 1:04d}"
        stamp = self.stamps[self.done]
        frame = Frame("SIA-DCS", sequence, "1", "1", self.account, data.encode(), timestamp=stamp)
        self.write(encode(frame))

    def data_received(self, data: bytes) -> None:
        self.wrong += data[9:14] != b'"ACK"'
        self.done += 1
        if self.done < self.events:
            self.send()
        else:
            self.ended.set()


async def main(host: str, port: int, panels: int, events: int, hours: float) -> None:
    loop = asyncio.get_running_loop()
    oldest = datetime.now(UTC) - timedelta(hours=hours)
    # The newest is an hour old: late beyond doubt when it comes.
    step = timedelta(hours=hours - 1) / events
    stamps = [write_timestamp(oldest + n * step) for n in range(events)]
    ended = [asyncio.Event() for _ in range(panels)]
    opened = []
    for number in range(panels):
        panel = Panel(number, events, stamps, ended[number])
        await loop.create_connection(lambda panel=panel: panel, host, port)
        opened.append(panel)
    began, cpu = time.perf_counter(), time.process_time()
    for panel in opened:
        panel.send()
    for one in ended:
        await one.wait()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(
        json.dumps(
            {
                "acknowledged": sum(panel.done for panel in opened),
                "wrong": sum(panel.wrong for panel in opened),
                "seconds": took,
                "cpu": cpu / took,
            }
        )
    )


if __name__ == "__main__":
    host, port, panels, events, hours = sys.argv[1:]
    uvloop.run(main(host, int(port), int(panels), int(events), float(hours)))
