"""Role x endpoint x relation: what each caller gets from each operation of the API, for an object
of its own and for a foreign one. Generated from the OpenAPI document: an operation without a row in
EXPECTED fails, and so does a command type without one in COMMANDS.

The expectations are written out here, apart from `core.access`, so that a slip there shows.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from bodies import BLOCK, ZONE_TEST, body_of, site_row

from little_city import City, build, command
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.heard_rows import Heard, Rows
from tocsin.record.ids import uuid7
from tocsin.record.judging import judge_pending
from tocsin.record.sealing import DayKeys
from tocsin.record.sites import import_sites
from web_site import AGENCY, Site

CALL, DISP, SUPER, CREW, ADMIN, INSP, SERV = Role
DESKS = frozenset({CALL, DISP, SUPER})
OWN, FOREIGN = "north", "south"
ACCOUNTS = itertools.count(900_001)
KINDS = (
    "incidents",
    "orders",
    "units",
    "signals",
    "facts",
    "sites",
    "devices",
    "on_tests",
    "blocks",
)

# Operation -> the roles that it serves at all; every other role gets 403.
EXPECTED: dict[tuple[str, str], frozenset[Role] | set[Role]] = {
    ("get", "/session"): set(Role),
    ("get", "/snapshot"): set(Role),
    ("get", "/stream"): set(Role),
    ("get", "/map"): set(Role),
    ("get", "/incidents"): DESKS | {CREW, INSP, SERV},
    ("get", "/incidents/{id}"): DESKS | {CREW, INSP, SERV},
    ("get", "/incidents/{id}/advice"): DESKS | {INSP},
    ("get", "/incidents/{id}/plans"): DESKS | {CREW, INSP},
    ("get", "/caller-places"): DESKS,
    ("get", "/orders"): DESKS | {CREW, INSP, SERV},
    ("get", "/orders/{id}"): DESKS | {CREW, INSP, SERV},
    ("get", "/units"): set(Role),
    ("get", "/units/{id}"): set(Role),
    ("get", "/signals"): DESKS | {INSP, SERV},
    ("get", "/signals/{id}"): DESKS | {INSP, SERV},
    ("get", "/on_tests"): DESKS | {ADMIN, INSP},
    ("get", "/on_tests/{id}"): DESKS | {ADMIN, INSP},
    ("get", "/blocks"): DESKS | {ADMIN, INSP},
    ("get", "/blocks/{id}"): DESKS | {ADMIN, INSP},
    ("get", "/facts"): DESKS | {CREW, INSP, SERV},
    ("get", "/facts/{id}"): DESKS | {CREW, INSP, SERV},
    ("get", "/sites"): set(Role),
    ("get", "/sites/{id}"): set(Role),
    ("get", "/devices"): {DISP, SUPER, ADMIN, INSP},
    ("get", "/devices/{id}"): {DISP, SUPER, ADMIN, INSP},
    ("post", "/commands"): DESKS | {CREW, SERV, ADMIN},
    ("post", "/positions"): {CREW, SERV},
}

# Command -> who may send it to an object of his own district or unit.
COMMANDS: dict[str, frozenset[Role] | set[Role]] = {
    "open_incident": DESKS | {SERV},
    **dict.fromkeys(
        [
            "take_incident", "classify_incident", "prioritise_incident", "locate_incident",
            "hold_incident", "release_incident", "link_incidents", "unlink_incidents",
            "merge_incidents", "split_incident", "move_signal", "split_sender", "close_incident",
            "tick_step", "untick_step", "validate_incident",
        ],
        DESKS,
    ),
    "add_note": DESKS | {CREW},
    "reopen_incident": {DISP, SUPER},
    "send_units": {DISP, SUPER},
    **dict.fromkeys(
        ["put_on_test", "extend_on_test", "end_on_test"], frozenset({DISP, SUPER, ADMIN})
    ),
    **dict.fromkeys(
        ["try_block", "put_block_in_force", "approve_block", "extend_block"],
        frozenset({SUPER, ADMIN}),
    ),
    "end_block": {DISP, SUPER, ADMIN},
    "recall_units": {DISP, SUPER},
    **dict.fromkeys(
        [
            "receive_order", "accept_order", "refuse_order", "report_status",
            "take_out_of_service", "return_to_service",
        ],
        frozenset({DISP, SUPER, CREW}),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """A city, one token for each role with the scope OWN, and an object of each kind in both
    districts: an alarm of a known site, the incident it opened, a unit's order to it."""

    city: City
    clients: dict[Role, httpx.Client]
    chief: httpx.Client
    own: dict[str, str]
    foreign: dict[str, str]


