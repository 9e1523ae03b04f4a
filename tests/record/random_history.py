"""A seeded, random history of a desk: calls, signals, sends, reports, merges, closings, deadlines.
Every command that the rules refuse is part of it too; what they let through must replay."""

import os
import random
from datetime import timedelta
from uuid import UUID
from weakref import WeakKeyDictionary

from record_desk import LI, PLACE, WANG, Desk

from tocsin.core import commands
from tocsin.core.assurance import Assurance
from tocsin.core.commands import Command
from tocsin.core.confirmation import Avs
from tocsin.core.orders import Refusal
from tocsin.core.signals import SignalRead
from tocsin.core.terms import (
    Channel,
    Datum,
    Disposition,
    IncidentType,
    Level,
    Place,
    Refused,
)
from tocsin.core.units import OutOfServiceReason, UnitState
from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard, Rows
from tocsin.record.ids import OrderedIds, milliseconds
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys
from tocsin.record.sequencer import assign
from tocsin.record.sites import import_sites
from tocsin.record.working import react_after, sound_due

CODES = ("FA", "FR", "BA", "BA", "BV", "BR", "OC", "PA", "HA", "AT", "RP", "OP", "QQ")
ASKED = (
    {},
    {"confirm": "two_zones", "confirm_window_s": "600", "abort_s": "600"},
    {"confirm": "verified", "two_trip_s": "300"},
)
AGES_S = (None, None, 0, 900, 7_200)


