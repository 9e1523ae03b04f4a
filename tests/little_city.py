"""Two districts, a station and three units in each, and calls to act on: through the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx

from tocsin.core.commands import RegisterUnit
from tocsin.core.terms import Capability, Datum, Place
from tocsin.record.database import connect
from tocsin.record.units import (
    Named,
    Station,
    put_agencies,
    put_districts,
    put_stations,
    register_units,
)
from web_site import AGENCY, Site

CENTRES = {"north": (31.25, 121.47), "south": (31.20, 121.47)}
KINDS = {
    "engine": (Capability.PUMP, Capability.RESCUE),
    "ladder": (Capability.LADDER,),
    "ambulance": (Capability.AMBULANCE,),
}


@dataclass(frozen=True)
class City:
    """`units[district][kind]` are the units' ids."""

    units: dict[str, dict[str, UUID]]


def build(site: Site, agency: str = AGENCY, prefix: str = "") -> City:
    units: dict[str, dict[str, UUID]] = {}
    rows = []
    with connect(site.urls.application) as connection:
        put_agencies(connection, [Named(agency, "消防", "Fire")])
        put_districts(
            connection, [Named("north", "北区", "North"), Named("south", "南区", "South")]
        )
        for district, (lat, lon) in CENTRES.items():
            station = uuid4()
            place = Place(lat, lon, Datum.WGS_84)
            put_stations(
                connection,
                [Station(station, f"{district}站", f"Station {district}", place, district, agency)],
            )
            units[district] = {kind: uuid4() for kind in KINDS}
            rows += [
                RegisterUnit(
                    unit,
                    f"{prefix}{district[0].upper()}-{kind}",
                    kind,
                    KINDS[kind],
                    station,
                    place,
                    district,
                    agency,
                )
                for kind, unit in units[district].items()
            ]
        connection.commit()
        register_units(connection, site.keyring, rows, now=datetime.now(UTC))
    site.number_facts()
    return City(units)


def command(client: httpx.Client, type_: str, **fields: Any) -> httpx.Response:
    """Sends one command under a fresh key."""
    return client.post(
        "/api/v1/commands",
        json={"type": type_, **fields},
        headers={"Idempotency-Key": str(uuid4())},
    )


def call(client: httpx.Client, district: str = "north", **fields: Any) -> str:
    """Opens an incident as a call-taker would; its id."""
    lat, lon = CENTRES[district]
    answer = command(
        client,
        "open_incident",
        **{
            "incident_type": "fire",
            "level": 2,
            "district": district,
            "agency": AGENCY,
            "place": {"lat": lat + 0.01, "lon": lon, "datum": "WGS-84", "address_en": "1 Mill Rd"},
            "caller_name": "Ada Caller",
            "caller_phone": "13800000000",
            "note": "smoke from the roof",
            **fields,
        },
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["facts"][0]["subject"])
