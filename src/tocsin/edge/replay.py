"""What a stream can still tell those who come back: the newest part of the log as batches, encoded,
so that their bound in bytes is what they take."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec
from prometheus_client import Gauge

from tocsin.record.follow import Batch

FACTS_MAX: Final = 20_000  # how far back a client may resume without a fresh snapshot
BYTES_MAX: Final = 32_000_000
OVERHEAD_BYTES: Final = 200  # of one batch: its place here and what Python adds to its bytes

SIZE = Gauge("tocsin_stream_replay_bytes", "Kept for screens that come back.")


class Replay:
    """Batches without a gap from `since` on: who knows that position or a later one misses
    nothing. Over a bound the oldest give way."""

    def __init__(self) -> None:
        self.since = 0
        self.facts = 0
        self.bytes = 0
        self._batches: deque[tuple[int, int, bytes]] = deque()  # position, facts, encoded
        self._decoder = msgspec.msgpack.Decoder(Batch)

    def __len__(self) -> int:
        return len(self._batches)

    def begin(self, position: int) -> None:
        """Forgets everything: what comes next follows `position`."""
        self._batches.clear()
        self.since, self.facts, self.bytes = position, 0, 0
        SIZE.set(0)

    def add(self, batch: Batch) -> None:
        """The newest batch, which begins where the last one ended."""
        self._batches.append(self._counted(batch))
        while self.facts > FACTS_MAX or self.bytes > BYTES_MAX:
            position, facts, encoded = self._batches.popleft()
            self.facts -= facts
            self.bytes -= len(encoded) + OVERHEAD_BYTES
            self.since = position
        SIZE.set(self.bytes)

    def put_before(self, since: int, batches: list[Batch]) -> None:
        """What is older than the oldest: the batches from `since` up to it."""
        for batch in reversed(batches):
            self._batches.appendleft(self._counted(batch))
        self.since = since
        SIZE.set(self.bytes)

    def after(self, position: int) -> Iterator[Batch]:
        """The batches that end after a position, oldest first. Nothing may be added meanwhile."""
        for end, _, encoded in self._batches:
            if end > position:
                yield self._decoder.decode(encoded)

    def _counted(self, batch: Batch) -> tuple[int, int, bytes]:
        # Copied: the encoder's own bytes keep the room they grew into, up to half as much again.
        encoded = bytes(memoryview(msgspec.msgpack.encode(batch)))
        self.facts += len(batch.facts)
        self.bytes += len(encoded) + OVERHEAD_BYTES
        return batch.position, len(batch.facts), encoded
