"""What the browser tests do at a desk, and what they ask the API meanwhile with its own session."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

Row = dict[str, Any]


def rows(page: Page, path: str) -> list[Row]:
    """Ask the API with the page's own session."""
    answer = page.evaluate("path => fetch(path).then(answer => answer.json())", path)
    return list(answer["items"])


def incident(page: Page, number: int) -> Row:
    found = rows(page, f"/api/v1/incidents?number={number}")
    assert found, f"no incident {number}"
    return found[0]


def facts(page: Page, row: Row) -> list[Row]:
    return rows(page, f"/api/v1/facts?incident={row['id']}&limit=200")


def said(page: Page) -> str:
    """What the console says beside its command line now, and what stands in the line."""
    line = page.locator(".bar-line").input_value()
    return f"the console says {page.locator('.bar .preview').all_inner_texts()}, typed {line!r}"


def wait_until(what: str, seconds: float, check: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


def selected(page: Page) -> int:
    return int(page.locator(".queue [aria-selected=true] .q-number").inner_text())


def take_next(page: Page) -> int:
    """F2 when something waits; the number of the incident that is selected now, and taken."""
    wait_until(
        "an incident waits",
        90,
        lambda: any(
            row["band"] == "unassigned" for row in rows(page, "/api/v1/incidents?state=new")
        ),
    )
    expect(page.locator(".queue .q-row.fresh").first).to_be_visible(timeout=30_000)
    page.keyboard.press("F2")
    page.wait_for_selector(".queue [aria-selected=true] .q-number")
    number = selected(page)
    wait_until("taken", 10, lambda: incident(page, number)["state"] == "taken")
    return number


def send_recommended(page: Page, number: int) -> list[Row]:
    """Ctrl+Enter; the units that are attached then. A crew in fifty refuses, within a second or
    two: where nobody is left, once more."""
    for _ in range(3):
        expect(page.locator(".advice-row .advice-star").first).to_be_visible(timeout=15_000)
        before = sendings(page, number)
        page.keyboard.press("Control+Enter")
        # The key is always answered: with what was done, or with why not.
        answer = page.locator(".receipt-done, .receipt-error, .receipt-conflict")
        expect(answer).to_be_visible(timeout=15_000)
        expect(page.locator(".receipt-done"), said(page)).to_be_visible()
        wait_until("units sent", 15, lambda: sendings(page, number) > before)  # noqa: B023
        if units := incident(page, number)["units"]:
            return list(units)
    pytest.fail("three times every crew refused")


def sendings(page: Page, number: int) -> int:
    """How many units have been attached to the incident, whether they still are or not."""
    told = facts(page, incident(page, number))
    return sum(fact["kind"] == "incident.unit_attached" for fact in told)


def type_line(page: Page, line: str) -> None:
    """Type a line into the command bar and press Enter."""
    page.keyboard.press("Escape")
    page.keyboard.type(line)
    page.keyboard.press("Enter")
