"""Commands: everything that may be asked of the core, by people and by our own processes.

`type` tells them apart in the API's union. What a command does is in `tocsin.core.rules`, who may
send it in `tocsin.core.access`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from tocsin.core.blocking import BlockOrder, PersonBlockCommand, SuspendBlock, TryBlock
from tocsin.core.clock_jumps import OpenClockIncident
from tocsin.core.confirmation import Avs
from tocsin.core.incidents.steps import TickStep, UntickStep
from tocsin.core.judge_signal import JudgeSignal as JudgeSignal  # noqa: PLC0414 - with the others
from tocsin.core.orders import Refusal
from tocsin.core.probing import OpenProbeIncident
from tocsin.core.putting_on_test import EndOnTest, ExtendOnTest, PutOnTest
from tocsin.core.reports import AddToReport, ReceiveReport, ReportCommand, WithdrawReport
from tocsin.core.terms import (
    Capability,
    Channel,
    Disposition,
    IncidentType,
    Level,
    Place,
    SubjectKind,
)
from tocsin.core.units import OutOfServiceReason, UnitState


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """A call, typed by a call-taker. The incident takes the first of the context's fresh ids."""

    incident_type: IncidentType
    level: Level
    district: str
    agency: str
    place: Place | None = None
    caller_name: str | None = None
    caller_phone: str | None = None
    note: str | None = None
    type: Literal["open_incident"] = "open_incident"


@dataclass(frozen=True, slots=True)
class TakeIncident:
    incident: UUID
    type: Literal["take_incident"] = "take_incident"


@dataclass(frozen=True, slots=True)
class ClassifyIncident:
    incident: UUID
    incident_type: IncidentType
    type: Literal["classify_incident"] = "classify_incident"


@dataclass(frozen=True, slots=True)
class PrioritiseIncident:
    incident: UUID
    level: Level
    type: Literal["prioritise_incident"] = "prioritise_incident"


@dataclass(frozen=True, slots=True)
class LocateIncident:
    """By a place, or by the id of a caller's place as `evidence`, which then gives the place."""

    incident: UUID
    place: Place | None = None
    evidence: UUID | None = None
    type: Literal["locate_incident"] = "locate_incident"


@dataclass(frozen=True, slots=True)
class AddNote:
    incident: UUID
    text: str
    type: Literal["add_note"] = "add_note"


@dataclass(frozen=True, slots=True)
class HoldIncident:
    incident: UUID
    until: datetime
    reason: str
    type: Literal["hold_incident"] = "hold_incident"


@dataclass(frozen=True, slots=True)
class ReleaseIncident:
    incident: UUID
    type: Literal["release_incident"] = "release_incident"


@dataclass(frozen=True, slots=True)
class LinkIncidents:
    incident: UUID
    other: UUID
    type: Literal["link_incidents"] = "link_incidents"


@dataclass(frozen=True, slots=True)
class UnlinkIncidents:
    incident: UUID
    other: UUID
    type: Literal["unlink_incidents"] = "unlink_incidents"


@dataclass(frozen=True, slots=True)
class MergeIncidents:
    """`incident` lives on in `into`."""

    incident: UUID
    into: UUID
    type: Literal["merge_incidents"] = "merge_incidents"


@dataclass(frozen=True, slots=True)
class SplitIncident:
    """Undoes the merge of `incident`."""

    incident: UUID
    type: Literal["split_incident"] = "split_incident"


@dataclass(frozen=True, slots=True)
class CloseIncident:
    incident: UUID
    disposition: Disposition
    note: str | None = None
    type: Literal["close_incident"] = "close_incident"


@dataclass(frozen=True, slots=True)
class ReopenIncident:
    incident: UUID
    reason: str
    type: Literal["reopen_incident"] = "reopen_incident"


@dataclass(frozen=True, slots=True)
class ValidateIncident:
    """Sets the alarm validation level: what somebody saw, heard or was told."""

    incident: UUID
    avs: Avs
    reason: str
    type: Literal["validate_incident"] = "validate_incident"


@dataclass(frozen=True, slots=True)
class MoveSignal:
    """The signal belongs to the incident `to`, not to `incident`."""

    signal: UUID
    incident: UUID
    to: UUID
    type: Literal["move_signal"] = "move_signal"


@dataclass(frozen=True, slots=True)
class SplitSender:
    """Who sent the signal leaves the crowd `incident` for an incident of its own, with all that it
    said there."""

    signal: UUID
    incident: UUID
    type: Literal["split_sender"] = "split_sender"


@dataclass(frozen=True, slots=True)
class SendUnits:
    """All the units or none. `advised` names those that the desk's advice recommended."""

    incident: UUID
    units: tuple[UUID, ...]
    note: str | None = None
    confirm_divert: bool = False
    advised: tuple[UUID, ...] = ()
    type: Literal["send_units"] = "send_units"


@dataclass(frozen=True, slots=True)
class RecallUnits:
    incident: UUID
    units: tuple[UUID, ...]
    reason: str | None = None
    type: Literal["recall_units"] = "recall_units"


@dataclass(frozen=True, slots=True)
class ReceiveOrder:
    """The crew's device has the order."""

    order: UUID
    channel: Channel
    type: Literal["receive_order"] = "receive_order"


@dataclass(frozen=True, slots=True)
class AcceptOrder:
    order: UUID
    type: Literal["accept_order"] = "accept_order"


@dataclass(frozen=True, slots=True)
class RefuseOrder:
    order: UUID
    reason: Refusal
    note: str | None = None
    type: Literal["refuse_order"] = "refuse_order"


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """The unit's state, by the crew's tap or by the desk for what came over the radio."""

    unit: UUID
    state: UnitState
    type: Literal["report_status"] = "report_status"


