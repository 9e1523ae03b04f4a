"""The ceiling of polls over UDP: a receiver that answers the same bytes to everything."""

import asyncio
from typing import Any

import uvloop

from tocsin.wire.dc09.answers import ack
from tocsin.wire.dc09.frames import Frame


class AlwaysAck(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.send = transport.sendto

    def datagram_received(self, _: bytes, sender: Any) -> None:
        self.send(ANSWER, sender)


ANSWER = ack(Frame("NULL", "0000", None, "0", "A000"))


async def main() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(AlwaysAck, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    print(f"listening {host}:{port}", flush=True)
    await asyncio.Event().wait()


uvloop.run(main())
