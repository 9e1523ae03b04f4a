"""The API below /api/v1 as one object: its operations and its OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Path, Query, Schema
from ninja.openapi.schema import OpenAPISchema
from pydantic import AwareDatetime, Field, create_model

from tocsin.apps.desk import beside_shapes, caller_places, plans, register_shapes, shapes
from tocsin.apps.desk.advice import read_advice
from tocsin.apps.desk.commands import answer_command, answer_positions
from tocsin.apps.desk.door import BySession, ByToken, actor_of, caller_of, install_problems
from tocsin.apps.desk.field_errors import unknown_filters
from tocsin.apps.desk.map_info import map_info
from tocsin.apps.desk.openapi import complete
from tocsin.apps.desk.problems import Problem, language_of
from tocsin.apps.desk.reading import me, read_list, read_one, read_snapshot, shipped
from tocsin.record.views.lists import LISTS

LIMIT: Final = 50


class Api(NinjaAPI):
    """Adds to ninja's document what ninja cannot know: the stream, bodies, problems."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        complete(schema)
        return schema


api = Api(
    title="Tocsin",
    version="1",
    description=(
        "The desk's and the crews' API. Reads are rows of the read tables; every change is a"
        " command. Refusals are problem documents (RFC 9457)."
    ),
    docs_url=None,
    auth=[ByToken(), BySession()],
)
install_problems(api)
api.add_router("", caller_places.router)
api.add_router("", plans.router)


@api.get("/session", response=shapes.Me, tags=["session"])
def session(request: HttpRequest) -> HttpResponse:
    """Who is signed in."""
    caller = caller_of(request)
    return shipped(me(caller.actor, caller.language))


@api.get("/snapshot", response=shapes.Snapshot, tags=["live"])
def snapshot(request: HttpRequest) -> HttpResponse:
    """What a screen needs to start; the stream goes on from its `position`."""
    caller = caller_of(request)
    return shipped(read_snapshot(caller.actor, caller.language))


@api.get("/map", response=shapes.MapInfo, tags=["live"])
def map_(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Whether there is a base map (at /map/city.pmtiles), and what it covers."""
    return shipped(map_info(settings.DATA / "tiles" / "city.pmtiles"))


@api.post("/commands", response=shapes.Done, tags=["commands"])
def commands(request: HttpRequest) -> HttpResponse:
    """Does one command. The same key and body get the same answer."""
    return answer_command(request)


@api.post("/positions", response=shapes.Stored, tags=["commands"])
def positions(request: HttpRequest) -> HttpResponse:
    """Takes units' positions in bulk; only those of units with an order are kept."""
    return answer_positions(request)


@api.get("/incidents/{id}/advice", response=shapes.Advice, tags=["incidents"])
def advice(request: HttpRequest, id: Path[UUID]) -> HttpResponse:  # noqa: A002
    """Which units should go, why, and what is missing."""
    return shipped(read_advice(actor_of(request), id))


_TYPES: Final[dict[str, Any]] = {
    "text": str,
    "int": int,
    "bool": bool,
    "uuid": UUID,
    "time": AwareDatetime,
    "since": AwareDatetime,
    "until": AwareDatetime,
}
# The contract's names of the filters by time, beside the log's own.
_ALIASES: Final = {"from": "since", "to": "until"}


def _query_of(kind: str) -> type[Schema]:
    """The query parameters of a list: its filters, a page size and a cursor."""
    fields: dict[str, Any] = {
        "limit": (int, Field(LIMIT, ge=1, le=500)),
        "cursor": (str | None, Field(None, description="`next` of the page before.")),
    }
    for name, (_, form) in LISTS[kind].filters.items():
        fields[name] = (_TYPES[form] | None, None)
    for alias, name in _ALIASES.items():
        if name in fields:
            fields[f"{alias}_"] = (AwareDatetime | None, Field(None, alias=alias))
    return create_model(f"{kind.capitalize()}Query", __base__=Schema, **fields)


def _list(kind: str, request: HttpRequest, query: Any) -> HttpResponse:
    known = {field.alias or name for name, field in type(query).model_fields.items()}
    unknown = sorted(set(request.GET) - known)
    if unknown:
        errors = unknown_filters(unknown, language_of(request))
        raise Problem(422, "invalid", errors=errors)
    values = query.model_dump(exclude_none=True)
    limit, cursor = values.pop("limit"), values.pop("cursor", None)
    filters = {_ALIASES.get(name.rstrip("_"), name): value for name, value in values.items()}
    return shipped(read_list(actor_of(request), kind, limit=limit, cursor=cursor, filters=filters))


def _add_kind(kind: str, page: type[Schema], row: type[Schema], identifier: type) -> None:
    """`GET /{kind}` and `GET /{kind}/{id}`."""
    parameters = _query_of(kind)

    def listing(request: HttpRequest, query: Any) -> HttpResponse:
        return _list(kind, request, query)

    def one(request: HttpRequest, id: Any) -> HttpResponse:  # noqa: A002
        return shipped(read_one(actor_of(request), kind, id))

    # ninja reads the annotations; these are known only now.
    listing.__annotations__["query"] = Annotated[parameters, Query()]  # type: ignore[type-arg]
    one.__annotations__["id"] = Annotated[identifier, Path()]  # type: ignore[type-arg]
    listing.__doc__ = f"{kind.capitalize()}, newest first, as far as the caller may see them."
    one.__doc__ = f"One of {kind}. A foreign one answers as a missing one."
    api.get(f"/{kind}", response=page, tags=[kind], operation_id=f"list_{kind}")(listing)
    api.get(f"/{kind}/{{id}}", response=row, tags=[kind], operation_id=f"get_{kind}")(one)


_add_kind("incidents", shapes.Incidents, shapes.IncidentRow, UUID)
_add_kind("orders", shapes.Orders, shapes.OrderRow, UUID)
_add_kind("units", shapes.Units, shapes.UnitRow, UUID)
_add_kind("signals", shapes.Signals, shapes.SignalWhole, UUID)
_add_kind("on_tests", register_shapes.OnTests, beside_shapes.OnTestRow, UUID)
_add_kind("blocks", register_shapes.Blocks, register_shapes.BlockRow, UUID)
_add_kind("facts", shapes.Facts, shapes.FactRow, int)
_add_kind("sites", register_shapes.Sites, register_shapes.SiteWhole, UUID)
_add_kind("devices", register_shapes.Devices, register_shapes.DeviceWhole, UUID)
