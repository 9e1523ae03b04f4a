"""The promises of ARCHITECTURE.md, as far as today's code could break them: dependencies, schema,
API, rules and tracks. Each check is shown to find what it looks for."""

import dataclasses
import json
import re
import typing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from little_city import AGENCY, build, call, command
from tocsin.core.commands import OpenIncident
from tocsin.core.dispatch import AdviceSnapshot, Candidate
from tocsin.core.rules import decide
from tocsin.core.signals import SignalRead
from tocsin.core.terms import (
    Actor,
    Context,
    Datum,
    IncidentType,
    Level,
    Nearby,
    Place,
    Role,
)
from tocsin.record.database import Connection
from tocsin.wire.dc09.frames import Frame
from tocsin.wire.dc09.signals import read
from web_site import Site

ROOT = Path(__file__).parent.parent.parent

# 1. No identification of people: nothing that does it is installed.
RECOGNITION = re.compile(
    r"face|facenet|insight|deepface|dlib|openalpr|alpr|plate|speaker|voice|gait|emotion|biometr|"
    r"opencv|mediapipe|ultralytics|yolo|torch|tensorflow|onnx|keras|whisper|paddle|easyocr|tesser"
)


def recognition_in(names: list[str]) -> list[str]:
    return [name for name in names if RECOGNITION.search(name)]


def test_no_dependency_recognises_anything() -> None:
    locked = re.findall(r"^([a-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    packages = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    assert len(locked) > 30
    assert len(packages) > 30
    assert recognition_in(locked) == []
    own = [name.rpartition("node_modules/")[2] for name in packages]
    # "interface" and "surface" are words of their trade.
    assert recognition_in([re.sub(r"inter-?face|surface|template", "", one) for one in own]) == []
    assert recognition_in(["deepface", "pyalpr"]) == ["deepface", "pyalpr"]


# 3. No register of people: no column says who somebody is, and no index finds a person.
PERSONAL = re.compile(
    r"phone|tel\b|caller|person|citizen|suspect|identity|id_card|passport|birth|gender|"
    r"nationality|plate|imei|imsi|vin\b|face|voice|watch_?list"
)


def personal_in(columns: list[tuple[str, str, str]]) -> list[str]:
    return [
        f"{schema}.{table}.{column}"
        for schema, table, column in columns
        if PERSONAL.search(column) or PERSONAL.search(table)
    ]


def test_no_table_is_about_people(owner: Connection) -> None:
    columns = owner.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        " WHERE table_schema IN ('log', 'heard', 'view', 'ref', 'tracks')"
    ).fetchall()
    assert len(columns) > 60
    assert personal_in(columns) == []
    assert personal_in([("view", "incident", "caller_phone")])


def test_who_is_called_at_a_site_stands_in_no_clear_column(owner: Connection) -> None:
    columns = owner.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'ref' AND table_name = 'contact'"
    ).fetchall()
    assert {one for (one,) in columns} == {"id", "site", "place", "valid_until", "sealed"}


def indexed(definition: str) -> set[str]:
    """The columns of an index, without the condition on its rows."""
    inside = re.search(r"USING \w+ \((.*?)\)(?: NULLS| WHERE| WITH| TABLESPACE|$)", definition)
    assert inside, definition
    return set(re.findall(r"[a-z_]+", inside[1]))


def test_no_index_reaches_into_names_or_texts(owner: Connection) -> None:
    indexes = owner.execute(
        "SELECT indexdef FROM pg_indexes WHERE schemaname IN"
        " ('log', 'heard', 'view', 'ref', 'tracks')"
    ).fetchall()
    assert len(indexes) > 20
    finds = {"name_zh", "name_en", "actor", "actor_name", "text", "body", "row", "address", "read"}
    assert [one for (one,) in indexes if indexed(one) & finds] == []
    assert indexed("CREATE INDEX x ON view.incident USING btree (name_zh)") & finds


# 3. No query takes a person: every parameter of every list is known, and none names anybody.
PARAMETERS = {
    *("limit", "cursor", "state", "type", "level", "district", "from", "to", "incident", "unit"),
    *("kind", "subject", "site", "verdict", "account", "after", "band", "protocol"),
    *(
        "agency",
        "station",
        "device",
        "problem",
        "code",
        "open",
        "in_force",
        "active",
        "number",
        "since",
        "until",
    ),
}
QUERIES = ("q", "search", "name", "phone", "caller", "caller_name", "caller_phone", "text", "note")


@pytest.mark.parametrize(
    "data",
    [
        b"#1234|NBA01 JOHN SMITH 13900001111",
        b"#1234|NBAJOHN SMITH/13900001111",
        b"#1234|NBASMITH^13900001111^",
        b"#1234|NBA13900001111^SMITH^",
        b"#1234|Nri13900001111/id13900001111/OPSMITH",
        b"#1234|NBA1|ASMITH 13900001111",
    ],
)
def test_identity_in_a_frame_is_never_in_a_clear_column(data: bytes) -> None:
    signals = read(Frame("SIA-DCS", "0001", "1", "0", "1234", data))
    assert any("SMITH" in one.text for one in signals)
    for one in signals:
        clear = repr(msgspec.structs.replace(one, text=""))
        assert "SMITH" not in clear
        assert "JOHN" not in clear
        assert "13900001111" not in clear


