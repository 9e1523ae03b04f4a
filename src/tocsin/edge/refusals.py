"""What was refused and is kept nowhere, since it was last handed on: with its first bytes, for
whoever connects a panel. So few of each sender, and so few of all, that no flood costs memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from tocsin.record.networks import network_of
from tocsin.record.refused import BYTES_MAX, KEPT_MAX, Refusal

OF_SENDER_MAX: Final = 5
"""Of one network address each time, so each second; what is more is only told as a number."""


class Refusals:
    """Those of one intake."""

    def __init__(self) -> None:
        self._noted: list[Refusal] = []
        self._of_sender: dict[str, list[Refusal]] = {}

    def note(self, reason: str, address: str, raw: bytes) -> None:
        """`raw`: what came, b"" for nothing."""
        of_sender = self._of_sender.get(network := network_of(address), [])
        if len(self._noted) >= KEPT_MAX or len(of_sender) >= OF_SENDER_MAX:
            (of_sender or self._noted)[-1].further += 1
            return
        one = Refusal(datetime.now(UTC), address, reason, raw[:BYTES_MAX], len(raw))
        self._noted.append(one)
        of_sender.append(one)
        self._of_sender[network] = of_sender

    def take(self) -> list[Refusal]:
        """All since the last time, oldest first."""
        noted, self._noted, self._of_sender = self._noted, [], {}
        return noted
