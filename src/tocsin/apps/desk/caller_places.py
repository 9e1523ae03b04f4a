"""Where callers are (AML): the list that a call-taker picks from, and a place picked from it as
evidence of an incident. Nothing here can be asked about a phone or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from tocsin.apps.desk.door import actor_of
from tocsin.apps.desk.field_errors import field_errors, unknown_filters
from tocsin.apps.desk.problems import Problem, language_of
from tocsin.apps.desk.reading import shipped
from tocsin.apps.desk.shapes import Time
from tocsin.apps.desk.standing import require_act
from tocsin.apps.log import connection, keyring
from tocsin.core import access
from tocsin.core.caller_places import SOURCE, Method
from tocsin.core.commands import LocateIncident, PersonCommand
from tocsin.core.terms import Actor, Datum, Place, Reason, Refused
from tocsin.record import caller_places
from tocsin.record.caller_places import Listed
from tocsin.record.database import Connection
from tocsin.record.facts import StoredFact
from tocsin.record.handle import Also

ACT = "read:caller_place"

router = Router()


class CallerPlaceRow(Schema):
    """A place that a caller's phone said, without who the caller is."""

    id: UUID
    received_at: Time
    at: Annotated[Time | None, Field(description="When it was measured, where the phone says so.")]
    lat: float
    lon: float
    datum: Datum
    radius_m: Annotated[float | None, Field(description="Uncertainty, at `confidence`.")]
    confidence: Annotated[int | None, Field(description="Per cent.")]
    method: Method
    altitude_m: Annotated[float | None, Field(description="Above the WGS-84 ellipsoid.")]
    vertical_m: Annotated[float | None, Field(description="Uncertainty of the altitude.")]
    floor: Annotated[str, Field(description="As a lift labels it.")]
    length_differs: Annotated[bool, Field(description="Not quite as long as it says.")]
    assurance: Annotated[str, Field(description="`authenticated`, or `none`: unsigned.")]
    incident: Annotated[UUID | None, Field(description="Whose evidence it is.")]
    district: str
    agency: str


class CallerPlaces(Schema):
    items: list[CallerPlaceRow]
    next: None = None


@router.get("/caller-places", response=CallerPlaces, tags=["live"])
def list_caller_places(request: HttpRequest) -> HttpResponse:
    """Where callers were in the last 15 minutes, newest first: of the asker's own districts."""
    actor = actor_of(request)
    require_act(actor, ACT)
    if unknown := sorted(request.GET):
        raise Problem(422, "invalid", errors=unknown_filters(unknown, language_of(request)))
    with connection() as log:
        found = caller_places.recent(
            log,
            keyring(),
            agency=actor.agency,
            districts=actor.districts,
            now=datetime.now(UTC),
        )
    return shipped({"items": [_row(one) for one in found], "next": None})


def _row(one: Listed) -> dict[str, object]:
    place = one.place
    return {
        "id": one.id,
        "received_at": one.received_at,
        "at": place.at,
        "lat": place.lat,
        "lon": place.lon,
        "datum": Datum.WGS_84,
        "radius_m": place.radius_m,
        "confidence": place.confidence,
        "method": place.method,
        "altitude_m": place.altitude_m,
        "vertical_m": place.vertical_m,
        "floor": place.floor,
        "length_differs": place.length_differs,
        "assurance": one.assurance,
        "incident": one.incident,
        "district": one.district,
        "agency": one.agency,
    }


def as_evidence(
    log: Connection, actor: Actor, command: PersonCommand, language: str
) -> PersonCommand:
    """A `locate_incident` by evidence with the place that it stands for, as it was measured; any
    other command as it is.

    Raises `Problem` for one that names a place too, or neither, and `Refused(NOT_FOUND)` for
    evidence that is gone, foreign or another incident's.
    """
    if not isinstance(command, LocateIncident):
        return command
    require_act(actor, command.type)
    if (command.place is None) is (command.evidence is None):
        kind = "missing" if command.place is None else "extra_forbidden"
        found = [{"type": kind, "loc": ("place",)}]
        raise Problem(422, "invalid", errors=field_errors(found, language))
    if command.evidence is None:
        return command
    require_act(actor, ACT)
    one = caller_places.find(log, keyring(), command.evidence, datetime.now(UTC))
    if one is None or not access.may(actor, ACT, district=one.district, agency=one.agency):
        raise Refused(Reason.NOT_FOUND)
    if one.incident not in (None, command.incident):
        raise Refused(Reason.NOT_FOUND)  # another incident's, and sealed under its key
    said = one.place
    place = Place(
        said.lat,
        said.lon,
        Datum.WGS_84,
        source=SOURCE,
        radius_m=said.radius_m,
        measured_at=said.at or one.received_at,
    )
    return replace(command, place=place)


def keep_evidence(command: PersonCommand) -> Also | None:
    """What is committed together with the command: what it uses stays as long as the incident,
    under the incident's key. Raises `Refused(NOT_FOUND)` where it has gone meanwhile."""
    if not isinstance(command, LocateIncident) or command.evidence is None:
        return None
    incident, evidence = command.incident, command.evidence

    def also(opened: Connection, facts: list[StoredFact]) -> None:  # noqa: ARG001
        if not caller_places.join(opened, keyring(), evidence, incident):
            raise Refused(Reason.NOT_FOUND)

    return also