def test_no_list_can_be_asked_for_a_person(site: Site) -> None:
    city = build(site, prefix="never ")
    assert city
    with site.client(Role.SUPERVISOR) as client:
        document = client.get("/api/v1/openapi.json").json()
        incident = call(client, caller_name="Zhang San", caller_phone="13900001111")
        site.number_facts()
        lists = [path for path, item in document["paths"].items() if "get" in item]
        assert len(lists) > 10
        for path in lists:
            asked = {
                one["name"]
                for one in document["paths"][path]["get"].get("parameters", [])
                if one["in"] == "query"
            }
            assert asked <= PARAMETERS, f"{path} takes {asked - PARAMETERS}"
        for kind in (
            "incidents",
            "signals",
            "units",
            "orders",
            "sites",
            "devices",
            "facts",
            "on_tests",
            "blocks",
        ):
            for query in QUERIES:
                for value in ("Zhang San", "13900001111"):
                    answer = client.get(f"/api/v1/{kind}", params={query: value})
                    assert answer.status_code == 422, f"{kind}?{query}="
            whole = client.get(f"/api/v1/{kind}", params={"limit": 200}).text
            # Whoever may read the facts finds them there: it was said, and kept.
            assert ("Zhang San" in whole) == (kind == "facts"), kind
            assert ("13900001111" in whole) == (kind == "facts"), kind
        assert client.get(f"/api/v1/incidents/{incident}").status_code == 200
        assert "13900001111" not in client.get("/api/v1/snapshot").text


def fields_of(seen: type) -> set[str]:
    """The names of the fields of a dataclass or of a msgspec struct."""
    if issubclass(seen, msgspec.Struct):
        return set(seen.__struct_fields__)
    return {one.name for one in dataclasses.fields(seen)}


def about_people(seen: type) -> set[str]:
    hints = typing.get_type_hints(seen)
    return {
        name
        for name in fields_of(seen)
        if PERSONAL.search(name) or PERSONAL.search(str(hints[name]).lower())
    }


# 4. No score of a person: what decides cannot see one.
@pytest.mark.parametrize("seen", [SignalRead, Nearby, AdviceSnapshot, Candidate])
def test_what_decides_has_no_person_in_it(seen: type) -> None:
    assert fields_of(seen)
    assert about_people(seen) == set()
    assert about_people(OpenIncident) == {"caller_name", "caller_phone"}


NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PLACE = Place(30.25, 113.43, Datum.WGS_84, "人民路 1 号", "1 Renmin Road", "call_taker")
TAKER = Actor("taker", "Call-taker", Role.CALL_TAKER, AGENCY)
PEOPLE = st.sampled_from([None, "", "张三", "Ada Lovelace", "13900001111", "أحمد", "Ω" * 40])


@given(st.sampled_from(IncidentType), st.sampled_from(Level), PEOPLE, PEOPLE, PEOPLE, PEOPLE)
def test_who_calls_changes_nothing(
    what: IncidentType, level: Level, name: str, phone: str, other_name: str, other_phone: str
) -> None:
    def opened(caller_name: str | None, caller_phone: str | None) -> list[object]:
        asked = OpenIncident(
            incident_type=what,
            level=level,
            place=PLACE,
            district="north",
            agency=AGENCY,
            caller_name=caller_name,
            caller_phone=caller_phone,
        )
        context = Context(
            now=NOW, actor=TAKER, fresh_ids=(UUID(int=1), UUID(int=2)), incident_number=1
        )
        facts = decide({}, asked, context)
        return [
            (kind, subject, dataclasses.replace(fact, caller_name=None, caller_phone=None))
            for kind, subject, fact in facts
        ]

    assert opened(name, phone) == opened(other_name, other_phone)


# 2. No tracking: a position without an order is not kept.
def test_an_idle_unit_leaves_no_trace(site: Site) -> None:
    city = build(site, prefix="trace ")
    unit = next(iter(city.units["north"].values()))
    position = {"unit": str(unit), "lat": 30.2, "lon": 113.4, "datum": "WGS-84"}
    position |= {"heading": 10.0, "at": datetime.now(UTC).isoformat()}
    with site.client(Role.SERVICE) as terminal, site.client(Role.DISPATCHER) as desk:
        answer = terminal.post("/api/v1/positions", json={"positions": [position]})
        assert answer.status_code == 200
        assert answer.json()["kept"] == 0
        # With an order it is kept: the check above can fail.
        incident = call(desk)
        command(desk, "send_units", incident=incident, units=[str(unit)])
        answer = terminal.post("/api/v1/positions", json={"positions": [position]})
        assert answer.json()["kept"] == 1
