"""A real demo city and a real Chromium for the tests of what people see.

One demo and one browser for all tests; for each language one signed-in desk at a time, which every
test gets back as a person would leave it who has finished.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from demo_city import Demo
from doing import said
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
GRAPHICS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
CALM = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
# City seconds in a second: crews answer within one and are on the road within four.
SPEED = 20
SMALLEST = {"width": 1280, "height": 800}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A crowd's card takes in every unknown sender for the rest of the demo, so it comes last."""
    items.sort(key=lambda one: "browser/test_crowds.py" in one.nodeid)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`tocsin demo` without an automatic dispatcher: a person, or a test, dispatches."""
    data = tmp_path_factory.mktemp("demo") / "data"
    command = [sys.executable, "-m", "tocsin.site.command", "demo", "--data", str(data)]
    command += ["--speed", str(SPEED), "--for", "1500", "--port", "0"]
    command += ["--listen", "dc09=127.0.0.1:0"]
    for name in ("web", "edge", "clock", "work"):
        command += ["--listen", f"health-{name}=127.0.0.1:0"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if re.search(r"^\s+https?://localhost:\d+/$", line):
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(180), "\n".join(lines)
        urls = [line.strip() for line in lines if re.search(r"^\s+https?://localhost:\d+/$", line)]
        assert urls, "\n".join(lines)
        logins = json.loads((data / "demo-logins.json").read_text())
        yield Demo(urls[0].rstrip("/"), logins, process, lines)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        reader.join(10)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*CALM, *GRAPHICS], headless=True
        )
        yield started
        started.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure at a desk: what the console said, and a picture of it."""
    report = yield
    page = getattr(item, "funcargs", {}).get("desk")
    if not report.failed or not isinstance(page, Page) or page.is_closed():
        return report
    name = re.sub(r"[^\w-]+", "-", item.name)
    picture = Path(tempfile.gettempdir()) / f"tocsin-{name}.png"
    try:
        page.screenshot(path=picture, timeout=10_000)
        words = said(page)
    except Error as error:
        words = f"nothing to be had: {error}"
    report.sections.append(("the desk", f"{words}\na picture of it: {picture}"))
    return report


def sign_in(page: Page, demo: Demo, who: str) -> None:
    page.goto(f"{demo.url}/")
    page.locator("input[name=login]").fill(who)
    page.locator("input[name=password]").fill(demo.logins[who])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{demo.url}/")


@dataclass
class Heard:
    """What a page said that it should not: errors, and requests to another site."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def listen(self, page: Page, demo: Demo) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.errors.append(f"{said.text} {said.location.get('url', '')}")
                if said.type == "error"
                else None
            ),
        )
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((demo.url, "data:", "blob:"))
                else self.outside.append(asked.url)
            ),
        )


# Of the session, so that all tests of one language run together and share its desk.
@pytest.fixture(scope="session", params=["en", "zh-CN"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def context(browser: Browser, language: str) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale=language, viewport=SMALLEST, timezone_id="Asia/Shanghai")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def signed_in(context: BrowserContext, demo: Demo) -> Iterator[tuple[Page, Heard]]:
    page, heard = context.new_page(), Heard()
    heard.listen(page, demo)
    sign_in(page, demo, "dispatcher")
    page.wait_for_selector(".queue .q-number", timeout=60_000)
    yield page, heard
    page.close()


@pytest.fixture
def desk(signed_in: tuple[Page, Heard]) -> Iterator[Page]:
    """A dispatcher's console, signed in, in one language; any page error fails the test."""
    page, heard = signed_in
    heard.errors.clear()
    heard.outside.clear()
    page.set_viewport_size(SMALLEST)
    # Software drawing of moving units is most of a run's work; the main job has them moving.
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.bring_to_front()
    leave(page)
    yield page
    assert heard.errors == []
    assert heard.outside == [], "the console asked another site"


def leave(page: Page) -> None:
    """Nothing typed, no panel open, no unit shown."""
    page.evaluate("document.querySelector('.open-ways .discard')?.click()")
    for _ in range(3):
        page.keyboard.press("Escape")
    page.wait_for_selector(".card:not(.open-panel):not(.help)")
