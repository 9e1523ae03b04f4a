"""What was recognised of a device is on its site's page and in the API, in both languages, and one
button forgets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from test_readiness import HEADER, line, upload

from little_city import City, build
from signing_in import form_token, signed_in
from tocsin.core.terms import Role
from tocsin.core.texts.learnt import FORMS, OTHER_ANSWER, clock_text, recognised_texts
from tocsin.record.database import connect
from tocsin.wire.dc09.dialects import ANSWER_FORMS, DIALECTS
from web_site import Site

SINCE = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="recognised ")


@pytest.fixture
def administrator(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.ADMINISTRATOR)


def learnt(site: Site, administrator: httpx.Client, code: str, account: str) -> dict[str, Any]:
    """A device of which something was learnt, as the API tells it."""
    upload(administrator, f"{HEADER}\n{line(code, account)}", "import")
    device = told(administrator, account)
    assert device["recognised"] is None
    with connect(site.urls.application) as opened:
        opened.execute(
            "INSERT INTO ref.learnt VALUES (%s, 0, 'eldes;hex_sequence', 1, 28800, %s, now())",
            (device["id"], SINCE),
        )
        opened.commit()
    return device


def told(browser: httpx.Client, account: str) -> dict[str, Any]:
    [found] = browser.get(f"/api/v1/devices?account={account}").json()["items"]
    return found  # type: ignore[no-any-return]


def test_where_nothing_was_recognised_a_dash_says_so(
    site: Site, administrator: httpx.Client
) -> None:
    upload(administrator, f"{HEADER}\n{line('L-9', 'A509')}", "import")
    page = administrator.get(f"/readiness/sites/{told(administrator, 'A509')['site']}/").text
    assert "<td>–</td>" in page
    assert "<td></td>" not in page


def test_it_is_shown_and_forgotten(site: Site, administrator: httpx.Client) -> None:
    device = learnt(site, administrator, "L-1", "A501")
    assert told(administrator, "A501")["recognised"] == {
        "dialects": ["eldes", "hex_sequence"],
        "takes_other_answer": True,
        "clock_ahead_s": 28_800,
        "clock_since": "2026-03-02T12:05:00Z",
    }
    path = f"/readiness/sites/{device['site']}/"
    page = administrator.get(path).text
    for text in (
        "ELDES (CRC over the CR), answered in its own form",
        "sequence in hex",
        "clock 8 h ahead of GMT since 2026-03-02 12:05 UTC",
    ):
        assert text in page
    page_zh = administrator.get(path, headers={"Accept-Language": "zh-CN"}).text
    assert "ELDES（CRC 计入 CR），以其自身形式应答" in page_zh
    assert "时钟比 GMT 快 8 小时，2026-03-02 12:05 UTC 起" in page_zh
    device_page = administrator.get(f"{path}devices/{device['id']}/").text
    assert "clock 8 h ahead of GMT since 2026-03-02 12:05 UTC" in device_page
    forget = f"{path}devices/{device['id']}/forget/"
    assert f'action="{forget}"' in device_page
    assert "forget/" not in administrator.get(f"{path}devices/new/").text
    assert administrator.get(forget).status_code == 302  # looking at it forgets nothing
    assert told(administrator, "A501")["recognised"] is not None
    button = {"csrfmiddlewaretoken": form_token(device_page)}
    assert administrator.post(forget, data=button).headers["location"] == path
    after = administrator.get(path).text
    assert "recognised anew" in after
    assert "ELDES" not in after
    assert "forget/" not in administrator.get(f"{path}devices/{device['id']}/").text
    assert told(administrator, "A501")["recognised"] is None


def test_only_a_device_of_the_site_and_of_ones_own_is_forgotten(
    site: Site, administrator: httpx.Client
) -> None:
    device = learnt(site, administrator, "L-2", "A502")
    upload(administrator, f"{HEADER}\n{line('L-3', 'A503')}", "import")
    other = told(administrator, "A503")
    south = signed_in(site, Role.ADMINISTRATOR, districts=["south"])
    for browser, of, which in (
        (administrator, other["site"], device["id"]),
        (administrator, device["site"], UUID(int=1)),
        (south, device["site"], device["id"]),
    ):
        token = form_token(browser.get("/accounts/password/change/").text)
        answer = browser.post(
            f"/readiness/sites/{of}/devices/{which}/forget/", data={"csrfmiddlewaretoken": token}
        )
        assert answer.status_code == 404
    assert told(administrator, "A502")["recognised"] is not None


# -- words ----------------------------------------------------------------------------------------


def test_every_form_that_is_told_from_a_frame_has_a_text() -> None:
    by_the_register = {"local_time", "duh", "cid_swapped"}
    assert set(FORMS) == {one.name for one in DIALECTS} - by_the_register
    with_a_choice = {form for form, answers in ANSWER_FORMS.items() if len(answers) > 1}
    assert len(OTHER_ANSWER) == len(with_a_choice)
    assert set(OTHER_ANSWER) <= set(FORMS)


@pytest.mark.parametrize(
    ("ahead", "english", "chinese"),
    [
        (timedelta(hours=8), "clock 8 h ahead", "时钟比 GMT 快 8 小时，"),
        (timedelta(hours=-3, minutes=-30), "clock 3 h 30 min behind", "慢 3 小时 30 分钟，"),
        (timedelta(minutes=45), "clock 45 min ahead", "快 45 分钟，"),
    ],
)
def test_a_clock_is_said(ahead: timedelta, english: str, chinese: str) -> None:
    text = clock_text(int(ahead.total_seconds()), SINCE)
    assert text.en.startswith(english)
    assert text.en.endswith("GMT since 2026-03-02 12:05 UTC")
    assert chinese in text.zh


def test_which_answer_is_said_only_of_a_form_that_leaves_a_choice() -> None:
    def said(*dialects: str, other: bool) -> list[str]:
        found = recognised_texts(
            dialects, takes_other_answer=other, clock_ahead_s=None, clock_since=None
        )
        return [text.en for text in found]

    assert said("binary_crc", other=True) == [
        "Trikdis and others (binary CRC), answered in the standard form",
    ]
    assert said("no_bar", "of another version", other=True) == ["encrypted pad without end"]
    assert said("eldes", other=False) == ["ELDES (CRC over the CR)"]
