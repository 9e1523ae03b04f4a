"""From `git clone` to the first alarm on the console, downloads included, and again with everything
installed. Limits on 2 cores: 5 minutes and 15 seconds.

The limit in the same run: the time that downloading and unpacking the packages alone takes.
`python bench/first_alarm.py`, at most twenty minutes; needs the network and Chromium.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from machine import machine

ROOT = Path(__file__).resolve().parent.parent
COLD_LIMIT_S = 300.0
WARM_LIMIT_S = 15.0
STARTING_S = 600.0
CALM = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
URL = re.compile(r"^\s+(http://localhost:\d+/)$")


@contextmanager
def running_demo(clone: Path, data: Path, environment: dict[str, str]) -> Iterator[str]:
    """`make demo` in `clone`; yields the address that it prints."""
    listen = " ".join(
        f"--listen {name}={'localhost' if name == 'web' else '127.0.0.1'}:0"
        for name in ("web", "dc09", "health-web", "health-edge", "health-clock", "health-work")
    )
    process = subprocess.Popen(
        ["make", "demo", f"OPTIONS=--data {data} --for 600 {listen}"],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    found: list[str] = []
    said: list[str] = []
    heard = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if match := URL.match(line):
                found.append(match[1])
                heard.set()
        heard.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        heard.wait(STARTING_S)
        if not found:
            raise SystemExit(f"make demo printed no address:\n{''.join(said[-20:])}")
        yield found[0]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(10)
        assert process.stdout is not None
        process.stdout.close()


def wait_for_first_row(browser: Browser, url: str, data: Path) -> None:
    """Sign in with the printed login; return when an incident is painted in the queue."""
    password = json.loads((data / "demo-logins.json").read_text())["dispatcher"]
    page = browser.new_page()
    page.goto(url)
    page.locator("input[name=login]").fill("dispatcher")
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_selector(".queue .q-number", timeout=120_000)
    page.close()


def packages_alone(folder: Path, uv: Path) -> float:
    """Seconds to download and unpack the Python packages into an environment of their own."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    sync = [str(uv), "pip", "sync", "-q", "--no-cache", "--require-hashes"]
    sync += ["--python", str(folder / "bin/python"), str(ROOT / "requirements.lock")]
    subprocess.run(sync, check=True, timeout=STARTING_S)
    return time.monotonic() - began


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    cold = os.environ | {
        "UV_CACHE_DIR": str(folder / "uv"),
        "npm_config_cache": str(folder / "npm"),
        "PIP_NO_CACHE_DIR": "1",
    }
    taken: dict[str, float] = {}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CALM)
            clone = folder / "tocsin"
            began = time.monotonic()
            subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
            with running_demo(clone, folder / "first", cold) as url:
                wait_for_first_row(browser, url, folder / "first")
                taken["fresh clone"] = time.monotonic() - began
            for name, data in (("installed, new city", "second"), ("installed, again", "second")):
                began = time.monotonic()
                with running_demo(clone, folder / data, cold) as url:
                    wait_for_first_row(browser, url, folder / data)
                    taken[name] = time.monotonic() - began
            browser.close()
        taken["packages alone"] = packages_alone(folder / "floor", clone / ".venv/bin/uv")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(machine())
    for name, limit in (
        ("fresh clone", COLD_LIMIT_S),
        ("installed, new city", WARM_LIMIT_S),
        ("installed, again", WARM_LIMIT_S),
    ):
        print(
            f"  {name:<20} {taken[name]:6.1f} s   limit {limit:.0f} s: x{taken[name] / limit:.2f}"
        )
    ratio = taken["fresh clone"] / taken["packages alone"]
    print(
        f"  fresh clone against its Python packages alone"
        f" ({taken['packages alone']:.1f} s): x{ratio:.1f}"
    )
    warm = max(taken["installed, new city"], taken["installed, again"])
    return 0 if taken["fresh clone"] <= COLD_LIMIT_S and warm <= WARM_LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
