"""Action plans in the record: an alarm brings the plan of its zone or site as the register has it
then, sealed; what an incident kept stays, whatever is imported later; a tick holds its words."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from random_history import hear, site_row
from record_desk import Desk

from tocsin.core.incidents.steps import TickStep, UntickStep
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Reason, Refused
from tocsin.record import judging
from tocsin.record.book import SHEETS, import_book
from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.plans import kept_plans, named
from tocsin.record.sequencer import assign
from tocsin.record.views import list_rows
from tocsin.record.views.rows import Row
from tocsin.record.workbooks import Table

_accounts = itertools.count(0xB000)
SITE_PLAN = ["致电值班经理王某 139 0000 0000", "通知物业"]
KITCHEN = ["切断燃气", "开启排烟"]


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    for table in ("heard.arrived", "heard.pending", "log.due"):
        connection.execute(f"DELETE FROM {table}".encode())
    connection.commit()
    return Desk(connection, keyring)


class Place:
    """A site with zones 7 and 8; it has a plan, and so has zone 7."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.account = f"{next(_accounts):X}"
        self.plan({"": SITE_PLAN, "007": KITCHEN}, sites=True)
        row = desk.connection.execute(
            "SELECT id, site FROM ref.device WHERE account = %s", (self.account,)
        ).fetchone()
        assert row is not None
        self.device, self.site = row
        desk.connection.rollback()

    def plan(self, plans: dict[str, list[str]], *, sites: bool = False) -> None:
        device = {"site": f"S-{self.account}", "protocol": "dc09", "account": self.account}
        steps = [
            {**device, "zone": zone, "order": str(order), "text_zh": text, "text_en": ""}
            for zone, texts in plans.items()
            for order, text in enumerate(texts, 1)
        ]
        zones = [{**device, "zone": number, "kind": "smoke"} for number in "78"]
        tables = {"steps": Table(SHEETS["steps"], list(enumerate(steps, 2)))}
        if sites:
            tables["sites"] = Table(SHEETS["sites"], [(2, dict(site_row(self.account)))])
            tables["zones"] = Table(SHEETS["zones"], list(enumerate(zones, 2)))
        report = import_book(self.desk.connection, self.desk.keyring, tables, agency="fire")
        assert report.errors == []

    def alarm(self, zone: str) -> None:
        hear(
            self.desk.connection,
            self.desk.keyring,
            Heard(
                received_at=self.desk.now,
                intake="dc09.tcp",
                protocol="dc09",
                source="192.0.2.9",
                body=b"frame",
                answer="ack",
                district="huangpu",
                agency="fire",
                device=self.device,
                site=self.site,
                signals=(SignalRead("dc09", "SIA-DCS", self.account, code="FA", zone=zone),),
            ),
        )

    def incident(self) -> Row:
        while judge_pending(self.desk.connection, self.desk.keyring, self.desk.now):
            pass
        (row,) = list_rows(self.desk.connection, "incidents", filters={"site": self.site})["items"]
        self.desk.connection.rollback()
        return row


def words(desk: Desk, incident: str) -> list[list[str]]:
    plans = kept_plans(desk.connection, desk.keyring, UUID(incident))
    desk.connection.rollback()
    return [[one["text_zh"] for one in plan["steps"]] for plan in plans]


@pytest.mark.parametrize("together", [True, False])
def test_alarms_bring_the_plan_of_their_zone_else_of_the_site(
    desk: Desk, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not together:
        monkeypatch.setattr(judging, "judge_together", lambda *words, **_: (list(words[2]), []))
    place = Place(desk)
    for zone in ("07", "7", "8"):
        place.alarm(zone)
    row = place.incident()
    assert words(desk, row["id"]) == [KITCHEN, SITE_PLAN]
    assert [(one["zone"], one["count"]) for one in row["plans"]] == [("7", 2), ("", 2)]
    found = named(desk.connection, kept_plans(desk.connection, desk.keyring, UUID(row["id"])))
    assert [(one["account"], one["zone"]) for one in found] == [(place.account, "7"), ("", "")]


def test_what_was_kept_stays_and_is_nowhere_in_the_clear(desk: Desk) -> None:
    place = Place(desk)
    place.alarm("8")
    row = place.incident()
    place.plan({"": ["全部改写"]})
    assert words(desk, row["id"]) == [SITE_PLAN]
    tick = TickStep(UUID(row["id"]), row["plans"][0]["plan"], 1)
    desk.do(tick)
    while assign(desk.connection):
        pass
    facts = list_rows(
        desk.connection, "facts", filters={"subject": row["id"]}, keyring=desk.keyring
    )
    desk.connection.rollback()
    kinds = {one["kind"]: one["data"] for one in facts["items"]}
    assert kinds["incident.step_ticked"]["text_zh"] == SITE_PLAN[0]
    assert place.incident()["ticked"][0]["step"] == 1
    with pytest.raises(Refused) as refused:
        desk.do(tick)
    assert refused.value.reason is Reason.ALREADY_SO
    desk.do(UntickStep(tick.incident, tick.plan, 1))
    assert place.incident()["ticked"] == []
    stored = desk.connection.execute(
        "SELECT body FROM log.fact WHERE subject = %(id)s UNION ALL"
        " SELECT state FROM log.head WHERE subject = %(id)s UNION ALL"
        " SELECT row FROM view.incident WHERE id = %(id)s",
        {"id": row["id"]},
    ).fetchall()
    desk.connection.rollback()
    assert len(stored) >= 7
    assert not [one for (one,) in stored if "王某" in bytes(one).decode()]


def test_a_destroyed_key_takes_the_words_and_leaves_the_plan(desk: Desk) -> None:
    place = Place(desk)
    place.alarm("7")
    row = place.incident()
    assert desk.keyring.destroy(UUID(row["id"]))
    (plan,) = kept_plans(desk.connection, desk.keyring, UUID(row["id"]))
    assert (plan["steps"], plan["erased"], plan["count"]) == ([], True, 2)
