"""The load generator's ceiling: a receiver that answers the same bytes to everything."""

import asyncio

import uvloop

from tocsin.wire.dc09.answers import ack
from tocsin.wire.dc09.frames import Frame


class AlwaysAck(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write

    def data_received(self, _: bytes) -> None:
        self.write(ANSWER)


ANSWER = ack(Frame("SIA-DCS", "0001", "1", "1", "A000"))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(AlwaysAck, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"listening {host}:{port}", flush=True)
    await server.serve_forever()


uvloop.run(main())
