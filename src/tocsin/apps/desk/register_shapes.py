"""The shapes of what the desk knows beforehand: sites with their zones, plans and contacts, their
devices, and what is on test."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from tocsin.apps.desk.beside_shapes import OnTestRow
from tocsin.apps.desk.shapes import PlaceRow, Time
from tocsin.core.blocks import BlockEnding
from tocsin.core.confirmation import ConfirmRule
from tocsin.core.zones import Delay, ZoneKind


class ConfirmingRow(Schema):
    """Seconds; 0: there is none."""

    rule: ConfirmRule
    window_s: int
    abort_s: int
    two_trip_s: int


class DryRunRow(Schema):
    """What a block rule would have done in the 24 hours before. `devices` are the known ones among
    `sources`; `grave` alarms it would have muted, `spared` ones alarm all the same."""

    tried_at: Time
    signals: int
    sources: int
    active: int
    devices: int
    active_devices: int
    unopened: int
    grave: int
    spared: int
    cut: Annotated[bool, Field(description="There were more signals than it looked at.")]


class BlockRow(Schema):
    """A block rule. Its criteria are values or `*`; the incidents of its dry run stand in the fact
    that drafted it."""

    id: UUID
    stage: Literal["draft", "in_force", "ended"]
    protocol: str
    network: str
    account: str
    code: str
    qualifier: str
    zone: str
    grave: Annotated[bool, Field(description="It mutes alarms for people's lives too.")]
    why: str
    until: Time
    drafted_at: Time
    by: str
    by_name: str
    needs_second: Annotated[bool, Field(description="Another person must approve it.")]
    tried: DryRunRow
    in_force_at: Time | None
    in_force_by_name: str
    approved_by_name: str
    sources_max: int
    devices_max: int
    signals: Annotated[int, Field(description="How many it has muted.")]
    would_have_opened: int
    last_at: Time | None
    ending: BlockEnding | None
    ended_at: Time | None
    ended_by_name: str
    district: str
    agency: str
    version: int


class SiteRow(Schema):
    id: UUID
    code: Annotated[str, Field(description="The operator's own name for it.")]
    name_zh: str
    name_en: str
    address: str
    address_en: str
    place: PlaceRow | None
    district: str
    agency: str
    devices: list[UUID]
    confirming: Annotated[
        ConfirmingRow, Field(description="Before an intrusion alarm of it counts as one.")
    ]


class RecognisedRow(Schema):
    dialects: Annotated[list[str], Field(description="Forms of its protocol, as heard from it.")]
    takes_other_answer: Annotated[
        bool, Field(description="It did not take the first form of an answer to these.")
    ]
    clock_ahead_s: Annotated[
        int | None, Field(description="Of GMT, what its clock shows; null: GMT, or not known.")
    ]
    clock_since: Time | None


class DeviceRow(Schema):
    id: UUID
    site: UUID
    protocol: str
    account: str
    has_key: bool
    interval_s: int | None
    dialect: str
    supervision_class: str
    last_seen_at: Time | None
    recognised: Annotated[
        RecognisedRow | None,
        Field(description="Out of the ordinary in what it sends; null: nothing so far."),
    ]
    district: str
    agency: str


class ZoneRow(Schema):
    id: UUID
    device: UUID
    account: str
    number: Annotated[str, Field(description="Without leading zeros.")]
    partition: str
    name_zh: str
    name_en: str
    kind: ZoneKind
    location: str
    delay: Delay


class PartitionRow(Schema):
    id: UUID
    device: UUID
    account: str
    number: str
    name_zh: str
    name_en: str


class StepRow(Schema):
    id: UUID
    zone: Annotated[UUID | None, Field(description="null: a step of the whole site's plan.")]
    order: int
    text_zh: str
    text_en: str


class ContactRow(Schema):
    """Personal data: shown to administrators, and to a desk with an open incident at the site."""

    id: UUID
    place: Annotated[int, Field(description="1 is called first.")]
    name: str
    role: str
    phone: str
    language: str
    valid_until: date | None


class SiteWhole(SiteRow):
    partitions: list[PartitionRow]
    zones: list[ZoneRow]
    steps: list[StepRow]
    on_test: Annotated[list[OnTestRow], Field(description="What is on test at present.")]
    contacts: Annotated[
        list[ContactRow] | None,
        Field(description="null for whoever may not see them now. Each look is written down."),
    ]


class DeviceWhole(DeviceRow):
    partitions: list[PartitionRow]
    zones: list[ZoneRow]


class OnTests(Schema):
    items: list[OnTestRow]
    next: str | None


class Blocks(Schema):
    items: list[BlockRow]
    next: str | None


class Sites(Schema):
    items: list[SiteRow]
    next: str | None


class Devices(Schema):
    items: list[DeviceRow]
    next: str | None
