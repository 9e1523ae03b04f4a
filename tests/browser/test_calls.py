"""A phone call entered with F6: by keyboard, beside everything else, and never lost on the way."""

import pytest
from doing import facts, incident, rows, selected, wait_until
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TITLE = {"en": "New call", "zh-CN": "登记电话报警"}
BEGUN = {"en": "Call in entry", "zh-CN": "录入中"}
SAID = {"en": "Smoke from the third floor", "zh-CN": "三楼窗户冒烟"}
OPENED = {"en": "Incident opened", "zh-CN": "警情已登记"}
NEEDS_ADDRESS = {
    "en": "Give an address, choose a site, or click the place on the map.",
    "zh-CN": "请填写地址、选择联网单位或在地图上点选位置。",
}
NEEDS_DISTRICT = {"en": "Choose the district.", "zh-CN": "请选择辖区。"}
NEARBY = {"en": "Open incidents nearby", "zh-CN": "附近未结警情"}
FIELDS = ("address", "caller", "phone", "note")


def field(page: Page, name: str) -> str:
    return str(page.locator(f".open-panel [id$='-{name}']").input_value())


def test_a_call_is_entered_by_keyboard_alone(desk: Page, language: str) -> None:
    site = rows(desk, "/api/v1/sites?limit=50")[3 if language == "en" else 7]
    name = site["name_en"] if language == "en" else site["name_zh"]
    desk.keyboard.press("F6")
    expect(desk.locator(".open-panel h2")).to_have_text(TITLE[language])
    desk.keyboard.press("ArrowRight")  # fire -> medical
    desk.keyboard.press("Tab")
    desk.keyboard.press("ArrowLeft")  # P2 -> P1
    desk.keyboard.press("Tab")
    desk.keyboard.type(name)
    expect(desk.locator(".found li").first).to_contain_text(name)
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    place = site["place"]
    expect(desk.locator(".open-panel .field p")).to_contain_text(f"{place['lat']:.5f}")
    for value in ("Zhang San", "13900000001", SAID[language]):
        if value == "Zhang San":
            desk.locator(".open-panel [id$='-caller']").focus()
        else:
            desk.keyboard.press("Tab")
        desk.keyboard.type(value)
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".receipt-done")).to_contain_text(OPENED[language])
    expect(desk.locator(".open-panel")).to_have_count(0)
    number = selected(desk)
    row = incident(desk, number)
    assert (row["source"], row["type"], row["level"]) == ("call", "medical", 1)
    assert row["district"] == site["district"]
    assert (row["place"]["lat"], row["place"]["lon"]) == (place["lat"], place["lon"])
    assert row["place"]["datum"] == place["datum"]
    assert row["place"]["address_en"] == place["address_en"]
    # What the caller said stands on the card, and is asked for only once.
    expect(desk.locator(".reported")).to_contain_text(SAID[language])
    expect(desk.locator(".reported")).to_contain_text("Zhang San")
    expect(desk.locator(".reported")).to_contain_text("13900000001")
    opened = next(f for f in facts(desk, row) if f["kind"] == "incident.opened")
    assert opened["data"]["note"] == SAID[language]
    assert opened["data"]["caller_phone"] == "13900000001"
    # The keyboard is back in the command line, and the next call starts empty.
    expect(desk.locator(".bar-line")).to_be_focused()
    desk.keyboard.press("F6")
    assert [field(desk, name) for name in FIELDS] == [""] * 4

    # Told again from the same place: the first call stands beside the second.
    desk.locator(".open-panel [id$='-address']").fill(name)
    desk.locator(".found button").first.click()
    near = desk.get_by_role("region", name=NEARBY[language])
    expect(near.locator("h3")).to_have_text(NEARBY[language])
    expect(near.locator("li", has_text=f"#{number}")).to_have_count(1)
    desk.keyboard.press("Escape")


def test_a_begun_call_outlives_whatever_else_is_looked_at(desk: Page, language: str) -> None:
    desk.keyboard.press("F6")
    desk.locator(".open-panel [id$='-address']").fill("12 Mill Road")
    desk.locator(".open-panel [id$='-note']").fill(SAID[language])
    desk.keyboard.press("Escape")
    expect(desk.locator(".open-panel")).to_have_count(0)
    expect(desk.locator(".strip .begun")).to_contain_text(BEGUN[language])
    desk.locator(".queue .q-row").first.click()
    expect(desk.locator(".card-head h2")).to_be_visible()
    desk.keyboard.press("F2")
    desk.keyboard.press("F6")
    assert field(desk, "address") == "12 Mill Road"
    assert field(desk, "note") == SAID[language]
    desk.locator(".open-panel .discard").click()
    expect(desk.locator(".strip .begun")).to_have_count(0)
    desk.keyboard.press("F6")
    assert [field(desk, name) for name in FIELDS] == [""] * 4


def test_a_place_on_the_map_and_what_is_missing(desk: Page, language: str) -> None:
    sent: list[str] = []
    desk.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    desk.keyboard.press("F6")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".open-panel [role=alert]")).to_have_text(NEEDS_ADDRESS[language])
    address = desk.locator(".open-panel [id$='-address']")
    address.fill("12 Mill Road")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".open-panel [role=alert]")).to_have_text(NEEDS_DISTRICT[language])
    assert sent == []
    desk.locator(".maplibregl-canvas").click(position={"x": 200, "y": 300})
    expect(desk.locator(".open-panel .field p")).to_contain_text("WGS-84")
    assert desk.locator(".open-panel select").input_value() != "", "the place tells the district"
    expect(address).to_be_focused()
    told = desk.locator(".open-panel .field p").inner_text()
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".open-panel")).to_have_count(0)
    expect(desk.locator(".card-head h2")).to_have_text("12 Mill Road")
    number = selected(desk)
    wait_until("on record", 10, lambda: incident(desk, number)["place"] is not None)
    place = incident(desk, number)["place"]
    assert f"{place['lat']:.5f}, {place['lon']:.5f}" in told
    assert place["address_zh"] == place["address_en"] == "12 Mill Road"
