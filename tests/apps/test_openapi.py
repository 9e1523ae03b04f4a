"""The OpenAPI document is whole, and real answers keep to it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from little_city import City, build, call, command
from tocsin.core.terms import Role
from web_site import Site


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="document ")


@pytest.fixture
def desk(site: Site, city: City) -> httpx.Client:
    return site.client(Role.DISPATCHER)


@pytest.fixture
def document(desk: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = desk.get("/api/v1/openapi.json").json()
    return found


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(references(value) for value in part))
    return set()


def test_it_is_version_3_1_and_every_reference_resolves(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    mapping = document["components"]["schemas"]["Command"]["discriminator"]["mapping"]
    assert references(document) | set(mapping.values()) <= known


def test_every_operation_has_schemas_security_and_problems(document: dict[str, Any]) -> None:
    ids = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            ids.append(operation["operationId"])
            assert operation["security"], path
            assert operation["summary"], path
            answers = operation["responses"]
            assert {"200", "401", "403", "503"} <= set(answers), path
            for status, answer in answers.items():
                assert answer["content"], (path, status)
            assert ("requestBody" in operation) is (method == "post")
    assert len(ids) == len(set(ids))


def test_bodies_say_what_they_need(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    send = schemas["SendUnits"]
    assert set(send["required"]) == {"incident", "units", "type"}
    assert send["additionalProperties"] is False
    assert send["properties"]["type"]["const"] == "send_units"
    assert schemas["PlaceBody"]["required"] == ["lat", "lon", "datum"]
    key = document["paths"]["/api/v1/commands"]["post"]["parameters"]
    assert ("Idempotency-Key", True) in [(one["name"], one["required"]) for one in key]


def test_filters_are_in_the_document(document: dict[str, Any]) -> None:
    named = {one["name"] for one in document["paths"]["/api/v1/incidents"]["get"]["parameters"]}
    assert {"state", "type", "level", "district", "from", "to", "limit", "cursor"} <= named


def exact(shape: type[BaseModel], row: dict[str, Any]) -> None:
    """The row has what the shape says; what it has beyond that is in the shape too."""
    shape.model_validate(row)
    assert set(row) <= set(shape.model_fields), set(row) - set(shape.model_fields)


def test_real_rows_keep_to_their_shapes(site: Site, desk: httpx.Client, city: City) -> None:
    from tocsin.apps.desk import shapes

    incident = call(desk)
    sent = command(
        desk, "send_units", incident=incident, units=[str(city.units["north"]["engine"])]
    )
    for fact in sent.json()["facts"]:
        exact(shapes.DoneFact, fact)
    site.number_facts()
    for kind, shape in (
        ("incidents", shapes.IncidentRow),
        ("orders", shapes.OrderRow),
        ("units", shapes.UnitRow),
        ("facts", shapes.FactRow),
    ):
        items = desk.get(f"/api/v1/{kind}", params={"limit": 20}).json()["items"]
        assert items
        for row in items:
            exact(shape, row)
    exact(shapes.Snapshot, desk.get("/api/v1/snapshot").json())
    exact(shapes.Advice, desk.get(f"/api/v1/incidents/{incident}/advice").json())
    exact(shapes.Me, desk.get("/api/v1/session").json())
