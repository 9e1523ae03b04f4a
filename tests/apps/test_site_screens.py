"""Put on test, watched, made longer, ended on the screens; and through the API, where contacts show
only to those who may see them now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hearing import hear
from test_readiness import HEADER, line, upload

from little_city import City, build, command
from signing_in import form_token, signed_in
from tocsin.core.terms import Role
from tocsin.record.book import SHEETS
from tocsin.record.database import connect
from tocsin.record.ids import uuid7
from tocsin.record.retention import forget_heard, prepare_partitions
from tocsin.record.workbooks import read_xlsx, write_xlsx
from web_site import AGENCY, Site

NAME, PHONE = "Chen Guard", "+86 139 1111 2222"


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="tests ")


@pytest.fixture
def administrator(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.ADMINISTRATOR)


def workbook(code: str, account: str) -> bytes:
    fields = dict(zip(HEADER.split(","), line(code, account).split(","), strict=True))
    device = {"site": code, "protocol": "dc09", "account": account}
    rows: dict[str, list[dict[str, str]]] = {
        "sites": [fields],
        "partitions": [{**device, "partition": "1", "name_en": "Ground", "name_zh": "一层"}],
        "zones": [
            {**device, "zone": "7", "partition": "1", "kind": "smoke", "name_en": "Hall"},
            {**device, "zone": "8", "kind": "holdup", "name_en": "Till"},
        ],
        "contacts": [{"site": code, "order": "1", "name": NAME, "phone": PHONE}],
        "steps": [{"site": code, "order": "1", "text_en": "Call the guard"}],
    }
    return write_xlsx({name: (SHEETS[name], some) for name, some in rows.items()})


def known(administrator: httpx.Client, code: str, account: str) -> dict[str, Any]:
    """A site with everything, as the API tells it."""
    page = administrator.get("/readiness/sites/import/")
    answer = administrator.post(
        "/readiness/sites/import/",
        data={"csrfmiddlewaretoken": form_token(page.text), "import": "1"},
        files={"file": ("sites.xlsx", workbook(code, account))},
    )
    assert answer.status_code == 302, answer.text
    found = administrator.get(f"/api/v1/sites?code={code}").json()["items"][0]
    whole: dict[str, Any] = administrator.get(f"/api/v1/sites/{found['id']}").json()
    return whole


def post(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    page = browser.get(path)
    return browser.post(path, data={"csrfmiddlewaretoken": form_token(page.text), **fields})


def test_a_workbook_is_taken_shown_and_given_out_again(administrator: httpx.Client) -> None:
    site = known(administrator, "T-1", "E001")
    page = administrator.get(f"/readiness/sites/{site['id']}/").text
    for text in ("Hall", "Smoke detector", "Hold-up button", "Ground", "Call the guard"):
        assert text in page
    listing = administrator.get("/readiness/sites/")
    got = administrator.post(
        "/readiness/sites/export/", data={"csrfmiddlewaretoken": form_token(listing.text)}
    )
    assert got.headers["content-disposition"].startswith("attachment")
    sheets = read_xlsx(got.content)
    mine = [row for _, row in sheets["sites"].lines if row["site"] == "T-1"]
    assert [(row["account"], row["key"]) for row in mine] == [("E001", "")]
    assert [row["name"] for _, row in sheets["contacts"].lines if row["site"] == "T-1"] == [NAME]
    assert "export of the register" in administrator.get("/readiness/looked/").text


def test_a_workbook_with_mistakes_names_the_sheet(administrator: httpx.Client) -> None:
    bad = read_xlsx(workbook("T-2", "E002"))
    rows = {name: (table.header, [row for _, row in table.lines]) for name, table in bad.items()}
    rows["zones"][1][0]["kind"] = "smok"
    page = administrator.get("/readiness/sites/import/")
    answer = administrator.post(
        "/readiness/sites/import/",
        data={"csrfmiddlewaretoken": form_token(page.text), "check": "1"},
        files={"file": ("sites.xlsx", write_xlsx(rows))},
    )
    assert '<td>zones</td><td class="num">2</td><td>kind</td>' in answer.text
    macro = administrator.post(
        "/readiness/sites/import/",
        data={"csrfmiddlewaretoken": form_token(page.text), "check": "1"},
        files={"file": ("sites.xlsm", b"\xd0\xcf\x11\xe0" + bytes(100))},
    )
    assert "save it as .xlsx" in macro.text


def test_contacts_are_shown_on_request_and_that_is_written_down(
    administrator: httpx.Client,
) -> None:
    site = known(administrator, "T-3", "E003")
    path = f"/readiness/sites/{site['id']}/"
    page = administrator.get(path)
    assert NAME not in page.text
    shown = post(administrator, path, contacts="1")
    assert NAME in shown.text
    assert PHONE in shown.text
    looked = administrator.get("/readiness/looked/").text
    assert "contacts of a site" in looked
    assert "T-3" in looked


def test_a_desk_sees_contacts_only_while_an_incident_is_open(
    site: Site, administrator: httpx.Client
) -> None:
    row = known(administrator, "T-4", "E004")
    assert [one["name"] for one in row["contacts"]] == [NAME]
    with site.client(Role.DISPATCHER) as desk, site.client(Role.INSPECTOR) as inspector:
        path = f"/api/v1/sites/{row['id']}"
        assert desk.get(path).json()["contacts"] is None
        hear(site, row, "FA", "7")
        site.number_facts()
        shown = desk.get(path).json()
        assert [one["phone"] for one in shown["contacts"]] == [PHONE]
        assert [one["number"] for one in shown["zones"]] == ["7", "8"]
        assert inspector.get(path).json()["contacts"] is None
        for listed in ("/api/v1/sites", "/api/v1/snapshot", "/api/v1/facts"):
            assert PHONE not in desk.get(listed).text
        incident = desk.get("/api/v1/incidents", params={"site": row["id"]}).json()["items"][0]
        closed = command(desk, "close_incident", incident=incident["id"], disposition="false_alarm")
        assert closed.status_code == 200
        assert desk.get(path).json()["contacts"] is None
    with connect(site.urls.application) as connection:
        looks = connection.execute(
            "SELECT what FROM log.looked WHERE about = 'T-4' ORDER BY id"
        ).fetchall()
        with pytest.raises(Exception, match="permission denied"):
            connection.execute("DELETE FROM log.looked")
    assert looks == [("contacts",), ("contacts",)]


def test_a_zone_is_put_on_test_watched_and_ended(site: Site, administrator: httpx.Client) -> None:
    row = known(administrator, "T-5", "E005")
    dispatcher = signed_in(site, Role.DISPATCHER)
    device = row["devices"][0]
    made = post(
        dispatcher,
        f"/readiness/sites/{row['id']}/test/",
        scope=f"{device}/7",
        why="Smoke test of the hall",
        hours="2",
    )
    assert made.status_code == 302, made.text
    path = made.headers["location"]
    hear(site, row, "FA", "7")
    hear(site, row, "HA", "8")
    live = dispatcher.get(f"{path}?live=1").text
    assert "<html" not in live
    assert "opens an incident" in live
    assert live.count("<tr>") == 2  # the header, and what the zone said: the hold-up is not of it
    incidents = administrator.get("/api/v1/signals", params={"site": row["id"]})
    assert incidents.status_code == 403
    with site.client(Role.DISPATCHER) as desk:
        signals = desk.get("/api/v1/signals", params={"site": row["id"]}).json()["items"]
        assert [(one["zone"], one["verdict"], one["would_have"]) for one in signals] == [
            ("8", "opened", None),
            ("7", "recorded", "opened"),
        ]
        assert desk.get(f"/api/v1/sites/{row['id']}").json()["on_test"][0]["zone"] == "7"
    assert "Smoke test of the hall" in dispatcher.get("/readiness/tests/").text
    assert post(dispatcher, path, hours="24").status_code == 302
    assert post(dispatcher, path, end="1").status_code == 302
    ended = dispatcher.get(path).text
    assert "The test ended at" in ended
    assert "E005/7" in ended
    assert "Zones not tested" in ended
    again = post(dispatcher, path, end="1")
    assert again.status_code == 302
    assert "The test has ended." in dispatcher.get(path).text


def test_a_whole_site_says_what_was_not_tested(site: Site, administrator: httpx.Client) -> None:
    row = known(administrator, "T-6", "E006")
    with site.client(Role.SUPERVISOR) as desk:
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        begun = command(desk, "put_on_test", site=row["id"], why="Yearly test", until=until)
        test = begun.json()["facts"][0]["subject"]
        hear(site, row, "BA", "8")
        ended = command(desk, "end_on_test", on_test=test)
        data = ended.json()["facts"][0]["data"]
        assert (data["tested"], data["not_tested"]) == (["E006/8"], ["E006/7"])
        too_long = (datetime.now(UTC) + timedelta(hours=25)).isoformat()
        refused = command(desk, "put_on_test", site=row["id"], why="x", until=too_long)
        assert (refused.status_code, refused.json()["reason"]) == (422, "test_too_long")
        hear(site, row, "BA", "8")
        newest = desk.get("/api/v1/signals", params={"site": row["id"]}).json()["items"][0]
        assert newest["verdict"] == "opened"


@pytest.mark.parametrize("role", [Role.CALL_TAKER, Role.CREW, Role.INSPECTOR])
def test_other_roles_put_nothing_on_test(site: Site, city: City, role: Role) -> None:
    unit = city.units["north"]["engine"] if role is Role.CREW else None
    browser = signed_in(site, role, unit=unit)
    for path in ("tests/", f"sites/{UUID(int=1)}/test/", f"tests/{UUID(int=1)}/"):
        assert browser.get(f"/readiness/{path}").status_code == 403
    for path in ("connect/", "looked/", "kept/", "connect/frames/", "connect/device/"):
        assert browser.get(f"/readiness/{path}").status_code == 403
    assert browser.get("/readiness/sites/export/").status_code == 403


def test_a_foreign_site_or_test_answers_as_a_missing_one(
    site: Site, administrator: httpx.Client
) -> None:
    row = known(administrator, "T-7", "E007")
    made = post(
        administrator, f"/readiness/sites/{row['id']}/test/", scope="site", why="x", hours="1"
    )
    south = signed_in(site, Role.DISPATCHER, districts=["south"])
    assert south.get(f"/readiness/sites/{row['id']}/test/").status_code == 404
    assert south.get(made.headers["location"]).status_code == 404
    assert "T-7" not in south.get("/readiness/tests/").text


def test_contacts_that_have_ended_are_not_shown(administrator: httpx.Client) -> None:
    rows = f"{HEADER}\n{line('T-8', 'E008')}"
    upload(administrator, rows, "import")
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    sheet = [{"site": "T-8", "order": "1", "name": "x", "phone": "112", "valid_until": yesterday}]
    page = administrator.get("/readiness/sites/import/")
    answer = administrator.post(
        "/readiness/sites/import/",
        data={"csrfmiddlewaretoken": form_token(page.text), "import": "1"},
        files={"file": ("x.xlsx", write_xlsx({"contacts": (SHEETS["contacts"], sheet)}))},
    )
    assert "is in the past" in answer.text
    assert date.fromisoformat(yesterday) < datetime.now(UTC).date()
    assert AGENCY


def test_what_is_kept_of_what_was_heard_and_what_holds_it_back_is_shown(
    site: Site, administrator: httpx.Client
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=500)
    with connect(site.urls.owner) as owner:
        prepare_partitions(owner, long_ago)
        owner.execute(
            "INSERT INTO heard.pending (signal, known, queue) VALUES (%s, true, 'kept')",
            (uuid7(long_ago),),
        )
        owner.commit()
        try:
            page = administrator.get("/readiness/kept/").text
            assert "for 400 days" in page
            assert f"{long_ago:%Y-%m-%d} UTC" in page
            assert "waits to be judged" in page
            assert "goes within minutes" in page  # the day behind it
        finally:
            owner.execute("DELETE FROM heard.pending WHERE queue = 'kept'")
            owner.commit()
    with connect(site.urls.application) as opened:
        while forget_heard(opened, datetime.now(UTC), 400):
            continue
    assert "waits to be judged" not in administrator.get("/readiness/kept/").text
