"""What people see: accessible, nothing clipped, both languages and themes, and unmistakable when
the data stop."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from demo_city import Demo
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AXE = Path(__file__).parent.parent.parent / "web/node_modules/axe-core/axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SIZES = [(1280, 800), (1920, 1080)]

# Texts that stick out of the window, or controls of the strip that are cut off.
CLIPPED = """() => [...document.querySelectorAll(
    '.strip button, .strip a, .strip time, .bar-line, .card button, .advice-row')]
  .filter(one => { const box = one.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > innerWidth + 1); })
  .map(one => one.textContent.slice(0, 40))"""


def violations(page: Page) -> list[str]:
    """What axe-core finds; run in the page by the driver, so the CSP stays as it is."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, rules)", RULES)
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['id']}: {one['help']} {json.dumps(node['target'])}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_desk_is_accessible_and_whole(desk: Page, theme: str, language: str) -> None:
    desk.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    expect(desk.locator(".queue .q-number").first).to_be_visible(timeout=60_000)
    desk.keyboard.press("Alt+ArrowDown")
    expect(desk.locator(".card h1, .card h2").first).to_be_visible()
    for width, height in SIZES:
        desk.set_viewport_size({"width": width, "height": height})
        desk.wait_for_timeout(400)
        assert desk.evaluate(CLIPPED) == []
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(desk) == []
    assert desk.locator("dialog[open], [role=dialog]").count() == 0

    assert desk.evaluate("document.documentElement.lang") == language


@pytest.mark.parametrize("width", [390, 1280])
def test_the_sign_in_page_is_accessible(
    browser: Browser, demo: Demo, language: str, width: int
) -> None:
    for theme in ("dark", "light"):
        context = browser.new_context(
            locale=language,
            color_scheme=theme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 844},
        )
        page = context.new_page()
        page.goto(f"{demo.url}/accounts/login/")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        context.close()


def test_language_and_theme_change_without_a_reload(desk: Page) -> None:
    desk.evaluate("window.notReloaded = true")
    before = desk.evaluate("document.documentElement.lang")
    desk.keyboard.press("F8")
    desk.wait_for_function("lang => document.documentElement.lang !== lang", arg=before)
    desk.keyboard.press("F9")
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
    finally:
        os.kill(web.pid, signal.SIGCONT)
    expect(desk.locator(".feed-ok")).to_be_visible(timeout=20_000)
