"""pysiaalarm as a bare receiver: its asyncio TCP server, nothing done with a signal."""

import asyncio
import sys

import uvloop
from pysiaalarm.account import SIAAccount
from pysiaalarm.aio.server import SIAServerTCP
from pysiaalarm.utils import Counter


async def nothing(_: object) -> None:
    return


async def main(accounts: int, key: str | None) -> None:
    known = {f"{0xA000 + n:X}": SIAAccount(f"{0xA000 + n:X}", key) for n in range(accounts)}
    receiver = SIAServerTCP(known, nothing, Counter())
    server = await asyncio.start_server(receiver.handle_line, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"listening {host}:{port}", flush=True)
    await server.serve_forever()


uvloop.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
