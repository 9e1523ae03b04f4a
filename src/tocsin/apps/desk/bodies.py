"""The bodies that the API takes, made from the core's own command classes: one definition.

Each class of `PersonCommand` becomes a pydantic model with the same fields that refuses unknown
ones; the union on `type` is what OpenAPI shows. A valid body becomes the core's command again.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    TypeAdapter,
    create_model,
)

from tocsin.core.commands import PersonCommand
from tocsin.core.terms import Actor, Datum, Place, Role

SEND_UNITS_MAX: Final = 50
TEXT_CHARS_MAX: Final = 4_000
STRICT: Final = ConfigDict(extra="forbid", allow_inf_nan=False)

Text = Annotated[str, Field(max_length=TEXT_CHARS_MAX)]


class PlaceBody(BaseModel):
    """A coordinate never comes without its datum; who said it is known from who sends it."""

    model_config = STRICT
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    datum: Datum
    address_zh: Annotated[str, Field(max_length=300)] = ""
    address_en: Annotated[str, Field(max_length=300)] = ""


class PositionBody(BaseModel):
    """Where a unit is. `heading`: degrees clockwise from north."""

    model_config = STRICT
    unit: UUID
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    datum: Datum
    heading: Annotated[float, Field(ge=0, le=360)] | None = None
    at: AwareDatetime


class PositionsBody(BaseModel):
    """Positions of units in bulk; only those of units with an order are kept."""

    model_config = STRICT
    positions: Annotated[list[PositionBody], Field(max_length=5_000)]


def _as_body(hint: Any) -> Any:
    """The type of a body's field for the type of a command's field."""
    if hint is datetime:
        return AwareDatetime
    if hint is Place:
        return PlaceBody
    if hint is str:
        return Text
    if get_origin(hint) is tuple:
        return Annotated[list[_as_body(get_args(hint)[0])], Field(max_length=SEND_UNITS_MAX)]  # type: ignore[misc]
    if get_origin(hint) is Literal or not get_args(hint):
        return hint
    return reduce(or_, (_as_body(part) for part in get_args(hint)))


def _model(command: type) -> type[BaseModel]:
    hints = get_type_hints(command)
    fields: dict[str, Any] = {}
    for one in dataclasses.fields(command):
        # `type` is required: a body must say what it asks for.
        required = one.default is dataclasses.MISSING or one.name == "type"
        default: Any = ... if required else one.default
        if default == ():
            default = Field(default_factory=list)
        fields[one.name] = (_as_body(hints[one.name]), default)
    return create_model(command.__name__, __config__=STRICT, __doc__=command.__doc__, **fields)


MODELS: Final = {
    get_args(get_type_hints(command)["type"])[0]: (command, _model(command))
    for command in get_args(PersonCommand)
}
_UNION: Any = reduce(or_, (model for _, model in MODELS.values()))
CommandBody = Annotated[_UNION, Discriminator("type")]
ADAPTER: Final[TypeAdapter[BaseModel]] = TypeAdapter(CommandBody)


def parse_json(body: bytes) -> Any:
    """The body's JSON value. Raises `ValueError` for anything else, however deep it nests."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def command_of(body: BaseModel, actor: Actor) -> PersonCommand:
    """The core's command that a valid body asks for."""
    command, model = MODELS[body.type]  # type: ignore[attr-defined]
    values: dict[str, Any] = {}
    for name in model.model_fields:
        value = getattr(body, name)
        if isinstance(value, PlaceBody):
            source = "unit" if actor.role is Role.CREW else "call_taker"
            value = Place(**value.model_dump(), source=source)
        values[name] = tuple(value) if isinstance(value, list) else value
    made: PersonCommand = command(**values)
    return made
