"""Shapes of what stands beside an incident: why another may be the same event, its action plans,
and what is on test."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from tocsin.core.incidents.crowd import ExceptionKind
from tocsin.core.incidents.duplicates import Alike
from tocsin.core.on_test import OnTestEnding

Time = AwareDatetime


class LikenessRow(Schema):
    """Why another incident may be the same event, as it was when this one was opened."""

    incident: UUID
    alike: Annotated[Alike, Field(description="How their types let them be one event.")]
    distance_m: int
    apart_s: Annotated[int, Field(description="How long before this one it was opened.")]


class KeptPlanRow(Schema):
    """An action plan of the incident; its steps are at `/incidents/{id}/plans`."""

    plan: Annotated[str, Field(description="Digest of its wording.")]
    count: Annotated[int, Field(description="Of steps.")]
    device: UUID | None
    zone: Annotated[str, Field(description="Empty: the whole site's.")]


class TickedRow(Schema):
    plan: str
    step: Annotated[int, Field(description="From 1.")]
    by: str
    by_name: str
    at: Time


class OnTestRow(Schema):
    """A site, device or zone whose signals open nothing for a while, or did. `tested` and
    `not_tested` are `account/zone`, told when it has ended."""

    id: UUID
    site: UUID
    site_code: str
    site_name_zh: str
    site_name_en: str
    device: UUID | None
    account: str
    zone: str
    why: str
    by: str
    by_name: str
    begun_at: Time
    until: Time
    signals: int
    would_have_opened: int
    zones_heard: int
    ending: OnTestEnding | None
    ended_at: Time | None
    ended_by_name: str
    tested: list[str]
    not_tested: list[str]
    district: str
    agency: str
    version: int


class SaidRow(Schema):
    text_zh: str
    text_en: str
    count: int


class CrowdRow(Schema):
    """Exceptions of one kind that share the card, because so many came at once."""

    kind: ExceptionKind
    senders: Annotated[int, Field(description="Sites, or unknown sources, that it took in.")]
    said: Annotated[list[SaidRow], Field(description="What they said, at most 8 contents.")]
    said_else: Annotated[int, Field(description="Exceptions with any other content.")]
