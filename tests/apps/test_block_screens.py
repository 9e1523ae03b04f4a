"""Block rules on their screens: tried on what was heard, put in force, approved by another person,
watched, made longer, ended; whole and accessible in both languages."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import httpx
import pytest
from hearing import hear
from playwright.sync_api import sync_playwright
from test_site_screens import known, post

from little_city import City, build
from signing_in import form_token, signed_in
from tocsin.core.terms import Role
from web_site import Site

sys.path.append(str(Path(__file__).parent.parent / "browser"))
from whole import faults, violations

NET = "198.51.100"


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="blocks ")


@pytest.fixture
def author(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.SUPERVISOR)


@pytest.fixture
def second(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.ADMINISTRATOR)


def tried(browser: httpx.Client, network: str, **fields: str) -> httpx.Response:
    given = {
        "district": "north",
        "protocol": "*",
        "network": network,
        "account": "*",
        "code": "*",
        "qualifier": "*",
        "zone": "*",
        "why": "Gateway sends without end",
        "minutes": "60",
    }
    return post(browser, "/readiness/blocks/try/", **(given | fields))


def press(browser: httpx.Client, path: str, button: str, **more: str) -> str:
    page = browser.get(path)
    fields = {"csrfmiddlewaretoken": form_token(page.text), button: "1", **more}
    answer = browser.post(path, data=fields, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def put_in_force(author: httpx.Client, second: httpx.Client, path: str) -> None:
    """As its share of all that was heard here asks for: by its author, or by another person."""
    if "Another person than its author must approve it" in author.get(path).text:
        answer = press(second, path, "approve")
    else:
        answer = press(author, path, "put")
    assert "The rule is in force." in answer


def test_a_rule_is_tried_put_in_force_watched_made_longer_and_ended(
    site: Site, author: httpx.Client, second: httpx.Client
) -> None:
    row = known(second, "B-1", "E700")
    for _ in range(3):
        hear(site, row, "BA", "7", address=f"{NET}.1")
    answer = tried(author, f"{NET}.1")
    assert answer.status_code == 302, answer.text
    path = answer.headers["location"]
    page = author.get(path).text
    for text in ("Dry run on the 24 hours", "Burglary", "Put in force", "Gateway sends without"):
        assert text in page
    assert "End the rule" not in page
    put_in_force(author, second, path)
    hear(site, row, "BA", "8", address=f"{NET}.1")
    live = author.get(path, params={"live": "1"}).text
    assert re.search(r"Signals muted</dt><dd>1<", live)
    assert "joins an incident" in live
    listing = author.get("/readiness/blocks/", params={"live": "1"}).text
    assert "mute signals now" in listing or "mutes signals now" in listing
    assert "goes on longer" in press(author, path, "longer", minutes="120")
    assert "alarm again" in press(second, path, "end")
    assert "Nothing is muted by it" in author.get(path).text


def test_what_needs_a_second_person_is_approved_by_another(
    site: Site, author: httpx.Client, second: httpx.Client
) -> None:
    hear(site, None, "FA", account="DEAD", address=f"{NET}.2")
    path = tried(author, f"{NET}.2").headers["location"]
    page = author.get(path).text
    assert "Another person than its author must approve it" in page
    assert "Approve and put in force" not in page
    for button in ("put", "approve"):
        assert "Another person than its author must approve" in press(author, path, button)
    assert "The rule is in force." in press(second, path, "approve")
    press(second, path, "end")


def test_what_no_rule_may_say_is_refused_in_the_readers_language(author: httpx.Client) -> None:
    wide = tried(author, "10.0.0.0/8")
    assert "its prefix is at least /16" in wide.text
    every = tried(author, "*")
    assert "none mutes everything" in every.text
    empty = tried(author, "")
    assert empty.status_code == 200
    assert "This field is required" in empty.text


def test_who_may_see_and_who_may_mute(site: Site, city: City, author: httpx.Client) -> None:
    path = tried(author, f"{NET}.3").headers["location"]
    for role, sees in ((Role.DISPATCHER, 200), (Role.INSPECTOR, 200), (Role.CREW, 403)):
        other = signed_in(
            site, role, **({"unit": city.units["north"]["engine"]} if not sees else {})
        )
        assert other.get("/readiness/blocks/").status_code == sees
        assert other.get("/readiness/blocks/try/").status_code == 403
        if sees == 200:
            assert "Put in force" not in other.get(path).text
            page = other.get(path).text
            token = form_token(page)
            for button in ("put", "approve"):
                answer = other.post(path, data={"csrfmiddlewaretoken": token, button: "1"})
                assert answer.status_code == 404
    away = signed_in(site, Role.SUPERVISOR, districts=("south",))
    assert away.get(path).status_code == 404


@pytest.mark.browser
def test_the_screens_are_whole_in_both_languages(
    site: Site, author: httpx.Client, second: httpx.Client, request: pytest.FixtureRequest
) -> None:
    row = known(second, "B-9", "E709")
    for code in ("BA", "BA", "FA", "RP"):
        hear(site, row, code, "7", address=f"{NET}.9")
    hear(site, None, "BA", account="BEEF", address=f"{NET}.9")
    for number in range(12):
        hear(site, None, "RP", account="CAFE", address=f"203.0.113.{number}")
    running = tried(author, f"{NET}.8/29").headers["location"]
    put_in_force(author, second, running)
    hear(site, row, "BA", "7", address=f"{NET}.9")
    hear(site, None, "BA", account="BEEF", address=f"{NET}.9")
    draft = tried(author, f"{NET}.9", account="E70*", why="Panel is being replaced").headers[
        "location"
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
        for cookie in author.cookies.jar:
            context.add_cookies(
                [
                    {
                        "name": cookie.name,
                        "value": cookie.value or "",
                        "domain": "localhost",
                        "path": "/",
                    }
                ]
            )
        page = context.new_page()
        for language in ("en", "zh-hans"):
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 800})
                for path in ("/readiness/blocks/", "/readiness/blocks/try/", running, draft):
                    page.goto(site.base + path)
                    if page.locator("html").get_attribute("lang") != language.replace(
                        "zh-hans", "zh-CN"
                    ):
                        page.locator(f"button[name=language][value={language}]").click()
                    assert faults(page) == []
                    assert violations(page) == []
        browser.close()
    press(second, running, "end")
