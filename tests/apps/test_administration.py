"""The screens under /admin/ reach as far as the administrator does: his agency, and his districts
where he has any. What is beyond answers as what does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from little_city import City, build
from signing_in import HOST, enrol, form_token, sign_in
from tocsin.core.terms import Role
from web_site import AGENCY, Site

# Name -> agency and districts of an account and a token that stand there.
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "north": (AGENCY, ("north",)),
    "south": (AGENCY, ("south",)),
    "both": (AGENCY, ("north", "south")),
    "whole": (AGENCY, ()),
    "police": ("police", ("north",)),
    "whole police": ("police", ()),
}
REACHED = {"whole": {"north", "south", "both", "whole"}, "north": {"north"}}
BEYOND = [(who, where) for who, reached in REACHED.items() for where in PLACES.keys() - reached]
KINDS = ("account", "token")


@dataclass(frozen=True)
class World:
    """Ids of what stands at each of PLACES, units, and a signed-in administrator of each reach."""

    units: dict[str, UUID]
    ids: dict[str, dict[str, UUID]]
    own: dict[str, UUID]
    browsers: dict[str, httpx.Client]


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="reach ")


@pytest.fixture(scope="module")
def world(running: Site, city: City) -> Iterator[World]:
    from tocsin.apps.people.accounts import create_account, create_token
    from tocsin.apps.people.models import Account

    police = build(running, agency="police", prefix="reach police ")
    ids: dict[str, dict[str, UUID]] = {kind: {} for kind in KINDS}
    for where, (agency, districts) in PLACES.items():
        scope: Any = {"role": Role.SUPERVISOR, "agency": agency, "districts": districts}
        name = f"reach {where}".replace(" ", "-")
        ids["account"][where] = create_account(name, **scope)[0].pk
        ids["token"][where] = create_token(name, **scope)[0].pk
    own, browsers = {}, {}
    for who in REACHED:
        username = running.account(Role.ADMINISTRATOR, districts=PLACES[who][1])
        own[who] = Account.objects.get(username=username).pk
        browsers[who] = httpx.Client(base_url=running.base, timeout=20, headers=HOST)
        sign_in(browsers[who], username)
        enrol(browsers[who])
    units = {district: city.units[district]["engine"] for district in ("north", "south")}
    units["police"] = police.units["north"]["engine"]
    yield World(units, ids, own, browsers)
    for browser in browsers.values():
        browser.close()


def row(kind: str, identifier: UUID) -> Any:
    from tocsin.apps.people.models import Account, Token

    return (Account if kind == "account" else Token).objects.get(pk=identifier)


def post(browser: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    """Sends a form of the admin, with the mark of the page that it stands on."""
    page = browser.get("/admin/people/account/add/")
    data = {"csrfmiddlewaretoken": form_token(page.text), **fields}
    return browser.post(f"/admin/{path}", data=data)


def act(browser: httpx.Client, kind: str, action: str, *chosen: UUID) -> None:
    fields = {"action": action, "_selected_action": [str(one) for one in chosen]}
    assert post(browser, f"people/{kind}/", **fields).status_code in (200, 302)


def form(kind: str, **fields: Any) -> dict[str, Any]:
    """What a whole form of a new row holds, within the reach of both administrators."""
    both = {"role": "dispatcher", "agency": AGENCY, "districts": "north", "unit": ""}
    name = f"new-{uuid4().hex[:8]}"
    one: dict[str, str] = {"name": name, "expires_at_0": "", "expires_at_1": ""}
    if kind == "account":
        one = {"username": name, "display_name": name, "language": "en", "is_active": "on"}
    return {**both, **one, **fields}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", REACHED)
def test_the_list_shows_what_is_within_reach(world: World, who: str, kind: str) -> None:
    page = world.browsers[who].get(f"/admin/people/{kind}/?q=reach").text
    shown = {where for where, one in world.ids[kind].items() if str(one) in page}
    assert shown == REACHED[who]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("who", "where"), BEYOND)
def test_what_is_beyond_reach_answers_as_what_is_missing(
    world: World, who: str, where: str, kind: str
) -> None:
    browser, foreign, missing = world.browsers[who], world.ids[kind][where], uuid4()
    before = row(kind, foreign).__dict__
    for page in ("change/", "history/"):
        answers = [browser.get(f"/admin/people/{kind}/{one}/{page}") for one in (foreign, missing)]
        assert [(one.status_code, one.headers.get("location")) for one in answers] == [
            (302, "/admin/")
        ] * 2
    for action in ("new_passwords", "remove_authenticators", "revoke"):
        act(browser, kind, action, foreign)
    changed = post(browser, f"people/{kind}/{foreign}/change/", **form(kind))
    assert changed.status_code in (302, 403)
    after = row(kind, foreign).__dict__
    assert {**after, "_state": None} == {**before, "_state": None}


def test_second_factors_beyond_reach_stay(site: Site, world: World) -> None:
    from allauth.mfa.models import Authenticator

    south = world.ids["account"]["south"]
    Authenticator.objects.create(user_id=south, type="totp", data={})
    act(world.browsers["north"], "account", "remove_authenticators", south)
    assert Authenticator.objects.filter(user_id=south).exists()
    act(world.browsers["whole"], "account", "remove_authenticators", south)
    assert not Authenticator.objects.filter(user_id=south).exists()


def test_within_reach_the_same_things_are_done(world: World) -> None:
    north, token = world.ids["account"]["north"], world.ids["token"]["north"]
    password = row("account", north).password
    act(world.browsers["north"], "account", "new_passwords", north)
    act(world.browsers["north"], "token", "revoke", token)
    assert row("account", north).password != password
    assert row("token", token).revoked_at is not None
    fields = form("account", display_name="Renamed", role="call_taker")
    assert (
        post(world.browsers["north"], f"people/account/{north}/change/", **fields).status_code
        == 302
    )
    assert row("account", north).role == "call_taker"


def test_who_did_what_to_whom_is_in_the_history(world: World) -> None:
    from django.contrib.admin.models import LogEntry

    def told(one: UUID) -> list[tuple[str, str]]:
        entries = LogEntry.objects.filter(object_id=str(one)).order_by("action_time")
        return [(str(entry.user_id), entry.change_message) for entry in entries]

    account, token = world.ids["account"]["both"], world.ids["token"]["both"]
    whole = world.browsers["whole"]
    act(whole, "account", "new_passwords", account)
    act(whole, "account", "remove_authenticators", account)
    act(whole, "token", "revoke", token)
    who = str(world.own["whole"])
    assert told(account) == [(who, "new password"), (who, "second factors removed")]
    assert told(token) == [(who, "revoked")]


AGENCY_REFUSED = "You manage your own agency only."
DISTRICTS_REFUSED = "You do not manage all of these districts."
UNIT_REFUSED = "There is no such unit in what you manage."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("who", "fields", "refusal"),
    [
        ("whole", {"agency": "police"}, AGENCY_REFUSED),
        ("whole", {"agency": "police", "role": "administrator", "districts": ""}, AGENCY_REFUSED),
        ("north", {"districts": "south"}, DISTRICTS_REFUSED),
        ("north", {"districts": "north,south"}, DISTRICTS_REFUSED),
        ("north", {"districts": ""}, DISTRICTS_REFUSED),
        ("north", {"districts": "", "role": "administrator"}, DISTRICTS_REFUSED),
        ("whole", {"role": "crew", "unit": "police"}, UNIT_REFUSED),
        ("north", {"role": "crew", "unit": "south"}, UNIT_REFUSED),
        ("whole", {"role": "crew", "unit": str(uuid4())}, UNIT_REFUSED),
        ("whole", {"role": "crew", "unit": ""}, "A crew needs the unit it speaks for."),
    ],
)
def test_nobody_is_made_who_reaches_further_than_his_maker(
    world: World, kind: str, who: str, fields: dict[str, str], refusal: str
) -> None:
    from tocsin.apps.people.models import Account, Token

    count = (Account if kind == "account" else Token).objects.count
    before = count()
    unit = fields.get("unit", "")
    sent = form(kind, **{**fields, "unit": str(world.units.get(unit, unit))})
    answer = post(world.browsers[who], f"people/{kind}/add/", **sent)
    assert answer.status_code == 200
    assert refusal in answer.text
    assert count() == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fields", [{}, {"role": "administrator"}, {"role": "crew"}])
def test_within_reach_anybody_is_made(world: World, kind: str, fields: dict[str, str]) -> None:
    unit = {"unit": str(world.units["north"])} if fields.get("role") == "crew" else {}
    answer = post(world.browsers["north"], f"people/{kind}/add/", **form(kind, **fields, **unit))
    assert answer.status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {"agency": "police"},
        {"districts": "north,south"},
        {"districts": ""},
        {"role": "crew", "unit": "south"},
    ],
)
def test_nobody_within_reach_is_lifted_out_of_it(world: World, fields: dict[str, str]) -> None:
    north = world.ids["account"]["north"]
    before = row("account", north)
    unit = fields.get("unit", "")
    sent = form("account", **{**fields, "unit": str(world.units.get(unit, unit))})
    answer = post(world.browsers["north"], f"people/account/{north}/change/", **sent)
    assert answer.status_code == 200
    after = row("account", north)
    for name in ("agency", "districts", "role", "unit"):
        assert getattr(after, name) == getattr(before, name)


@pytest.mark.parametrize("who", REACHED)
@pytest.mark.parametrize(
    "fields",
    [{"districts": ""}, {"districts": "north,south"}, {"role": "supervisor"}, {"agency": "police"}],
)
def test_nobody_changes_his_own_role_or_reach(
    world: World, who: str, fields: dict[str, str]
) -> None:
    own = world.own[who]
    before = row("account", own)
    sent = form("account", username=before.username, **{"role": "administrator", **fields})
    post(world.browsers[who], f"people/account/{own}/change/", **sent)
    after = row("account", own)
    assert after.display_name == sent["display_name"]  # the rest of the form was taken
    for name in ("agency", "districts", "role", "is_active"):
        assert getattr(after, name) == getattr(before, name)


@pytest.mark.parametrize(
    ("kind", "guess"), [("account", "password__startswith=a"), ("token", "digest__startswith=a")]
)
def test_no_list_tells_a_hash_letter_by_letter(world: World, kind: str, guess: str) -> None:
    assert world.browsers["whole"].get(f"/admin/people/{kind}/?{guess}").status_code == 400
    assert world.browsers["whole"].get(f"/admin/people/{kind}/?role__exact=crew").status_code == 200


@pytest.mark.parametrize(
    ("who", "fields", "refusal"),
    [
        ("north", {}, ""),
        ("whole", {"district": "south"}, ""),
        ("whole", {"agency": "police"}, AGENCY_REFUSED),
        ("north", {"district": "south"}, "You do not manage this district."),
    ],
)
def test_a_hydrant_stands_where_its_keeper_manages(
    world: World, who: str, fields: dict[str, str], refusal: str
) -> None:
    from tocsin.apps.readiness.models import Hydrant

    number = f"H-{uuid4().hex[:8]}"
    place = {"number": number, "lat": "31.2", "lon": "121.4", "datum": "WGS-84"}
    place |= {"district": "north", "agency": AGENCY, **fields}
    answer = post(world.browsers[who], "readiness/hydrant/add/", **place)
    assert answer.status_code == (200 if refusal else 302)
    assert refusal in answer.text
    assert Hydrant.objects.filter(number=number).exists() is not bool(refusal)


def test_the_sites_notice_is_not_for_who_is_limited_to_districts(world: World) -> None:
    from tocsin.apps.people.models import Notice

    notice = Notice.objects.create(place="sign_in", text_zh="维护", text_en="Maintenance")
    try:
        north, whole = world.browsers["north"], world.browsers["whole"]
        page = f"/admin/people/notice/{notice.pk}"
        for path in ("/admin/people/notice/add/", f"{page}/delete/"):
            assert north.get(path).status_code == 403
            assert whole.get(path).status_code == 200
        fields = {"place": "sign_in", "text_zh": "别的", "text_en": "Other"}
        path = f"people/notice/{notice.pk}/change/"
        assert post(north, path, **fields).status_code == 403
        assert post(whole, path, **fields).status_code == 302
    finally:
        Notice.objects.all().delete()
