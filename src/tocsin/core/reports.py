"""Public reports: what a resident may tell through the public page, and what type and level it
provisionally comes to. The rules are in `tocsin.core.incidents.reported`.

Nothing vouches for a report: it opens an incident that a person must look at, and sends nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from tocsin.core.terms import IncidentType, Level, Place

WHERE_CHARS_MAX: Final = 300
TEXT_CHARS_MAX: Final = 2_000
PHONE_CHARS_MAX: Final = 30


class ReportKind(StrEnum):
    """What the sender chose, in plain words: evidence, not the desk's classification."""

    FIRE = "fire"
    MEDICAL = "medical"
    CRIME = "crime"
    TRAFFIC = "traffic"
    GAS = "gas"
    TECHNICAL = "technical"
    OTHER = "other"


class Hurt(StrEnum):
    """Whether anybody is hurt, as the sender says."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Collecting(StrEnum):
    """Why a report went to a collecting card: more came at once than may open incidents."""

    NETWORK = "network"  # from one network address
    AREA = "area"  # of one kind, from one area
    REST = "rest"  # with too many collecting cards open already


@dataclass(frozen=True, slots=True)
class ReceiveReport:
    """A report from the public page. It opens an incident of its own; with `collecting` it joins
    the collecting card `into`, or opens that card under `source_key` where there is none."""

    report: UUID
    kind: ReportKind
    hurt: Hurt
    where: str
    district: str
    agency: str
    text: str = ""
    phone: str | None = None
    place: Place | None = None
    collecting: Collecting | None = None
    source_key: str = ""
    into: UUID | None = None
    type: Literal["receive_report"] = "receive_report"


@dataclass(frozen=True, slots=True)
class AddToReport:
    """The sender of a report has more to say."""

    incident: UUID
    report: UUID
    text: str
    type: Literal["add_to_report"] = "add_to_report"


@dataclass(frozen=True, slots=True)
class WithdrawReport:
    """The sender says that help is no longer needed. It closes nothing."""

    incident: UUID
    report: UUID
    type: Literal["withdraw_report"] = "withdraw_report"


ReportCommand = ReceiveReport | AddToReport | WithdrawReport

# Kind -> type, level, and the level where somebody is hurt.
_COMES_TO: Final[dict[ReportKind, tuple[IncidentType, Level, Level]]] = {
    ReportKind.FIRE: (IncidentType.FIRE, Level.P1, Level.P1),
    ReportKind.MEDICAL: (IncidentType.MEDICAL, Level.P1, Level.P1),
    ReportKind.CRIME: (IncidentType.PUBLIC_ORDER, Level.P2, Level.P1),
    ReportKind.TRAFFIC: (IncidentType.TRAFFIC, Level.P2, Level.P1),
    ReportKind.GAS: (IncidentType.GAS, Level.P1, Level.P1),
    ReportKind.TECHNICAL: (IncidentType.TECHNICAL, Level.P3, Level.P2),
    ReportKind.OTHER: (IncidentType.UNKNOWN, Level.P3, Level.P2),
}


def comes_to(kind: ReportKind, hurt: Hurt) -> tuple[IncidentType, Level]:
    """The provisional type and level, until a person classifies it."""
    incident_type, level, level_hurt = _COMES_TO[kind]
    return incident_type, level_hurt if hurt is Hurt.YES else level
