"""The ceiling of mqtt_load.py: a receiver that reads no more than where the packet id stands."""

import asyncio

import uvloop


class AlwaysPuback(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write

    def data_received(self, data: bytes) -> None:
        if data[0] == 0x10:
            self.write(b"\x20\x02\x00\x00")
        else:
            topic = int.from_bytes(data[2:4], "big")
            self.write(b"\x40\x02" + data[4 + topic : 6 + topic])


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(AlwaysPuback, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"listening {host}:{port}", flush=True)
    await server.serve_forever()


uvloop.run(main())
