"""Panels that poll over UDP, each at its interval: the load of supervision.py.

`dc09_polls.py HOST PORT DEVICES INTERVAL_S SECONDS SILENT SILENT_AFTER_S` sends a NULL frame of
each device once per interval, evenly spread; the first SILENT devices stop after SILENT_AFTER_S.
They send from SOCKETS ports, each device from the same one always: a million panels send from as
many addresses, and a receiver that hears on several sockets gets each one's datagrams on one.
Prints one line of JSON: polls sent and answered, the latency of the answers, the times (seconds
since 1970) of the last poll of each silent device, and this process's share of a core.
"""

import asyncio
import gc
import json
import sys
import time

import uvloop

from tocsin.wire.dc09.frames import Frame, encode

TICK_S = 0.01
SOCKETS = 64


def account(number: int) -> str:
    return f"{0x100000 + number:X}"


class Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.count = 0
        self.at: dict[bytes, float] = {}
        self.took: list[float] = []

    def datagram_received(self, data: bytes, _: object) -> None:
        self.count += 1
        sent = self.at.pop(data[-10:], None)
        if sent is not None:
            self.took.append(time.perf_counter() - sent)


async def main() -> None:
    host, port, devices, interval, seconds, silent, silent_after = sys.argv[1:]
    count, quiet = int(devices), int(silent)
    frames = [encode(Frame("NULL", "0000", None, "0", account(number))) for number in range(count)]
    gc.freeze()
    loop = asyncio.get_running_loop()
    answers = Answers()
    transports = [
        (await loop.create_datagram_endpoint(lambda: answers, remote_addr=(host, int(port))))[0]
        for _ in range(SOCKETS)
    ]
    per_tick = count / float(interval) * TICK_S
    last_of_silent: dict[str, float] = {}
    began, cpu = loop.time(), time.process_time()
    place = sent = tick = 0
    due = 0.0
    while loop.time() - began < float(seconds):
        tick += 1
        due += per_tick
        is_silent = loop.time() - began > float(silent_after)
        while place < int(due):
            number = place % count
            place += 1
            if number < quiet:
                if is_silent:
                    continue
                last_of_silent[account(number)] = time.time()
            frame = frames[number]
            sent += 1
            if sent % 100 == 0:
                answers.at[b"#" + account(number).encode() + b"[]\r"] = time.perf_counter()
            transports[number % SOCKETS].sendto(frame)
        await asyncio.sleep(max(0.0, began + tick * TICK_S - loop.time()))
    took, cpu = loop.time() - began, time.process_time() - cpu
    await asyncio.sleep(1.0)
    latencies = sorted(answers.took) or [0.0]
    print(
        json.dumps(
            {
                "sent": sent,
                "answered": answers.count,
                "p50_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
                "last_of_silent": last_of_silent,
                "cpu": cpu / took,
            }
        )
    )


if __name__ == "__main__":
    uvloop.run(main())
