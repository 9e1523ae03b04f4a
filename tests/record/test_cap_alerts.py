"""The table of alerts that were heard, and the copy of its keys that an intake goes by."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.edge.cap_taking import Taking
from tocsin.record.cap_alerts import CapAlerts, KnownAlert
from tocsin.record.database import Connection, DatabaseAway, Urls, connect

NOW = datetime(2026, 7, 11, 7, 30, tzinfo=UTC)


def alert(key: bytes, expires_at: datetime | None = None, source: str = "county") -> KnownAlert:
    return KnownAlert(key.ljust(16), source, "fire@example.org", "Fire", 1, "none", expires_at)


@pytest.fixture(autouse=True)
def empty(owner: Connection) -> None:
    owner.execute("TRUNCATE ref.cap_alert")
    owner.commit()


def test_what_is_remembered_is_found_falls_due_and_is_over(urls: Urls) -> None:
    async def run() -> None:
        alerts = CapAlerts(urls.application)
        try:
            first, second = alert(b"1", NOW), alert(b"2", NOW + timedelta(hours=1))
            for one in (first, second, alert(b"3", None, "other")):
                await alerts.remember(one, (), NOW)
            assert await alerts.known("county") == {first.key, second.key}
            assert await alerts.find([first.key, b"nobody"]) == [first]
            assert await alerts.due(NOW - timedelta(seconds=1), 10) == []
            assert await alerts.due(NOW, 10) == [first]
            assert await alerts.due(NOW + timedelta(hours=2), 1) == [first]
            await alerts.is_over(first.key)
            await alerts.remember(alert(b"4"), (second.key,), NOW)  # replaces the second
            assert await alerts.due(NOW + timedelta(hours=2), 10) == []
        finally:
            await alerts.close()

    asyncio.run(run())


def test_only_what_is_over_and_no_longer_listed_is_forgotten(urls: Urls) -> None:
    async def run() -> None:
        alerts = CapAlerts(urls.application)
        try:
            for one in (alert(b"open", NOW), alert(b"listed"), alert(b"gone")):
                await alerts.remember(one, (), NOW)
            await alerts.listed([alert(b"listed").key], NOW + timedelta(days=1))
            await alerts.forget(NOW + timedelta(hours=1))
            found = await alerts.known("county")
            assert found == {alert(b"open").key, alert(b"listed").key}
        finally:
            await alerts.close()

    asyncio.run(run())


def test_a_database_that_is_away_is_said_and_found_again(
    urls: Urls, administrator: Connection
) -> None:
    async def run() -> None:
        alerts = CapAlerts(urls.application)
        try:
            await alerts.known("county")
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tocsin cap'"
            )
            with pytest.raises(DatabaseAway):
                await alerts.known("county")
            assert await alerts.known("county") == set()
        finally:
            await alerts.close()

    asyncio.run(run())


def test_what_is_heard_while_the_table_is_read_stays_known(urls: Urls) -> None:
    async def run() -> None:
        alerts = CapAlerts(urls.application)
        taking = Taking(None, alerts)  # type: ignore[arg-type]  # nothing is kept here
        try:
            await alerts.remember(alert(b"old"), (), NOW)
            await taking.load("county")
            with connect(urls.owner) as holding:
                holding.execute("DELETE FROM ref.cap_alert")
                holding.execute("LOCK TABLE ref.cap_alert IN ACCESS EXCLUSIVE MODE")
                reading = asyncio.create_task(taking.load("county"))
                await _waits(urls)
                taking._known["county"].add(b"new")
                holding.commit()
            await reading
            assert taking._known["county"] == {b"new"}  # and the old one is forgotten
        finally:
            await alerts.close()

    async def _waits(urls: Urls) -> None:
        with connect(urls.owner) as looking:
            while not looking.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'ref.cap_alert'::regclass"
            ).fetchone():
                looking.rollback()
                await asyncio.sleep(0.01)

    asyncio.run(run())
