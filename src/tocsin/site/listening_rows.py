"""Where a process listens, written into the record for the probe and the screen of intakes: ports
that the system chose are in no configuration."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import Final

import psycopg

from tocsin.record.database import DatabaseAway, connect
from tocsin.record.probing import Socket, keep_listening
from tocsin.site.probe import host_name

AGAIN_S: Final = 1.0
GATHER_S: Final = 0.1

logger = logging.getLogger("tocsin.process")


class ListeningRows:
    """Hears the `listening` lines of one process and writes what they say, in a thread of its own:
    nobody waits for it, and a database that is away is asked again."""

    def __init__(self, url: str, process: str) -> None:
        self._url = url
        self._process = process
        self._sockets: list[Socket] = []
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)
        self._thread.start()

    def hear(self, line: str) -> None:
        """One line of standard output: `listening dc09 tcp 127.0.0.1:12300`."""
        words = line.split()
        if len(words) != 4 or words[0] != "listening":
            return
        name, over = words[1:3]
        address, _, port = words[3].rpartition(":")
        if name == "dc09-tls":
            name, over = "dc09", "tls"
        self._sockets.append(Socket(name, over, address.strip("[]"), int(port)))
        self._changed.set()

    def stop(self) -> None:
        self._stop.set()
        self._changed.set()
        self._thread.join(AGAIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._changed.wait()
            if self._stop.wait(GATHER_S):
                return
            self._changed.clear()
            try:
                with connect(self._url, name=f"tocsin listening {self._process}") as connection:
                    now = datetime.now(UTC)
                    keep_listening(connection, host_name(), self._process, list(self._sockets), now)
            except (psycopg.Error, DatabaseAway) as error:
                logger.info("sockets are not on record yet", extra={"why": str(error).strip()})
                self._changed.set()
                self._stop.wait(AGAIN_S)
