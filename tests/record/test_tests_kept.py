"""On test in the record: signals are judged under it, singly and together; the clock ends it with
its summary; the log alone rebuilds it."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from random_history import hear, site_row
from record_desk import NOW, Desk

from tocsin.core.putting_on_test import EndOnTest, ExtendOnTest, PutOnTest
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Reason, Refused
from tocsin.record import judging
from tocsin.record.book import SHEETS, import_book
from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.sequencer import assign
from tocsin.record.views import get_row, list_rows, rebuild
from tocsin.record.views.rows import Row
from tocsin.record.workbooks import Table
from tocsin.record.working import sound_due

HOUR = timedelta(hours=1)
_accounts = itertools.count(0xD000)


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    for table in ("heard.arrived", "heard.pending", "log.due"):
        connection.execute(f"DELETE FROM {table}".encode())
    connection.commit()
    return Desk(connection, keyring)


class Place:
    """A site with one device and its zones 7 and 8."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.account = f"{next(_accounts):X}"
        zone = {"site": f"S-{self.account}", "protocol": "dc09", "account": self.account}
        zones = [
            (line, {**zone, "zone": number, "kind": "smoke"}) for line, number in enumerate("78", 2)
        ]
        tables = {
            "sites": Table(SHEETS["sites"], [(2, dict(site_row(self.account)))]),
            "zones": Table(SHEETS["zones"], list(zones)),
        }
        assert import_book(desk.connection, desk.keyring, tables, agency="fire").errors == []
        row = desk.connection.execute(
            "SELECT id, site FROM ref.device WHERE account = %s", (self.account,)
        ).fetchone()
        assert row is not None
        self.device, self.site = row
        desk.connection.rollback()

    def put(self, zone: str = "", until: timedelta = HOUR) -> UUID:
        device = self.device if zone else None
        command = PutOnTest(self.site, "Walk test", self.desk.now + until, device, zone)
        return self.desk.do(command).facts[0].subject

    def heard(self, zone: str = "7", at: datetime | None = None) -> UUID:
        read = SignalRead("dc09", "SIA-DCS", self.account, code="FA", zone=zone)
        return hear(
            self.desk.connection,
            self.desk.keyring,
            Heard(
                received_at=at or self.desk.now,
                intake="dc09.tcp",
                protocol="dc09",
                source="192.0.2.9",
                body=b"frame",
                answer="ack",
                district="huangpu",
                agency="fire",
                device=self.device,
                site=self.site,
                signals=(read,),
            ),
        )

    def judge(self) -> None:
        while judge_pending(self.desk.connection, self.desk.keyring, self.desk.now):
            pass


def row_of(desk: Desk, kind: str, one: UUID) -> Row:
    row = get_row(desk.connection, kind, one)
    desk.connection.rollback()
    assert row is not None
    return row


@pytest.mark.parametrize("together", [True, False])
def test_signals_are_judged_under_it(
    desk: Desk, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not together:
        monkeypatch.setattr(judging, "judge_together", lambda *words, **_: (list(words[2]), []))
    place = Place(desk)
    test = place.put("7")
    desk.later(1)
    on, off = [place.heard("7") for _ in range(3)], place.heard("8")
    place.judge()
    for one in on:
        row = row_of(desk, "signals", one)
        assert (row["verdict"], row["reason"]) == ("recorded", "on_test")
        assert (row["on_test"], row["would_have"]) == (str(test), "opened")
    assert row_of(desk, "signals", off)["verdict"] == "opened"
    row = row_of(desk, "on_tests", test)
    assert (row["signals"], row["zones_heard"], row["site_code"]) == (3, 1, f"S-{place.account}")


def test_the_clock_ends_it_with_its_summary_and_signals_alarm_again(desk: Desk) -> None:
    place = Place(desk)
    test = place.put()
    desk.later(10)
    place.heard("7")
    place.judge()
    desk.later(3_600)
    assert sound_due(desk.connection, desk.keyring, desk.now) == 1
    row = row_of(desk, "on_tests", test)
    assert (row["ending"], row["tested"], row["not_tested"]) == (
        "time_up",
        [f"{place.account}/7"],
        [f"{place.account}/8"],
    )
    after = place.heard("7")
    place.judge()
    assert row_of(desk, "signals", after)["verdict"] == "opened"
    assert sound_due(desk.connection, desk.keyring, desk.now + HOUR) <= 1  # not this one again
    assert row_of(desk, "on_tests", test)["version"] == row["version"]


def test_what_came_before_it_alarms_though_it_is_judged_later(desk: Desk) -> None:
    place = Place(desk)
    before = place.heard("7")
    desk.later(5)
    place.put()
    place.judge()
    assert row_of(desk, "signals", before)["verdict"] == "opened"


def test_it_is_extended_ended_and_listed(desk: Desk) -> None:
    place = Place(desk)
    test = place.put()
    desk.later(1_800)
    desk.do(ExtendOnTest(test, desk.now + HOUR))
    assert sound_due(desk.connection, desk.keyring, NOW + HOUR) == 0
    mine = {"site": place.site, "open": True}
    assert [one["id"] for one in list_rows(desk.connection, "on_tests", filters=mine)["items"]] == [
        str(test)
    ]
    ended = desk.do(EndOnTest(test))
    assert ended.facts[0].data["ending"] == "by_hand"
    assert list_rows(desk.connection, "on_tests", filters=mine)["items"] == []
    with pytest.raises(Refused) as refused:
        desk.do(EndOnTest(test))
    assert refused.value.reason is Reason.TEST_ENDED


def test_an_unknown_site_cannot_be_put_on_test(desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        desk.do(PutOnTest(UUID(int=5), "Walk test", desk.now + HOUR))
    assert refused.value.reason is Reason.NOT_FOUND


def test_the_log_alone_rebuilds_it(desk: Desk, owner: Connection) -> None:
    place = Place(desk)
    running, ended = place.put("8"), place.put()
    desk.later(1)
    place.heard("7")
    place.judge()
    desk.do(EndOnTest(ended))
    while assign(desk.connection):
        pass
    before = [row_of(desk, "on_tests", one) for one in (running, ended)]
    due = desk.connection.execute("SELECT * FROM log.due ORDER BY subject").fetchall()
    desk.connection.rollback()
    owner.execute("DELETE FROM view.on_test")
    owner.commit()
    rebuild(owner)
    assert [row_of(desk, "on_tests", one) for one in (running, ended)] == before
    mine = [one for one in due if one[0] in (running, ended)]
    again = desk.connection.execute(
        "SELECT * FROM log.due WHERE subject = ANY(%s) ORDER BY subject", ([running, ended],)
    ).fetchall()
    assert again == mine
    assert [one[0] for one in again] == [running]
