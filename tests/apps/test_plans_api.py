"""An incident's action plans over the API: their words for those who may read what is sealed, each
look written down once an hour, nothing of them in rows, facts or snapshots of anybody else."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import httpx
import pytest

from little_city import build, command
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Role
from tocsin.record.book import SHEETS, import_book
from tocsin.record.database import connect
from tocsin.record.heard_rows import Heard, Rows
from tocsin.record.ids import uuid7
from tocsin.record.judging import judge_pending
from tocsin.record.looked import looks
from tocsin.record.sealing import DayKeys
from tocsin.record.workbooks import Table
from web_site import AGENCY, Site

SECRET = "Call manager Wang, 139 0000 0000"
_accounts = itertools.count(0xA700)


@pytest.fixture(scope="module")
def city(running: Site) -> None:
    build(running, prefix="plans ")


@pytest.fixture
def incident(site: Site, city: None) -> str:
    """Opened by an alarm of a site with an action plan of two steps."""
    account = f"{next(_accounts):X}"
    code = f"plan {account}"
    row = {
        "site": code,
        "name_zh": "某",
        "name_en": "Some",
        "address": "1 Rd",
        "lat": "31.2",
        "lon": "121.4",
        "datum": "WGS-84",
        "district": "north",
        "protocol": "dc09",
        "account": account,
        "key": "",
        "key_form": "",
        "interval_s": "",
    }
    steps = [
        (order, {"site": code, "order": str(order), "text_en": text})
        for order, text in ((1, SECRET), (2, "Meet the crew"))
    ]
    tables = {
        "sites": Table(SHEETS["sites"], [(2, row)]),
        "steps": Table(SHEETS["steps"], [(line + 1, step) for line, step in steps]),
    }
    with connect(site.urls.application) as connection:
        assert import_book(connection, site.keyring, tables, agency=AGENCY).errors == []
        found = connection.execute(
            "SELECT id, site FROM ref.device WHERE account = %s", (account,)
        ).fetchone()
        assert found is not None
        connection.rollback()
        now = datetime.now(UTC)
        rows = Rows(DayKeys(site.keyring))
        heard = Heard(
            received_at=now,
            intake="dc09.tcp",
            protocol="dc09",
            source="192.0.2.7",
            body=b"raw",
            answer="ack",
            district="north",
            agency=AGENCY,
            device=found[0],
            site=found[1],
            signals=(SignalRead("dc09", "SIA-DCS", account, code="FA", zone="7"),),
        )
        rows.add(uuid7(now), heard)
        rows.write(connection)
        connection.commit()
        while judge_pending(connection, site.keyring, datetime.now(UTC)):
            pass
        opened = connection.execute(
            "SELECT id FROM view.incident WHERE site = %s", (found[1],)
        ).fetchone()
    assert opened is not None
    site.number_facts()
    return str(opened[0])


def read(client: httpx.Client, incident: str) -> list[dict[str, object]]:
    answer = client.get(f"/api/v1/incidents/{incident}/plans")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


def test_a_plan_is_read_ticked_and_told_in_the_timeline(site: Site, incident: str) -> None:
    desk = site.client(Role.DISPATCHER)
    (plan,) = read(desk, incident)
    assert plan["steps"] == [
        {"text_zh": SECRET, "text_en": SECRET},
        {"text_zh": "Meet the crew", "text_en": "Meet the crew"},
    ]
    assert (plan["device"], plan["zone"], plan["count"], plan["erased"]) == (None, "", 2, False)
    tick = {"incident": incident, "plan": plan["plan"], "step": 1}
    done = command(desk, "tick_step", **tick)
    assert done.status_code == 200, done.text
    assert SECRET not in done.text
    again = command(desk, "tick_step", **tick)
    assert (again.status_code, again.json()["reason"]) == (422, "already_so")
    missing = command(desk, "tick_step", **{**tick, "step": 3})
    assert missing.json()["detail"] == "The incident's action plan has no step 3."
    site.number_facts()
    facts = desk.get("/api/v1/facts", params={"incident": incident, "kind": "incident.step_ticked"})
    assert [one["data"]["text_en"] for one in facts.json()["items"]] == [SECRET]
    row = desk.get(f"/api/v1/incidents/{incident}").json()
    assert [(one["step"], one["by_name"]) for one in row["ticked"]] == [(1, "test dispatcher")]
    assert command(desk, "untick_step", **tick).status_code == 200


def test_each_look_is_written_down_once_an_hour(site: Site, incident: str) -> None:
    def written() -> list[tuple[str, str]]:
        with connect(site.urls.application) as connection:
            return [
                (one["actor_name"], one["about"])
                for one in looks(connection, AGENCY)
                if one["what"] == "plan" and one["about"] == number
            ]

    desk, inspector = site.client(Role.DISPATCHER), site.client(Role.INSPECTOR)
    number = f"#{desk.get(f'/api/v1/incidents/{incident}').json()['number']}"
    assert written() == []
    for _ in range(3):
        read(desk, incident)
    assert written() == [("test dispatcher", number)]
    read(inspector, incident)
    assert written() == [("test inspector", number), ("test dispatcher", number)]


def test_what_it_says_is_nowhere_else(site: Site, incident: str) -> None:
    service, desk = site.client(Role.SERVICE), site.client(Role.DISPATCHER)
    refused = service.get(f"/api/v1/incidents/{incident}/plans")
    assert refused.status_code == 403
    (plan,) = read(desk, incident)
    assert command(desk, "tick_step", incident=incident, plan=plan["plan"], step=1).is_success
    site.number_facts()
    for path in (f"facts?incident={incident}", f"incidents/{incident}", "snapshot"):
        told = service.get(f"/api/v1/{path}")
        assert told.status_code == 200
        assert incident in told.text
        assert SECRET not in told.text
    start = desk.get("/api/v1/snapshot")
    assert SECRET not in start.text
