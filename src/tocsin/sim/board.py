"""The current rows of incidents, units and orders, kept by snapshot and stream.

The same rule as on every screen: of two rows of one subject the higher version holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from tocsin.sim.api import Api

Row = dict[str, Any]
KINDS: Final = ("incidents", "units", "orders")
CLOSED_KEPT: Final = 400  # rows of ended subjects are dropped beyond this many


class Board:
    """`listeners` are called with (kind, row) for each row that changed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.incidents: dict[str, Row] = {}
        self.units: dict[str, Row] = {}
        self.orders: dict[str, Row] = {}
        self.listeners: list[Callable[[str, Row], None]] = []
        self.ready = asyncio.Event()
        self.position = 0

    async def run(self) -> None:
        """Follow without end."""
        async for event, data in self._api.follow():
            self.position = int(data.get("position", self.position))
            rows = data if event == "snapshot" else data.get("rows", {})
            for kind in KINDS:
                for row in rows.get(kind) or ():
                    self._put(kind, row)
            self.ready.set()

    def _put(self, kind: str, row: Row) -> None:
        table: dict[str, Row] = getattr(self, kind)
        known = table.get(row["id"])
        if known is not None and known["version"] >= row["version"]:
            return
        table[row["id"]] = row
        for listener in self.listeners:
            listener(kind, row)
        if len(table) > 2 * CLOSED_KEPT:
            self._forget(table)

    def _forget(self, table: dict[str, Row]) -> None:
        ended = [key for key, row in table.items() if row["state"] in ENDED]
        for key in ended[:-CLOSED_KEPT]:
            del table[key]


ENDED: Final = frozenset({"closed", "merged", "done", "recalled", "refused"})
ORDER_ENDED: Final = frozenset({"done", "recalled", "refused"})
INCIDENT_ENDED: Final = frozenset({"closed", "merged"})
