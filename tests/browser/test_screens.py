"""What people see: accessible, nothing clipped, both languages and themes, and unmistakable when
the data stop."""

import os
import re
import signal
import socket
from collections.abc import Iterator

import psutil
import pytest
from demo_city import Demo
from doing import Row, rows, type_line, wait_until
from playwright.sync_api import Browser, Page, Route, expect
from whole import SIZES, at_all_sizes, faults, violations

from conftest import sign_in
from tocsin.wire.dc09.frames import wrap

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROAD = {"en": "road", "zh-CN": "路"}
# A ready line, one that asks, a note, a wrong word, and a sentence that needs both lines.
TYPED = ("d *", "d 1", ";a note", "xyz", "x 99", "h 30 ;" + "the key holder is on the way " * 4)


def states_of_the_desk(desk: Page, language: str) -> Iterator[str]:
    """Take the desk through what a dispatcher sees of it; yields the name of each state."""
    yield "as it is"
    desk.locator(".intake summary").click()
    yield "intake open"
    desk.locator(".intake summary").click()
    desk.keyboard.press("F1")
    expect(desk.locator(".help h2")).to_be_visible()
    yield "help"
    desk.keyboard.press("F6")
    desk.locator(".open-panel [id$='-address']").fill(ROAD[language])
    expect(desk.locator(".found li").first).to_be_visible()
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".open-panel [role=alert]")).to_be_visible()
    yield "a call, with sites and a problem"
    desk.locator(".open-panel .discard").click()
    desk.keyboard.press("F6")
    yield "an empty call"
    desk.keyboard.press("Escape")
    desk.locator(".queue .q-row").first.click()
    expect(desk.locator(".timeline li").first).to_be_attached()
    yield "an incident"
    desk.keyboard.press("F4")
    yield "its whole timeline"
    desk.keyboard.press("F4")
    for line in TYPED:
        desk.keyboard.type(line)
        yield f"typed {line!r}"
        desk.keyboard.press("Escape")
    type_line(desk, "xyz")
    yield "refused"
    desk.keyboard.press("Escape")
    desk.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_desk_is_whole(desk: Page, theme: str, language: str) -> None:
    desk.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    assert desk.evaluate("document.documentElement.lang") == language
    found = [
        f"{state} at {size}: {fault}"
        for size in at_all_sizes(desk)
        for state in states_of_the_desk(desk, language)
        for fault in faults(desk)
    ]
    assert found == []
    assert desk.locator("dialog[open], [role=dialog]").count() == 0


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_desk_is_accessible(desk: Page, theme: str) -> None:
    desk.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    desk.locator(".queue .q-row").first.click()
    expect(desk.locator(".timeline li").first).to_be_attached()
    expect(desk.locator(".advice-row").first).to_be_attached()
    assert violations(desk) == []
    desk.keyboard.press("F1")
    assert violations(desk, ".side") == []
    desk.keyboard.press("F6")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".open-panel [role=alert]")).to_be_visible()
    assert violations(desk, ".side") == []


def test_each_incident_of_the_queue_is_whole(desk: Page, language: str) -> None:
    """Every kind of card that there is at this moment, as Alt+Down goes through them."""
    found = []
    for _ in range(8):
        desk.keyboard.press("Alt+ArrowDown")
        expect(desk.locator(".queue [aria-selected=true]")).to_have_count(1)
        expect(desk.locator(".timeline li").first).to_be_attached()
        found += faults(desk)
    assert found == []


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_sign_in_page_is_accessible_and_whole(
    browser: Browser, demo: Demo, language: str, width: int
) -> None:
    height = dict(SIZES).get(width, 844)
    context = browser.new_context(locale=language, viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(f"{demo.url}/accounts/login/")
    page.locator("input[name=login]").fill("nobody")
    page.locator("input[name=password]").fill("no password")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]").first).to_be_visible()
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert violations(page) == []
        assert faults(page) == []
    context.close()


