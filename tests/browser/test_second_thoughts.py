"""What a dispatcher takes back or changes while it runs: undo, and diverting a unit under way."""

import pytest
from doing import (
    facts,
    incident,
    rows,
    send_recommended,
    take_next,
    type_line,
    wait_until,
)
from playwright.sync_api import Page, Request, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

UNDONE = {"en": "Undone: ", "zh-CN": "已撤销："}
NOTHING = {"en": "Nothing to undo", "zh-CN": "没有可撤销的操作"}
UNDO_KEY = {"en": "Ctrl+Z to undo", "zh-CN": "Ctrl+Z 撤销"}
AGAIN = {"en": "Enter again to divert", "zh-CN": "再按回车改派"}
ON_ANOTHER = {"en": "{sign} already on #{number}", "zh-CN": "{sign} 正在处置 #{number}"}
DIVERTED = {"en": "diverting {sign}", "zh-CN": "并从原警情改派 {sign}"}


def test_undo_takes_the_last_act_back_and_only_that(desk: Page, language: str) -> None:
    # More urgent and back: a further alarm of the site would itself raise what was lowered.
    number = take_next(desk)
    while (before := incident(desk, number)["level"]) == 1:
        number = take_next(desk)
    after = before - 1
    type_line(desk, f"p{after}")
    wait_until("reprioritised", 10, lambda: incident(desk, number)["level"] == after)
    expect(desk.locator(".receipt-done button")).to_contain_text(UNDO_KEY[language])
    desk.keyboard.press("Control+z")
    wait_until("taken back", 10, lambda: incident(desk, number)["level"] == before)
    # It says what was undone, and offers no undo of the undo.
    expect(desk.locator(".receipt-done")).to_contain_text(UNDONE[language])
    expect(desk.locator(".receipt-done")).to_contain_text(str(number))
    expect(desk.locator(".preview button")).to_have_count(0)
    desk.keyboard.press("Control+z")
    expect(desk.locator(".receipt-error")).to_contain_text(NOTHING[language])
    levels = [
        fact["data"]["level"]
        for fact in facts(desk, incident(desk, number))
        if fact["kind"] == "incident.prioritised"
    ]
    assert levels == [before, after], "newest first: there and back, nothing more"

    # Sending is taken back by recalling; the units are free again and their orders say so.
    signs = {unit["call_sign"] for unit in send_recommended(desk, number)}
    expect(desk.locator(".receipt-done button")).to_be_visible()
    desk.locator(".receipt-done button").click()
    wait_until("recalled", 10, lambda: incident(desk, number)["units"] == [])
    told = facts(desk, incident(desk, number))
    recalled = [fact for fact in told if fact["kind"] == "order.recalled"]
    assert {fact["data"]["reason"] for fact in recalled} == {"recalled"}
    detached = [fact for fact in told if fact["kind"] == "incident.unit_detached"]
    assert {fact["data"]["call_sign"] for fact in detached} == signs
    for sign in signs:
        expect(desk.locator(f".board .unit:not(.busy) b:text-is('{sign}')")).to_have_count(1)


def test_one_key_sends_nobody_who_has_gone_elsewhere(desk: Page) -> None:
    number = take_next(desk)
    advised = desk.locator(".advice-row:has(.advice-star) b")
    expect(advised.first).to_be_visible(timeout=15_000)
    sign = advised.first.inner_text()
    other = next(
        row["number"]
        for row in rows(desk, "/api/v1/incidents?state=new")
        if row["number"] != number
    )
    type_line(desk, f"d {sign} #{other}")
    expect(desk.locator(f".board .unit.busy b:text-is('{sign}')")).to_have_count(1)
    # What is half typed meanwhile stays, and the answer is seen over it.
    desk.keyboard.type(";the gate")
    attached = {unit["call_sign"] for unit in send_recommended(desk, number)}
    assert attached, "sent to nobody"
    assert sign not in attached
    assert sign in {unit["call_sign"] for unit in incident(desk, other)["units"]}
    assert desk.locator(".bar-line").input_value() == ";the gate"


