"""A caller's location, taken while the call is entered: it becomes the incident's place, with its
uncertainty, and says where it came from."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from doing import incident, rows, selected
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TITLE = {"en": "Callers' locations, last 15 minutes", "zh-CN": "最近 15 分钟来电定位"}
UNSIGNED = {"en": "not authenticated", "zh-CN": "未经认证"}
METHOD = {"en": "satellite", "zh-CN": "卫星定位"}


def place(number: int, **more: object) -> dict[str, object]:
    at = (datetime.now(UTC) - timedelta(minutes=number)).isoformat()
    return {
        "id": f"01a20074-0869-7000-8e88-c2e82d4b000{number}",
        "received_at": at,
        "at": at,
        "lat": 30.2 + number / 100,
        "lon": 113.4,
        "datum": "WGS-84",
        "radius_m": 12.4,
        "confidence": 68,
        "method": "gnss",
        "altitude_m": None,
        "vertical_m": None,
        "floor": "",
        "length_differs": False,
        "assurance": "authenticated",
        "incident": None,
        "district": "x",
        "agency": "fire",
    } | more


def test_a_caller_s_location_is_taken_into_the_call(desk: Page, language: str) -> None:
    used = place(3, incident="01a20074-0869-7000-8e88-c2e82d4b0009")
    places = [place(1), place(2, assurance="none", method="wifi", floor="5"), used]
    sent: list[dict[str, object]] = []

    def commands(route: Route) -> None:
        body = route.request.post_data_json
        sent.append(body)
        if body["type"] == "locate_incident":
            route.fulfill(status=200, json={"facts": []})
        else:
            route.continue_()

    desk.route("**/api/v1/caller-places", lambda route: route.fulfill(json={"items": places}))
    desk.route("**/api/v1/commands", commands)
    desk.keyboard.press("F6")
    offered = desk.locator(".open-panel .nearby", has_text=TITLE[language]).first
    expect(offered.locator("li")).to_have_count(2)  # what is evidence already is not offered
    expect(offered.locator("li").nth(0)).to_contain_text(METHOD[language])
    expect(offered.locator("li").nth(1)).to_contain_text(UNSIGNED[language])
    offered.locator("button").first.focus()
    desk.keyboard.press("Enter")
    expect(offered.locator("button").first).to_have_attribute("aria-pressed", "true")
    expect(desk.locator(".open-panel .field p")).to_contain_text("30.21000, 113.40000")
    district = rows(desk, "/api/v1/sites?limit=1")[0]["district"]
    desk.locator(".open-panel [id$='-district']").select_option(district)
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".open-panel")).to_have_count(0)
    row = incident(desk, selected(desk))
    assert [one["type"] for one in sent] == ["open_incident", "locate_incident"]
    assert sent[1]["evidence"] == places[0]["id"]
    assert sent[1]["incident"] == row["id"]
    assert json.dumps(row["place"])
