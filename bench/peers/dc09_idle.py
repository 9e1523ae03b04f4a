"""Connections that send half a frame and then nothing: the slow loris of slow_loris.py.

`dc09_idle.py HOST PORT CONNECTIONS SECONDS` opens a new one for each that is closed. Prints
`open N` when all are open for the first time, and at the end one line of JSON: how many were
opened in all, and how many were closed by the other end.
"""

import asyncio
import json
import sys

import uvloop

from tocsin.wire.dc09.frames import Frame, encode

HALF = encode(Frame("SIA-DCS", "0001", "1", "1", "A000", b"#A000|Nri1/FA1"))[:30]
AT_ONCE = 100


class Idle(asyncio.Protocol):
    def __init__(self, closed: asyncio.Queue[None]) -> None:
        self.closed = closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(HALF)  # type: ignore[attr-defined]

    def connection_lost(self, _: Exception | None) -> None:
        self.closed.put_nowait(None)


async def main(host: str, port: int, connections: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    closed: asyncio.Queue[None] = asyncio.Queue()
    opened = 0
    for first in range(0, connections, AT_ONCE):
        part = range(min(AT_ONCE, connections - first))
        await asyncio.gather(
            *(loop.create_connection(lambda: Idle(closed), host, port) for _ in part)
        )
        opened += len(part)
    print(f"open {opened}", flush=True)
    until = loop.time() + seconds
    while (rest := until - loop.time()) > 0:
        try:
            await asyncio.wait_for(closed.get(), rest)
        except TimeoutError:
            break
        await loop.create_connection(lambda: Idle(closed), host, port)
        opened += 1
    print(json.dumps({"opened": opened, "closed": opened - connections}))


host, port, connections, seconds = sys.argv[1:]
uvloop.run(main(host, int(port), int(connections), float(seconds)))
