"""One site or device with everything the register holds of it. Contacts are personal data: only for
an administrator, or for a desk while an incident is open there; and every look is written down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from tocsin.apps.log import keyring
from tocsin.core.access import may
from tocsin.core.terms import Actor, Role
from tocsin.record.contacts import contacts_of
from tocsin.record.database import Connection
from tocsin.record.looked import Looked, record_look
from tocsin.record.register import partitions_of, steps_of, zones_of
from tocsin.record.views import list_rows
from tocsin.record.views.standing import has_open_incident

Row = dict[str, Any]

ON_TEST_SHOWN_MAX = 100


def whole(log: Connection, actor: Actor, kind: str, row: Row) -> Row:
    """The row of `sites` or `devices` completed. Asked for by one that may read it."""
    site = UUID(row["id"] if kind == "sites" else row["site"])
    zones, partitions = zones_of(log, site), partitions_of(log, site)
    if kind == "devices":
        return {
            **row,
            "partitions": [one for one in partitions if one["device"] == row["id"]],
            "zones": [one for one in zones if one["device"] == row["id"]],
        }
    is_for_desk = may(actor, "read:on_test", district=row["district"], agency=row["agency"])
    running = list_rows(
        log, "on_tests", limit=ON_TEST_SHOWN_MAX, filters={"site": site, "open": True}
    )
    return {
        **row,
        "partitions": partitions,
        "zones": zones,
        "steps": steps_of(log, site),
        "on_test": running["items"] if is_for_desk else [],
        "contacts": shown_contacts(log, actor, row, datetime.now(UTC)),
    }


def shown_contacts(log: Connection, actor: Actor, site: Row, now: datetime) -> list[Row] | None:
    """The site's contacts for whoever may see them now, else None. Commits that they were seen."""
    place = {"district": site["district"], "agency": site["agency"]}
    if not may(actor, "read:contact", **place):
        return None
    code, identifier = site["code"], UUID(site["id"])
    if actor.role is not Role.ADMINISTRATOR and not has_open_incident(log, identifier):
        return None
    contacts = contacts_of(log, keyring(), identifier, now.date())
    if contacts:
        record_look(log, actor, Looked.CONTACTS, code, now=now, **place)
    return [{"id": str(one), **msgspec.to_builtins(contact)} for one, contact in contacts]
