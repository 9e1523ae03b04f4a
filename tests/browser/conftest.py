"""A real demo city and a real Chromium for the tests of what people see."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_city import Demo
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
GRAPHICS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
CALM = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`tocsin demo` without an automatic dispatcher: a person, or a test, dispatches."""
    data = tmp_path_factory.mktemp("demo") / "data"
    command = [sys.executable, "-m", "tocsin.site.command", "demo", "--data", str(data)]
    command += ["--speed", "12", "--for", "1500", "--port", "0", "--listen", "dc09=127.0.0.1:0"]
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


def sign_in(page: Page, demo: Demo, who: str) -> None:
    page.goto(f"{demo.url}/")
    page.locator("input[name=login]").fill(who)
    page.locator("input[name=password]").fill(demo.logins[who])
    page.keyboard.press("Enter")
    page.wait_for_selector(".queue")


@pytest.fixture(params=["en", "zh-CN"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(browser: Browser, demo: Demo, language: str) -> Iterator[Page]:
    """A dispatcher's console, signed in, in one language; any page error fails the test."""
    context = browser.new_context(
        locale=language, viewport={"width": 1280, "height": 800}, timezone_id="Asia/Shanghai"
    )
    page = context.new_page()
    errors: list[str] = []
    outside: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((demo.url, "data:", "blob:"))
            else outside.append(request.url)
        ),
    )
    sign_in(page, demo, "dispatcher")
    yield page
    context.close()
    assert errors == []
    assert outside == [], "the console asked another site"
