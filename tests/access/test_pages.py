"""Role x page: who gets each page below none of the API and the admin, which have tables of their
own. Taken from the addresses that Django answers: one without a row in EXPECTED fails.

The expectations are written out here, apart from `core.access`, so that a slip there shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from little_city import City, build
from signing_in import form_token, signed_in
from tocsin.core.terms import Role
from web_site import Site

CALL, DISP, SUPER, CREW, ADMIN, INSP, _ = Role
PEOPLE = (CALL, DISP, SUPER, CREW, ADMIN, INSP)  # a service has a token and never a session
DESKS = frozenset({CALL, DISP, SUPER})
TESTERS = frozenset({DISP, SUPER, ADMIN})
WRITERS = frozenset({DISP, SUPER})
BLOCKERS = frozenset({SUPER, ADMIN})

OPEN = "open"  # to everybody, also to who has not signed in
ELSEWHERE = ("api/", "admin/", "accounts/")
"""Their access is tested in test_matrix.py, apps/test_administration.py, apps/test_signing_in.py
(an account's pages are its own: none names another)."""

EXPECTED: dict[str, frozenset[Role] | set[Role] | str] = {
    "": set(PEOPLE),
    "^report/?$": OPEN,
    "^follow/?$": OPEN,
    "follow/<str:code>": OPEN,
    "cap/feed.atom": OPEN,
    "cap/<uuid:warning>.xml": OPEN,
    **dict.fromkeys(
        [
            "readiness/codes/",
            "readiness/codes/versions/",
            "readiness/codes/site/<uuid:site>/",
            "readiness/codes/site/<uuid:site>/versions/",
            "readiness/codes/<int:version>/",
            "readiness/codes/<int:version>/csv/",
            "readiness/codes/<int:version>/new/",
            "readiness/codes/<int:version>/rows/<int:place>/",
            "readiness/codes/<int:version>/try/",
            "readiness/codes/<int:version>/force/",
            "readiness/sites/",
            "readiness/sites/new/",
            "readiness/sites/import/",
            "readiness/sites/export/",
            "readiness/sites/<uuid:site>/",
            "readiness/sites/<uuid:site>/devices/new/",
            "readiness/sites/<uuid:site>/devices/<uuid:device>/",
            "readiness/sites/<uuid:site>/devices/<uuid:device>/forget/",
            "readiness/connect/",
            "readiness/connect/frames/",
            "readiness/connect/device/",
            "readiness/kept/",
            "readiness/looked/",
        ],
        frozenset({ADMIN}),
    ),
    "readiness/sites/<uuid:site>/test/": TESTERS,
    "readiness/tests/": TESTERS,
    "readiness/tests/<uuid:on_test>/": TESTERS,
    "readiness/blocks/": DESKS | {ADMIN, INSP},
    "readiness/blocks/<uuid:block>/": DESKS | {ADMIN, INSP},
    "readiness/blocks/try/": BLOCKERS,
    "readiness/warnings/": WRITERS,
    "readiness/warnings/new/": WRITERS,
    "readiness/warnings/<uuid:warning>/": WRITERS,
    "readiness/warnings/<uuid:warning>/edit/": WRITERS,
    "readiness/warnings/<uuid:warning>/<str:kind>/": WRITERS,
    "readiness/intakes/": DESKS | {ADMIN, INSP},
}
OPEN_PAGES = [route for route, served in EXPECTED.items() if served == OPEN]
CLOSED = [route for route, served in EXPECTED.items() if served != OPEN]


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, route)
        else:
            assert isinstance(one, URLPattern)
            yield route


def address(route: str) -> str:
    """The route with ids of nothing."""
    filled = re.sub(r"<uuid:\w+>", str(uuid4()), route.strip("^?$"))
    filled = filled.replace("<str:kind>", "update").replace("<str:code>", "AAAA")
    return "/" + re.sub(r"<int:\w+>", "987654", filled)


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="pages ")


@pytest.fixture(scope="module")
def people(running: Site, city: City) -> Iterator[dict[Role, httpx.Client]]:
    """A browser of each role, with its second factor."""
    engine = city.units["north"]["engine"]
    found = {}
    for role in PEOPLE:
        found[role] = signed_in(running, role, unit=engine if role is CREW else None)
        running.opened.remove(found[role])  # they outlast a test
    yield found
    for browser in found.values():
        browser.close()


def test_every_page_has_a_row_and_every_row_a_page(city: City) -> None:
    found = [
        route for route in routes(get_resolver().url_patterns) if not route.startswith(ELSEWHERE)
    ]
    assert set(found) == set(EXPECTED)


@pytest.mark.parametrize("role", PEOPLE)
def test_a_page_is_for_its_roles(people: dict[Role, httpx.Client], role: Role) -> None:
    """One that is served may be told that there is no such thing, or be sent on."""
    for route in CLOSED:
        answer = people[role].get(address(route))
        if role in EXPECTED[route]:
            assert answer.status_code in (200, 302, 404), route
            assert "/accounts/" not in answer.headers.get("location", ""), route
        else:
            assert answer.status_code == 403, route


@pytest.mark.parametrize("role", PEOPLE)
def test_nor_can_it_be_posted_to(people: dict[Role, httpx.Client], role: Role) -> None:
    """With a token against forgery that is its own."""
    token = form_token(people[role].get("/accounts/password/change/").text)
    for route in CLOSED:
        if role not in EXPECTED[route]:
            form = {"csrfmiddlewaretoken": token, "publish": "1"}
            assert people[role].post(address(route), data=form).status_code == 403, route


@pytest.mark.parametrize("route", CLOSED)
def test_a_stranger_is_led_to_the_sign_in(site: Site, route: str) -> None:
    answer = site.browser().get(address(route))
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/accounts/login/")


@pytest.mark.parametrize("route", OPEN_PAGES)
def test_an_open_page_is_for_everybody(
    site: Site, people: dict[Role, httpx.Client], route: str
) -> None:
    at = address(route)
    stranger = site.browser().get(at)
    assert stranger.status_code in (200, 404)
    for role, browser in people.items():
        assert browser.get(at).status_code == stranger.status_code, role
