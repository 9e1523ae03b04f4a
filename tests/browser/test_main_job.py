"""The main job, by keyboard alone, in each language: from a waiting alarm to a closed incident."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

SEND = {"en": "d *", "zh-CN": "派 *"}
NOTE = {"en": "n ;hydrant at the east gate", "zh-CN": "备 ;东门有消火栓"}
CLOSE = {"en": "z false", "zh-CN": "结误报"}
RECALL = {"en": "r", "zh-CN": "撤"}
INCIDENTS = 3


def rows(page: Page, path: str) -> list[dict[str, Any]]:
    """Ask the API with the page's own session."""
    answer = page.evaluate("path => fetch(path).then(answer => answer.json())", path)
    return list(answer["items"])


def incident(page: Page, number: int) -> dict[str, Any]:
    found = rows(page, f"/api/v1/incidents?number={number}")
    assert found, f"no incident {number}"
    return found[0]


def wait_until(what: str, seconds: float, check: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


def take_next(page: Page) -> int:
    """F2 when something waits; the number of the incident that is selected now."""
    wait_until(
        "an incident waits",
        90,
        lambda: any(
            row["band"] == "unassigned" for row in rows(page, "/api/v1/incidents?state=new")
        ),
    )
    expect(page.locator(".queue .q-number").first).to_be_visible(timeout=30_000)
    page.keyboard.press("F2")
    page.wait_for_selector(".queue [aria-selected=true] .q-number")
    return int(page.locator(".queue [aria-selected=true] .q-number").inner_text())


def test_three_incidents_by_keyboard_alone(desk: Page, language: str) -> None:
    for turn in range(INCIDENTS):
        number = take_next(desk)
        wait_until("taken", 10, lambda n=number: incident(desk, n)["state"] == "taken")
        expect(desk.locator(".advice-row").first).to_be_visible(timeout=15_000)
        if turn == 0:  # typed, with its sentence; then by the one key
            desk.keyboard.type(SEND[language])
            expect(desk.locator(".preview-ready")).to_contain_text(str(number))
            desk.keyboard.press("Enter")
        else:
            desk.keyboard.press("Control+Enter")
        wait_until("units attached", 15, lambda n=number: incident(desk, n)["units"] != [])
        desk.keyboard.type(NOTE[language])
        desk.keyboard.press("Enter")
        wait_until(
            "a crew is on its way",
            120,
            lambda n=number: (
                any(
                    unit["state"] in ("under_way", "at_scene", "done")
                    for unit in incident(desk, n)["units"]
                )
                or incident(desk, n)["units"] == []
            ),
        )
        close(desk, number, language)
        row = incident(desk, number)
        assert row["disposition"] == "false_alarm"
        assert row["units"] == []
        told = rows(desk, f"/api/v1/facts?incident={row['id']}&limit=200")
        assert {
            *("incident.opened", "incident.taken", "incident.noted", "incident.closed"),
            *("order.given", "order.received", "order.accepted", "order.started"),
            *("incident.unit_attached", "incident.unit_detached"),
        } <= {fact["kind"] for fact in told}
        notes = [fact["data"]["text"] for fact in told if fact["kind"] == "incident.noted"]
        assert notes == [NOTE[language].partition(";")[2]]


def close(page: Page, number: int, language: str) -> None:
    """Recall whoever is still attached, then close with a disposition, all typed."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        row = incident(page, number)
        if row["state"] == "closed":
            return
        line = CLOSE[language]
        if row["units"]:
            signs = " ".join(unit["call_sign"] for unit in row["units"])
            line = f"{RECALL[language]} {signs}"
        page.keyboard.press("Escape")
        page.keyboard.type(f"{line} {number}")
        page.keyboard.press("Enter")
        page.wait_for_timeout(400)
    pytest.fail(f"incident {number} could not be closed")
