"""Feeds and brokers in `tocsin intakes`: a line for each, in both languages, and exit code 1 where
one is failing or nobody goes there any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tocsin.edge import dc09_serving
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.fetching import Fetching
from tocsin.site.command import main, schema
from tocsin.site.intakes import Edge, hear

Intakes = Callable[..., tuple[int, list[str]]]
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(urls: Urls) -> Iterator[Connection]:
    with connect(urls.application) as opened:
        opened.execute("DELETE FROM ref.fetched")
        opened.commit()
        yield opened


@pytest.fixture
def intakes(
    urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Intakes:
    """Runs `tocsin intakes` on this module's database; exit code and the lines of these ways."""
    monkeypatch.setattr(schema, "bring_up_to_date", lambda *_: None)
    monkeypatch.setenv("TOCSIN_DATABASE_URL", urls.application)

    def run(LC_ALL: str = "C.UTF-8") -> tuple[int, list[str]]:  # noqa: N803
        monkeypatch.setenv("LC_ALL", LC_ALL)
        code = main(["intakes", "--data", str(tmp_path)])
        return code, capsys.readouterr().out.splitlines()[4:]  # after dc09, call and report

    return run


def test_what_is_switched_off_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feeds and brokers of an intake that was switched off are gone after the next start."""
    fetching = Fetching()

    async def panels(_settings: object, stop: asyncio.Event, **_: object) -> None:
        stop.set()

    monkeypatch.setattr(dc09_serving, "serve", panels)
    named: dict[str, Any] = {"heard": SimpleNamespace(fetching=fetching), "devices": None}
    named |= {"district": "d", "agency": "a", "say": print, "turn": print}
    asyncio.run(hear(Edge(), asyncio.Event(), **named))
    taken = fetching.take()
    assert taken is not None
    assert taken.begun["cap"] == taken.begun["mqtt"] == []


def keep(
    connection: Connection,
    intake: str,
    name: str,
    state: str,
    *,
    good: datetime | None = None,
    failing: datetime | None = None,
    problem: str = "",
    noted: datetime | None = None,
    is_signed: bool = False,
) -> None:
    address = "https://a.example" if intake == "cap" else "b.example:8883"
    noted = noted or datetime.now(UTC)
    connection.execute(
        "INSERT INTO ref.fetched VALUES (%s, %s, %s, true, %s, %s, %s, %s, %s, %s)",
        (intake, name, address, is_signed, state, good, failing, problem, noted),
    )
    connection.commit()


def test_each_feed_and_broker_has_a_line(intakes: Intakes, connection: Connection) -> None:
    keep(connection, "mqtt", "mill", "good", good=NOW)
    keep(connection, "cap", "county", "good", good=NOW, is_signed=True)
    keep(connection, "cap", "new", "waiting")
    at = f"{NOW:%Y-%m-%d %H:%M:%S}Z"
    assert intakes() == (
        0,
        [
            f"county (CAP feed)  https://a.example  Authenticated  fetched, last good {at}",
            "new (CAP feed)  https://a.example  Not authenticated  no result yet",
            f"mill (MQTT broker)  b.example:8883  Not authenticated  connected, last good {at}",
        ],
    )


def test_one_that_fails_is_told_and_by_the_exit_code(
    intakes: Intakes, connection: Connection
) -> None:
    keep(connection, "cap", "county", "good", good=NOW)
    assert intakes()[0] == 0
    keep(connection, "mqtt", "mill", "failing", failing=NOW - HOUR, problem="broker_refused")
    code, lines = intakes()
    assert code == 1
    since = f"{NOW - HOUR:%Y-%m-%d %H:%M:%S}Z"
    assert lines[1].endswith(f"failing since {since}: Broker refused us; last good never")
    code, lines = intakes("zh_CN.UTF-8")
    assert code == 1
    assert lines[1].endswith(f"  自 {since} 起故障：代理服务器拒绝连接；最近正常 从未")
    connection.execute("DELETE FROM ref.fetched WHERE name = 'mill'")
    connection.commit()
    assert intakes()[0] == 0


@pytest.mark.parametrize("state", ["good", "waiting"])
def test_where_nobody_goes_any_more_is_told(
    intakes: Intakes, connection: Connection, state: str
) -> None:
    old = NOW - timedelta(minutes=3, seconds=1)
    keep(connection, "cap", "county", state, good=old, noted=old)
    code, [line] = intakes()
    assert code == 1
    assert line.endswith(f"no recent result (edge), last good {old:%Y-%m-%d %H:%M:%S}Z")
