"""The field's closed lists and small values that every subject shares: types, levels, places,
actors, and the refusals a person reads. Names and their Chinese terms: docs/glossary.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Final
from uuid import UUID

from tocsin.core.obligations import DEFAULT_OBLIGATIONS, Obligations


class Datum(StrEnum):
    """Reference system of a coordinate. A coordinate without one is refused."""

    WGS_84 = "WGS-84"
    GCJ_02 = "GCJ-02"
    BD_09 = "BD-09"
    CGCS2000 = "CGCS2000"


class IncidentType(StrEnum):
    """What is happening. The texts are in `tocsin.core.texts`."""

    FIRE = "fire"
    MEDICAL = "medical"
    RESCUE = "rescue"
    TRAFFIC = "traffic"
    HOLDUP = "holdup"
    PANIC = "panic"
    BURGLARY = "burglary"
    PUBLIC_ORDER = "public_order"
    GAS = "gas"
    HAZMAT = "hazmat"
    TECHNICAL = "technical"
    UNKNOWN = "unknown"


class Level(IntEnum):
    """Priority, P1 (life at risk now) to P4 (needs an answer, not a siren)."""

    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4


class Capability(StrEnum):
    """What a unit can do; an incident type asks for capabilities, never for call signs."""

    PUMP = "pump"
    LADDER = "ladder"
    RESCUE = "rescue"
    HAZMAT = "hazmat"
    AMBULANCE = "ambulance"
    ADVANCED_LIFE_SUPPORT = "advanced_life_support"
    PATROL = "patrol"
    TRAFFIC = "traffic"
    COMMAND = "command"


class Channel(StrEnum):
    """A way an order reaches a crew; receipt is tracked for each by itself."""

    APP = "app"
    STATION = "station"


class Disposition(StrEnum):
    """How an incident ended; required to close one."""

    HANDLED = "handled"
    FALSE_ALARM = "false_alarm"
    UNFOUNDED = "unfounded"
    TEST = "test"
    NO_RESPONSE_NEEDED = "no_response_needed"
    TRANSFERRED = "transferred"
    DUPLICATE = "duplicate"
    CANCELLED_BY_USER = "cancelled_by_user"  # within the site's abort window


class Role(StrEnum):
    """What an account or a token may do; decided in `tocsin.core.access`."""

    CALL_TAKER = "call_taker"
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    CREW = "crew"
    ADMINISTRATOR = "administrator"
    INSPECTOR = "inspector"
    SERVICE = "service"


class SubjectKind(StrEnum):
    """What a fact is about. A fact is about exactly one subject."""

    SIGNAL = "signal"
    INCIDENT = "incident"
    ORDER = "order"
    UNIT = "unit"
    ON_TEST = "on_test"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is. Degrees, with their datum; `source` says who told us
    (`site`, `call_taker`, `unit`, `reporter`, `signal`, `aml`). Addresses are kept in both
    languages where known. `radius_m` is its uncertainty and `measured_at` (UTC) its age, where the
    source says them."""

    lat: float
    lon: float
    datum: Datum
    address_zh: str = ""
    address_en: str = ""
    source: str = "site"
    radius_m: float | None = None
    measured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person or token with a role, or one of our own processes.

    `districts` empty means every district of the agency; a crew's `unit` is the only unit it may
    speak for.
    """

    id: str
    name: str
    role: Role
    agency: str
    districts: tuple[str, ...] = ()
    unit: UUID | None = None


@dataclass(frozen=True, slots=True)
class Nearby:
    """An open incident that may be the same as one about to be opened."""

    id: UUID
    type: IncidentType
    place: Place
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class WatchedZone:
    """A zone of the register; `number` is without leading zeros."""

    device: UUID
    number: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What the register says about the site of a test: its devices with their accounts, and their
    zones."""

    district: str
    agency: str
    devices: tuple[tuple[UUID, str], ...] = ()
    zones: tuple[WatchedZone, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of an action plan, in both languages. It may name people: where an incident keeps
    it, it is sealed."""

    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """A sender that is taken out of a crowd: all its signals there, oldest first, what the one that
    a person pointed at says, and the sender's name. `source_key` tells an unknown source again."""

    signals: tuple[UUID, ...]
    text_zh: str
    text_en: str
    name_zh: str
    name_en: str
    place: Place | None = None
    source_key: str = ""


@dataclass(frozen=True, slots=True)
class Unopened:
    """An incident that a block rule would have kept from opening. `others`: signals of it that the
    rule does not match; the first of them would have opened it later."""

    incident: UUID
    number: int
    type: IncidentType
    level: Level
    opened_at: datetime
    others: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a block rule would have done in the 24 hours before `tried_at`.

    `sources` of the `active` ones sent the `signals` that it would have muted: known devices,
    and network addresses of unknown senders. `devices` of the `active_devices` are the known ones
    alone, since anybody can add unknown senders. `unopened`: incidents that would not have opened,
    the newest of them in `incidents`. `grave`: alarms for people's lives that it would have muted;
    `spared`: those that it matches and that alarm all the same. `cut`: there were more signals
    than it looked at. `open_rules`: drafts and rules in force of the same district.
    """

    tried_at: datetime
    signals: int
    sources: int
    active: int
    devices: int
    active_devices: int
    unopened: int
    grave: int
    spared: int
    cut: bool
    open_rules: int
    incidents: tuple[Unopened, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a decision needs besides state and command: time, actor and fresh ids.

    `fresh_ids` holds at least as many ids as the command may create (see
    `tocsin.core.commands.fresh_ids_needed`); `incident_number` is the next number of the
    district's sequence, used only if an incident is opened; `nearby` are open incidents around the
    place of the one to be opened, from which its possible duplicates are named; `watched` is what
    the register says about the site that a test is of, None: there is no such site; `step` is the
    text of the step that a command ticks, None where its key is gone; `leaving` is the sender that
    a command takes out of a crowd, None: it is in none;
    `tried` is the dry run of a block rule, None: there is no such district.
    """

    now: datetime
    actor: Actor
    fresh_ids: tuple[UUID, ...] = ()
    incident_number: int = 0
    nearby: tuple[Nearby, ...] = ()
    watched: Watched | None = None
    step: PlanStep | None = None
    leaving: Leaving | None = None
    tried: DryRun | None = None
    obligations: Obligations = DEFAULT_OBLIGATIONS


class Reason(StrEnum):
    """Why a command is refused. The person's text, in both languages, is in
    `tocsin.core.texts.refusals`; a test fails if one is missing."""

    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    NOT_BY_MACHINE = "not_by_machine"
    NOT_AUTHENTICATED = "not_authenticated"
    ALARM_LATE = "alarm_late"
    INCIDENT_CLOSED = "incident_closed"
    INCIDENT_NOT_CLOSED = "incident_not_closed"
    INCIDENT_MERGED = "incident_merged"
    INCIDENT_NOT_MERGED = "incident_not_merged"
    INCIDENT_NOT_HELD = "incident_not_held"
    ALREADY_TAKEN = "already_taken"
    UNIT_ATTACHED = "unit_attached"
    UNIT_BUSY = "unit_busy"
    UNIT_OUT_OF_SERVICE = "unit_out_of_service"
    UNIT_HAS_NO_ORDER = "unit_has_no_order"
    UNIT_ON_ORDER = "unit_on_order"
    UNIT_NOT_IN_SERVICE = "unit_not_in_service"
    ORDER_ENDED = "order_ended"
    ORDER_STEP_IMPOSSIBLE = "order_step_impossible"
    NO_UNITS_NAMED = "no_units_named"
    UNIT_NAMED_TWICE = "unit_named_twice"
    SAME_INCIDENT = "same_incident"
    NOT_A_CROWD = "not_a_crowd"
    SENDER_SIGNALS_TOO_MANY = "sender_signals_too_many"
    OTHER_DISTRICT = "other_district"
    OPENING_ELSEWHERE = "opening_elsewhere"
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    TIME_IN_PAST = "time_in_past"
    PLACE_INVALID = "place_invalid"
    ALREADY_SO = "already_so"
    CALL_SIGN_TAKEN = "call_sign_taken"
    TEST_TOO_LONG = "test_too_long"
    TEST_ENDED = "test_ended"
    NO_SUCH_STEP = "no_such_step"
    AVS_NOT_FOR_TYPE = "avs_not_for_type"
    BLOCK_FIELD_INVALID = "block_field_invalid"
    BLOCK_MATCHES_ALL = "block_matches_all"
    BLOCK_TOO_WIDE = "block_too_wide"
    BLOCK_TOO_LONG = "block_too_long"
    BLOCK_GRAVE_NEEDS_DEVICE = "block_grave_needs_device"
    BLOCK_NEEDS_SECOND = "block_needs_second"
    BLOCK_SHARE_TOO_GREAT = "block_share_too_great"
    BLOCK_ASK_AGAIN = "block_ask_again"
    BLOCK_NOT_IN_FORCE = "block_not_in_force"
    BLOCK_ENDED = "block_ended"
    BLOCKS_TOO_MANY = "blocks_too_many"
    DRY_RUN_OLD = "dry_run_old"
    DRY_RUN_TOO_SLOW = "dry_run_too_slow"
    LOST_RACE = "lost_race"


class Refused(Exception):
    """A command that cannot be done, with a reason for a person.

    `details` fill the placeholders of the reason's text (`by`, `at`, `call_sign`, ...). A reason in
    `RACES` means that someone else was first: the API answers 409 with `by` and `at`.
    """

    def __init__(self, reason: Reason, **details: Any) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.details: Mapping[str, Any] = details


# Refusals that mean "somebody else was first": answered 409, the rest 422 (403/404 for access).
RACES: Final = frozenset({Reason.ALREADY_TAKEN, Reason.UNIT_BUSY, Reason.LOST_RACE})

SEALED: Final = {"sealed": True}


def sealed(default: Any = None) -> Any:
    """A dataclass field that may hold personal data: `tocsin.record` encrypts it under the
    incident's key and no read table, stream or state ever carries it."""
    return field(default=default, metadata=SEALED)


NOTE_CHARS_MAX: Final = 4_000
