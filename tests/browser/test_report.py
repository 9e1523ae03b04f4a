"""The public pages as people meet them: on a phone, without a script, in both languages, in the
dark, enlarged, by keyboard; and the position for those who have a script and want it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from whole import violations

from apps.reporting import calm, newest
from web_site import Site, site_for

if TYPE_CHECKING:
    from conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
# As narrow as a phone of 390 at 122 % or a desk of 1280 at 400 % (WCAG 2.2, 1.4.10).
NARROW = {"width": 320, "height": 640}
WORDS = {
    "en": {
        "where": "12 Mill Road, third floor",
        "bad_phone": "A phone number has 5 to 20 digits",
        "received": "Your report was received",
        "added": "Added. Staff on duty will see it.",
        "withdrawn": "You said at",
        "unknown": "There is no report with this code",
        "other": "简体中文",
        "title": "Report an emergency",
        "other_title": "网上报警",
    },
    "zh-CN": {
        "where": "人民路 12 号 3 楼",
        "bad_phone": "电话号码应为 5 至 20 位数字",
        "received": "已收到您的报警",
        "added": "已补充，值班人员会看到。",
        "withdrawn": "告知不再需要帮助",
        "unknown": "没有此查询码的报警",
        "other": "English",
        "title": "网上报警",
        "other_title": "Report an emergency",
    },
}


@pytest.fixture(scope="module")
def public(server: Server) -> Iterator[Site]:
    """A web process in this one. What it reads from the environment it has read by then, and
    nothing of it is left for the demo that other tests here start."""
    before = dict(os.environ)
    for site in site_for(server, "browser"):
        from tocsin.apps.log import connections

        connections()
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        yield site


@pytest.fixture(autouse=True)
def nothing_counted(public: Site) -> None:
    public.apart(lambda: calm(public))


@pytest.fixture(params=["en", "zh-CN"])
def tongue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def phone(browser: Browser, tongue: str) -> Iterator[Page]:
    """A phone whose browser runs no script; whatever it asks elsewhere or complains of fails."""
    context = browser.new_context(locale=tongue, viewport=PHONE, java_script_enabled=False)
    yield from listening(context)


def listening(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    said: list[str] = []
    outside: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            None if re.match(r"http://localhost:|data:", asked.url) else outside.append(asked.url)
        ),
    )
    yield page
    assert outside == []
    # The answer to what cannot be taken has a status of its own, which a browser logs.
    assert [one for one in said if "the server responded with a status of 4" not in one] == []
    assert context.cookies() == []
    context.close()


def fill(page: Page, words: dict[str, str]) -> None:
    page.locator("input[name=kind][value=fire]").check()
    page.locator("#where").fill(words["where"])
    page.locator("input[name=hurt][value=yes]").check()
    page.locator("#text").fill("smoke & flames")


def fits(page: Page) -> bool:
    """Nothing is wider than the window: no sideways scrolling."""
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def test_the_whole_way_on_a_phone_without_a_script(public: Site, phone: Page, tongue: str) -> None:
    words = WORDS[tongue]
    phone.goto(f"{public.base}/report")
    expect(phone.locator("h1")).to_have_text(words["title"])
    expect(phone.locator("#use-position")).to_be_hidden()
    fill(phone, words)
    phone.locator("#phone").fill("none")
    phone.locator(".send").click()
    # What is wrong is named, linked to its field, and all else is still there.
    alert = phone.locator("[role=alert]")
    expect(alert).to_contain_text(words["bad_phone"])
    expect(alert.locator("a")).to_have_attribute("href", "#phone")
    expect(phone.locator("#where")).to_have_value(words["where"])
    expect(phone.locator("#text")).to_have_value("smoke & flames")
    expect(phone.locator("input[name=kind][value=fire]")).to_be_checked()
    phone.locator("#phone").fill("13900001111")
    phone.locator(".send").click()
    expect(phone.locator("h1")).to_have_text(words["received"])
    code = phone.locator(".symbols").inner_text()
    assert re.fullmatch(r"(?:[2-9A-Y]{4}-){3}[2-9A-Y]{4}", code)
    row = newest(public)
    assert (row["type"], row["level"], row["source"]) == ("fire", 1, "report")
    phone.reload()  # again the same page, and the same one incident
    assert newest(public)["id"] == row["id"]
    assert newest(public)["report_count"] == 1
    # By its code, typed as people type it.
    phone.goto(f"{public.base}/follow")
    phone.locator("#code").fill(code.lower().replace("-", " "))
    phone.keyboard.press("Enter")
    expect(phone.locator(".symbols")).to_have_text(code)
    phone.locator("#text").fill("a second car")
    phone.locator("main form button").first.click()
    expect(phone.locator("[role=status]")).to_have_text(words["added"])
    phone.locator("button[value=withdraw]").click()
    expect(phone.locator("main")).to_contain_text(words["withdrawn"])
    row = newest(public)
    assert (row["report_additions"], row["reports_withdrawn"], row["state"]) == (1, 1, "new")


def test_the_other_language_is_one_tap_away_and_nothing_is_lost(
    public: Site, phone: Page, tongue: str
) -> None:
    words = WORDS[tongue]
    phone.goto(f"{public.base}/report")
    phone.get_by_role("link", name=words["other"]).click()
    expect(phone.locator("h1")).to_have_text(words["other_title"])
    phone.get_by_role("link", name="English" if tongue == "en" else "简体中文").click()
    phone.locator("#where").fill("half a sentence")
    phone.locator(".send").click()
    phone.get_by_role("button", name=words["other"]).click()
    expect(phone.locator("h1")).to_have_text(words["other_title"])
    expect(phone.locator("#where")).to_have_value("half a sentence")
    expect(phone.locator("[role=alert]")).to_have_count(0)


def pages(public: Site, page: Page, words: dict[str, str]) -> Iterator[str]:
    """Takes the page through everything the public can see; yields the name of each state."""
    page.goto(f"{public.base}/report")
    page.locator("#place summary").click()
    yield "form"
    page.locator("#phone").fill("none")
    page.locator("#position").fill("here")
    page.locator(".send").click()
    expect(page.locator("[role=alert]")).to_be_visible()
    yield "mistakes"
    page.locator("#phone").fill("")
    page.locator("#position").fill("")
    fill(page, words)
    page.locator(".send").click()
    expect(page.locator("h1")).to_have_text(words["received"])
    yield "received"
    page.locator("main form button").first.click()
    expect(page.locator("[role=alert]")).to_be_visible()
    yield "nothing added"
    page.locator("button[value=withdraw]").click()
    yield "withdrawn"
    page.goto(f"{public.base}/follow")
    yield "asked for a code"
    page.locator("#code").fill("2222 2222 2222 2222")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(words["unknown"])
    yield "no such code"


@pytest.mark.parametrize(
    ("scheme", "size"),
    [("light", PHONE), ("dark", PHONE), ("dark", DESK), ("light", NARROW)],
    ids=["phone in the light", "phone in the dark", "desk in the dark", "narrow in the light"],
)
def test_it_is_accessible_and_fits(
    public: Site, browser: Browser, tongue: str, scheme: str, size: dict[str, int]
) -> None:
    context = browser.new_context(
        locale=tongue,
        viewport=size,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    for page in listening(context):
        for state in pages(public, page, WORDS[tongue]):
            assert violations(page) == [], state
            assert fits(page), state


def test_text_of_double_size_still_fits_a_phone(
    public: Site, browser: Browser, tongue: str
) -> None:
    context = browser.new_context(locale=tongue, viewport=PHONE)
    for page in listening(context):
        for state in pages(public, page, WORDS[tongue]):
            # As the phone's own setting does it: the size that every length here hangs on.
            page.evaluate(
                "() => { const sheet = new CSSStyleSheet();"
                " sheet.replaceSync('html { font-size: 200% !important }');"
                " document.adoptedStyleSheets = [sheet]; }"
            )
            assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
            assert fits(page), state


def test_it_is_sent_by_keyboard_alone(public: Site, browser: Browser, tongue: str) -> None:
    context = browser.new_context(locale=tongue, viewport=DESK)
    for page in listening(context):
        page.goto(f"{public.base}/report")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # the first kind
        page.keyboard.press("Tab")
        page.keyboard.type(WORDS[tongue]["where"])
        page.locator("#phone").focus()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(WORDS[tongue]["received"])


def test_the_position_is_filled_in_where_its_owner_asks(
    public: Site, browser: Browser, tongue: str
) -> None:
    context = browser.new_context(
        locale=tongue,
        viewport=PHONE,  # type: ignore[arg-type]
        geolocation={"latitude": 31.250149, "longitude": 121.470251, "accuracy": 8},
        permissions=["geolocation"],
    )
    for page in listening(context):
        page.goto(f"{public.base}/report")
        page.locator("#place summary").click()
        page.locator("#datum").select_option("BD-09")
        page.locator("#use-position button").click()
        expect(page.locator("#position")).to_have_value("31.2501, 121.4703")
        expect(page.locator("#datum")).to_have_value("WGS-84")
        expect(page.locator("#use-position [role=status]")).to_contain_text("10")
        fill(page, WORDS[tongue])
        page.locator(".send").click()
        expect(page.locator("h1")).to_have_text(WORDS[tongue]["received"])
    place = newest(public)["place"]
    assert (place["lat"], place["lon"], place["datum"]) == (31.2501, 121.4703, "WGS-84")


def test_a_position_that_cannot_be_had_is_said(public: Site, browser: Browser, tongue: str) -> None:
    context = browser.new_context(locale=tongue, viewport=PHONE, permissions=[])
    for page in listening(context):
        page.goto(f"{public.base}/report")
        page.locator("#use-position button").click()
        said = page.locator("#use-position [role=status]")
        expect(said).to_have_text(re.compile("in words|用文字说明"))