class History:
    """`steps` moves the desk forward by random steps; the same seed makes the same choices."""

    def __init__(self, connection: Connection, keyring: Keyring, seed: int) -> None:
        self.chance = random.Random(seed)
        self.desk = Desk(connection, keyring)
        self.connection = connection
        self.keyring = keyring
        self.done = self.refused = 0
        self.units = [self.desk.unit(f"{seed}-{number}") for number in range(8)]
        accounts = [f"{seed % 16:X}A{number:02X}" for number in range(6)]
        report = import_sites(
            connection,
            keyring,
            [site_row(one, **ASKED[place % 3]) for place, one in enumerate(accounts)],
            agency="fire",
        )
        assert report.errors == []
        rows = connection.execute(
            "SELECT account, id, site FROM ref.device WHERE account = ANY(%s)", (accounts,)
        ).fetchall()
        self.devices = [*rows, ("9999", None, None), ("8888", None, None)]
        connection.commit()

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.desk.later(self.chance.choice([1, 5, 20, 90, 600]))
            self.desk.actor = self.chance.choice([LI, WANG])
            what = self.chance.random()
            if what < 0.2:
                hear(self.connection, self.keyring, self._signal())
                judge_pending(self.connection, self.keyring, self.desk.now)
            elif what < 0.3:
                sound_due(self.connection, self.keyring, self.desk.now)
                react_after(self.connection, self.keyring, self.desk.now)
            else:
                self._command(what)
            if self.chance.random() < 0.3:
                assign(self.connection, limit=self.chance.choice([1, 3, 1_000]))

    def _command(self, what: float) -> None:
        try:
            self.desk.do(self._any() if what < 0.97 else self._nonsense())
            self.done += 1
        except Refused:
            self.refused += 1

    def _signal(self) -> Heard:
        account, device, site = self.chance.choice(self.devices)
        age_s = self.chance.choice(AGES_S)
        read = SignalRead(
            protocol="dc09",
            token="SIA-DCS",
            account=account,
            code=self.chance.choice(CODES),
            zone=str(self.chance.randrange(20)),
            text=self.chance.choice(["", "Wang, kitchen"]),
            occurred_at=None if age_s is None else self.desk.now - timedelta(seconds=age_s),
        )
        return Heard(
            received_at=self.desk.now,
            intake="dc09.tcp",
            protocol="dc09",
            source="192.0.2.9",
            body=b"frame",
            answer="ack",
            district="huangpu",
            agency="fire",
            device=device,
            site=site,
            signals=(read,),
            assurance=self.chance.choice(list(Assurance)).value,
        )

    def _nonsense(self) -> Command:
        return commands.TakeIncident(self.chance.choice(self.units))

    def _one(self, query: str) -> UUID:
        rows = self.connection.execute(query.encode()).fetchall()
        self.connection.rollback()
        return self.chance.choice([row[0] for row in rows] or [self.units[0]])

    def _incident(self) -> UUID:
        # Mostly one that is open, else the rules refuse nearly everything.
        where = "WHERE open" if self.chance.random() < 0.85 else ""
        return self._one(f"SELECT id FROM view.incident {where} ORDER BY number, id")

    def _order(self) -> UUID:
        return self._one('SELECT id FROM view."order" WHERE active ORDER BY given_at, id')

    def _place(self) -> Place:
        east = self.chance.random() / 50
        return Place(PLACE.lat, PLACE.lon + east, Datum.WGS_84, "某路", "Some Road", "call_taker")

    def _any(self) -> Command:  # noqa: C901 - one case a command
        chance = self.chance
        types, levels = list(IncidentType), list(Level)
        match chance.randrange(20):
            case 0 | 1 | 2:
                place = chance.choice([None, self._place()])
                return commands.OpenIncident(
                    chance.choice(types), chance.choice(levels), "huangpu", "fire", place, note="n"
                )
            case 3:
                return commands.TakeIncident(self._incident())
            case 4:
                return commands.ClassifyIncident(self._incident(), chance.choice(types))
            case 5:
                return commands.PrioritiseIncident(self._incident(), chance.choice(levels))
            case 6:
                return commands.LocateIncident(self._incident(), self._place())
            case 7:
                until = self.desk.now + timedelta(seconds=chance.choice([60, 1_000]))
                return commands.HoldIncident(self._incident(), until, "waits for the key")
            case 8:
                return self._link_or_validate()
            case 9:
                return commands.MergeIncidents(self._incident(), self._incident())
            case 10:
                merged = self._one("SELECT id FROM view.incident WHERE state = 'merged'")
                return commands.SplitIncident(merged)
            case 11 | 12 | 13:
                units = tuple(chance.sample(self.units, chance.choice([1, 1, 2])))
                return commands.SendUnits(
                    self._incident(), units, "go", chance.random() < 0.3, units[:1]
                )
            case 14:
                return commands.ReceiveOrder(self._order(), chance.choice(list(Channel)))
            case 15:
                return chance.choice(
                    [
                        commands.AcceptOrder(self._order()),
                        commands.RefuseOrder(self._order(), Refusal.TOO_FAR),
                    ]
                )
            case 16 | 17:
                state = chance.choice([one for one in UnitState if one != UnitState.ORDERED])
                return commands.ReportStatus(chance.choice(self.units), state)
            case 18:
                return chance.choice(
                    [
                        commands.TakeOutOfService(
                            chance.choice(self.units), OutOfServiceReason.BREAKDOWN
                        ),
                        commands.ReturnToService(chance.choice(self.units)),
                        commands.RecallUnits(self._incident(), (chance.choice(self.units),)),
                    ]
                )
            case _:
                return chance.choice(
                    [
                        commands.CloseIncident(self._incident(), Disposition.HANDLED, "done"),
                        commands.ReopenIncident(
                            self._one("SELECT id FROM view.incident WHERE state = 'closed'"),
                            "again",
                        ),
                        self._move(),
                    ]
                )

    def _link_or_validate(self) -> Command:
        avs = self.chance.choice(list(Avs))
        return self.chance.choice(
            [
                commands.LinkIncidents(self._incident(), self._incident()),
                commands.ValidateIncident(self._incident(), avs, "seen"),
            ]
        )

    def _move(self) -> Command:
        row = self.connection.execute(
            "SELECT id, incident FROM view.signal WHERE incident IS NOT NULL"
            " ORDER BY id DESC LIMIT 1"
        ).fetchone()
        signal, incident = row if row is not None else (self.units[0], self.units[0])
        return commands.MoveSignal(signal, incident, self._incident())


def site_row(account: str, **fields: str) -> dict[str, str]:
    row = {
        "site": f"S-{account}",
        "name_zh": "大楼",
        "name_en": f"Building {account}",
        "address": "1 Mill Road",
        "lat": "31.23",
        "lon": "121.47",
        "datum": "WGS-84",
        "district": "huangpu",
        "protocol": "dc09",
        "account": account,
        "key": "",
        "key_form": "",
        "interval_s": "",
    }
    return row | fields


_ids: WeakKeyDictionary[Keyring, OrderedIds] = WeakKeyDictionary()
"""Of each test: one that says the time of its machine must put no other's ids ahead."""


def hear(
    connection: Connection, keyring: Keyring, *messages: Heard, ids: OrderedIds | None = None
) -> UUID:
    """Messages as they are when they have been sorted in; the id of the last one's first signal."""
    ids = ids or _ids.setdefault(keyring, OrderedIds())
    rows = Rows(DayKeys(keyring))
    for message in messages:
        identifier = UUID(bytes=ids.next(milliseconds(message.received_at), os.urandom(6)))
        rows.add(identifier, message)
    rows.write(connection)
    connection.commit()
    return identifier