def test_advice_that_is_too_old_is_asked_for_again(desk: Page) -> None:
    number = take_next(desk)
    expect(desk.locator(".advice-star").first).to_be_visible(timeout=15_000)
    # Taking it has the advice asked for once more; after that only the key does, within 10 s.
    expect(desk.locator(".card .state-taken")).to_be_visible()
    desk.wait_for_timeout(1_000)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.rpartition("/")[2])

    desk.evaluate("window.trueNow = Date.now; Date.now = () => window.trueNow() + 13_000")
    desk.on("request", note)
    try:
        send_recommended(desk, number)
    finally:
        desk.remove_listener("request", note)
        desk.evaluate("Date.now = window.trueNow")
    assert "advice" in asked[: asked.index("commands")], asked


def test_undo_ends_after_ten_seconds(desk: Page, language: str) -> None:
    number = take_next(desk)
    while (before := incident(desk, number)["level"]) == 1:
        number = take_next(desk)
    after = before - 1
    type_line(desk, f"p{after}")
    expect(desk.locator(".receipt-done button")).to_be_visible(timeout=10_000)
    desk.evaluate("window.trueNow = Date.now; Date.now = () => window.trueNow() + 10_500")
    try:
        desk.keyboard.press("Control+z")
        expect(desk.locator(".receipt-error")).to_contain_text(NOTHING[language])
    finally:
        desk.evaluate("Date.now = window.trueNow")
    assert incident(desk, number)["level"] == after


def test_a_unit_under_way_is_diverted_only_when_confirmed(desk: Page, language: str) -> None:
    left, sign = 0, ""

    def state() -> str | None:
        return next(
            (one["state"] for one in incident(desk, left)["units"] if one["call_sign"] == sign),
            None,
        )

    for _ in range(4):  # a crew may refuse, which two of a hundred do
        left = take_next(desk)
        sign = send_recommended(desk, left)[0]["call_sign"]
        wait_until("under way", 60, lambda: state() in ("under_way", "at_scene", None))
        if state() is not None:
            break
    assert state() in ("under_way", "at_scene"), "four crews in a row left before any diversion"
    number = take_next(desk)
    assert number != left
    line = f"d {sign}"
    desk.keyboard.type(line)
    # Before any Enter: what it would leave.
    conflict = ON_ANOTHER[language].format(sign=sign, number=left)
    expect(desk.locator(".preview-conflict")).to_contain_text(conflict)
    desk.keyboard.press("Enter")
    expect(desk.locator(".receipt-conflict")).to_contain_text(conflict)
    expect(desk.locator(".receipt-conflict")).to_contain_text(AGAIN[language])
    # A changed line is a new one: the next Enter asks again and sends nothing.
    desk.keyboard.type(" ;")
    desk.keyboard.press("Backspace")
    desk.keyboard.press("Backspace")
    desk.keyboard.press("Enter")
    expect(desk.locator(".receipt-conflict")).to_contain_text(AGAIN[language])
    assert state() in ("under_way", "at_scene"), "sent without a second Enter on the same line"
    assert incident(desk, number)["units"] == []
    assert desk.locator(".bar-line").input_value() == line
    desk.keyboard.press("Enter")
    wait_until("diverted", 10, lambda: incident(desk, number)["units"] != [])
    assert [one["call_sign"] for one in incident(desk, number)["units"]] == [sign]
    assert state() is None, "it is on both"
    expect(desk.locator(".receipt-done")).to_contain_text(DIVERTED[language].format(sign=sign))
    # Where it was cannot be restored by a key: no undo is offered.
    expect(desk.locator(".receipt-done button")).to_have_count(0)
    gone = facts(desk, incident(desk, left))
    reasons = [f["data"]["reason"] for f in gone if f["kind"] == "incident.unit_detached"]
    assert reasons[0] == "diverted"
    assert any(f["kind"] == "order.recalled" and f["data"]["reason"] == "diverted" for f in gone)
    expect(
        desk.locator(f".board .unit.busy:has(b:text-is('{sign}'))", has_text=f"#{number}")
    ).to_have_count(1)
