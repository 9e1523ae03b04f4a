"""The synthetic city's automatic dispatcher sends nobody to a report that nothing vouches for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tocsin.sim.dispatcher import Dispatcher


class Asked(Exception):
    """The dispatcher acted."""


class Desk:
    async def get(self, path: str) -> Any:
        raise Asked(path)

    async def command(self, type_: str, **fields: Any) -> Any:
        raise Asked(type_, fields)


def acts_on(source: str) -> bool:
    row = {
        "id": "1",
        "state": "new",
        "source": source,
        "band": "unassigned",
        "level": 1,
        "opened_at": "2026-03-02T12:00:00Z",
        "units": [],
        "type": "fire",
        "duplicates": [],
    }
    seconds = iter(range(0, 10_000, 100))
    dispatcher = Dispatcher(
        Desk(),  # type: ignore[arg-type]
        SimpleNamespace(incidents={"1": row}, orders={}),  # type: ignore[arg-type]
        SimpleNamespace(now=lambda: next(seconds)),  # type: ignore[arg-type]
        seed=7,
    )

    async def look() -> None:
        for _ in range(5):
            await dispatcher._look()

    try:
        asyncio.run(look())
    except Asked:
        return True
    return False


def test_a_report_waits_for_a_person() -> None:
    assert not acts_on("report")
    assert acts_on("call")
    assert acts_on("signal")
