"""Frames of which something fails on our side: no alarm is lost that could be told, and nobody
else pays for one that could not."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from live_edge import PLAIN, Edge, Record, eventually, frame, register, running

from tocsin.record.database import Urls, connect
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.wire.dc09.answers import Reception, receive
from tocsin.wire.dc09.frames import Frame, decode

EAST, WEST = "EA57", "3E57"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("failures") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        register(owner, ring, PLAIN)
        register(owner, ring, EAST, dialect="local_time:+08:00")
        register(owner, ring, WEST, dialect="local_time:-05:00")
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, record: Record) -> Iterator[Edge]:
    with running(urls, ring) as live:
        yield live


@pytest.mark.parametrize(
    ("account", "stamp", "is_dated"),
    [
        (EAST, "07:59:59,01-01-0001", False),
        (EAST, "08:00:00,01-01-0001", True),
        (WEST, "19:00:00,12-31-9999", False),
        (WEST, "18:59:59,12-31-9999", True),
    ],
)
def test_time_that_no_calendar_has_dates_nothing_and_loses_no_alarm(
    edge, record, ring, account, stamp, is_dated
) -> None:
    with edge.connect() as panel:
        panel.send(frame("NFA71", account, timestamp=stamp))
        assert panel.receive().token == "ACK"
    answer, problem, occurred_at = record.execute(
        "SELECT answer, problem, convert_from(read, 'utf8')::json->>'occurred_at'"
        " FROM heard.message ORDER BY id DESC LIMIT 1"
    ).fetchone()
    record.rollback()
    assert (answer, problem, occurred_at is not None) == ("ack", "clock_off", is_dated)
    while judge_pending(record.connection, ring, datetime.now(UTC)):
        continue
    opened = record.execute(
        "SELECT incident IS NOT NULL FROM view.signal WHERE id ="
        " (SELECT id FROM heard.message ORDER BY id DESC LIMIT 1)"
    ).fetchone()
    record.rollback()
    assert opened == (True,)


@pytest.mark.parametrize("new_loop", [None, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_frame_that_we_fail_at_costs_neither_its_connection_nor_the_others(
    urls, ring, record, monkeypatch, caplog, new_loop
) -> None:
    def fails(told: Frame, **given: Any) -> Reception:
        if told.token == "FAULT":
            raise ZeroDivisionError
        return receive(told, **given)

    monkeypatch.setattr("tocsin.edge.dc09.receive", fails)
    failed = record.counted("dc09.failed")
    faults = [frame("x", token="FAULT") for _ in range(3)]
    with running(urls, ring, new_loop=new_loop) as edge:
        with edge.connect() as panel, edge.datagrams() as udp:
            panel.send(faults[0] + frame(number="0001"))
            assert panel.receive().sequence == "0001"
            panel.send(faults[1])
            panel.send(frame(number="0002"))
            assert panel.receive().sequence == "0002"
            udp.send(faults[2] + frame(number="0003"))
            assert decode(udp.recv(4_096)).sequence == "0003"
            udp.send(frame(number="0004"))
            assert decode(udp.recv(4_096)).sequence == "0004"
        assert eventually(lambda: record.counted("dc09.failed") == failed + 3)
    said = [one for one in caplog.records if one.message == "a frame could not be decided on"]
    assert len(said) == 1  # of each ten seconds
    assert said[0].exc_info is not None
