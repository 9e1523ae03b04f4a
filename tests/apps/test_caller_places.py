"""Where callers were, at the desk: a list of minutes for those who take calls, and evidence of an
incident that keeps its uncertainty and its age."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from little_city import call, command
from tocsin.core.caller_places import CallerPlace, Method
from tocsin.core.terms import Role
from tocsin.record import caller_places
from tocsin.record.database import connect
from tocsin.record.heard_rows import Heard, Rows
from tocsin.record.ids import uuid7
from tocsin.record.sealing import DayKeys
from web_site import AGENCY, Site

PATH = "/api/v1/caller-places"


def said(
    site: Site,
    *,
    ago: timedelta = timedelta(0),
    district: str = "north",
    agency: str = AGENCY,
    assurance: str = "authenticated",
    at: datetime | None = None,
    lat: float = 31.25,
) -> UUID:
    """A location as it is when it is sorted in; its id."""
    received = datetime.now(UTC) - ago
    identifier = uuid7(received)
    place = CallerPlace(
        lat=lat, lon=121.5, radius_m=12.5, confidence=68, method=Method.GNSS, at=at, floor="5"
    )
    rows = Rows(DayKeys(site.keyring))
    message = Heard(
        received_at=received,
        intake="aml.https",
        protocol="aml",
        source="192.0.2.7",
        body=b'A"ML=1;lt=31.25',
        answer="place",
        district=district,
        agency=agency,
        assurance=assurance,
        caller_place=place,
    )
    rows.add(identifier, message)
    with connect(site.urls.application) as connection:
        rows.write(connection)
        connection.commit()
    return identifier


@pytest.fixture(autouse=True)
def none_before(site: Site) -> None:
    with connect(site.urls.application) as connection:
        connection.execute("DELETE FROM heard.call_place")
        connection.commit()


def listed(client: httpx.Client) -> list[str]:
    answer = client.get(PATH)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


def test_the_last_fifteen_minutes_newest_first(site: Site) -> None:
    minute = timedelta(minutes=1)
    old = said(site, ago=15 * minute + timedelta(seconds=2), lat=31.1)
    edge = said(site, ago=15 * minute - timedelta(seconds=20), lat=31.2)
    new = said(site, ago=minute, lat=31.3, at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    from tocsin.apps.desk.caller_places import CallerPlaceRow

    client = site.client(Role.CALL_TAKER)
    assert listed(client) == [str(new), str(edge)]
    row = client.get(PATH).json()["items"][0]
    CallerPlaceRow.model_validate(row)
    assert set(row) == set(CallerPlaceRow.model_fields)
    assert (row["lat"], row["lon"], row["datum"], row["radius_m"]) == (31.3, 121.5, "WGS-84", 12.5)
    assert (row["at"], row["method"], row["floor"]) == ("2026-11-21T09:30:00Z", "gnss", "5")
    assert (row["assurance"], row["incident"]) == ("authenticated", None)
    assert str(old) not in client.get(PATH).text


@pytest.mark.parametrize("role", list(Role))
def test_it_is_for_those_who_take_calls_in_the_district(site: Site, role: Role) -> None:
    own, foreign = said(site, district="north"), said(site, district="south", lat=31.4)
    others = said(site, agency="police", lat=31.5)
    unit = uuid4() if role is Role.CREW else None
    client = site.client(role, districts=("north",), unit=unit)
    answer = client.get(PATH)
    if role not in (Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR):
        assert answer.status_code == 403
        return
    assert listed(client) == [str(own)]
    whole = site.client(role)
    assert set(listed(whole)) == {str(own), str(foreign)}
    assert str(others) not in whole.get(PATH).text


def test_no_place_can_be_looked_for(site: Site) -> None:
    said(site)
    client = site.client(Role.SUPERVISOR)
    for query in ("phone", "q", "lat", "imei", "limit", "cursor", "incident", "district"):
        answer = client.get(PATH, params={query: "1"})
        assert (answer.status_code, answer.json()["reason"]) == (422, "invalid")
    one = listed(client)[0]
    assert client.get(f"{PATH}/{one}").status_code == 404


def located(client: httpx.Client, incident: str) -> dict[str, object]:
    place: dict[str, object] = client.get(f"/api/v1/incidents/{incident}").json()["place"]
    return place


def test_a_place_becomes_evidence_of_an_incident(site: Site) -> None:
    measured = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
    chosen, other = said(site, at=measured), said(site, lat=31.4)
    client = site.client(Role.CALL_TAKER)
    incident = call(client)
    answer = command(client, "locate_incident", incident=incident, evidence=str(chosen))
    assert answer.status_code == 200, answer.text
    place = located(client, incident)
    assert (place["lat"], place["lon"], place["datum"]) == (31.25, 121.5, "WGS-84")
    assert (place["source"], place["radius_m"]) == ("aml", 12.5)
    assert place["measured_at"] == measured.isoformat().replace("+00:00", "Z")
    site.number_facts()
    facts = client.get("/api/v1/facts", params={"incident": incident}).json()["items"]
    (fact,) = [one for one in facts if one["kind"] == "incident.located"]
    assert fact["data"]["evidence"] == str(chosen)
    rows = {row["id"]: row["incident"] for row in client.get(PATH).json()["items"]}
    assert rows == {str(chosen): incident, str(other): None}
    # What nobody uses is gone within the hour, evidence stays; under the incident's key.
    with connect(site.urls.application) as connection:
        later = datetime.now(UTC) + timedelta(minutes=61)
        assert caller_places.forget(connection, later) == 1
        kept = connection.execute("SELECT id, incident FROM heard.call_place").fetchall()
        assert kept == [(chosen, UUID(incident))]
        assert caller_places.find(connection, site.keyring, chosen, later) is not None
        site.keyring.destroy(UUID(incident))
        assert caller_places.find(connection, site.keyring, chosen, later) is None


def test_evidence_of_one_incident_is_refused_to_another(site: Site) -> None:
    chosen = said(site)
    client = site.client(Role.CALL_TAKER)
    first, second = call(client), call(client)
    done = [
        command(client, "locate_incident", incident=one, evidence=str(chosen)).status_code
        for one in (first, second)
    ]
    assert done == [200, 404]
    rows = {row["id"]: row["incident"] for row in client.get(PATH).json()["items"]}
    assert rows == {str(chosen): first}
    assert located(client, second)["source"] != "aml"


def test_a_location_and_its_evidence_are_kept_together_or_not_at_all(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = said(site)
    client = site.client(Role.CALL_TAKER)
    incident = call(client)
    real = caller_places.find

    def gone_meanwhile(*arguments: Any) -> caller_places.Listed | None:
        found = real(*arguments)
        with connect(site.urls.owner) as connection:
            connection.execute("DELETE FROM heard.call_place")
            connection.commit()
        return found

    monkeypatch.setattr(caller_places, "find", gone_meanwhile)
    answer = command(client, "locate_incident", incident=incident, evidence=str(chosen))
    assert answer.status_code == 404
    assert located(client, incident)["source"] != "aml"


def test_the_list_has_an_index(site: Site) -> None:
    with connect(site.urls.application) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        wanted = (AGENCY, [], [], datetime.now(UTC), 200)
        rows = connection.execute("EXPLAIN " + caller_places._RECENT, wanted).fetchall()
    assert "call_place_of_agency" in "\n".join(row for (row,) in rows)


def test_a_person_s_own_word_for_a_place_has_no_such_source(site: Site) -> None:
    client = site.client(Role.CALL_TAKER)
    incident = call(client)
    place = {"lat": 31.2, "lon": 121.4, "datum": "WGS-84"}
    for extra in ({"source": "aml"}, {"radius_m": 5}, {"measured_at": "2026-11-21T10:00:00Z"}):
        answer = command(client, "locate_incident", incident=incident, place=place | extra)
        assert answer.status_code == 422
    assert command(client, "locate_incident", incident=incident, place=place).status_code == 200
    found = located(client, incident)
    assert (found["source"], found["radius_m"]) == ("call_taker", None)


def test_evidence_that_is_gone_foreign_or_beside_a_place_is_refused(site: Site) -> None:
    own, foreign = said(site), said(site, district="south", lat=31.4)
    gone = said(site, ago=timedelta(minutes=61), lat=31.5)
    client = site.client(Role.CALL_TAKER, districts=("north",))
    incident = call(client)
    for one in (foreign, gone, uuid4()):
        answer = command(client, "locate_incident", incident=incident, evidence=str(one))
        assert answer.status_code == 404
    place = {"lat": 31.2, "lon": 121.4, "datum": "WGS-84"}
    both = command(client, "locate_incident", incident=incident, evidence=str(own), place=place)
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "place")
    neither = command(client, "locate_incident", incident=incident)
    assert (neither.status_code, neither.json()["errors"][0]["field"]) == (422, "place")
    crew = site.client(Role.CREW, unit=uuid4())
    assert command(crew, "locate_incident", incident=incident, evidence=str(own)).status_code == 403
    with connect(site.urls.application) as connection:
        row = connection.execute("SELECT count(*) FROM heard.call_place WHERE incident IS NOT NULL")
        assert row.fetchone() == (0,)
