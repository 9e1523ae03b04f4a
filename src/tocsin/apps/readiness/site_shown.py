"""What a site's page shows beside its devices: zones, plan, tests, and contacts, which are opened
only on request and written down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from tocsin.apps.log import connection, keyring
from tocsin.apps.readiness.siting import Row
from tocsin.core.access import may
from tocsin.core.confirmation import ConfirmRule
from tocsin.core.terms import Actor
from tocsin.core.texts.confirming import CONFIRM_RULES
from tocsin.core.texts.zones import DELAYS, ZONE_KINDS
from tocsin.core.zones import Delay, ZoneKind
from tocsin.record.contacts import contacts_of
from tocsin.record.looked import Looked, looks, record_look
from tocsin.record.register import partitions_of, steps_of, zones_of
from tocsin.record.retention import heard_kept
from tocsin.record.views import list_rows


def register_of(actor: Actor, site: Row, language: str, *, with_contacts: bool) -> dict[str, Any]:
    """Zones, partitions, plans and tests of a site in one language; its contacts, if asked for."""
    now = datetime.now(UTC)
    identifier = UUID(site["id"])
    with connection() as opened:
        zones, partitions = zones_of(opened, identifier), partitions_of(opened, identifier)
        steps = steps_of(opened, identifier)
        tests = list_rows(opened, "on_tests", limit=20, filters={"site": identifier})["items"]
        contacts = None
        place = {"district": site["district"], "agency": site["agency"]}
        if with_contacts and may(actor, "read:contact", **place):
            record_look(opened, actor, Looked.CONTACTS, site["code"], now=now, **place)
            contacts = [one for _, one in contacts_of(opened, keyring(), identifier, now.date())]
    names = {(one["device"], one["number"]): one[f"name_{language}"] for one in partitions}
    rule = ConfirmRule(site["confirming"]["rule"])
    return {
        "confirm_rule": CONFIRM_RULES[rule].of(language),
        "zones": [_zone(one, names, language) for one in zones],
        "plans": _plans(steps, zones, language),
        "tests": [test_shown(one, language) for one in tests],
        "contacts": contacts,
        "contacts_shown": contacts is not None,
    }


def looks_of(actor: Actor) -> list[dict[str, Any]]:
    """The newest looks at what is kept closed, in the actor's agency."""
    with connection() as opened:
        found = looks(opened, actor.agency)
    return [
        one for one in found if not actor.districts or one["district"] in (*actor.districts, "")
    ]


def heard_kept_shown() -> dict[str, Any]:
    """What is kept of what was heard."""
    with connection() as opened:
        found = heard_kept(opened, datetime.now(UTC), settings.HEARD_DAYS)
        opened.rollback()
    return {"kept": found, "heard_days": settings.HEARD_DAYS}


def test_shown(row: Row, language: str) -> Row:
    """A test with its times as times, its site's name and its scope in words."""
    times = {name: _time(row[name]) for name in ("begun_at", "until", "ended_at")}
    scope = " / ".join(filter(None, (row["account"], row["zone"])))
    return {**row, **times, "site_name": row[f"site_name_{language}"], "scope": scope}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _zone(one: Row, partitions: dict[tuple[str, str], str], language: str) -> Row:
    name = partitions.get((one["device"], one["partition"]), "")
    return {
        **one,
        "name": one[f"name_{language}"],
        "kind_name": ZONE_KINDS[ZoneKind(one["kind"])].of(language),
        "delay_name": DELAYS[Delay(one["delay"])].of(language) if one["delay"] else "",
        "partition_name": " ".join(filter(None, (one["partition"], name))),
    }


def _plans(steps: list[Row], zones: list[Row], language: str) -> list[dict[str, Any]]:
    """The site's plan first, then those of its zones: a heading and the steps of each."""
    by_zone: dict[str | None, list[str]] = {}
    for one in steps:
        by_zone.setdefault(one["zone"], []).append(one[f"text_{language}"])
    named = {one["id"]: one for one in zones}
    plans = []
    for zone, texts in by_zone.items():
        known = named.get(zone) if zone is not None else None
        heading = None if known is None else f"{known['number']} · {known[f'name_{language}']}"
        plans.append({"zone": heading, "steps": texts})
    return plans
