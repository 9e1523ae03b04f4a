"""An automatic dispatcher: takes incidents, sends what advice recommends, closes what is done.

It sits at the API like a person at a desk and knows no more than one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tocsin.sim.api import Api
from tocsin.sim.board import INCIDENT_ENDED, Board, Row
from tocsin.sim.clock import Clock

LOOK_S: Final = 0.5  # real seconds between two looks at the board
READ_S: Final = (3.0, 9.0)  # city seconds from seeing an incident to acting on it
CLOSE_S: Final = (8.0, 30.0)
WATCH_S: Final = (40.0, 90.0)
ASK_AGAIN_S: Final = 20.0
FALSE_ALARMS: Final = 0.45  # share of alarms by device that turn out to be false


@dataclass(slots=True)
class Case:
    """What the dispatcher remembers of an incident: when it acts next, in city seconds."""

    act_at: float
    sent: bool = False
    tried: set[str] = field(default_factory=set)


class Dispatcher:
    """`switched_on` may be turned while it runs; off, it only watches."""

    def __init__(self, api: Api, board: Board, clock: Clock, seed: int) -> None:
        self._api, self._board, self._clock = api, board, clock
        self._dice = random.Random(f"{seed}/dispatcher")
        self._cases: dict[str, Case] = {}
        self.switched_on = True

    async def run(self) -> None:
        await self._board.ready.wait()
        while True:
            if self.switched_on:
                await self._look()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        now = self._clock.now()
        for incident in _by_urgency(self._board.incidents.values()):
            if incident["state"] in INCIDENT_ENDED:
                self._cases.pop(incident["id"], None)
                continue
            if incident["source"] in ("report", "probe"):
                continue  # unverified, or a fault of ours: either is for a person
            case = self._cases.get(incident["id"])
            if case is None:
                wait = WATCH_S if incident["band"] == "watch" else READ_S
                case = Case(now + self._dice.uniform(*wait))
                self._cases[incident["id"]] = case
            if now >= case.act_at:
                await self._act(incident, case)

    async def _act(self, incident: Row, case: Case) -> None:
        if incident["units"]:
            case.sent = True
            await self._chase(incident, case)
        elif case.sent:
            await self._close(incident, "handled")
        elif incident["band"] == "watch":
            await self._close(incident, "no_response_needed")
        elif (elder := self._elder(incident)) is not None:
            await self._api.command("merge_incidents", incident=incident["id"], into=elder)
        else:
            await self._send(incident, case)
        case.act_at = max(case.act_at, self._clock.now() + self._dice.uniform(*CLOSE_S))

    def _elder(self, incident: Row) -> str | None:
        """An open incident of the same kind that this one tells of again."""
        for other in incident.get("duplicates") or ():
            row = self._board.incidents.get(other)
            if row is None or row["state"] in INCIDENT_ENDED or row["type"] != incident["type"]:
                continue
            if row["opened_at"] < incident["opened_at"]:
                return str(row["id"])
        return None

    async def _send(self, incident: Row, case: Case) -> None:
        answer = await self._api.get(f"/incidents/{incident['id']}/advice")
        if not answer.done:
            case.act_at = self._clock.now() + ASK_AGAIN_S
            return
        advice = answer.body
        named = [row["unit"] for row in advice["ranked"] if row["recommended"]]
        if not named:
            if not advice["requirements"]:
                await self._close(incident, "no_response_needed")
            elif incident["state"] == "new":
                await self._api.command("take_incident", incident=incident["id"])
            case.act_at = self._clock.now() + ASK_AGAIN_S
            return
        sent = await self._api.command(
            "send_units", incident=incident["id"], units=named, note=None, advised=named
        )
        case.sent = sent.done
        case.tried.update(named)

    async def _chase(self, incident: Row, case: Case) -> None:
        """An order that nobody answers is taken back, and somebody else is asked."""
        silent = []
        for held in incident["units"]:
            order = self._board.orders.get(held["order"])
            if order is not None and order["overdue"] in ("receipt", "answer"):
                silent.append(held["unit"])
        if silent:
            await self._api.command(
                "recall_units", incident=incident["id"], units=silent, reason="无应答 / No answer"
            )
            if len(silent) == len(incident["units"]):
                case.sent = False

    async def _close(self, incident: Row, disposition: str) -> None:
        alarm = incident["source"] == "signal" and disposition == "handled"
        if alarm and self._dice.random() < FALSE_ALARMS:
            disposition = "false_alarm"
        if incident["state"] == "new":
            await self._api.command("take_incident", incident=incident["id"])
        await self._api.command(
            "close_incident", incident=incident["id"], disposition=disposition, note=None
        )


def _by_urgency(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["level"], row["opened_at"]))
