"""The action plans of an incident with their steps. What is to be done may name people, so it is in
no stream; whoever opens it is written down, as with contacts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router, Schema
from pydantic import Field

from tocsin.apps.desk.door import actor_of
from tocsin.apps.desk.reading import shipped
from tocsin.apps.desk.shapes import Time
from tocsin.apps.desk.standing import require
from tocsin.apps.log import connection, keyring
from tocsin.record.looked import Looked, record_look_once
from tocsin.record.plans import kept_plans, named
from tocsin.record.views import get_row

ACT = "read:plan"

router = Router()


class PlanStepRow(Schema):
    text_zh: str
    text_en: str


class PlanRow(Schema):
    plan: Annotated[str, Field(description="Digest of its wording.")]
    count: int
    device: Annotated[UUID | None, Field(description="null: the whole site's plan.")]
    account: str
    zone: str
    zone_zh: Annotated[str, Field(description="As the register names the zone now.")]
    zone_en: str
    kept_at: Time
    steps: list[PlanStepRow]
    erased: Annotated[bool, Field(description="The incident's key has been destroyed.")]


class PlansOfIncident(Schema):
    items: list[PlanRow]
    next: None = None


@router.get("/incidents/{id}/plans", response=PlansOfIncident, tags=["incidents"])
def plans(request: HttpRequest, id: Path[UUID]) -> HttpResponse:  # noqa: A002
    """What the site and its zones want done, as it stood when the alarms came. Each look is written
    down, once an hour for each reader."""
    actor = actor_of(request)
    with connection() as log:
        require(log, actor, ACT, [id])
        found = named(log, kept_plans(log, keyring(), id))
        row = get_row(log, "incidents", id)
        if found and row:
            record_look_once(
                log,
                actor,
                Looked.PLAN,
                f"#{row['number']}",
                now=datetime.now(UTC),
                district=row["district"],
                agency=row["agency"],
            )
    return shipped({"items": found, "next": None})
