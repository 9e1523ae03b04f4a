"""Feeds and brokers on the screen of intakes: a row for each, with how it fares, what it can vouch
for and where it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from signing_in import signed_in
from tocsin.core.terms import Role
from tocsin.record.database import connect
from web_site import Site

PAGE = "/readiness/intakes/"
NOW = datetime.now(UTC)
AGO = NOW - timedelta(hours=2)
OLD = NOW - timedelta(minutes=3, seconds=1)

ROWS = (
    ("cap", "county", "https://a.example", True, True, "good", NOW, None, "", NOW),
    ("cap", "gone", "https://c.example", True, False, "good", OLD, None, "", OLD),
    ("cap", "plain", "http://b.example", False, False, "failing", None, AGO, "feed_refused", NOW),
    ("mqtt", "barn", "127.0.0.1:1883", False, False, "waiting", None, None, "", NOW),
    ("mqtt", "mill", "d.example:8883", True, False, "good", NOW, None, "", NOW),
)


@pytest.fixture
def fetched(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(settings, "INTAKES", [], raising=False)
    monkeypatch.setattr(settings, "PROBE_ENABLED", True, raising=False)
    with connect(site.urls.application) as connection:
        connection.execute("DELETE FROM ref.fetched")
        with connection.cursor() as cursor:
            places = ", ".join(["%s"] * 10)
            cursor.executemany(f"INSERT INTO ref.fetched VALUES ({places})".encode(), ROWS)
        connection.commit()
    yield site
    with connect(site.urls.application) as connection:
        connection.execute("DELETE FROM ref.fetched")
        connection.commit()


def rows(site: Site, language: str) -> dict[str, str]:
    """The row of each, by name."""
    browser = signed_in(site, Role.SUPERVISOR)
    text = browser.get(f"{PAGE}?live=1", headers={"Accept-Language": language}).text
    found = {}
    for row in text.split("<tr>"):
        for name in (one[1] for one in ROWS):
            if row.startswith(f"<td>{name}<br>"):
                found[name] = row
    return found


def test_each_feed_and_broker_has_a_row(fetched: Site) -> None:
    found = rows(fetched, "en")
    assert list(found) == [one[1] for one in ROWS]
    for name, said in (
        ("county", ("CAP feed", '<span class="state on">fetched', "<strong>Authenticated<", "TLS")),
        ("gone", ('<span class="state off">no recent result', "has shown its certificate")),
        ("plain", ('<span class="state off">failing', "Feed refused", f"since {AGO:%m-%d %H:%M}")),
        ("plain", ("http://b.example", "in clear", "<strong>Not authenticated<", ">never<")),
        ("barn", ("MQTT broker", "no result yet", "127.0.0.1:1883")),
        ("mill", ('<span class="state on">connected', "devices behind it", f"{NOW:%m-%d %H:%M}")),
    ):
        for one in said:
            assert one in found[name], (name, one)
    assert "Feed refused" not in found["county"] + found["mill"]


def test_they_are_there_in_chinese(fetched: Site) -> None:
    found = rows(fetched, "zh-CN")
    for name, said in (
        ("county", ("CAP 预警源", "获取正常", "来源已验证")),
        ("plain", ("故障", "预警源拒绝访问", f"自 {AGO:%m-%d %H:%M}", "明文", "从未")),
        ("mill", ("MQTT 代理服务器", "已连接", "来源未经验证")),
    ):
        for one in said:
            assert one in found[name], (name, one)


def test_where_there_is_none_nothing_is_said_of_them(fetched: Site) -> None:
    title = "Fetched by Tocsin itself"
    browser = signed_in(fetched, Role.SUPERVISOR)
    english = {"Accept-Language": "en"}
    assert title in browser.get(PAGE, headers=english).text
    with connect(fetched.urls.application) as connection:
        connection.execute("DELETE FROM ref.fetched")
        connection.commit()
    assert title not in browser.get(PAGE, headers=english).text
