"""A screen that listens to the stream, for tests: events arrive in a queue."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Listener:
    """Events as (name, id, data); `ended` is set when the server closes the stream."""

    events: queue.Queue[tuple[str, int | None, Any]] = field(default_factory=queue.Queue)
    ended: threading.Event = field(default_factory=threading.Event)

    def next(self, name: str, seconds: float = 5, **wanted: Any) -> tuple[int | None, Any]:
        """The next event of that name whose data has these values; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                event, identity, data = self.events.get(
                    timeout=max(0.0, deadline - time.monotonic())
                )
            except queue.Empty:
                raise AssertionError(f"no {name} {wanted} within {seconds} s") from None
            if event == name and all(data[key] == value for key, value in wanted.items()):
                return identity, data

    def all_within(self, name: str, seconds: float) -> list[Any]:
        """Every event of that name that comes in the next `seconds`."""
        found = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                event, _, data = self.events.get(timeout=left)
                if event == name:
                    found.append(data)
        return found


@contextlib.contextmanager
def listening(
    client: httpx.Client, after: int, last_event_id: int | None = None
) -> Iterator[Listener]:
    """Opens the stream and reads it on a thread until left."""
    listener = Listener()
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    with client.stream(
        "GET", "/api/v1/stream", params={"after": after}, headers=headers, timeout=30
    ) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
        thread = threading.Thread(target=_read, args=(answer, listener), daemon=True)
        thread.start()
        yield listener
        _hang_up(answer)
    thread.join(5)


def _read(answer: httpx.Response, listener: Listener) -> None:
    name, identity, data = "", None, ""
    with contextlib.suppress(httpx.HTTPError, httpx.StreamError, OSError, ValueError):
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("id: "):
                identity = int(line[4:])
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and name:
                listener.events.put((name, identity, json.loads(data)))
                name, identity, data = "", None, ""
    listener.ended.set()


def _hang_up(answer: httpx.Response) -> None:
    """Shuts the socket, which also wakes the thread that reads it."""
    import socket

    stream = answer.extensions["network_stream"]
    with contextlib.suppress(OSError):
        stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