@dataclass(frozen=True, slots=True)
class TakeOutOfService:
    unit: UUID
    reason: OutOfServiceReason
    type: Literal["take_out_of_service"] = "take_out_of_service"


@dataclass(frozen=True, slots=True)
class ReturnToService:
    unit: UUID
    type: Literal["return_to_service"] = "return_to_service"


@dataclass(frozen=True, slots=True)
class MarkOrderSent:
    """The order has been handed to a channel."""

    order: UUID
    channel: Channel
    type: Literal["order_sent"] = "order_sent"


@dataclass(frozen=True, slots=True)
class RegisterUnit:
    unit: UUID
    call_sign: str
    kind: str
    capabilities: tuple[Capability, ...]
    station: UUID
    station_place: Place
    district: str
    agency: str
    type: Literal["register_unit"] = "register_unit"


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """The clock's word that a subject's `due` has passed."""

    subject: UUID
    subject_kind: SubjectKind
    type: Literal["time_is_up"] = "time_is_up"


PersonCommand = (
    OpenIncident
    | TakeIncident
    | ClassifyIncident
    | PrioritiseIncident
    | LocateIncident
    | AddNote
    | HoldIncident
    | ReleaseIncident
    | LinkIncidents
    | UnlinkIncidents
    | MergeIncidents
    | SplitIncident
    | CloseIncident
    | ReopenIncident
    | ValidateIncident
    | MoveSignal
    | SplitSender
    | SendUnits
    | RecallUnits
    | ReceiveOrder
    | AcceptOrder
    | RefuseOrder
    | ReportStatus
    | TakeOutOfService
    | ReturnToService
    | PutOnTest
    | ExtendOnTest
    | EndOnTest
    | TickStep
    | UntickStep
    | PersonBlockCommand
)
OwnCommand = OpenProbeIncident | OpenClockIncident | SuspendBlock
InternalCommand = JudgeSignal | MarkOrderSent | RegisterUnit | TimeIsUp | ReportCommand | OwnCommand
Command = PersonCommand | InternalCommand

Subject = tuple[SubjectKind, UUID]


def subjects(command: Command) -> tuple[Subject, ...]:
    """The subjects a command names, to be locked before it is decided.

    More may follow from their states: `tocsin.core.rules.further`. An incident about to be opened
    is not among them; its id is fresh.
    """
    match command:
        case OpenIncident() | PutOnTest() | OpenProbeIncident() | OpenClockIncident() | TryBlock():
            return ()
        case (
            TakeIncident()
            | ClassifyIncident()
            | PrioritiseIncident()
            | LocateIncident()
            | AddNote()
            | HoldIncident()
            | ReleaseIncident()
            | SplitIncident()
            | CloseIncident()
            | ReopenIncident()
            | ValidateIncident()
            | TickStep()
            | UntickStep()
            | AddToReport()
            | WithdrawReport()
        ):
            return ((SubjectKind.INCIDENT, command.incident),)
        case LinkIncidents() | UnlinkIncidents():
            return _incidents(command.incident, command.other)
        case MergeIncidents():
            return _incidents(command.incident, command.into)
        case MoveSignal() | SplitSender():
            to = (command.to,) if isinstance(command, MoveSignal) else ()
            return ((SubjectKind.SIGNAL, command.signal), *_incidents(command.incident, *to))
        case SendUnits() | RecallUnits():
            return (
                (SubjectKind.INCIDENT, command.incident),
                *((SubjectKind.UNIT, unit) for unit in dict.fromkeys(command.units)),
            )
        case ReceiveOrder() | AcceptOrder() | RefuseOrder() | MarkOrderSent():
            return ((SubjectKind.ORDER, command.order),)
        case ReportStatus() | TakeOutOfService() | ReturnToService() | RegisterUnit():
            return ((SubjectKind.UNIT, command.unit),)
        case ReceiveReport():
            return () if command.into is None else _incidents(command.into)
        case JudgeSignal():
            first = () if command.repeat_of is None else (command.repeat_of,)
            return (
                *((SubjectKind.SIGNAL, one) for one in (command.signal, *first)),
                *_incidents(*command.candidates, *command.exceptions.crowds),
                *((SubjectKind.ON_TEST, one) for one in command.on_test),
                *((SubjectKind.BLOCK, one) for one in command.blocks),
            )
        case TimeIsUp() | ExtendOnTest() | EndOnTest() | BlockOrder():
            return (_one(command),)
        case _:
            assert_never(command)


def _one(command: TimeIsUp | ExtendOnTest | EndOnTest | BlockOrder) -> Subject:
    if isinstance(command, TimeIsUp):
        return (command.subject_kind, command.subject)
    if isinstance(command, ExtendOnTest | EndOnTest):
        return (SubjectKind.ON_TEST, command.on_test)
    return (SubjectKind.BLOCK, command.block)


def fresh_ids_needed(command: Command) -> int:
    """How many ids the command may need for what it creates."""
    match command:
        case OpenIncident() | JudgeSignal() | ReceiveReport() | PutOnTest() | TryBlock():
            return 1
        case OpenProbeIncident() | OpenClockIncident() | SuspendBlock() | SplitSender():
            return 1
        case SendUnits():
            return len(command.units)
        case _:
            return 0


def _incidents(*ids: UUID) -> tuple[Subject, ...]:
    return tuple((SubjectKind.INCIDENT, incident) for incident in dict.fromkeys(ids))