@pytest.fixture(scope="module")
def world(running: Site) -> Any:
    city = build(running, prefix="matrix ")
    chief = httpx.Client(
        base_url=running.base, timeout=20, headers=_bearer(running.token(Role.SUPERVISOR))
    )
    engine = city.units[OWN]["engine"]
    clients = {
        role: httpx.Client(
            base_url=running.base,
            timeout=20,
            headers=_bearer(
                running.token(role, districts=(OWN,), unit=engine if role is Role.CREW else None)
            ),
        )
        for role in Role
    }
    yield World(
        city,
        clients,
        chief,
        _things(running, chief, city, OWN),
        _things(running, chief, city, FOREIGN),
    )
    for client in (chief, *clients.values()):
        client.close()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept-Language": "en"}


def _things(site: Site, chief: httpx.Client, city: City, district: str) -> dict[str, str]:
    """Ids by kind: everything that hangs on one fresh alarm of the district's site."""
    account = str(next(ACCOUNTS))
    with connect(site.urls.application) as connection:
        assert (
            import_sites(
                connection, site.keyring, [site_row(account, district)], agency=AGENCY
            ).errors
            == []
        )
        found = connection.execute(
            "SELECT d.id, d.site FROM ref.device d WHERE account = %s", (account,)
        ).fetchone()
        assert found is not None
        device, place = found
        connection.rollback()
        read = SignalRead(
            protocol="dc09", token="SIA-DCS", account=account, code="FA", zone="7", text="secret"
        )
        rows = Rows(DayKeys(site.keyring))
        rows.add(uuid7(datetime.now(UTC)), _heard(district, device, place, read))
        rows.write(connection)
        connection.commit()
        assert judge_pending(connection, site.keyring, datetime.now(UTC), 100) == 1
    site.number_facts()
    signal = chief.get("/api/v1/signals", params={"device": str(device)}).json()["items"][0]
    incident = signal["incident"]
    unit = str(city.units[district]["engine"])
    sent = command(chief, "send_units", incident=incident, units=[unit], confirm_divert=True)
    assert sent.status_code == 200, sent.text
    order = next(fact["subject"] for fact in sent.json()["facts"] if fact["kind"] == "order.given")
    note = command(chief, "add_note", incident=incident, text="sealed words")
    assert note.status_code == 200
    on_test = command(chief, "put_on_test", **ZONE_TEST, site=str(place), device=str(device))
    assert on_test.status_code == 200, on_test.text
    tried = command(chief, "try_block", **BLOCK, district=district)
    site.number_facts()
    fact = chief.get("/api/v1/facts", params={"incident": incident}).json()["items"][0]
    assert fact["data"]["text"] == "sealed words"
    return {
        "incidents": incident,
        "orders": order,
        "units": unit,
        "signals": signal["id"],
        "facts": str(fact["position"]),
        "sites": str(place),
        "devices": str(device),
        "on_tests": on_test.json()["facts"][0]["subject"],
        "blocks": tried.json()["facts"][0]["subject"],
        "district": district,
    }


def _heard(district: str, device: UUID, place: UUID, read: SignalRead) -> Heard:
    return Heard(
        received_at=datetime.now(UTC),
        intake="dc09.tcp",
        protocol="dc09",
        source="192.0.2.7",
        body=b"raw bytes",
        answer="ack",
        district=district,
        agency=AGENCY,
        device=device,
        site=place,
        signals=(read,),
    )


