"""Action plans, duplicates and what is on test, as a dispatcher works with them: steps ticked by
key and by mouse, a duplicate merged and split with one key, a test seen in strip and card."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from doing import Row, facts, incident, rows, selected, take_next, type_line, wait_until
from playwright.sync_api import Page, expect
from whole import faults, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WHY = {"en": "same type · 0 m apart · opened", "zh-CN": "类型相同 · 相距 0 米 · 受理相隔"}
TICKED = {"en": "Ticked: ", "zh-CN": "预案步骤已完成："}
TESTED = {"en": "on test", "zh-CN": "项测试中"}
ASSURED = {
    "none": {"en": "Not authenticated", "zh-CN": "来源未经验证"},
    "integrity": {"en": "Unaltered, not authenticated", "zh-CN": "内容完整，来源未经验证"},
    "authenticated": {"en": "Authenticated", "zh-CN": "来源已验证"},
}
COMMAND = """async ([key, body]) => {
  const token = document.cookie.split("; ").find(one => one.startsWith("csrftoken=")).slice(10);
  const answer = await fetch("/api/v1/commands", {
    method: "POST", body: JSON.stringify(body),
    headers: {"Content-Type": "application/json", "Idempotency-Key": key, "X-CSRFToken": token},
  });
  return answer.json();
}"""


def command(page: Page, **body: Any) -> Row:
    """Do a command with the page's own session."""
    answer: Row = page.evaluate(COMMAND, [str(uuid.uuid4()), body])
    assert "facts" in answer, answer
    return answer


def take_planned(page: Page) -> Row:
    """The next incident that has an action plan of which nothing is ticked, taken."""
    for _ in range(40):
        row = incident(page, take_next(page))
        if row["plans"] and not row["ticked"]:
            return row
    pytest.fail("no incident with an action plan")


def ticked(page: Page, row: Row) -> list[int]:
    return sorted(one["step"] for one in incident(page, row["number"])["ticked"])


def test_steps_are_ticked_by_key_and_by_mouse(desk: Page, language: str) -> None:
    row = take_planned(desk)
    steps = desk.locator(".plan-step")
    expect(steps).to_have_count(sum(plan["count"] for plan in row["plans"]))
    words = steps.nth(1).locator(".plan-text").inner_text()
    type_line(desk, "x")
    wait_until("the first is ticked", 10, lambda: ticked(desk, row) == [1])
    expect(steps.nth(0)).to_have_attribute("aria-checked", "true")
    expect(steps.nth(0)).to_contain_text("林 Lin")
    type_line(desk, "勾2" if language == "zh-CN" else "x 2")
    wait_until("the second is ticked", 10, lambda: ticked(desk, row) == [1, 2])
    desk.keyboard.press("Control+z")
    wait_until("taken back", 10, lambda: ticked(desk, row) == [1])
    steps.nth(1).click()
    wait_until("ticked by mouse", 10, lambda: ticked(desk, row) == [1, 2])
    expect(desk.locator(".bar-line")).to_be_focused()
    type_line(desk, "x -1")
    wait_until("unticked", 10, lambda: ticked(desk, row) == [2])
    # Who and when stand in the timeline, with the words as they were.
    wait_until(
        "on record",
        10,
        lambda: sum(f["kind"].startswith("incident.step_") for f in facts(desk, row)) == 5,
    )
    told = desk.locator(".timeline:not(.signals)")
    expect(told).to_contain_text(f"{TICKED[language]}{words}")
    assert faults(desk) == []


def test_what_vouches_for_an_alarm_is_said_in_words(desk: Page, language: str) -> None:
    row = take_planned(desk)
    best = ASSURED[row["assurance"]][language]
    expect(desk.locator(".worth")).to_contain_text(best)
    expect(desk.locator(".signals .assurance", has_text=best).first).to_be_visible()
    if row["avs"] is not None:
        expect(desk.locator(".worth")).to_contain_text(f"AVS {row['avs']['level']}")


def show(desk: Page, number: int, district: str) -> None:
    """By the command bar, as soon as the console knows it: the queue draws what is in sight."""
    chosen = desk.locator(".queue [aria-selected=true] .q-number", has_text=str(number))

    def shown() -> bool:
        type_line(desk, f"#{number} {district}")
        return chosen.count() == 1

    wait_until(f"#{number} is shown", 15, shown)


def test_a_duplicate_is_merged_and_split_with_one_key(desk: Page, language: str) -> None:
    site = rows(desk, "/api/v1/sites?limit=60")[11 if language == "en" else 23]
    place = {name: site["place"][name] for name in ("lat", "lon", "datum")}
    call = {"type": "open_incident", "incident_type": "rescue", "level": 3, "place": place}
    where = {"district": site["district"], "agency": site["agency"]}
    old, new = (command(desk, **call, **where)["facts"][0] for _ in range(2))
    numbers = [one["data"]["number"] for one in (old, new)]
    show(desk, numbers[1], site["district"])
    why = desk.locator(".related-why").first
    expect(why).to_contain_text(WHY[language])
    assert why.evaluate("one => getComputedStyle(one).whiteSpace") == "normal"  # never cut off
    desk.keyboard.press("F7")
    # The card is the survivor's now, and offers the split, after a reload too.
    wait_until("merged", 10, lambda: selected(desk) == numbers[0])
    absorbed = desk.locator(".related li", has_text=f"#{numbers[1]}")
    expect(absorbed).to_have_count(1)
    desk.reload()
    show(desk, numbers[0], site["district"])
    expect(absorbed).to_have_count(1)
    absorbed.locator("button.link").click()  # the card of the merged one
    expect(desk.locator(".card .state-merged")).to_be_visible()
    assert violations(desk, ".card") == []
    desk.keyboard.press("F7")
    expect(desk.locator(".card .state-new")).to_be_visible()
    wait_until("apart again", 10, lambda: selected(desk) == numbers[1])
    # And on the older one's card the pair is offered too.
    show(desk, numbers[0], site["district"])
    expect(desk.locator(".related li", has_text=f"#{numbers[1]}")).to_have_count(1)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_is_on_test_is_seen(desk: Page, theme: str, language: str) -> None:
    desk.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    row = take_planned(desk)
    site = rows(desk, f"/api/v1/devices?site={row['site']}")[0]
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    begun = command(
        desk,
        type="put_on_test",
        site=row["site"],
        device=site["id"],
        zone="99",
        why="Walk test of the cellar",
        until=until,
    )
    on_test = begun["facts"][0]["subject"]
    try:
        count = desk.locator(".on-test summary")
        expect(count).to_contain_text(TESTED[language])
        expect(desk.locator(".notice-test")).to_contain_text("Walk test of the cellar")
        count.click()
        sheet = desk.locator(".on-test .intake-sheet")
        expect(sheet).to_contain_text("Walk test of the cellar")
        expect(sheet).to_contain_text("林 Lin")
        assert faults(desk) == []
        assert violations(desk) == []
        count.click()
    finally:
        command(desk, type="end_on_test", on_test=on_test)
    expect(desk.locator(".notice-test")).to_have_count(0)
