"""A crowd's card as a dispatcher works with it: who is in it, one of them taken out; and the way
from any card to a warning to the public."""

import re
import socket
from urllib.parse import parse_qs, urlsplit

import pytest
from demo_city import Demo
from doing import Row, incident, rows, selected, take_next, type_line, wait_until
from playwright.sync_api import Page, expect
from whole import at_all_sizes, faults, violations

from tocsin.core.crowds import OWN_MAX
from tocsin.wire.dc09.frames import wrap

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PREFIX = {"en": "CE", "zh-CN": "CF"}
MANY = 2 * OWN_MAX  # more than have a card of their own
UNKNOWN = {"en": "Not authenticated", "zh-CN": "来源未经验证"}
TITLE = {"en": "Alarms of many unknown sources", "zh-CN": "多个未登记来源报警（汇总）"}
ZONE = {"en": "Fire alarm, zone 7", "zh-CN": "火警，防区 7"}
NONE = {"en": "No sender matches.", "zh-CN": "没有符合的来源。"}


def alarm(demo: Demo, account: str, host: int) -> None:
    """Of an address of its own: unknown accounts of one address share a card anyway."""
    body = f'"SIA-DCS"0001L0#{account}[#{account}|Nri1/FA007]'.encode()
    line = next(line for line in demo.lines if line.startswith("listening dc09 tcp"))
    edge, own = ("127.0.0.1", int(line.rpartition(":")[2])), (f"127.0.8.{host}", 0)
    with socket.create_connection(edge, 10, source_address=own) as panel:
        panel.sendall(wrap(body))
        assert b'"ACK"' in panel.recv(200)


def card_of(page: Page, account: str) -> Row | None:
    """The incident that the signal of this account is on."""
    for signal in rows(page, "/api/v1/signals?limit=100"):
        if signal["account"] == account and signal["incident"]:
            path = f"/api/v1/incidents/{signal['incident']}"
            return dict(page.evaluate("path => fetch(path).then(answer => answer.json())", path))
    return None


def crowd_of(page: Page, demo: Demo, prefix: str) -> tuple[str, Row]:
    """More unknown sources than have cards of their own; one that is in a crowd, and its card."""
    accounts = [f"{prefix}{number:02d}" for number in range(MANY)]
    for host, account in enumerate(accounts, int(prefix, 16) % 2 * MANY + 1):
        alarm(demo, account, host)
    found: list[tuple[str, Row]] = []

    def crowded() -> bool:
        # Not the last of them: they are not judged in the order in which they came.
        cards = [(one, card_of(page, one)) for one in accounts]
        found[:] = [(one, card) for one, card in cards if card and card["crowd"]]
        return all(card for _, card in cards)

    wait_until("all are judged", 40, crowded)
    assert found, "each of many has a card of its own"
    return found[-1]


def test_a_sender_is_found_in_a_crowd_and_taken_out(desk: Page, demo: Demo, language: str) -> None:
    account, crowd = crowd_of(desk, demo, PREFIX[language])

    def shown() -> bool:
        type_line(desk, f"#{crowd['number']}")
        return desk.locator(".card-head h2", has_text=TITLE[language]).count() == 1

    wait_until("the crowd's card is shown", 15, shown)
    expect(desk.locator(".worth")).to_contain_text(UNKNOWN[language])
    desk.locator(".crowd-list button").click()
    senders = desk.locator(".senders li")
    here = int(incident(desk, crowd["number"])["crowd"]["senders"])
    expect(senders).to_have_count(here)
    for theme in ("dark", "light"):
        desk.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for size in at_all_sizes(desk):
            assert faults(desk) == [], f"{theme} {size}"
        assert violations(desk, ".card") == []

    desk.locator(".senders input").fill("no such sender")
    expect(desk.locator(".senders")).to_contain_text(NONE[language])
    desk.locator(".senders input").fill(account.lower())
    expect(senders).to_have_count(1)
    expect(senders).to_contain_text(f"#{account}")
    expect(senders).to_contain_text(ZONE[language])
    senders.locator("button").click()
    wait_until("on its own", 15, lambda: not (card_of(desk, account) or crowd)["crowd"])
    own = card_of(desk, account)
    assert own is not None
    # Its own card is shown now, and the crowd is one less.
    wait_until("its card is shown", 10, lambda: selected(desk) == own["number"])
    expect(desk.locator(".card-head h2")).to_contain_text(account)
    left = incident(desk, crowd["number"])["crowd"]["senders"]
    assert left == here - 1


def test_a_card_leads_to_a_warning_about_its_incident(desk: Page, language: str) -> None:
    about = incident(desk, take_next(desk))
    with desk.context.expect_page() as opened:
        desk.locator(".actions a").click()
    page = opened.value
    try:
        page.wait_for_load_state()
        address = urlsplit(page.url)
        assert address.path == "/readiness/warnings/new/"
        assert parse_qs(address.query) == {"incident": [about["id"]]}
        assert page.evaluate("document.documentElement.lang") == language
        chosen = page.locator("select[name=incident] option:checked")
        expect(chosen).to_have_attribute("value", about["id"])
        expect(chosen).to_contain_text(re.compile(rf"\b{about['number']}\b"))
        assert faults(page) == []
        assert violations(page) == []
    finally:
        page.close()
    # The desk is as it was.
    assert selected(desk) == about["number"]
