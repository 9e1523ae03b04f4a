"""What the OpenAPI document says beyond ninja's: the union of commands, the stream, problems."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from tocsin.apps.desk import bodies, shapes

_REF: Final = "#/components/schemas/{model}"
_PROBLEM: Final = {
    "description": "Refused, as a problem document (RFC 9457).",
    "content": {
        "application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemDocument")}}
    },
}
# Which refusals an operation may give, by method; every one may lose the database.
_REFUSALS: Final = {
    "get": ("401", "403", "404", "422", "429", "503"),
    "post": ("400", "401", "403", "404", "409", "413", "415", "422", "429", "503"),
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A fresh one for each command; the same again to ask what became of it.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 200},
}
_STREAM: Final[dict[str, Any]] = {
    "operationId": "stream",
    "summary": "Stream",
    "description": (
        "Server-Sent Events. `change` (id: position; data: position, facts, rows), `tick` each"
        " second (data: at, position, database, lag, counters), `positions` (data: positions),"
        " `reset` (fetch a fresh snapshot)."
    ),
    "tags": ["live"],
    "parameters": [
        {"name": "after", "in": "query", "required": False, "schema": {"type": "integer"}},
        {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "integer"}},
    ],
    "responses": {
        "200": {
            "description": "The stream.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
}


def complete(document: dict[str, Any]) -> None:
    """Adds to ninja's document in place."""
    paths, components = document["paths"], document["components"]
    schemas = components.setdefault("schemas", {})
    union = TypeAdapter(bodies.CommandBody).json_schema(ref_template=_REF)
    schemas.update(union.pop("$defs"))
    schemas["Command"] = union
    _, extra = models_json_schema(
        [(bodies.PositionsBody, "validation"), (shapes.ProblemDocument, "serialization")],
        ref_template=_REF,
    )
    schemas.update(extra["$defs"])
    prefix = next(path for path in paths if path.endswith("/session")).removesuffix("/session")
    stream = {**_STREAM, "responses": dict(_STREAM["responses"])}
    stream["security"] = paths[f"{prefix}/session"]["get"]["security"]
    paths[f"{prefix}/stream"] = {"get": stream}
    _body(paths[f"{prefix}/commands"]["post"], "Command")
    _body(paths[f"{prefix}/positions"]["post"], "PositionsBody")
    paths[f"{prefix}/commands"]["post"].setdefault("parameters", []).append(_KEY)
    for operations in paths.values():
        for method, operation in operations.items():
            answers = {str(status): said for status, said in operation["responses"].items()}
            answers.update(dict.fromkeys(_REFUSALS[method], _PROBLEM))
            operation["responses"] = answers


def _body(operation: dict[str, Any], schema: str) -> None:
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model=schema)}}},
    }
