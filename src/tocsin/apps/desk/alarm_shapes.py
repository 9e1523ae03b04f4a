"""Shapes of what an incident's own alarms give: validation level, confirmation, cancel, zones."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from tocsin.core.avs import AvsWhy
from tocsin.core.codes.confirming import CancelHow
from tocsin.core.confirmation import Avs, CancelOutcome, ConfirmRule, RaisedBecause


class AvsRow(Schema):
    level: Avs
    why: AvsWhy
    evidence: Annotated[list[UUID], Field(description="The signals that it rests on.")]
    by_name: Annotated[str | None, Field(description="Who set it by hand.")]
    by_evidence: Annotated[Avs | None, Field(description="What the evidence alone says.")]
    offered: Annotated[
        Literal[0] | None, Field(description="A user cancelled: level 0 is a person's to give.")
    ]


class ConfirmationRow(Schema):
    state: Literal["waiting", "confirmed"]
    rule: ConfirmRule
    until: Annotated[
        AwareDatetime | None, Field(description="Until when a further alarm confirms it.")
    ]
    two_trip_until: Annotated[
        AwareDatetime | None, Field(description="Until when a second trip raises it.")
    ]
    by: RaisedBecause | None


class CancelledRow(Schema):
    signal: UUID
    at: AwareDatetime
    how: CancelHow
    outcome: CancelOutcome
    overtaken: Annotated[bool, Field(description="Something alarmed after it.")]


class OpenZoneRow(Schema):
    device: UUID | None
    zone: str
    partition: str
    since: AwareDatetime
