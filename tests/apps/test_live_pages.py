"""The sites' screens in a real browser: they are whole and accessible in both languages, and what
happens shows by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hearing import hear
from playwright.sync_api import BrowserContext, expect, sync_playwright
from test_commissioning import watching
from test_site_screens import known, post

from little_city import build
from signing_in import signed_in
from tocsin.core.terms import Role
from web_site import Site

sys.path.append(str(Path(__file__).parent.parent / "browser"))
from whole import faults, violations

pytestmark = pytest.mark.browser


@pytest.fixture
def administrator(site: Site) -> httpx.Client:
    build(site, prefix="live ")
    return signed_in(site, Role.ADMINISTRATOR)


@pytest.fixture
def context(administrator: httpx.Client) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        made = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
        for cookie in administrator.cookies.jar:
            made.add_cookies(
                [
                    {
                        "name": cookie.name,
                        "value": cookie.value or "",
                        "domain": "localhost",
                        "path": "/",
                    }
                ]
            )
        yield made
        browser.close()


def test_the_pages_are_whole_and_live(
    site: Site, administrator: httpx.Client, request: pytest.FixtureRequest
) -> None:
    row = known(administrator, "L-1", "E900")
    path = f"/readiness/sites/{row['id']}/"
    test = post(administrator, f"{path}test/", scope="site", why="Service", hours="1").headers[
        "location"
    ]
    frames = watching(administrator)
    context: BrowserContext = request.getfixturevalue("context")
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)

    page.goto(f"{site.base}{frames}")
    page.evaluate("window.before = true")
    hear(site, None, "FA", "7", account="E901", problem="unknown_account")
    expect(page.get_by_text("E901")).to_be_visible(timeout=10_000)
    assert page.evaluate("window.before"), "the page was loaded again"

    page.goto(f"{site.base}{test}")
    hear(site, row, "FA", "7")
    expect(page.get_by_text("opens an incident", exact=True)).to_be_visible(timeout=10_000)

    pages = (path, f"{path}test/", "/readiness/tests/", test, frames, "/readiness/sites/import/")
    for language in ("English", "简体中文"):
        page.goto(f"{site.base}/readiness/connect/")
        page.get_by_role("button", name=language).click()
        for one in pages:
            page.goto(f"{site.base}{one}")
            assert faults(page) == [], one
            assert violations(page) == [], one
    assert errors == []

    # Signed out: the page for signing in is no part of this one, and that it is old is said.
    page.goto(f"{site.base}{frames}")
    context.clear_cookies()
    expect(page.locator("#live-stale")).to_be_visible(timeout=10_000)
    assert page.locator("[data-live] form").count() == 0
