"""An intake's commits without its event loop, and the rows that become of them."""

import os
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from tocsin.core.signals import SignalRead
from tocsin.record.arrivals import Sorter
from tocsin.record.database import Connection
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import Heard, pack
from tocsin.record.ids import OrderedIds, milliseconds
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys

READ = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", zone="7")
NOW = datetime.now(UTC)


def message(**fields: object) -> Heard:
    values: dict[str, object] = {
        "received_at": NOW,
        "intake": "dc09.tcp",
        "protocol": "dc09",
        "source": "192.0.2.7",
        "body": b"\n0000 frame \x00 bytes\r",
        "answer": "ack",
        "district": "huangpu",
        "agency": "fire",
        "signals": (READ,),
    }
    return Heard(**(values | fields))  # type: ignore[arg-type]


class Stored(NamedTuple):
    id: UUID
    received_at: datetime
    repeat_of: UUID | None


class Arrivals:
    """Nothing waits at its beginning."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        connection.execute("DELETE FROM heard.arrived")
        connection.execute("DELETE FROM heard.pending")
        connection.commit()
        self.connection = connection
        self.keyring = keyring
        self.sorter = Sorter(keyring, {})
        self._ids = OrderedIds()

    def commit(
        self, *messages: Heard, lane: Lane = Lane.KNOWN, arrival: UUID | None = None
    ) -> UUID:
        """Its id is of the time when the first of them was received."""
        ms = milliseconds(messages[0].received_at)
        arrival = arrival or UUID(bytes=self._ids.next(ms, os.urandom(6)))
        body = pack(DayKeys(self.keyring), arrival, list(messages))
        self.connection.execute(
            "INSERT INTO heard.arrived VALUES (%s, %s, %s, %s, %s)",
            (lane, arrival, len(messages), messages[0].received_at, body),
        )
        self.connection.commit()
        return arrival

    def sort(self, *messages: Heard, sorter: Sorter | None = None) -> list[Stored]:
        """Commits `messages` and sorts in what waits; what was stored, in the order of ids."""
        if messages:
            self.commit(*messages)
        before = {one.id for one in self.stored()}
        (sorter or self.sorter).sort(self.connection)
        return [one for one in self.stored() if one.id not in before]

    def stored(self) -> list[Stored]:
        """Without our own signals about what was set aside."""
        rows = self.connection.execute(
            "SELECT id, received_at, repeat_of FROM heard.message"
            " WHERE protocol <> 'supervision' ORDER BY id"
        ).fetchall()
        self.connection.rollback()
        return [Stored(*row) for row in rows]

    def waiting(self, lane: Lane | None = None) -> int:
        """Messages that are not sorted in yet."""
        row = self.connection.execute(
            "SELECT coalesce(sum(messages), 0) FROM heard.arrived WHERE lane = coalesce(%s, lane)",
            (lane,),
        ).fetchone()
        self.connection.rollback()
        assert row is not None
        return int(row[0])

    def pending(self) -> set[UUID]:
        rows = self.connection.execute("SELECT signal FROM heard.pending").fetchall()
        self.connection.rollback()
        return {signal for (signal,) in rows}
