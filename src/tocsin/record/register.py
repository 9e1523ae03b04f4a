"""What the desk knows about a site beside its devices: partitions, zones, whom to call, and the
steps of its action plans; written by an import, read by screens and the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from tocsin.record.contacts import Contact, put_contacts
from tocsin.record.database import Connection
from tocsin.record.ids import uuid7
from tocsin.record.keys import Keyring
from tocsin.record.register_rows import ContactRow, PartitionRow, StepRow, ZoneRow
from tocsin.record.views.sql import fetch

Row = dict[str, Any]
Device = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Register:
    """Rows without mistakes, of any number of sites."""

    partitions: list[PartitionRow] = field(default_factory=list)
    zones: list[ZoneRow] = field(default_factory=list)
    contacts: list[ContactRow] = field(default_factory=list)
    steps: list[StepRow] = field(default_factory=list)

    @property
    def sites(self) -> set[str]:
        """The codes of the sites that stand in any of them."""
        codes = {row.site for row in self.partitions} | {row.site for row in self.zones}
        return codes | {row.site for row in self.contacts} | {row.site for row in self.steps}


def write_register(
    connection: Connection, keyring: Keyring, register: Register, now: datetime
) -> None:
    """For each site that stands in one of the four: what it has of these is this and no more. A
    zone that is still there keeps its id. The caller commits."""
    codes = register.sites
    if not codes:
        return
    sites: dict[str, UUID] = dict(
        connection.execute(
            "SELECT code, id FROM ref.site WHERE code = ANY(%s)", (list(codes),)
        ).fetchall()
    )
    devices: dict[Device, UUID] = {
        (protocol, account): device
        for protocol, account, device in connection.execute(
            "SELECT protocol, account, id FROM ref.device WHERE site = ANY(%s)",
            (list(sites.values()),),
        )
    }
    _write_partitions(connection, register.partitions, sites, devices, now)
    _write_zones(connection, register.zones, sites, devices, now)
    contacts: dict[UUID, list[tuple[UUID, Contact]]] = defaultdict(list)
    for row in register.contacts:
        contact = Contact(row.order, row.name, row.role, row.phone, row.language, row.valid_until)
        contacts[sites[row.site]].append((uuid7(now), contact))
    if contacts:
        put_contacts(connection, keyring, contacts)
    _write_steps(connection, register.steps, sites, devices, now)


_PARTITION: Final = """
INSERT INTO ref.partition (id, device, number, name_zh, name_en) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (device, number) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en"""

_ZONE: Final = """
INSERT INTO ref.zone (id, device, number, partition, name_zh, name_en, kind, location, delay)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (device, number) DO UPDATE SET partition = excluded.partition,
    name_zh = excluded.name_zh, name_en = excluded.name_en, kind = excluded.kind,
    location = excluded.location, delay = excluded.delay"""

_STEP: Final = """
INSERT INTO ref.step (id, site, zone, place, text_zh, text_en) VALUES (%s, %s, %s, %s, %s, %s)"""


def _write_partitions(
    connection: Connection,
    rows: list[PartitionRow],
    sites: dict[str, UUID],
    devices: dict[Device, UUID],
    now: datetime,
) -> None:
    keep = [(devices[row.protocol, row.account], row.partition) for row in rows]
    _drop_others(connection, "partition", {sites[row.site] for row in rows}, keep)
    with connection.cursor() as cursor:
        cursor.executemany(
            _PARTITION,
            [
                (uuid7(now), device, number, row.name_zh, row.name_en)
                for (device, number), row in zip(keep, rows, strict=True)
            ],
        )


def _write_zones(
    connection: Connection,
    rows: list[ZoneRow],
    sites: dict[str, UUID],
    devices: dict[Device, UUID],
    now: datetime,
) -> None:
    keep = [(devices[row.protocol, row.account], row.zone) for row in rows]
    _drop_others(connection, "zone", {sites[row.site] for row in rows}, keep)
    with connection.cursor() as cursor:
        cursor.executemany(
            _ZONE,
            [
                (
                    *(uuid7(now), device, number, row.partition, row.name_zh, row.name_en),
                    *(row.kind, row.location, row.delay),
                )
                for (device, number), row in zip(keep, rows, strict=True)
            ],
        )


def _drop_others(
    connection: Connection, table: str, sites: Iterable[UUID], keep: list[tuple[UUID, str]]
) -> None:
    connection.execute(
        f"DELETE FROM ref.{table} t USING ref.device d"  # noqa: S608
        " WHERE d.id = t.device AND d.site = ANY(%s) AND NOT EXISTS ("
        " SELECT FROM unnest(%s::uuid[], %s::text[]) k (device, number)"
        " WHERE k.device = t.device AND k.number = t.number)".encode(),
        (list(sites), [device for device, _ in keep], [number for _, number in keep]),
    )


def _write_steps(
    connection: Connection,
    rows: list[StepRow],
    sites: dict[str, UUID],
    devices: dict[Device, UUID],
    now: datetime,
) -> None:
    if not rows:
        return
    mine = {sites[row.site] for row in rows}
    zones = {
        (device, number): zone
        for device, number, zone in connection.execute(
            "SELECT z.device, z.number, z.id FROM ref.zone z JOIN ref.device d ON d.id = z.device"
            " WHERE d.site = ANY(%s)",
            (list(mine),),
        )
    }
    connection.execute("DELETE FROM ref.step WHERE site = ANY(%s)", (list(mine),))
    with connection.cursor() as cursor:
        cursor.executemany(
            _STEP,
            [
                (
                    *(uuid7(now), sites[row.site]),
                    zones[devices[row.protocol, row.account], row.zone] if row.zone else None,
                    *(row.order, row.text_zh, row.text_en),
                )
                for row in rows
            ],
        )


# -- reading --------------------------------------------------------------------------------------


def zones_of(connection: Connection, site: UUID) -> list[Row]:
    """The zones of all devices of a site, by device and number; values are JSON values."""
    rows = fetch(
        connection,
        "SELECT z.id, z.device, d.account, z.number, z.partition, z.name_zh, z.name_en, z.kind,"
        " z.location, z.delay FROM ref.zone z JOIN ref.device d ON d.id = z.device"
        " WHERE d.site = %s ORDER BY d.account, length(z.number), z.number",
        [site],
    )
    return [msgspec.to_builtins(row) for row in rows]


def partitions_of(connection: Connection, site: UUID) -> list[Row]:
    """The partitions of all devices of a site, by device and number."""
    rows = fetch(
        connection,
        "SELECT p.id, p.device, d.account, p.number, p.name_zh, p.name_en"
        " FROM ref.partition p JOIN ref.device d ON d.id = p.device"
        " WHERE d.site = %s ORDER BY d.account, length(p.number), p.number",
        [site],
    )
    return [msgspec.to_builtins(row) for row in rows]


def steps_of(connection: Connection, site: UUID) -> list[Row]:
    """The steps of the site's own plan (`zone` null) and of its zones' plans, in their order."""
    rows = fetch(
        connection,
        'SELECT t.id, t.zone, t.place AS "order", t.text_zh, t.text_en FROM ref.step t'
        " LEFT JOIN ref.zone z ON z.id = t.zone WHERE t.site = %s"
        " ORDER BY z.number NULLS FIRST, t.zone, t.place",
        [site],
    )
    return [msgspec.to_builtins(row) for row in rows]
