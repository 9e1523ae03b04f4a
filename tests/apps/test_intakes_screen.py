"""The screen of intakes: what each can vouch for, what it took and turned away, how its test alarms
fare; and that nobody takes a probe that has stopped for one that finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.conf import settings

from signing_in import signed_in
from tocsin.core.probing import Probe, Stage, Standing
from tocsin.core.terms import Role
from tocsin.record import probing
from tocsin.record.database import connect
from tocsin.record.probing import Expected, Socket, Under
from web_site import Site

NAMES = ("dc09.tcp", "webhook.https", "aml.http", "call")
SHOWN = ("dc09.tcp", "dc09.udp", "dc09.tls", *NAMES[1:])
"""The ways in of the page: those of one protocol share its counters."""
PAGE = "/readiness/intakes/"


@pytest.fixture
def intakes(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Four ways in: one arrives, one is missed, one is left out, one has no result yet."""
    shown = [
        {
            "name": name,
            "is_tls": name.endswith("https"),
            "asks_certificate": name.endswith("https"),
            "takes_unsigned": name.startswith("aml"),
        }
        for name in SHOWN
    ]
    monkeypatch.setattr(settings, "INTAKES", shown, raising=False)
    monkeypatch.setattr(settings, "PROBE_ENABLED", True, raising=False)
    now = datetime.now(UTC)
    with connect(site.urls.application) as connection:
        sockets = [Socket("dc09", "tcp", "192.0.2.1", 12300), Socket("web", "http", "::1", 8443)]
        probing.keep_listening(connection, "here", "test", sockets, now)
        sent = [Expected(name, f"tp.{place:012x}", "") for place, name in enumerate(NAMES[:2])]
        probing.begin(connection, sent, {"aml.http": "an odd reason"}, now)
        probing.sent(
            connection, sent[1].account, reached_at=now, acknowledged_at=None, why="answered 503"
        )
        for under in probing.unsettled(connection):
            missed = under.intake == "webhook.https"
            standing = Standing(3, Stage.NOT_ACKNOWLEDGED, now) if missed else Standing()
            probing.settle(connection, under, standing, now, has_arrived=not missed)
        for name, value in (("dc09.ack", 41), ("dc09.bad_crc", 7), ("dc09.probe", 9)):
            connection.execute(
                "INSERT INTO ref.intake_counter (name, value, last_at) VALUES (%s, %s, %s)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value, now),
            )
        connection.commit()
    yield site
    with connect(site.urls.application) as connection:
        for table in ("probe", "probe_expected", "listening"):
            connection.execute(f"DELETE FROM ref.{table}".encode())
        connection.execute("DELETE FROM ref.intake_counter WHERE name LIKE 'dc09.%'")
        connection.commit()


def page(site: Site, language: str = "en", role: Role = Role.SUPERVISOR) -> httpx.Response:
    browser = signed_in(site, role)
    return browser.get(PAGE, headers={"Accept-Language": language})


def test_each_way_in_is_there_with_its_standing(intakes: Site) -> None:
    text = page(intakes).text
    for said in (
        *SHOWN,
        "192.0.2.1:12300",
        ">[::1]:8443<",
        "listens nowhere",  # the two that nothing listens for
        "<strong>Not authenticated</strong>",
        "<strong>Authenticated</strong>",
        "AES shows that the sender has the key",
        "github form",
        "unsigned ones are taken too",
        "asks for certificates",
        "missed × 3",
        "not acknowledged",
        "answered 503",
        "an odd reason",
        "no result yet",
        "Bad checksum × 7",
        "Whoever floods (degraded)",
    ):
        assert said in text, said
    assert ">41<" in text
    assert "No test alarm has a result" not in text


def row_of(text: str, name: str) -> str:
    return text.split(f">{name}<", maxsplit=1)[1].split("</tr>", maxsplit=1)[0]


def test_the_counters_of_a_protocol_are_said_once(intakes: Site) -> None:
    """Nobody is to read of one port what came to another."""
    text = page(intakes).text
    assert text.count("Bad checksum × 7") == text.count(">41<") == 1
    first = row_of(text, "dc09.tcp")
    assert first.count('rowspan="3"') == 3
    assert "Bad checksum × 7" in first
    for name in ("dc09.udp", "dc09.tls"):
        assert row_of(text, name).count("<td") == first.count("<td") - 3
    assert "rowspan" not in row_of(text, "webhook.https")


@pytest.mark.parametrize(("language", "never"), [("en", "never"), ("zh-CN", "从未")])
def test_our_own_test_alarms_are_nobody_heard(intakes: Site, language: str, never: str) -> None:
    with connect(intakes.urls.application) as connection:
        connection.execute("DELETE FROM ref.intake_counter WHERE name = 'dc09.ack'")
        connection.commit()
    row = row_of(page(intakes, language).text, "dc09.tcp")
    assert "<strong>0</strong>" in row
    assert f">{never}</td>" in row


def test_it_is_there_in_chinese(intakes: Site) -> None:
    text = page(intakes, "zh-CN").text
    for said in ("接入", "未收到确认", "未监听", "来源未经验证", "校验错误 × 7", "尚无结果"):
        assert said in text, said


def test_a_probe_that_has_stopped_is_said(intakes: Site) -> None:
    with connect(intakes.urls.application) as connection:
        connection.execute(
            "UPDATE ref.probe SET counted_at = %s",
            (datetime.now(UTC) - timedelta(minutes=3, seconds=1),),
        )
        connection.commit()
    answer = page(intakes)
    assert "No test alarm has a result" in answer.text
    assert 'role="alert"' in answer.text


def test_one_that_is_switched_off_is_said(intakes: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PROBE_ENABLED", False)
    assert "The probe is switched off" in page(intakes).text


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.CALL_TAKER, 200),
        (Role.DISPATCHER, 200),
        (Role.ADMINISTRATOR, 200),
        (Role.INSPECTOR, 200),
    ],
)
def test_who_may_see_it(intakes: Site, role: Role, status: int) -> None:
    assert page(intakes, role=role).status_code == status


def test_a_visitor_is_led_to_the_sign_in(intakes: Site) -> None:
    answer = httpx.get(f"{intakes.base}{PAGE}", follow_redirects=False)
    assert answer.status_code == 302


def test_the_part_that_is_asked_for_again(intakes: Site) -> None:
    browser = signed_in(intakes, Role.SUPERVISOR)
    part = browser.get(f"{PAGE}?live=1").text
    assert "dc09.tcp" in part
    assert "<html" not in part


def test_a_result_is_of_one_test_alarm(intakes: Site) -> None:
    """A late result of the round before is not counted for the one that is on its way."""
    now = datetime.now(UTC)
    with connect(intakes.urls.application) as connection:
        old = Under("dc09.tcp", Probe(now - timedelta(minutes=1)), Standing(), "")
        probing.settle(connection, old, Standing(2, Stage.NOT_JUDGED), now, has_arrived=False)
        states = {one["intake"]: one["misses"] for one in probing.states(connection)}
    assert states["dc09.tcp"] == 0
