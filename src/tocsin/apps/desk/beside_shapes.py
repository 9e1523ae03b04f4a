"""Shapes of what stands beside an incident: why another may be the same event, its action plans,
and what is on test."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

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
