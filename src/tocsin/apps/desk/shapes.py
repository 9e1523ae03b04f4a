"""The shapes that the API answers with, for OpenAPI. Rows are shipped as the log stores them and
are not validated again on the way out; tests hold them to these schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from tocsin.apps.desk.alarm_shapes import AvsRow, CancelledRow, ConfirmationRow, OpenZoneRow
from tocsin.apps.desk.beside_shapes import CrowdRow, KeptPlanRow, LikenessRow, OnTestRow, TickedRow
from tocsin.core.assurance import Assurance
from tocsin.core.incidents.facts import Source
from tocsin.core.incidents.state import Band, IncidentState
from tocsin.core.orders import OrderState
from tocsin.core.signals import Verdict, VerdictReason
from tocsin.core.terms import (
    Capability,
    Channel,
    Datum,
    Disposition,
    IncidentType,
    Level,
    Role,
    SubjectKind,
)
from tocsin.core.units import OutOfServiceReason, UnitState

Time = AwareDatetime


class PlaceRow(Schema):
    lat: float
    lon: float
    datum: Datum
    address_zh: str
    address_en: str
    source: str
    radius_m: Annotated[
        float | None, Field(description="Uncertainty, where the source says it.")
    ] = None
    measured_at: Annotated[Time | None, Field(description="Where the source says it.")] = None


class AttachedUnit(Schema):
    unit: UUID
    call_sign: str
    order: UUID
    state: OrderState


class IncidentRow(Schema):
    id: UUID
    number: int
    opened_at: Time
    state: IncidentState
    type: IncidentType
    level: Level
    band: Band
    place: PlaceRow | None
    title_zh: str
    title_en: str
    district: str
    agency: str
    source: Source
    crowd: Annotated[CrowdRow | None, Field(description="Null: a card of one sender.")]
    site: UUID | None
    signals: Annotated[list[UUID], Field(description="The latest 50.")]
    signal_count: int
    alarm_count: int
    report_count: Annotated[int, Field(description="Public reports; nothing vouches for them.")]
    report_additions: Annotated[int, Field(description="Further words of their senders.")]
    reports_withdrawn: Annotated[int, Field(description="Whose sender no longer needs help.")]
    units: list[AttachedUnit]
    taken_by: str | None
    taken_by_name: str | None
    taken_at: Time | None
    held_until: Time | None
    linked: list[UUID]
    absorbed: list[UUID]
    merged_into: UUID | None
    duplicates: Annotated[
        list[UUID], Field(description="Open incidents near by place, time and type.")
    ]
    likenesses: Annotated[list[LikenessRow], Field(description="Why each is named.")]
    plans: Annotated[
        list[KeptPlanRow], Field(description="As they stood when its alarms came; at most 10.")
    ]
    ticked: list[TickedRow]
    assurance: Annotated[Assurance, Field(description="The weakest of its own alarms.")]
    late: Annotated[
        bool, Field(description="All its alarms are late: only a person sends units to it.")
    ]
    opened_because: VerdictReason | None
    avs: Annotated[
        AvsRow | None, Field(description="TMA-AVS-01; null for other than intrusion and hold-up.")
    ]
    confirmation: Annotated[ConfirmationRow | None, Field(description="Null: nothing waited.")]
    cancelled: CancelledRow | None
    open_zones: Annotated[list[OpenZoneRow], Field(description="Not restored; at most 50.")]
    open_zones_more: Annotated[bool, Field(description="More are open than are named.")]
    due_at: Time | None
    overdue: str | None
    disposition: Disposition | None
    closed_at: Time | None
    version: int


class OrderChannel(Schema):
    channel: Channel
    sent_at: Time | None
    received_at: Time | None


class OrderRow(Schema):
    id: UUID
    incident: UUID
    unit: UUID
    call_sign: str
    state: OrderState
    channels: list[OrderChannel]
    given_at: Time
    received_at: Time | None
    accepted_at: Time | None
    refused_at: Time | None
    refusal: str | None
    under_way_at: Time | None
    at_scene_at: Time | None
    done_at: Time | None
    recalled_at: Time | None
    due_at: Time | None
    overdue: str | None
    district: str
    agency: str
    version: int


class PositionRow(Schema):
    lat: float
    lon: float
    datum: Datum
    at: Time
    heading: float | None


class UnitRow(Schema):
    id: UUID
    call_sign: str
    kind: str
    capabilities: list[Capability]
    state: UnitState
    state_since: Time
    incident: UUID | None
    order: UUID | None
    station: UUID
    station_name_zh: str
    station_name_en: str
    district: str
    agency: str
    position: PositionRow | None
    out_of_service_reason: OutOfServiceReason | None
    due_at: Time | None
    overdue: str | None
    version: int


class SignalRow(Schema):
    id: UUID
    received_at: Time
    protocol: str
    intake: str
    account: str
    token: str
    code: str
    qualifier: str
    zone: str
    partition: str
    text: str
    text_zh: str
    text_en: str
    occurred_at: Time | None
    late: bool
    repeat_of: UUID | None
    assurance: Literal["none", "integrity", "authenticated"]
    effect: str | None
    verdict: str | None
    reason: str | None
    site: UUID | None
    device: UUID | None
    incident: UUID | None
    on_test: Annotated[UUID | None, Field(description="What it was only recorded under.")]
    blocked: Annotated[UUID | None, Field(description="The block rule that muted it.")]
    would_have: Annotated[
        Verdict | None, Field(description="What would have become of it otherwise.")
    ]
    district: str
    agency: str
    source: str | None
    problem: str | None
    version: int


class SignalWhole(SignalRow):
    raw: Annotated[
        str | None, Field(description="Base64 of the bytes as heard, for roles that may see them.")
    ]


class FactRow(Schema):
    position: int
    recorded_at: Time
    kind: str
    version: int
    subject: UUID
    subject_kind: SubjectKind
    incident: UUID | None
    actor: str
    actor_name: str
    district: str
    agency: str
    data: dict[str, Any]


class DoneFact(Schema):
    """A fact right after its command: its position is given later, by the stream."""

    kind: str
    subject: UUID
    subject_kind: SubjectKind
    version: int
    incident: UUID | None
    data: dict[str, Any]


class Done(Schema):
    facts: list[DoneFact]


class Incidents(Schema):
    items: list[IncidentRow]
    next: str | None


class Orders(Schema):
    items: list[OrderRow]
    next: str | None


class Units(Schema):
    items: list[UnitRow]
    next: str | None


class Signals(Schema):
    items: list[SignalRow]
    next: str | None


class Facts(Schema):
    items: list[FactRow]
    next: str | None


class Me(Schema):
    id: str
    name: str
    role: Role
    districts: list[str]
    agency: str
    unit: UUID | None
    language: Annotated[
        Literal["zh-CN", "en"] | None,
        Field(description="The account's own; null: as the browser asks."),
    ]


class Named(Schema):
    code: str
    name_zh: str
    name_en: str


class Station(Schema):
    id: UUID
    name_zh: str
    name_en: str
    lat: float
    lon: float
    datum: Datum
    district: str
    agency: str


class Lag(Schema):
    signals_waiting: int
    oldest_s: float | None
    sequencer_behind: int
    quarantined: int


class Snapshot(Schema):
    position: int
    at: Time
    incidents: list[IncidentRow]
    units: list[UnitRow]
    orders: list[OrderRow]
    on_tests: Annotated[list[OnTestRow], Field(description="What is on test at present.")]
    districts: list[Named]
    agencies: list[Named]
    stations: list[Station]
    me: Me
    lag: Lag | None  # None, as no counters, for those who may not read the intake
    counters: dict[str, int]


class Requirement(Schema):
    capability: Capability
    count: int
    attached: int


class AdviceReason(Schema):
    code: str
    text_zh: str
    text_en: str


class AdvisedUnit(Schema):
    unit: UUID
    call_sign: str
    kind: str
    minutes: float | None
    km: float | None
    recommended: bool
    reasons: list[AdviceReason]


class Shortfall(Schema):
    capability: Capability
    missing: int
    text_zh: str
    text_en: str


class Advice(Schema):
    incident: UUID
    at: Time
    requirements: list[Requirement]
    ranked: list[AdvisedUnit]
    shortfalls: list[Shortfall]
    alternatives: list[AdvisedUnit]
    degraded: bool
    basis: Literal["road", "straight_line"]


class Stored(Schema):
    """How many positions were kept; the others' units have no order."""

    kept: int
    ignored: int


class MapInfo(Schema):
    available: bool
    center: Annotated[list[float] | None, Field(description="Longitude and latitude, WGS-84.")]
    bounds: Annotated[list[float] | None, Field(description="West, south, east, north.")]


class FieldError(Schema):
    field: str
    message: str


class ProblemDocument(Schema):
    """RFC 9457. `reason` is a stable code; `by` and `at` say who was first and when."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    errors: list[FieldError]
    by: str | None = None
    at: Time | None = None
