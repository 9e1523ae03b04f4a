"""A small desk for the tests of the record: an actor, units, incidents, a clock that stands still
until it is told to move."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from tocsin.core.commands import Command, OpenIncident, RegisterUnit, SendUnits
from tocsin.core.terms import Actor, Capability, Datum, IncidentType, Level, Place, Role
from tocsin.record.database import Connection, connect
from tocsin.record.follow import Batch, follow
from tocsin.record.handle import Outcome, handle
from tocsin.record.keys import Keyring

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LI = Actor("user:li", "Li Wei", Role.DISPATCHER, "fire")
WANG = Actor("user:wang", "Wang Fang", Role.DISPATCHER, "fire")
PLACE = Place(31.2304, 121.4737, Datum.WGS_84, "南京东路 1 号", "1 Nanjing Road East")
STATION = UUID("00000000-0000-7000-8000-00000000000a")

_numbers = itertools.count(1)


class Desk:
    """Sends commands for one actor; every command has a fresh key unless it is given."""

    def __init__(self, connection: Connection, keyring: Keyring, actor: Actor = LI) -> None:
        self.connection = connection
        self.keyring = keyring
        self.actor = actor
        self.now = NOW

    def later(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def do(self, command: Command, key: str | None = None) -> Outcome:
        return handle(
            self.connection,
            self.keyring,
            command,
            actor=self.actor,
            key=key or str(uuid4()),
            now=self.now,
        )

    def open(self, place: Place | None = PLACE, key: str | None = None, **fields: object) -> UUID:
        values: dict[str, object] = {
            "incident_type": IncidentType.FIRE,
            "level": Level.P1,
            "district": "huangpu",
            "agency": "fire",
            "place": place,
        }
        outcome = self.do(OpenIncident(**(values | fields)), key)  # type: ignore[arg-type]
        return outcome.facts[0].subject

    def unit(self, call_sign: str | None = None) -> UUID:
        unit = uuid4()
        self.do(
            RegisterUnit(
                unit=unit,
                call_sign=call_sign or f"E{next(_numbers)}",
                kind="engine",
                capabilities=(Capability.PUMP,),
                station=STATION,
                station_place=PLACE,
                district="huangpu",
                agency="fire",
            )
        )
        return unit

    def send(self, incident: UUID, *units: UUID, **fields: object) -> UUID:
        """Sends the units; the id of the first order."""
        outcome = self.do(SendUnits(incident, units, **fields))  # type: ignore[arg-type]
        return next(fact.subject for fact in outcome.facts if fact.kind == "order.given")


def batches_after(url: str, after: int, limit: int) -> list[Batch]:
    """What `follow` yields of what is placed now, after the position `after`."""

    async def run() -> list[Batch]:
        with connect(url) as connection:
            row = connection.execute("SELECT max(position) FROM log.position").fetchone()
        found: list[Batch] = []
        if row is None or row[0] is None or row[0] <= after:
            return found
        async for batch in follow(url, after, batch_max=limit):
            found.append(batch)
            if batch.position >= row[0]:
                break
        return found

    return asyncio.run(run())