def test_the_administrators_pages_are_accessible_and_whole(
    browser: Browser, demo: Demo, language: str
) -> None:
    context = browser.new_context(locale=language)
    page = context.new_page()
    sign_in(page, demo, "admin")
    found: list[str] = []
    page.goto(f"{demo.url}/readiness/sites/")
    district = page.locator("tbody td:nth-child(4)").first
    expect(district).to_have_text(
        {"en": re.compile(" District$"), "zh-CN": re.compile("区$")}[language]
    )
    site = page.locator("tbody a").first.get_attribute("href")
    page.goto(f"{demo.url}{site}")
    device = page.locator("td.acts a").first.get_attribute("href")
    paths = ["/readiness/sites/", site, device, "/readiness/sites/new/", "/readiness/sites/import/"]
    for path in [*paths, "/accounts/2fa/", "/admin/"]:
        page.goto(f"{demo.url}{path}")
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            for size in at_all_sizes(page):
                found += [f"{path} {theme} {size}: {one}" for one in faults(page)]
            found += [f"{path} {theme}: {one}" for one in violations(page)]
    context.close()
    assert found == []


def card_of(page: Page, account: str) -> int | None:
    """The number of the incident that a signal of this account is on."""
    signals = rows(page, "/api/v1/signals?limit=50")
    found = [one["incident"] for one in signals if one["account"] == account and one["incident"]]
    return rows_by_id(page, found[0])["number"] if found else None


def rows_by_id(page: Page, incident: str) -> Row:
    path = f"/api/v1/incidents/{incident}"
    return dict(page.evaluate("path => fetch(path).then(answer => answer.json())", path))


def test_an_alarm_of_an_unknown_device_is_seen(desk: Page, demo: Demo, language: str) -> None:
    account = {"en": "ABCD01", "zh-CN": "ABCD02"}[language]
    body = f'"SIA-DCS"0001L0#{account}[#{account}|Nri1/FA007]'.encode()
    line = next(line for line in demo.lines if line.startswith("listening dc09 tcp"))
    with socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2])), 10) as panel:
        panel.sendall(wrap(body))
        assert b'"ACK"' in panel.recv(200)
    wait_until("on a card", 20, lambda: card_of(desk, account) is not None)
    type_line(desk, f"#{card_of(desk, account)}")
    expect(desk.locator(".card-head h2")).to_contain_text(account)
    expect(desk.locator(".card .signal-facts")).to_contain_text(account)
    assert faults(desk) == []


def test_the_map_shows_the_city(desk: Page) -> None:
    expect(desk.locator(".map-credit")).to_contain_text("Synthetic city")
    expect(desk.locator(".map-word")).to_have_count(0)


def test_a_map_that_did_not_come_is_asked_for_again(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    asked: list[str] = []

    def lose_the_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) <= 4:
            route.abort()
        else:
            route.continue_()

    page.route("**/map/city.pmtiles", lose_the_first)
    sign_in(page, demo, "dispatcher")
    expect(page.locator(".map-credit")).to_contain_text("Synthetic city", timeout=30_000)
    # Header and attribution alone are two; the rest are tiles.
    wait_until("tiles", 60, lambda: page.wait_for_timeout(100) is None and len(asked) > 4 + 4)
    context.close()


def test_language_and_theme_change_without_a_reload(desk: Page) -> None:
    desk.evaluate("window.notReloaded = true")
    before = desk.evaluate("document.documentElement.lang")
    desk.keyboard.press("F8")
    desk.wait_for_function("lang => document.documentElement.lang !== lang", arg=before)
    for theme in ("light", "dark", "dark"):  # auto is dark here
        desk.keyboard.press("F9")
        desk.wait_for_function("t => document.documentElement.dataset.theme === t", arg=theme)
    desk.keyboard.press("F8")
    desk.wait_for_function("lang => document.documentElement.lang === lang", arg=before)
    assert desk.evaluate("window.notReloaded") is True


def test_a_stopped_feed_is_unmistakable_and_heals(desk: Page, demo: Demo) -> None:
    expect(desk.locator(".feed-ok")).to_be_visible(timeout=20_000)
    web = next(
        one
        for one in psutil.Process(demo.process.pid).children(recursive=True)
        if "tocsin.site.command" in one.cmdline()
        and one.cmdline()[one.cmdline().index("tocsin.site.command") + 1] == "web"
    )
    os.kill(web.pid, signal.SIGSTOP)
    try:
        expect(desk.locator(".feed-stale")).to_be_visible(timeout=7_000)
        expect(desk.locator(".strip-alarming")).to_be_visible()
        expect(desk.locator(".feed-stale")).to_contain_text("数据中断 · DATA INTERRUPTED")
        found = [fault for _size in at_all_sizes(desk) for fault in faults(desk)]
    finally:
        os.kill(web.pid, signal.SIGCONT)
    assert found == []
    expect(desk.locator(".feed-ok")).to_be_visible(timeout=20_000)
