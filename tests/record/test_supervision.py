"""Silence on the real tables: told once, within a tenth of the interval; a restart makes nobody
silent; many at once are one card; who is back is told of."""

import itertools
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from random_history import site_row

from tocsin.core.obligations import DEFAULT_OBLIGATIONS
from tocsin.core.supervision import OUTAGE_DEVICES
from tocsin.record import supervision as module
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.sites import import_sites
from tocsin.record.supervision import Watch, forget_spans
from tocsin.record.views.sql import fetch
from tocsin.record.watched import Devices

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
_accounts = itertools.count(0xB000)


class Field:
    """Devices that poll each minute, the edge that hears them, and the watch, at a time of ours."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        for table in ("ref.silence", "ref.outage", "ref.hearing", "ref.seen", "heard.pending"):
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute("UPDATE ref.device SET interval_s = NULL")
        connection.commit()
        self.connection, self.keyring = connection, keyring
        self.now = self.began = START
        self.watch = Watch(keyring)
        self.told_before = self._signals()

    def devices(self, count: int, *, sites: int = 1, interval_s: int = 60) -> list[UUID]:
        rows = []
        for number in range(count):
            account = f"{next(_accounts):X}"
            row = site_row(account) | {"interval_s": str(interval_s)}
            site = f"S{id(self)}-{number % sites}"
            rows.append(row | {"site": site, "name_en": site, "name_zh": site})
        report = import_sites(self.connection, self.keyring, rows, agency="fire")
        assert report.errors == []
        accounts = [row["account"] for row in rows]
        self.connection.execute("UPDATE ref.device SET supervised_since = %s", (START,))
        found = self.connection.execute(
            "SELECT id FROM ref.device WHERE account = ANY(%s)", (accounts,)
        ).fetchall()
        self.connection.commit()
        self.watch = Watch(self.keyring)
        self.watch._watching_on = self.connection  # the same lock
        return [one for (one,) in found]

    def hear(self, *devices: UUID) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ref.seen VALUES (%s, %s, 1) ON CONFLICT (device)"
                " DO UPDATE SET last_seen_at = excluded.last_seen_at",
                [(one, self.now) for one in devices],
            )
        self.connection.commit()

    def passes(self, seconds: float, *, listening: bool = True) -> int:
        """Time goes by; returns how many were told of at its end."""
        self.now += timedelta(seconds=seconds)
        if listening:
            self.connection.execute(
                "INSERT INTO ref.hearing VALUES ('dc09', %s, %s)"
                " ON CONFLICT (intake, began_at) DO UPDATE SET until_at = excluded.until_at",
                (self.began, self.now),
            )
            self.connection.commit()
        else:
            self.began = self.now
        self.watch._ask_returned_at = 0.0
        return self.watch.turn(self.connection, self.now)

    def _signals(self) -> int:
        row = self.connection.execute("SELECT count(*) FROM heard.pending").fetchone()
        self.connection.commit()
        assert row is not None
        return int(row[0])

    def told(self) -> list[tuple[str, str, str]]:
        """Token, account and code of each signal that waits to be judged, in their order."""
        rows = fetch(
            self.connection,
            "SELECT convert_from(s.read, 'UTF8')::jsonb AS read FROM heard.pending p"
            " JOIN heard.signal s ON s.id = p.signal ORDER BY p.signal",
            [],
        )
        self.connection.commit()
        return [(r["read"]["token"], r["read"]["account"], r["read"]["code"]) for r in rows]


@pytest.fixture
def field(connection: Connection, keyring: Keyring) -> Field:
    return Field(connection, keyring)


def test_silence_is_told_once_and_its_end_too(field: Field) -> None:
    (device,) = field.devices(1)
    field.hear(device)
    assert field.passes(62) == 0
    assert field.passes(2) == 1
    assert [(token, code) for token, _, code in field.told()] == [("SILENCE", "YC")]
    for _ in range(5):
        assert field.passes(60) == 0
    field.hear(device)
    assert field.passes(1) == 1
    assert [code for _, _, code in field.told()] == ["YC", "YK"]
    assert field.passes(61) == 0
    assert field.passes(3) == 1  # it is watched again


@pytest.mark.parametrize(("interval_s", "level"), [(60, 2), (600, 3), (86_400, 4)])
def test_its_card_is_as_grave_as_the_interval(field: Field, interval_s: int, level: int) -> None:
    (device,) = field.devices(1, interval_s=interval_s)
    field.hear(device)
    assert field.passes(interval_s * 1.05) == 1
    while judge_pending(field.connection, field.keyring, field.now):
        pass
    (card,) = fetch(
        field.connection,
        "SELECT row->>'level' AS level, row->>'band' AS band, row->>'due_at' AS due_at"
        " FROM (SELECT convert_from(row, 'UTF8')::jsonb AS row, site FROM view.incident) i"
        " JOIN ref.device d ON d.site = i.site WHERE d.id = %s",
        [device],
    )
    field.connection.rollback()
    within = timedelta(seconds=DEFAULT_OBLIGATIONS.take_s[level - 1])
    assert (card["level"], card["band"]) == (str(level), "watch")
    assert datetime.fromisoformat(card["due_at"]) == field.now + within


def test_a_device_that_never_reported_counts_from_its_registration(field: Field) -> None:
    field.devices(1)
    assert field.passes(62) == 0
    assert field.passes(2) == 1


def test_one_that_reports_is_never_told_of(field: Field) -> None:
    (device,) = field.devices(1)
    for _ in range(60):
        field.hear(device)
        assert field.passes(60) == 0
    assert field.told() == []


def test_a_restart_raises_no_false_silence_and_hides_no_true_one(field: Field) -> None:
    present, gone = field.devices(2)
    field.hear(present, gone)
    assert field.passes(40) == 0
    assert field.passes(600, listening=False) == 0  # nobody could be heard
    field.watch = Watch(field.keyring)
    field.watch._watching_on = field.connection
    assert field.passes(15) == 0
    field.hear(present)
    assert field.passes(9) == 1  # 64 s of hearing in all, over the restart
    assert len(field.told()) == 1
    row = field.connection.execute("SELECT device FROM ref.silence").fetchall()
    assert row == [(gone,)]
    # What is told already is not told again by a new watch.
    field.watch = Watch(field.keyring)
    field.watch._watching_on = field.connection
    assert field.passes(30) == 0


def test_many_at_once_are_one_outage(field: Field) -> None:
    devices = field.devices(500, sites=50)
    field.hear(*devices)
    assert field.passes(64) >= 500
    assert field.told() == [("OUTAGE", "dc09", "YC")]
    (outage,) = fetch(field.connection, "SELECT * FROM ref.outage", [])
    assert (outage["told"], outage["ended_at"]) == (500, None)
    # All but three are back, and stay: it is over, and those three are told of singly.
    for _ in range(3):
        field.now += timedelta(seconds=1)
        field.hear(*devices[3:])
        field.passes(50)
    told = field.told()[1:]
    assert told[0] == ("OUTAGE", "dc09", "YK")
    assert [token for token, _, _ in told[1:]] == ["SILENCE"] * 3
    (outage,) = fetch(field.connection, "SELECT * FROM ref.outage", [])
    assert (outage["told"], outage["ended_at"]) == (3, field.now)
    field.hear(*devices[:3])
    field.passes(1)
    assert [code for _, _, code in field.told()[5:]] == ["YK"] * 3
    assert field.connection.execute("SELECT count(*) FROM ref.silence").fetchone() == (0,)


def test_devices_with_beats_of_their_own_are_one_outage_too(field: Field) -> None:
    """One poll a second, as in the field: the first few are told of singly, then it is one card,
    which does not come and go."""
    devices = field.devices(60, sites=30)
    for device in devices:
        field.hear(device)
        field.passes(1)
    for _ in range(70):
        field.passes(1)
    told = field.told()
    assert [token for token, _, _ in told].count("SILENCE") == OUTAGE_DEVICES - 1
    outages = [code for token, _, code in told if token == "OUTAGE"]
    assert set(outages) == {"YC"}
    assert len(outages) <= 3
    # All come back: each that was told of singly is told of again, and the outage ends once.
    for _ in range(4):
        field.hear(*devices)
        field.passes(40)
    told = field.told()
    assert [code for token, _, code in told if token == "SILENCE"].count("YK") == OUTAGE_DEVICES - 1
    assert [code for token, _, code in told if token == "OUTAGE"].count("YK") == 1
    assert field.connection.execute("SELECT count(*) FROM ref.silence").fetchone() == (0,)


def test_an_outage_that_stands_hides_no_later_silence(field: Field) -> None:
    devices = field.devices(100, sites=50)
    field.hear(*devices)
    field.passes(64)
    for _ in range(10):  # thirty never come back
        field.hear(*devices[30:])
        field.passes(60)
    before = len(field.told())
    for _ in range(2):
        field.hear(*devices[31:])
        field.passes(60)
    assert [token for token, _, _ in field.told()[before:]] == ["SILENCE"]
    # And a further wave is told of with the card that stands.
    field.passes(70)
    field.passes(70)
    assert ("OUTAGE", "dc09", "YC") in field.told()[before + 1 :]


def test_an_outage_that_grows_says_so_once_a_minute(field: Field) -> None:
    devices = field.devices(60, sites=30)
    field.hear(*devices[:30])
    field.passes(20)
    field.hear(*devices[30:])
    field.passes(44)
    assert len(field.told()) == 1
    field.passes(20)  # the other thirty
    assert len(field.told()) == 1
    field.passes(41)
    assert [token for token, _, _ in field.told()] == ["OUTAGE", "OUTAGE"]
    assert field.passes(120) == 0


def test_spans_that_are_forgotten_hide_nobody(field: Field) -> None:
    """Seconds are counted from another beginning then: who is watching begins anew."""
    (device,) = field.devices(1)
    field.began = field.now
    field.passes(30 * 86_400)
    field.passes(60, listening=False)  # a restart
    field.hear(device)
    field.passes(10)
    field.connection.execute(
        "DELETE FROM ref.hearing WHERE until_at < %s", (field.now - timedelta(seconds=60),)
    )
    field.connection.commit()
    assert field.passes(40) == 0
    assert field.passes(20) == 1


def test_a_lost_connection_forgets_nobody(field: Field, urls: Urls) -> None:
    """What was committed when the connection was lost is not known: all is read anew."""
    (device,) = field.devices(1)
    field.hear(device)
    field.passes(30)
    for known in field.watch._due.values():
        known.due_at[:] = float("inf")
    assert field.passes(40) == 0
    with connect(urls.application, name="again") as other:
        field.watch._watching_on = other
        assert field.passes(1) == 1


def test_few_or_of_one_site_are_each_told_of(field: Field) -> None:
    field.hear(*field.devices(19, sites=19))
    field.passes(64)
    assert {token for token, _, _ in field.told()} == {"SILENCE"}
    other = Field(field.connection, field.keyring)
    other.hear(*other.devices(40, sites=1))
    other.passes(64)
    assert {token for token, _, _ in other.told()} == {"SILENCE"}


def test_two_watches_tell_it_once(field: Field, urls: Urls) -> None:
    (device,) = field.devices(1)
    field.watch = Watch(field.keyring)
    field.hear(device)
    assert field.passes(64) == 1
    with connect(urls.application, name="another") as other:
        assert Watch(field.keyring).turn(other, field.now) == 0
    assert len(field.told()) == 1
    with pytest.raises(psycopg.errors.UniqueViolation):
        field.connection.execute(
            "INSERT INTO ref.silence VALUES (%s, %s, %s)", (device, field.now, field.now)
        )
    field.connection.rollback()


def test_no_interval_no_silence(field: Field) -> None:
    (device,) = field.devices(1)
    field.hear(device)
    assert field.passes(64) == 1
    field.connection.execute("UPDATE ref.device SET interval_s = NULL")
    field.connection.commit()
    assert field.passes(1) == 1  # it is no longer expected
    assert field.passes(600) == 0


def test_old_spans_are_forgotten(field: Field) -> None:
    field.devices(1)
    field.passes(10)
    assert forget_spans(field.connection, field.now + timedelta(days=39)) == 0
    assert forget_spans(field.connection, field.now + timedelta(days=41)) == 1


def test_ids_in_memory_keep_their_order_and_their_zero_bytes() -> None:
    ids = [UUID(bytes=os.urandom(14) + tail) for tail in (b"\0\0", b"a\0", b"\0b", b"cd")]
    devices = Devices()
    for one in ids:
        devices.put([one], [5.0])
    devices.put(ids[:2], [1.0, 2.0])
    assert devices.named(devices.due(1.5)) == [ids[0]]
    assert devices.named(devices.due(3.0)) == ids[:2]
    assert set(devices.named(devices.due(5.0))) == set(ids)
    devices.put(ids[1:2], [float("inf")])
    assert len(devices) == 3


def test_all_that_are_due_are_looked_at_in_one_turn(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an import of a million: whoever is silent among them is told of in time."""
    monkeypatch.setattr(module, "LOOKED_AT_MAX", 3)
    devices = field.devices(10, sites=10)
    field.hear(*devices)
    field.passes(50)
    field.hear(*devices[:7])
    assert field.passes(14) == 3  # the others were due in it too
    assert field.passes(14) == 0
    assert field.passes(38) == 7


def test_who_is_heard_as_its_silence_is_told_of_is_not_silent(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, heard = field.devices(2, sites=2)
    field.hear(silent, heard)

    def fetched(connection: Connection, sql: str, parameters: Any) -> list[dict[str, Any]]:
        if sql == module._SUPERVISED:
            field.hear(heard)
        return fetch(connection, sql, parameters)

    monkeypatch.setattr(module, "fetch", fetched)
    assert field.passes(67) == 1
    monkeypatch.undo()
    assert field.passes(60) == 0
    assert field.passes(7) == 1