def document(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_every_operation_has_a_row_and_every_row_an_operation(world: World) -> None:
    paths = document(world.chief)["paths"]
    found = {
        (method, path.removeprefix("/api/v1"))
        for path, operations in paths.items()
        for method in operations
    }
    assert found == set(EXPECTED)


def test_every_command_has_a_row_and_every_row_a_command(world: World) -> None:
    union = document(world.chief)["components"]["schemas"]["Command"]
    assert set(union["discriminator"]["mapping"]) == set(COMMANDS)
    assert all(body_of(type_, world.own, world.own) for type_ in COMMANDS)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("path", [path for method, path in EXPECTED if method == "get"])
def test_reading(world: World, role: Role, path: str) -> None:
    client = world.clients[role]
    served = role in EXPECTED[("get", path)]
    if "{id}" not in path:
        with client.stream("GET", f"/api/v1{path}") as answer:
            assert answer.status_code == (200 if served else 403)
        return
    kind = path.split("/")[1]
    address = f"/api/v1{path}"
    own = client.get(address.replace("{id}", world.own[kind]))
    foreign = client.get(address.replace("{id}", world.foreign[kind]))
    missing_id = "999999999" if kind == "facts" else str(uuid4())
    missing = client.get(address.replace("{id}", missing_id))
    if not served:
        assert {answer.status_code for answer in (own, foreign, missing)} == {403}
        assert own.content == foreign.content == missing.content
        return
    assert own.status_code == 200, own.text
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert _without_time(foreign.headers) == _without_time(missing.headers)


def _without_time(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", KINDS)
def test_lists_hold_nothing_foreign(world: World, role: Role, kind: str) -> None:
    answer = world.clients[role].get(f"/api/v1/{kind}", params={"limit": 500})
    if role not in EXPECTED[("get", f"/{kind}")]:
        assert answer.status_code == 403
        return
    items = answer.json()["items"]
    named = [str(row["position"] if kind == "facts" else row["id"]) for row in items]
    assert world.own[kind] in named
    assert {row["district"] for row in items} == {OWN}
    if role is CREW and kind != "facts":
        assert named == [world.own[kind]]


@pytest.mark.parametrize("role", list(Role))
def test_a_snapshot_holds_nothing_foreign(world: World, role: Role) -> None:
    whole = world.clients[role].get("/api/v1/snapshot").json()
    for kind in ("incidents", "orders", "units"):
        served = role in EXPECTED[("get", f"/{kind}")]
        ids = [row["id"] for row in whole[kind]]
        assert (world.own[kind] in ids) is served
        assert {row["district"] for row in whole[kind]} <= {OWN}
    if role not in DESKS | {CREW}:
        away = [row for row in whole["units"] if row["state"] != "in_station"]
        assert away
        assert all(row["position"] is None for row in away)


@pytest.mark.parametrize("role", list(Role))
def test_lag_and_counters_are_for_those_who_may_read_the_intake(world: World, role: Role) -> None:
    client = world.clients[role]
    whole = client.get("/api/v1/snapshot").json()
    with client.stream("GET", "/api/v1/stream", params={"after": whole["position"]}) as answer:
        lines = (line[6:] for line in answer.iter_lines() if line.startswith("data: "))
        tick = next(data for data in map(json.loads, lines) if "database" in data)
    allowed = role is not CREW
    assert (whole["lag"] is not None) is (tick["lag"] is not None) is allowed
    assert ("stream_clients" in tick["counters"]) is allowed
    assert allowed or whole["counters"] == tick["counters"] == {}


def test_rows_of_what_was_heard_keep_to_their_shapes(world: World) -> None:
    from tocsin.apps.desk import beside_shapes, register_shapes, shapes

    client = world.clients[SUPER]
    for kind, shape in (
        ("signals", shapes.SignalWhole),
        ("sites", register_shapes.SiteWhole),
        ("devices", register_shapes.DeviceWhole),
        ("on_tests", beside_shapes.OnTestRow),
        ("blocks", register_shapes.BlockRow),
    ):
        row = client.get(f"/api/v1/{kind}/{world.own[kind]}").json()
        shape.model_validate(row)
        assert set(row) == set(shape.model_fields)


@pytest.mark.parametrize("role", list(Role))
def test_another_agency_sees_and_does_nothing(site: Site, world: World, role: Role) -> None:
    stranger = site.client(role, agency="police", unit=uuid4() if role is CREW else None)
    for kind in KINDS:
        answer = stranger.get(f"/api/v1/{kind}/{world.own[kind]}")
        served = role in EXPECTED[("get", f"/{kind}/{{id}}")]
        assert answer.status_code == (404 if served else 403)
    note = command(stranger, "add_note", incident=world.own["incidents"], text="x")
    assert note.status_code == (404 if role in COMMANDS["add_note"] else 403)


@pytest.mark.parametrize("role", list(Role))
def test_sealed_fields_raw_bytes_and_positions_are_for_some(world: World, role: Role) -> None:
    client = world.clients[role]
    facts = client.get("/api/v1/facts", params={"incident": world.own["incidents"]})
    if facts.status_code == 200:
        assert ("sealed words" in facts.text) is (role in DESKS | {CREW, INSP})
    signal = client.get(f"/api/v1/signals/{world.own['signals']}")
    if signal.status_code == 200:
        assert (signal.json()["raw"] is not None) is (role in {DISP, SUPER, INSP})
        assert (signal.json()["text"] == "secret") is (role in DESKS | {INSP})
    for path in ("snapshot", "incidents", "units", "orders", "signals", "sites", "devices"):
        assert "sealed words" not in client.get(f"/api/v1/{path}").text


@pytest.mark.parametrize("type_", [one for one in COMMANDS if one != "open_incident"])
def test_commanding(site: Site, world: World, type_: str) -> None:
    own = _things(site, world.chief, world.city, OWN)
    missing = {kind: str(uuid4()) for kind in KINDS}
    # A crew speaks while it has its order: it goes first.
    for role in sorted(Role, key=lambda role: role is not CREW):
        client = world.clients[role]
        foreign = command(client, type_, **body_of(type_, world.foreign, own))
        absent = command(client, type_, **body_of(type_, missing, missing))
        if role not in COMMANDS[type_]:
            answer = command(client, type_, **body_of(type_, own, own))
            assert answer.status_code == foreign.status_code == absent.status_code == 403
            continue
        assert foreign.status_code == absent.status_code == 404, (role, foreign.text)
        assert foreign.content == absent.content
        answer = command(client, type_, **body_of(type_, own, own))
        assert answer.status_code in (200, 409, 422), (role, answer.text)
        assert answer.status_code == 200 or answer.json()["reason"] not in (
            "invalid", "not_found", "not_allowed", "other_district", "opening_elsewhere",
        )  # fmt: skip


@pytest.mark.parametrize("type_", ["link_incidents", "merge_incidents", "move_signal"])
def test_a_command_may_not_reach_over_to_a_foreign_object(world: World, type_: str) -> None:
    answer = command(world.clients[DISP], type_, **body_of(type_, world.own, world.foreign))
    assert answer.status_code == 404
    sent = command(
        world.clients[DISP],
        "send_units",
        incident=world.own["incidents"],
        units=[world.foreign["units"]],
    )
    assert sent.status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_opening_an_incident(world: World, role: Role) -> None:
    client = world.clients[role]
    body = {"incident_type": "fire", "level": 2, "agency": AGENCY}
    own = command(client, "open_incident", district=OWN, **body)
    foreign = command(client, "open_incident", district=FOREIGN, **body)
    other = command(client, "open_incident", district=OWN, **{**body, "agency": "police"})
    if role in COMMANDS["open_incident"]:
        assert own.status_code == 200
        assert foreign.json()["reason"] == other.json()["reason"] == "opening_elsewhere"
    else:
        assert own.status_code == foreign.status_code == other.status_code == 403


@pytest.mark.parametrize("role", list(Role))
def test_sending_positions(site: Site, world: World, role: Role) -> None:
    _things(site, world.chief, world.city, OWN)
    at = {"lat": 31.2, "lon": 121.4, "datum": "WGS-84", "at": datetime.now(UTC).isoformat()}
    units = (world.own["units"], world.foreign["units"], str(uuid4()))
    sent = {"positions": [{"unit": unit, **at} for unit in units]}
    answer = world.clients[role].post("/api/v1/positions", json=sent)
    if role in EXPECTED[("post", "/positions")]:
        assert answer.json() == {"kept": 1, "ignored": 2}
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize(("method", "path"), list(EXPECTED))
def test_a_stranger_gets_nothing(site: Site, world: World, method: str, path: str) -> None:
    address = f"/api/v1{path}"
    for kind in KINDS:
        if f"/{kind}/" in address:
            address = address.replace("{id}", world.own[kind])
    answer = site.browser().request(method, address)
    assert answer.status_code == 401
    assert answer.json()["reason"] == "not_signed_in"
    assert answer.headers["content-type"] == "application/problem+json"
