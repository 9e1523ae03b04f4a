"""Lists and rows for the API: filters, pages without gaps, what a caller may be narrowed to."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from random_history import History, hear
from record_desk import NOW, PLACE, STATION, Desk

from tocsin.core.commands import AddNote, RegisterUnit
from tocsin.core.terms import Capability, IncidentType, Level
from tocsin.record import figures, judging
from tocsin.record.arrays import Uuids
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.heard_rows import Heard
from tocsin.record.ids import OrderedIds, time_of, uuid7
from tocsin.record.keys import Keyring
from tocsin.record.sequencer import assign
from tocsin.record.views import BadFilter, get_row, list_rows
from tocsin.record.views.lists import LISTS
from tocsin.record.views.overlay import SIGNALS

KINDS = ("incidents", "orders", "units", "signals", "facts", "sites", "devices")


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    return Desk(connection, keyring)


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["items"]]


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_of_every_list_hold_each_row_once(
    fresh_urls: Urls, keyring: Keyring, limit: int
) -> None:
    with connect(fresh_urls.application) as connection:
        History(connection, keyring, 11).steps(60)
        while assign(connection):
            pass
        for kind in KINDS:
            key = "position" if kind == "facts" else "id"
            whole = [row[key] for row in list_rows(connection, kind, limit=500)["items"]]
            assert whole, kind
            assert len(set(whole)) == len(whole)
            paged: list[Any] = []
            cursor = None
            while True:
                page = list_rows(connection, kind, limit=limit, cursor=cursor)
                paged += [row[key] for row in page["items"]]
                cursor = page["next"]
                if cursor is None:
                    break
                assert len(page["items"]) == limit
            assert paged == whole, kind
            row = get_row(connection, kind, whole[0])
            assert row is not None
            assert row == list_rows(connection, kind, limit=1)["items"][0]


def test_lists_are_newest_first_and_units_by_call_sign(desk: Desk) -> None:
    first = desk.open(district="order")
    desk.later(10)
    second = desk.open(district="order")
    page = list_rows(desk.connection, "incidents", filters={"district": "order"})
    assert ids(page) == [str(second), str(first)]
    desk.unit("z-9")
    desk.unit("z-1")
    signs = [row["call_sign"] for row in list_rows(desk.connection, "units", limit=500)["items"]]
    assert signs == sorted(signs)


def test_filters_narrow(desk: Desk) -> None:
    here = {"district": "filters"}
    fire = desk.open(**here)
    desk.later(100)
    medical = desk.open(**here, incident_type=IncidentType.MEDICAL, level=Level.P3, place=None)
    order = desk.send(fire, desk.unit())

    def found(kind: str = "incidents", **filters: Any) -> list[str]:
        return ids(list_rows(desk.connection, kind, filters=here | filters))

    assert found(type="medical") == found(level="3") == found(state="new") == [str(medical)]
    assert found(open="true") == [str(medical), str(fire)]
    assert found(since=NOW + timedelta(seconds=50)) == [str(medical)]
    assert found(until="2026-11-21T12:00:50Z") == [str(fire)]
    assert found(agency="police") == []
    assert found(type=None) == [str(medical), str(fire)]
    assert found("orders", incident=str(fire)) == found("orders", active=True) == [str(order)]


def test_signals_of_a_span_are_told_by_when_they_were_heard(desk: Desk) -> None:
    """To the microsecond, and also where ids ran ahead of a clock that was set back."""
    ids_of_one, device = OrderedIds(), uuid7(NOW)
    heard: dict[timedelta, UUID] = {}

    def one(after: timedelta) -> None:
        message = Heard(
            received_at=NOW + after,
            intake="dc09.tcp",
            protocol="dc09",
            source="192.0.2.7",
            body=b"frame",
            answer="ack",
            district="span",
            agency="fire",
            device=device,
        )
        heard[after] = hear(desk.connection, desk.keyring, message, ids=ids_of_one)

    microsecond, hour = timedelta(microseconds=1), timedelta(hours=1)
    for after in (-microsecond, timedelta(0), microsecond, hour, -hour):
        one(after)
    assert time_of(heard[-hour]) == NOW + hour

    def found(**span: datetime) -> list[str]:
        of = {"device": device} | span
        return sorted(ids(list_rows(desk.connection, "signals", filters=of)))

    def those(*spans: timedelta) -> list[str]:
        return sorted(str(heard[one]) for one in spans)

    assert found(since=NOW) == those(timedelta(0), microsecond, hour)
    assert found(until=NOW) == those(-hour, -microsecond)
    assert found(since=NOW, until=NOW + microsecond) == those(timedelta(0))
    assert found(since=NOW - hour, until=NOW) == those(-hour, -microsecond)
    desk.connection.rollback()


def test_what_was_heard_is_found_by_index_however_much_it_is(desk: Desk) -> None:
    one = uuid7(NOW)
    desk.connection.execute("SET LOCAL enable_seqscan = off")  # where there is another way, take it
    newest = "ORDER BY s.id DESC LIMIT 50"
    asked: list[tuple[str, list[object], str]] = [
        (judging._PENDING, [Uuids.of([one]), one, one], "_pkey"),
        (f"{SIGNALS} WHERE s.id = ANY(%s)", [[one]], "_pkey"),
        (f"{SIGNALS} {newest}", [], "_pkey"),
        (f"{SIGNALS} WHERE s.device = %s {newest}", [one], "_device_id_idx"),
        (f"{SIGNALS} WHERE s.site = %s {newest}", [one], "_site_id_idx"),
        (f"{SIGNALS} WHERE v.incident = %s {newest}", [one], "_pkey"),
        (figures._LAG, [], "_pkey"),
    ]
    for query, values, index in asked:
        plan = desk.connection.execute(f"EXPLAIN {query}".encode(), values or None).fetchall()
        read = "\n".join(line for (line,) in plan)
        assert not re.search(r"Seq Scan on (message|further|pending)", read), read
        assert re.search(rf"Scan .*using message_\w+{index}", read), read
    desk.connection.rollback()


@pytest.mark.parametrize(
    ("kind", "filters"),
    [
        ("incidents", {"level": "high"}),
        ("incidents", {"name": "Zhang"}),
        ("incidents", {"phone": "138"}),
        ("incidents", {"site": "S-1"}),
        ("incidents", {"open": "maybe"}),
        ("incidents", {"open": ["x"]}),
        ("incidents", {"since": "yesterday"}),
        ("incidents", {"since": "2026-11-21T12:00:00"}),
        ("facts", {"after": "x"}),
        ("units", {"state": "a\0b"}),
    ],
)
def test_what_is_no_filter_is_said(
    connection: Connection, kind: str, filters: dict[str, Any]
) -> None:
    with pytest.raises(BadFilter):
        list_rows(connection, kind, filters=filters)


@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24", "WzFd", "WyJhIiwiYiJd", "ä", "W10"])
def test_what_is_no_cursor_is_said(connection: Connection, cursor: str) -> None:
    with pytest.raises(BadFilter):
        list_rows(connection, "incidents", cursor=cursor)


def test_no_list_can_be_filtered_by_a_person() -> None:
    for kind in KINDS:
        assert not {"name", "phone", "caller", "caller_name", "caller_phone", "text", "q"} & set(
            LISTS[kind].filters
        )


def test_huge_numbers_find_nothing_and_break_nothing(connection: Connection) -> None:
    for number in (10**30, -(10**30)):
        filters = {"number": number}
        assert list_rows(connection, "incidents", filters=filters)["items"] == []
    assert get_row(connection, "incidents", uuid4()) is None


def test_a_caller_is_narrowed_to_districts_agency_and_unit(desk: Desk) -> None:
    unit, other = desk.unit(), desk.unit()
    mine, foreign = desk.open(district="north"), desk.open(district="south")
    desk.send(mine, unit)
    desk.send(foreign, other)

    def found(**narrowed: Any) -> set[str]:
        page = list_rows(desk.connection, "incidents", limit=500, **narrowed)
        return set(ids(page)) & {str(mine), str(foreign)}

    assert found(districts=("north",)) == {str(mine)}
    assert found(districts=("north", "south")) == {str(mine), str(foreign)}
    assert found(agency="police") == set()
    assert found(unit=unit) == {str(mine)}
    assert ids(list_rows(desk.connection, "units", unit=unit)) == [str(unit)]
    assert list_rows(desk.connection, "signals", unit=unit)["items"] == []
    assert list_rows(desk.connection, "devices", unit=unit)["items"] == []


def test_sealed_fields_of_a_timeline_need_the_keyring(desk: Desk) -> None:
    incident = desk.open(caller_phone="13800000000")
    desk.do(AddNote(incident, "second floor"))
    while assign(desk.connection):
        pass

    def data(keyring: Keyring | None) -> list[dict[str, Any]]:
        page = list_rows(desk.connection, "facts", filters={"incident": incident}, keyring=keyring)
        return [row["data"] for row in page["items"]]

    noted, opened = data(desk.keyring)
    assert noted == {"text": "second floor"}
    assert opened["caller_phone"] == "13800000000"
    assert data(None)[0] == {}
    assert "caller_phone" not in data(None)[1]
    desk.keyring.destroy(incident)
    assert data(desk.keyring)[0] == {"erased": True}


def test_a_fact_has_the_shape_of_the_api(desk: Desk) -> None:
    incident = desk.open()
    while assign(desk.connection):
        pass
    (row,) = list_rows(desk.connection, "facts", filters={"incident": incident})["items"]
    assert (row["kind"], row["version"], row["subject_kind"]) == ("incident.opened", 1, "incident")
    assert (row["subject"], row["incident"]) == (str(incident), str(incident))
    assert (row["actor"], row["actor_name"]) == ("user:li", "Li Wei")
    assert row["recorded_at"] == "2026-11-21T12:00:00Z"
    assert get_row(desk.connection, "facts", row["position"]) == row


def test_a_unit_has_its_stations_names_and_place(desk: Desk) -> None:
    unit = uuid4()
    desk.do(
        RegisterUnit(
            *(unit, "names-1", "engine", (Capability.PUMP,), STATION, PLACE, "huangpu", "fire")
        )
    )
    row = get_row(desk.connection, "units", unit)
    assert row is not None
    assert row["position"]["lat"] == PLACE.lat
    assert UUID(row["station"]) == STATION
