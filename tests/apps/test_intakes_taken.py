"""The screen of intakes: how much each took in. A call that is typed comes over no wire on which it
would be acknowledged, and is counted as kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from django.conf import settings

from little_city import AGENCY, City, build, call
from signing_in import signed_in
from tocsin.core.terms import Role
from tocsin.record.counting import count_one
from tocsin.record.database import connect
from web_site import Site

PAGE = "/readiness/intakes/"
KEPT = {"en": ("kept", "acknowledged"), "zh-CN": ("已保存", "已确认")}


@pytest.fixture
def screen(site: Site, monkeypatch: pytest.MonkeyPatch) -> httpx.Client:
    plain = {"is_tls": False, "asks_certificate": False, "takes_unsigned": False}
    shown = [{"name": name, **plain} for name in ("call", "sos_access.tcp")]
    monkeypatch.setattr(settings, "INTAKES", shown, raising=False)
    monkeypatch.setattr(settings, "PROBE_ENABLED", True, raising=False)
    return signed_in(site, Role.DISPATCHER)


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="taken ")


@pytest.fixture
def desk(site: Site, city: City) -> httpx.Client:
    return site.client(Role.DISPATCHER)


def row_of(screen: httpx.Client, name: str, language: str) -> str:
    text = screen.get(PAGE, headers={"Accept-Language": language}).text
    return text.split(f">{name}<", maxsplit=1)[1].split("</tr>", maxsplit=1)[0]


def taken(row: str) -> tuple[int, str]:
    """How much an intake took in, and what that means."""
    found = re.search(r'<td class="num"><strong>(\d+)</strong><br><span[^>]*>([^<]+)<', row)
    assert found is not None, row
    return int(found[1]), found[2]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_call_that_is_typed_is_kept_and_has_a_time(
    screen: httpx.Client, desk: httpx.Client, language: str
) -> None:
    before, word = taken(row_of(screen, "call", language))
    assert word == KEPT[language][0]
    start = datetime.now(UTC).replace(microsecond=0)
    call(desk)
    row = row_of(screen, "call", language)
    assert taken(row) == (before + 1, word)
    found = re.search(r'<td class="nowrap">(\d\d-\d\d \d\d:\d\d:\d\d)</td>', row)
    assert found is not None, row
    year = start.year
    heard_at = datetime.strptime(f"{year}-{found[1]}+0000", "%Y-%m-%d %H:%M:%S%z")
    assert start <= heard_at <= datetime.now(UTC)


def test_a_call_that_is_sent_twice_is_counted_once(
    screen: httpx.Client, desk: httpx.Client
) -> None:
    before, _ = taken(row_of(screen, "call", "en"))
    body = {"type": "open_incident", "incident_type": "fire", "level": 2, "district": "north"}
    key = str(uuid4())
    for _ in range(2):
        answer = desk.post(
            "/api/v1/commands", json={**body, "agency": AGENCY}, headers={"Idempotency-Key": key}
        )
        assert answer.status_code == 200, answer.text
    assert taken(row_of(screen, "call", "en"))[0] == before + 1


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_what_comes_over_a_wire_is_acknowledged(
    site: Site, screen: httpx.Client, language: str
) -> None:
    before, _ = taken(row_of(screen, "sos_access.tcp", language))
    with connect(site.urls.application) as connection:
        count_one(connection, "sos_access.ack", datetime.now(UTC))
        connection.commit()
    row = row_of(screen, "sos_access.tcp", language)
    assert taken(row) == (before + 1, KEPT[language][1])


@pytest.mark.parametrize(
    ("language", "first", "stale"),
    [
        ("en", "No test alarm has a result yet", "For three minutes"),
        ("zh-CN", "尚无自检结果", "三分钟以来"),
    ],
)
def test_before_the_first_result_nobody_says_that_the_probe_has_stopped(
    screen: httpx.Client, site: Site, language: str, first: str, stale: str
) -> None:
    with connect(site.urls.application) as connection:
        connection.execute("DELETE FROM ref.probe")
        connection.commit()
    text = screen.get(PAGE, headers={"Accept-Language": language}).text
    assert first in text
    assert stale not in text
