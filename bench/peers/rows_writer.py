"""The limit of share.py: what the edge commits, written from memory by one process, with the edge's
own batching, packing and sealing, and neither sockets nor frames to decode.

`rows_writer.py DIRECTORY SENDERS SECONDS` writes to the database that runs on DIRECTORY for so many
senders: each hands in a message that is ready, and the next one when it is on disk. Prints one line
of JSON: messages per second, and the microseconds of processor time that each took here.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvloop

from tocsin.record.database import Urls, connect
from tocsin.record.heard import HeardLog
from tocsin.record.heard_rows import Heard
from tocsin.record.keys import Keyring
from tocsin.site.places import running_urls
from tocsin.wire.dc09.frames import Frame, encode

WARM_UP_S = 0.5
MESSAGES_PER_SENDER = 200


def messages(url: str, senders: int) -> list[list[Heard]]:
    """For each sender what the edge makes of the frames that `dc09_load.py` sends."""
    with connect(url) as connection:
        found = connection.execute(
            "SELECT account, id, site FROM ref.device ORDER BY account LIMIT %s", (senders,)
        ).fetchall()
    made = []
    for account, device, site in found:
        frames = [
            Frame("SIA-DCS", f"{n + 1:04d}", "1", "1", account, f"#{account}|Nri1/BA12".encode())
            for n in range(MESSAGES_PER_SENDER)
        ]
        made.append(
            [
                Heard(
                    received_at=datetime.now(UTC),
                    intake="dc09.tcp",
                    protocol="dc09",
                    source="127.0.0.1",
                    body=encode(frame),
                    answer="ack",
                    district="main",
                    agency="main",
                    device=device,
                    site=site,
                    signals=None,
                )
                for frame in frames
            ]
        )
    return made


async def main(directory: Path, senders: int, seconds: float) -> None:
    found = running_urls(directory)
    assert found is not None, "there is no database on this directory"
    urls = Urls(application=found["application"], owner=found["owner"])
    ready = messages(urls.application, senders)
    log = HeardLog(name="bench")
    await log.start(urls, Keyring(directory / "keys"))
    await log.connected()
    gc.freeze()
    written = lost = 0
    is_running = True
    sending: list[Callable[[bool], None]] = []

    def send(sender: int, place: list[int], is_kept: bool = True) -> None:
        nonlocal written, lost
        written += 1
        lost += not is_kept
        if is_running:
            place[0] = (place[0] + 1) % MESSAGES_PER_SENDER
            log.hand_in(ready[sender][place[0]], sending[sender])

    sending += [partial(send, sender, [0]) for sender in range(len(ready))]
    for one in sending:
        one(True)
    await asyncio.sleep(WARM_UP_S)
    before, began, cpu = written, time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    count = written - before
    is_running = False
    await log.stop()
    if lost:
        raise RuntimeError(f"{lost} messages were not kept")
    print(json.dumps({"rate": count / took, "cpu_us": 1e6 * cpu / count}))


if __name__ == "__main__":
    directory, senders, seconds = sys.argv[1:]
    uvloop.run(main(Path(directory), int(senders), float(seconds)))
