"""The API over real HTTP: commands, reads, and what every refusal looks like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from little_city import City, build, call, command
from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.working import react_after, sound_due
from web_site import AGENCY, Site


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running)


@pytest.fixture
def desk(site: Site, city: City) -> httpx.Client:
    return site.client(Role.DISPATCHER)


def assert_problem(answer: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["reason"]) == (status, reason)
    assert body["title"]
    assert body["detail"]
    assert isinstance(body["errors"], list)
    return body


def test_the_main_road_from_a_call_to_the_unit_back_in_station(
    desk: httpx.Client, city: City
) -> None:
    engine = str(city.units["north"]["engine"])
    incident = call(desk)
    row = desk.get(f"/api/v1/incidents/{incident}").json()
    assert (row["state"], row["band"], row["type"], row["level"]) == (
        "new",
        "unassigned",
        "fire",
        2,
    )
    advice = desk.get(f"/api/v1/incidents/{incident}/advice").json()
    assert advice["basis"] == "straight_line"
    assert advice["degraded"] is True
    first = advice["ranked"][0]
    assert first["recommended"] is True
    assert first["unit"] == engine
    assert 0 < first["minutes"] < 15
    assert all(reason["text_zh"] and reason["text_en"] for reason in first["reasons"])

    sent = command(desk, "send_units", incident=incident, units=[engine])
    assert sent.status_code == 200
    kinds = [fact["kind"] for fact in sent.json()["facts"]]
    assert "incident.taken" in kinds
    assert "order.given" in kinds
    order = next(fact["subject"] for fact in sent.json()["facts"] if fact["kind"] == "order.given")
    assert desk.get(f"/api/v1/orders/{order}").json()["state"] == "given"

    assert (
        command(desk, "close_incident", incident=incident, disposition="handled").json()["reason"]
        == "unit_attached"
    )
    assert command(desk, "receive_order", order=order, channel="app").status_code == 200
    assert command(desk, "accept_order", order=order).status_code == 200
    for state in ("under_way", "at_scene", "returning", "in_station"):
        done = command(desk, "report_status", unit=engine, state=state)
        assert done.status_code == 200, done.text
    assert desk.get(f"/api/v1/units/{engine}").json()["state"] == "in_station"
    closed = command(desk, "close_incident", incident=incident, disposition="handled")
    assert closed.status_code == 200
    assert desk.get(f"/api/v1/incidents/{incident}").json()["disposition"] == "handled"


def test_two_dispatchers_who_send_the_same_unit(site: Site, desk: httpx.Client, city: City) -> None:
    other = site.client(Role.DISPATCHER)
    ladder = str(city.units["north"]["ladder"])
    mine, theirs = call(desk), call(other)
    assert command(desk, "send_units", incident=mine, units=[ladder]).status_code == 200
    lost = assert_problem(
        command(other, "send_units", incident=theirs, units=[ladder]), 409, "unit_busy"
    )
    assert lost["by"]
    at = datetime.fromisoformat(lost["at"])
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert "N-ladder" in lost["detail"]
    diverted = command(other, "send_units", incident=theirs, units=[ladder], confirm_divert=True)
    assert diverted.status_code == 200


def test_a_key_gives_one_answer_however_often(desk: httpx.Client) -> None:
    body = {"type": "add_note", "incident": call(desk), "text": "caller rang again"}
    key = {"Idempotency-Key": str(uuid4())}
    first = desk.post("/api/v1/commands", json=body, headers=key)
    again = desk.post("/api/v1/commands", json=body, headers=key)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = desk.post("/api/v1/commands", json={**body, "text": "other"}, headers=key)
    assert_problem(other, 422, "key_reused")


def test_a_crew_that_asks_again_after_clearing_gets_its_answer(
    site: Site, desk: httpx.Client, city: City
) -> None:
    unit = city.units["south"]["engine"]
    crew = site.client(Role.CREW, unit=unit)
    sent = command(desk, "send_units", incident=call(desk, "south"), units=[str(unit)])
    order = next(fact for fact in sent.json()["facts"] if fact["kind"] == "order.given")
    note = {"type": "add_note", "incident": order["incident"], "text": "out"}
    key = {"Idempotency-Key": str(uuid4())}
    first = crew.post("/api/v1/commands", json=note, headers=key)
    assert first.status_code == 200, first.text
    assert command(crew, "accept_order", order=order["subject"]).status_code == 200
    for state in ("under_way", "at_scene", "in_station"):
        assert command(crew, "report_status", unit=str(unit), state=state).status_code == 200
    assert_problem(
        crew.post("/api/v1/commands", json=note, headers={"Idempotency-Key": str(uuid4())}),
        404,
        "not_found",
    )
    again = crew.post("/api/v1/commands", json=note, headers=key)
    assert again.status_code == 200
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = crew.post("/api/v1/commands", json={**note, "text": "other"}, headers=key)
    assert_problem(other, 422, "key_reused")
    # The key is the crew's own: to anybody else it is a fresh one.
    theirs = desk.post("/api/v1/commands", json=note, headers=key)
    assert theirs.status_code == 200
    assert "idempotent-replayed" not in theirs.headers


def test_no_caller_can_take_the_keys_of_what_runs_by_itself(
    site: Site, desk: httpx.Client, city: City
) -> None:
    unit = str(city.units["south"]["ladder"])
    incident = call(desk, "south")
    due_at = desk.get(f"/api/v1/incidents/{incident}").json()["due_at"]
    due = datetime.fromisoformat(due_at)
    with connect(site.urls.application) as connection:
        last = connection.execute("SELECT max(position) FROM log.position").fetchone()
    assert last is not None
    taken = [f"reaction:{last[0] + n}:0" for n in range(1, 12)]
    taken.append(f"due:{incident}:{due.isoformat()}")
    other = call(desk, "north")
    for key in taken:
        body = {"type": "add_note", "incident": other, "text": "x"}
        answer = desk.post("/api/v1/commands", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 200, answer.text
    late = due + timedelta(seconds=1)
    with connect(site.urls.application) as connection:
        while sound_due(connection, site.keyring, late):
            pass
    assert desk.get(f"/api/v1/incidents/{incident}").json()["overdue"] is not None
    sent = command(desk, "send_units", incident=incident, units=[unit])
    order = next(fact["subject"] for fact in sent.json()["facts"] if fact["kind"] == "order.given")
    site.number_facts()
    with connect(site.urls.application) as connection:
        places = connection.execute(
            "SELECT position FROM log.position JOIN log.fact f ON f.id = fact WHERE subject = %s",
            (order,),
        ).fetchall()
        key = f"reaction:{places[0][0]}:0"
        body = {"type": "add_note", "incident": other, "text": "x"}
        early = desk.post("/api/v1/commands", json=body, headers={"Idempotency-Key": key})
        assert early.status_code == 200, early.text
        while react_after(connection, site.keyring, datetime.now(UTC)):
            pass
    assert desk.get(f"/api/v1/orders/{order}").json()["state"] == "sent"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "send_unit", "incident": str(uuid4())}, "type"),
        ({"incident": str(uuid4())}, "type"),
        ({"type": "take_incident"}, "incident"),
        ({"type": "take_incident", "incident": "7"}, "incident"),
        ({"type": "take_incident", "incident": str(uuid4()), "by": "me"}, "by"),
        ({"type": "send_units", "incident": str(uuid4()), "units": ["x"]}, "units[0]"),
        ({"type": "send_units", "incident": str(uuid4()), "units": "x"}, "units"),
        ({"type": "add_note", "incident": str(uuid4()), "text": "x" * 4_001}, "text"),
        ({"type": "hold_incident", "incident": str(uuid4()), "until": "2026-01-01", "reason": "x"},
         "until"),
        (
            {
                "type": "open_incident", "incident_type": "fire", "level": 2, "district": "north",
                "agency": AGENCY, "place": {"lat": 91, "lon": 0, "datum": "WGS-84"},
            },
            "place.lat",
        ),
        (
            {
                "type": "open_incident", "incident_type": "fire", "level": 2, "district": "north",
                "agency": AGENCY, "place": {"lat": 1, "lon": 0},
            },
            "place.datum",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("language", "word"), [("en", "Invalid request"), ("zh-CN", "请求内容有误")]
)
def test_a_wrong_body_is_told_which_field(
    desk: httpx.Client, body: dict[str, Any], field: str, language: str, word: str
) -> None:
    answer = desk.post(
        "/api/v1/commands",
        json=body,
        headers={"Idempotency-Key": str(uuid4()), "Accept-Language": language},
    )
    problem = assert_problem(answer, 422, "invalid")
    assert field in [error["field"] for error in problem["errors"]]
    assert all(error["message"] for error in problem["errors"])
    assert problem["title"] == word


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"nul", b'{"type": NaN}', b"[" * 100_000, b'"\\ud800', b"{}x"],
)
def test_what_is_not_json_is_a_problem_too(desk: httpx.Client, body: bytes) -> None:
    answer = desk.post(
        "/api/v1/commands",
        content=body,
        headers={"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"},
    )
    assert_problem(answer, 400, "malformed")


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'"x"', b'{"type": {}}', b'{"type": []}'])
def test_json_that_is_no_command_is_a_problem_too(desk: httpx.Client, body: bytes) -> None:
    answer = desk.post(
        "/api/v1/commands",
        content=body,
        headers={"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"},
    )
    assert_problem(answer, 422, "invalid")


def test_a_text_that_cannot_be_stored_is_refused_not_lost(desk: httpx.Client) -> None:
    for text in ("zero \0 byte", "\ud83d alone"):
        body = f'{{"type":"add_note","incident":"{call(desk)}","text":{ascii_json(text)}}}'
        answer = desk.post(
            "/api/v1/commands",
            content=body.encode(),
            headers={"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"},
        )
        assert answer.status_code in (200, 400, 422), answer.text


def ascii_json(text: str) -> str:
    import json

    return json.dumps(text)


def test_every_refusal_at_the_door_is_a_problem_document(site: Site, desk: httpx.Client) -> None:
    stranger = site.browser(headers={"Accept-Language": "en"})
    key = {"Idempotency-Key": str(uuid4())}
    assert_problem(stranger.get("/api/v1/incidents"), 401, "not_signed_in")
    bad = stranger.get("/api/v1/incidents", headers={"Authorization": "Bearer tocsin_guess"})
    assert_problem(bad, 401, "not_signed_in")
    assert_problem(desk.get("/api/v1/incidents/7"), 422, "invalid")
    assert_problem(desk.get(f"/api/v1/incidents/{uuid4()}"), 404, "not_found")
    assert_problem(desk.get("/api/v1/nothing"), 404, "not_found")
    assert_problem(desk.delete("/api/v1/incidents"), 405, "method_not_allowed")
    assert_problem(desk.post("/api/v1/snapshot"), 405, "method_not_allowed")
    assert_problem(desk.post("/api/v1/stream"), 405, "method_not_allowed")
    huge = desk.post("/api/v1/commands", content=b" " * 1_000_001, headers=key)
    assert_problem(huge, 413, "too_large")
    form = desk.post("/api/v1/commands", data={"type": "take_incident"}, headers=key)
    assert_problem(form, 415, "unsupported")
    keyless = desk.post(
        "/api/v1/commands", json={"type": "take_incident", "incident": str(uuid4())}
    )
    assert_problem(keyless, 400, "key_missing")
    assert_problem(desk.get("/api/v1/incidents?limit=0"), 422, "invalid")
    assert_problem(desk.get("/api/v1/incidents?cursor=nonsense"), 422, "invalid")
    assert_problem(desk.get("/api/v1/incidents?sate=new"), 422, "invalid")
    assert_problem(desk.get("/api/v1/stream?after=x"), 400, "malformed")
    missing = command(desk, "take_incident", incident=str(uuid4()))
    assert_problem(missing, 404, "not_found")


def test_lists_page_through_and_filter(desk: httpx.Client) -> None:
    made = [call(desk, incident_type="gas", level=1) for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        parameters = {"limit": 2, "type": "gas", **({"cursor": cursor} if cursor else {})}
        page = desk.get("/api/v1/incidents", params=parameters).json()
        assert len(page["items"]) <= 2
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert desk.get("/api/v1/incidents?type=gas&level=4").json()["items"] == []
    later = desk.get("/api/v1/incidents", params={"from": "2100-01-01T00:00:00Z"}).json()
    assert later["items"] == []
    northern = desk.get("/api/v1/units?district=north").json()["items"]
    assert {unit["district"] for unit in northern} == {"north"}
    assert sum(unit["call_sign"].startswith("N-") for unit in northern) == 3


def test_the_timeline_opens_sealed_fields_for_those_who_may(site: Site, desk: httpx.Client) -> None:
    incident = call(desk)
    command(desk, "add_note", incident=incident, text="door code 4711")
    site.number_facts()
    facts = desk.get("/api/v1/facts", params={"incident": incident}).json()["items"]
    assert [fact["kind"] for fact in facts][:2] == ["incident.noted", "incident.opened"]
    assert facts[0]["data"]["text"] == "door code 4711"
    assert facts[1]["data"]["caller_phone"] == "13800000000"
    service = site.client(Role.SERVICE)
    blind = service.get("/api/v1/facts", params={"incident": incident}).text
    assert "4711" not in blind
    assert "13800000000" not in blind
    assert "incident.noted" in blind


def test_the_snapshot_is_what_a_screen_needs(desk: httpx.Client) -> None:
    incident = call(desk)
    whole = desk.get("/api/v1/snapshot").json()
    assert incident in [row["id"] for row in whole["incidents"]]
    assert {"north", "south"} <= {one["code"] for one in whole["districts"]}
    assert whole["me"]["role"] == "dispatcher"
    assert set(whole["lag"]) >= {"signals_waiting", "oldest_s", "sequencer_behind"}
    assert "13800000000" not in str(whole)


def test_positions_are_kept_for_units_with_an_order_only(
    site: Site, desk: httpx.Client, city: City
) -> None:
    engine, ambulance = (city.units["south"][kind] for kind in ("engine", "ambulance"))
    command(desk, "send_units", incident=call(desk, "south"), units=[str(engine)])
    crew = site.client(Role.CREW, unit=engine)
    now = datetime.now(UTC).isoformat()
    at = {"lat": 31.21, "lon": 121.48, "datum": "WGS-84", "heading": 90, "at": now}
    sent = crew.post(
        "/api/v1/positions",
        json={"positions": [{"unit": str(engine), **at}, {"unit": str(ambulance), **at}]},
    )
    assert sent.json() == {"kept": 1, "ignored": 1}
    assert desk.get(f"/api/v1/units/{engine}").json()["position"]["lat"] == 31.21
    service = site.client(Role.SERVICE)
    assert service.get(f"/api/v1/units/{engine}").json()["position"] is None
    bad = crew.post(
        "/api/v1/positions", json={"positions": [{"unit": str(engine), **at, "lat": 99}]}
    )
    assert assert_problem(bad, 422, "invalid")["errors"][0]["field"] == "positions[0].lat"


def test_a_revoked_or_expired_token_opens_nothing(site: Site) -> None:
    from tocsin.apps.people.accounts import create_token, revoke_token

    row, token = create_token("short", role=Role.DISPATCHER, agency=AGENCY)
    client = site.browser(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/session").status_code == 200
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert token not in row.digest
    assert revoke_token(row.pk)
    assert client.get("/api/v1/session").status_code == 401
    _, old = create_token("old", role=Role.DISPATCHER, agency=AGENCY, days=-1)
    assert (
        site.browser(headers={"Authorization": f"Bearer {old}"}).get("/api/v1/session").status_code
        == 401
    )


def test_wrong_tokens_are_limited_and_a_right_one_is_not(site: Site) -> None:
    guesser = site.browser("127.0.9.9")
    statuses = [
        guesser.get("/api/v1/session", headers={"Authorization": f"Bearer tocsin_{n}"}).status_code
        for n in range(70)
    ]
    assert statuses.count(401) == 60
    assert statuses.count(429) == 10
    right = {"Authorization": f"Bearer {site.token(Role.DISPATCHER)}"}
    assert guesser.get("/api/v1/session", headers=right).status_code == 200


def test_the_base_map_is_described_and_served_in_ranges(site: Site, desk: httpx.Client) -> None:
    import struct

    tiles = site.data / "tiles"
    assert desk.get("/api/v1/map").json() == {"available": False, "center": None, "bounds": None}
    tiles.mkdir(exist_ok=True)
    head = bytearray(127)
    head[:8] = b"PMTiles\x03"
    struct.pack_into("<4i", head, 102, 1_213_000_000, 311_000_000, 1_216_000_000, 313_000_000)
    struct.pack_into("<2i", head, 119, 1_214_500_000, 312_000_000)
    (tiles / "city.pmtiles").write_bytes(bytes(head) + b"tiles" * 1_000)
    assert desk.get("/api/v1/map").json() == {
        "available": True,
        "center": [121.45, 31.2],
        "bounds": [121.3, 31.1, 121.6, 31.3],
    }
    part = desk.get("/map/city.pmtiles", headers={"Range": "bytes=0-6"})
    assert (part.status_code, part.content) == (206, b"PMTiles")
    (tiles / "city.pmtiles").unlink()
    assert desk.get("/map/../keys/web_secret").status_code == 404
    assert desk.get("/map/%2e%2e/keys/web_secret").status_code == 404


def test_health_and_readiness_need_no_sign_in(site: Site) -> None:
    assert site.browser().get("/health").json() == {"alive": True}
    assert site.browser().get("/ready").json()["ready"] is True
