"""Action plans: what the register says for the judging of signals, and what an incident has kept
of it, opened for those who may read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import msgspec

from tocsin.core.code_tables import zone_of
from tocsin.core.commands import Command
from tocsin.core.incidents.steps import ActionPlan, TickStep, UntickStep
from tocsin.core.signals import SignalRead
from tocsin.core.terms import PlanStep
from tocsin.core.zones import zone_number
from tocsin.record.database import Connection
from tocsin.record.facts import bound_to, data_with_sealed
from tocsin.record.keys import Keyring
from tocsin.record.views.sql import fetch

Row = dict[str, Any]

_KEPT: Final = "incident.plan_kept"

_REGISTER: Final = """
SELECT t.site, z.device, z.number, t.text_zh, t.text_en
FROM ref.step t LEFT JOIN ref.zone z ON z.id = t.zone
WHERE t.site = ANY(%s) ORDER BY t.site, t.zone, t.place, t.id"""

_OF_INCIDENT: Final = """
SELECT f.subject, f.version, f.kind, f.recorded_at, f.incident, f.body, f.sealed
FROM log.fact f WHERE f.subject = %s AND f.kind = %s ORDER BY f.version"""


@dataclass(frozen=True, slots=True)
class Planned:
    """The plans of some sites as they are now."""

    of_zone: Mapping[tuple[UUID, str], ActionPlan] = field(default_factory=dict)
    of_site: Mapping[UUID, ActionPlan] = field(default_factory=dict)

    def plan(self, site: UUID | None, device: UUID | None, read: SignalRead) -> ActionPlan | None:
        """What is to be done about a signal: the plan of its zone, else that of its site."""
        if site is None:
            return None
        number = zone_number(zone_of(read))
        found = self.of_zone.get((device, number)) if device is not None and number else None
        return found or self.of_site.get(site)


def planned(connection: Connection, sites: Collection[UUID]) -> Planned:
    """The plans of `sites`. Leaves the transaction open."""
    if not sites:
        return Planned()
    steps: dict[tuple[UUID, UUID | None, str], list[PlanStep]] = {}
    for site, device, number, zh, en in connection.execute(_REGISTER, (list(sites),)):
        steps.setdefault((site, device, number or ""), []).append(PlanStep(zh, en))
    of_zone: dict[tuple[UUID, str], ActionPlan] = {}
    of_site: dict[UUID, ActionPlan] = {}
    for (site, device, number), some in steps.items():
        plan = ActionPlan(tuple(some), device, number)
        if device is None:
            of_site[site] = plan
        else:
            of_zone[device, number] = plan
    return Planned(of_zone, of_site)


def step_of(connection: Connection, keyring: Keyring, command: Command) -> PlanStep | None:
    """The words of the step that a command ticks, as the incident kept them; None for any other
    command, for a step that there is not, and once the incident's key is gone."""
    if not isinstance(command, TickStep | UntickStep):
        return None
    for row in kept_plans(connection, keyring, command.incident):
        if row["plan"] == command.plan and 0 < command.step <= len(row["steps"]):
            one = row["steps"][command.step - 1]
            return PlanStep(one["text_zh"], one["text_en"])
    return None


def kept_plans(connection: Connection, keyring: Keyring, incident: UUID) -> list[Row]:
    """The plans that an incident has kept, in their order, with their steps: none where its key has
    been destroyed (`erased`). Values are JSON values."""
    rows = []
    for one in fetch(connection, _OF_INCIDENT, [incident, _KEPT]):
        binding = bound_to(one["subject"], one["version"], one["kind"])
        data = data_with_sealed(
            keyring, one["body"], one["sealed"], incident=one["incident"], binding=binding
        )
        rows.append(
            {
                "plan": data["plan"],
                "count": data["count"],
                "device": data["device"],
                "zone": data["zone"],
                "kept_at": msgspec.to_builtins(one["recorded_at"]),
                "steps": data.get("steps", []),
                "erased": bool(data.get("erased")),
            }
        )
    return rows


_ZONES: Final = """
SELECT d.id, k.number, d.account, z.name_zh, z.name_en
FROM unnest(%s::uuid[], %s::text[]) k (device, number)
JOIN ref.device d ON d.id = k.device
LEFT JOIN ref.zone z ON z.device = d.id AND z.number = k.number"""


def named(connection: Connection, plans: list[Row]) -> list[Row]:
    """The same with what the register calls the zones now."""
    of_zones = [one for one in plans if one["device"] is not None]
    keys = ([one["device"] for one in of_zones], [one["zone"] for one in of_zones])
    names = {}
    if of_zones:
        found = fetch(connection, _ZONES, keys)
        names = {(str(one["id"]), one["number"]): one for one in found}
    return [
        {
            **one,
            "account": (known := names.get((one["device"], one["zone"]), {})).get("account") or "",
            "zone_zh": known.get("name_zh") or "",
            "zone_en": known.get("name_en") or "",
        }
        for one in plans
    ]
