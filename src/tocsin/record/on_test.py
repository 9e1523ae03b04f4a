"""What the register says about the site of a test, for the command that begins or ends it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tocsin.core.commands import Command, TimeIsUp
from tocsin.core.on_test import OnTest
from tocsin.core.putting_on_test import EndOnTest, PutOnTest
from tocsin.core.states import State
from tocsin.core.terms import SubjectKind, Watched, WatchedZone
from tocsin.record.database import Connection


def watched_by(
    connection: Connection, states: Mapping[UUID, State], command: Command
) -> Watched | None:
    """The site's devices and zones; None for a command that is of no test, or an unknown site."""
    match command:
        case PutOnTest():
            return watched_at(connection, command.site)
        case EndOnTest():
            test = states.get(command.on_test)
        case TimeIsUp(subject_kind=SubjectKind.ON_TEST):
            test = states.get(command.subject)
        case _:
            return None
    return watched_at(connection, test.site) if isinstance(test, OnTest) else None


def watched_at(connection: Connection, site: UUID) -> Watched | None:
    """The same for one site."""
    found = connection.execute(
        "SELECT district, agency FROM ref.site WHERE id = %s", (site,)
    ).fetchone()
    if found is None:
        return None
    devices = connection.execute(
        "SELECT id, account FROM ref.device WHERE site = %s ORDER BY account, id", (site,)
    ).fetchall()
    zones = connection.execute(
        "SELECT z.device, z.number FROM ref.zone z JOIN ref.device d ON d.id = z.device"
        " WHERE d.site = %s ORDER BY d.account, length(z.number), z.number",
        (site,),
    ).fetchall()
    return Watched(
        district=found[0],
        agency=found[1],
        devices=tuple((device, account) for device, account in devices),
        zones=tuple(WatchedZone(device, number) for device, number in zones),
    )
