"""What was acknowledged and kept, and cannot be sorted in: told of by a signal of our own, so that
a desk sees it. It is tried again all the same, and judged when it can be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from tocsin.core.signals import SignalRead
from tocsin.core.supervision import PROTOCOL, UNREAD
from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard, Rows, unpack
from tocsin.record.ids import OrderedIds, milliseconds, time_of
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring
from tocsin.record.sealing import DayKeys

ACCOUNT_CHARS_MAX: Final = 64


class Aside(NamedTuple):
    """One row of an intake's commit that was set aside."""

    id: UUID
    messages: int
    oldest_at: datetime
    body: bytes


class Teller:
    """Makes the signals. `district` and `agency` are told of what nobody can open: it is not known
    whose it is."""

    def __init__(self, keyring: Keyring, *, district: str, agency: str) -> None:
        self._theirs = DayKeys(keyring, create=False)
        self._ours = DayKeys(keyring)
        self._ids = OrderedIds()
        self._district = district
        self._agency = agency

    def rows(self, connection: Connection, asides: Sequence[Aside], now: datetime) -> Rows:
        """One signal for each message that opens, for its device's site; of those that do not, one
        for each day (UTC) on which they were kept. Leaves the transaction open."""
        rows = Rows(self._ours)
        closed: dict[str, list[Aside]] = {}
        for one in asides:
            try:
                (message,) = unpack(self._theirs, one.id, one.body)
            except (KeyMissing, CannotOpen, OSError, ValueError):
                closed.setdefault(f"{time_of(one.id):%Y-%m-%d}", []).append(one)
            else:
                rows.add(self._id(now), _of_message(connection, one, message, now))
        for day, those in closed.items():
            rows.add(self._id(now), self._of_closed(day, those, now))
        return rows

    def _of_closed(self, day: str, those: Iterable[Aside], now: datetime) -> Heard:
        messages = sum(one.messages for one in those)
        times = [one.oldest_at for one in those]
        first, last = _time(min(times)), _time(max(times))
        span = first if first == last else f"{first} – {last}"
        text = f"{messages} 条报文，收到时间 {span} / messages: {messages}, received {span}"
        said = {"arrivals": [one.id for one in those], "messages": messages}
        read = _read(day, min(times), text)
        return _heard(read, said, now, district=self._district, agency=self._agency)

    def _id(self, now: datetime) -> UUID:
        return UUID(bytes=self._ids.next(milliseconds(now), os.urandom(6)))


def _of_message(connection: Connection, one: Aside, message: Heard, now: datetime) -> Heard:
    """Nothing that it says itself but its account goes into the signal: whatever kept it from being
    sorted in must not keep this one too."""
    row = connection.execute(_ACCOUNT, (message.device,)).fetchone() if message.device else None
    if row is not None:
        account = row[0]
    elif message.signals:
        account = message.signals[0].account
    else:
        account = message.source
    account = account.replace("\0", "")[:ACCOUNT_CHARS_MAX]
    at = _time(message.received_at)
    source = message.source.replace("\0", "")[:ACCOUNT_CHARS_MAX]
    text = f"收到时间 {at}，来自 {source} / received {at} from {source}"
    said = {"arrivals": [one.id], "intake": message.intake, "protocol": message.protocol}
    return _heard(
        _read(account, message.received_at, text),
        said,
        now,
        district=message.district,
        agency=message.agency,
        device=message.device,
        site=message.site,
    )


def _read(account: str, received_at: datetime, text: str) -> SignalRead:
    return SignalRead(
        protocol=PROTOCOL, token=UNREAD, account=account, text=text, occurred_at=received_at
    )


def _heard(read: SignalRead, said: dict[str, Any], now: datetime, **whose: Any) -> Heard:
    return Heard(
        received_at=now,
        intake=PROTOCOL,
        protocol=PROTOCOL,
        source="",
        body=msgspec.json.encode(said),
        answer="none",
        signals=(read,),
        assurance="authenticated",
        **whose,
    )


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


_ACCOUNT: Final = "SELECT account FROM ref.device WHERE id = %s"
