"""`tocsin intakes` as a script meets it: a line for each way in, exit code 1 where a test alarm is
missed; and the metric that tells a monitor outside how old the last result is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from tocsin.core.probing import Stage, Standing
from tocsin.record import probing
from tocsin.record.counting import count_one
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.probing import Expected, Socket
from tocsin.site.command import main, schema
from tocsin.site.probe_age import measure_probe

Intakes = Callable[..., tuple[int, list[str]]]
ACCOUNTS = itertools.count()
METRIC = "tocsin_probe_result_age_seconds"


@pytest.fixture
def connection(urls: Urls) -> Iterator[Connection]:
    with connect(urls.application) as opened:
        for table in ("probe", "probe_expected", "listening", "intake_counter"):
            opened.execute(f"DELETE FROM ref.{table}".encode())
        opened.commit()
        yield opened


@pytest.fixture
def intakes(
    urls: Urls,
    connection: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Intakes:
    """Runs `tocsin intakes` on this module's database; exit code and lines."""
    # The database is one that was brought up to date already.
    monkeypatch.setattr(schema, "bring_up_to_date", lambda *_: None)
    monkeypatch.setenv("TOCSIN_DATABASE_URL", urls.application)
    file = tmp_path / "tocsin.toml"
    file.write_text("[edge.webhook]\nenabled = true\n")

    def run(LC_ALL: str = "C.UTF-8") -> tuple[int, list[str]]:  # noqa: N803
        monkeypatch.setenv("LC_ALL", LC_ALL)
        code = main(["intakes", "--data", str(tmp_path), "--config", str(file)])
        return code, capsys.readouterr().out.splitlines()

    return run


def probed(connection: Connection, *, missed: str = "", at: datetime | None = None) -> None:
    """A round of test alarms; the one through `missed` is missed for the third time."""
    at = at or datetime.now(UTC)
    names = ("dc09.tcp", "dc09.udp", "call", "report")
    sent = [Expected(name, f"tp.{next(ACCOUNTS):012x}", "") for name in names]
    probing.begin(connection, sent, {"webhook.http": "an odd reason"}, at)
    for one in sent:
        why = "answered 503" if one.intake == missed else ""
        acknowledged = None if one.intake == missed else at
        probing.sent(connection, one.account, reached_at=at, acknowledged_at=acknowledged, why=why)
    for under in probing.unsettled(connection):
        is_missed = under.intake == missed
        standing = Standing(3, Stage.NOT_ACKNOWLEDGED, at) if is_missed else Standing()
        probing.settle(connection, under, standing, at, has_arrived=not is_missed)
    connection.commit()


def test_each_way_in_has_a_line(intakes: Intakes, connection: Connection) -> None:
    sockets = [
        Socket("dc09", "tcp", "192.0.2.1", 12300),
        Socket("web", "http", "2001:db8::1", 8443),
    ]
    now = datetime.now(UTC)
    probing.keep_listening(connection, "here", "test", sockets, now)
    probed(connection, at=now)
    code, lines = intakes()
    assert code == 0
    told = {line.split()[0]: line.split("  ") for line in lines}
    assert list(told) == ["dc09.tcp", "dc09.udp", "webhook.http", "call", "report"]
    arrived = f"last arrived {now:%H:%M:%S}Z"
    assert told["dc09.tcp"] == [
        *("dc09.tcp", "192.0.2.1:12300", "Not authenticated", arrived, "never heard"),
    ]
    assert told["dc09.udp"] == ["dc09.udp", "-", "Not authenticated", arrived, "-"]
    assert told["webhook.http"] == [
        *("webhook.http", "-", "Authenticated", "not sent: an odd reason", "never heard"),
    ]
    assert told["call"][1] == told["report"][1] == "[2001:db8::1]:8443"


def test_only_what_others_sent_was_heard(intakes: Intakes, connection: Connection) -> None:
    """Our own test alarms arrive each minute, also where no customer was ever heard."""

    def last_heard(LC_ALL: str = "C.UTF-8") -> dict[str, str]:  # noqa: N803
        return {one.split("  ")[0]: one.split("  ")[-1] for one in intakes(LC_ALL)[1]}

    probed(connection)
    count_one(connection, "dc09.probe", datetime.now(UTC))
    connection.commit()
    assert last_heard()["dc09.tcp"] == "never heard"
    assert last_heard("zh_CN.UTF-8")["dc09.tcp"] == "从未收到"
    at = datetime(2026, 3, 1, 7, 5, 9, tzinfo=UTC)
    for name in ("dc09.ack", "dc09.bad_crc"):
        count_one(connection, name, at)
    connection.commit()
    told = last_heard()
    assert (told["dc09.tcp"], told["dc09.udp"]) == ("last heard 2026-03-01 07:05:09Z", "-")
    assert told["call"] == "never heard"


def test_a_miss_is_told_with_its_stage_and_by_the_exit_code(
    intakes: Intakes, connection: Connection
) -> None:
    probed(connection, missed="dc09.udp")
    code, lines = intakes()
    assert code == 1
    [line] = [one for one in lines if "missed" in one]
    assert "  missed x 3: not acknowledged answered 503  " in line
    assert line.startswith("dc09.udp  ")
    code, lines = intakes("zh_CN.UTF-8")
    assert code == 1
    assert any("未收到确认" in one for one in lines)
    assert any("  来源未经验证  " in one for one in lines)
    probed(connection)
    assert intakes()[0] == 0


def test_what_has_no_result_yet_waits_and_is_no_miss(intakes: Intakes) -> None:
    code, lines = intakes()
    assert code == 0
    assert all("  no result yet  " in line for line in lines)


@pytest.mark.parametrize("away_s", [-200, 21_600])
def test_a_result_that_is_old_or_of_a_time_to_come_is_told(
    intakes: Intakes, connection: Connection, away_s: int
) -> None:
    """The probe has stopped; the clock was set back."""
    at = datetime.now(UTC) + timedelta(seconds=away_s)
    probed(connection, at=at)
    code, lines = intakes()
    assert code == 1
    assert f"  no recent result: last arrived {at:%H:%M:%S}Z  " in lines[0]
    assert any("近期没有结果" in one for one in intakes("zh_CN.UTF-8")[1])


def test_the_metric_is_the_age_of_the_newest_result(urls: Urls, connection: Connection) -> None:
    def age_s() -> float:
        measure_probe(urls.application)
        value = REGISTRY.get_sample_value(METRIC)
        assert value is not None
        return value

    assert age_s() == float("inf")  # no result is as bad as an old one
    probed(connection, at=datetime.now(UTC) - timedelta(seconds=200))
    assert 200 <= age_s() < 215
    probed(connection, missed="dc09.tcp", at=datetime.now(UTC))
    assert age_s() < 15  # a miss is a result too
    measure_probe(urls.application.replace("tocsin_app", "nobody_at_all"))
    assert REGISTRY.get_sample_value(METRIC) == float("inf")  # the database is away
