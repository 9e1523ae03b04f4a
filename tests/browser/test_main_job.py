"""The main job, by keyboard alone, in each language: from a waiting alarm to a closed incident."""

import time

import pytest
from doing import (
    facts,
    incident,
    send_recommended,
    sendings,
    take_next,
    type_line,
    wait_until,
)
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

SEND = {"en": "d *", "zh-CN": "派 *"}
NOTE = {"en": "n ;hydrant at the east gate", "zh-CN": "备 ;东门有消火栓"}
CLOSE = {"en": "z false", "zh-CN": "结误报"}
RECALL = {"en": "r", "zh-CN": "撤"}
INCIDENTS = 3


def test_three_incidents_by_keyboard_alone(desk: Page, language: str) -> None:
    desk.emulate_media(reduced_motion="no-preference")
    for turn in range(INCIDENTS):
        number = take_next(desk)
        if turn == 0:  # typed, with its sentence; then by the one key
            expect(desk.locator(".advice-row").first).to_be_visible(timeout=15_000)
            desk.keyboard.type(SEND[language])
            expect(desk.locator(".preview-ready")).to_contain_text(str(number))
            desk.keyboard.press("Enter")
            wait_until("units sent", 15, lambda n=number: sendings(desk, n) > 0)
        else:
            send_recommended(desk, number)
        desk.keyboard.type(NOTE[language])
        desk.keyboard.press("Enter")
        wait_until("a crew is on its way", 120, lambda n=number: is_on_its_way(desk, n))
        close(desk, number, language)
        row = incident(desk, number)
        assert row["disposition"] == "false_alarm"
        assert row["units"] == []
        told = facts(desk, row)
        assert {
            *("incident.opened", "incident.taken", "incident.noted", "incident.closed"),
            *("order.given", "order.received", "order.accepted", "order.started"),
            *("incident.unit_attached", "incident.unit_detached"),
        } <= {fact["kind"] for fact in told}
        notes = [fact["data"]["text"] for fact in told if fact["kind"] == "incident.noted"]
        assert notes == [NOTE[language].partition(";")[2]]


def is_on_its_way(page: Page, number: int) -> bool:
    """Whether a crew has started, now or before; others are sent where every crew has refused."""
    row = incident(page, number)
    if any(fact["kind"] == "order.started" for fact in facts(page, row)):
        return True
    if row["units"] == []:
        send_recommended(page, number)
    return False


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
        before = row["version"]
        type_line(page, f"{line} {number}")
        # Refused where a crew was quicker: then the row has moved on as well, or nothing will.
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and incident(page, number)["version"] == before:
            time.sleep(0.05)
    pytest.fail(f"incident {number} could not be closed")
