"""One open stream: what waits for its screen, in bounded memory whatever the screen does, and how
an event looks on the wire."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from prometheus_client import Counter

from tocsin.core.terms import Actor
from tocsin.edge.asking import Credential

QUEUE_BYTES_MAX: Final = 2_000_000  # what may wait for one client; more, and it starts afresh

RESETS = Counter("tocsin_stream_resets_total", "Clients told to start afresh: too old or too slow.")


@dataclass(eq=False)
class Client:
    """One open stream. `pending` is bounded by bytes; tick and positions keep only the newest."""

    credential: Credential
    actor: Actor
    seen: int
    pending: deque[bytes] = field(default_factory=deque)
    pending_bytes: int = 0
    tick: bytes = b""
    positions: dict[str, Any] = field(default_factory=dict)
    reset: bool = False
    ended: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, event: bytes) -> None:
        """Queues an event; over the bound, everything queued gives way to one `reset`."""
        if self.reset:
            return
        self.pending.append(event)
        self.pending_bytes += len(event)
        if self.pending_bytes > QUEUE_BYTES_MAX:
            self.start_afresh()
        self.wake.set()

    def start_afresh(self) -> None:
        """The client must fetch a snapshot: nothing that waits is worth sending any more."""
        self.reset = True
        self.pending.clear()
        self.pending_bytes = 0
        RESETS.inc()
        self.wake.set()

    def take(self) -> bytes:
        """Everything that waits, as one write."""
        events = [*self.pending]
        self.pending.clear()
        self.pending_bytes = 0
        if self.positions:
            events.append(sse("positions", {"positions": list(self.positions.values())}))
            self.positions = {}
        if self.tick:
            events.append(self.tick)
            self.tick = b""
        if self.reset:
            events = [sse("reset", {})]
        return b"".join(events)


def sse(event: str, data: Any, position: int | None = None) -> bytes:
    """One event on the wire; JSON holds no line break, so one `data:` line is enough."""
    identity = f"id: {position}\n" if position is not None else ""
    return f"event: {event}\n{identity}data: ".encode() + msgspec.json.encode(data) + b"\n\n"
