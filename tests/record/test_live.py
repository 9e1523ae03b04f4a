"""Rebuilt = incremental, and snapshot + changes = fresh snapshot, after random histories; and the
shared cases of tests/live, which the console's own tests run too.

Set TOCSIN_WRITE_LIVE=1 to write those cases anew after the shape of a row has changed.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from random_history import History
from record_desk import LI, batches_after

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.record.sequencer import assign
from tocsin.record.views import rebuild, snapshot

LIVE = Path(__file__).parent.parent / "live"
ENDED = {"refused", "done", "recalled"}
WRITE = bool(os.environ.get("TOCSIN_WRITE_LIVE"))

Json = dict[str, Any]

TABLES = {
    "log.head": "subject",
    "log.due": "subject",
    "view.incident": "id",
    'view."order"': "id",
    "view.unit": "id",
    "view.signal": "id",
}


def dump(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is made from facts. When a deadline rings again is the clock's own affair."""
    tables = {}
    for table, key in TABLES.items():
        columns = "subject, kind, due_at" if table == "log.due" else "*"
        query = f"SELECT {columns} FROM {table} ORDER BY {key}"
        tables[table] = connection.execute(query.encode()).fetchall()
    connection.rollback()
    return tables


def with_changes(start: Json, changes: list[Json], now: datetime) -> Json:
    """What a screen does: the newest version of a row wins; what has ended is not shown."""
    kinds = ("incidents", "units", "orders")
    rows = {kind: {row["id"]: row for row in start[kind]} for kind in kinds}
    for change in changes:
        for kind in kinds:
            for row in change["rows"].get(kind, []):
                known = rows[kind].get(row["id"])
                if known is None or row["version"] >= known["version"]:
                    rows[kind][row["id"]] = row
    return {
        "incidents": [row for row in rows["incidents"].values() if shown(row, now)],
        "units": list(rows["units"].values()),
        "orders": [row for row in rows["orders"].values() if row["state"] not in ENDED],
    }


def shown(incident: Json, now: datetime) -> bool:
    if incident["state"] == "merged":
        return False
    if incident["closed_at"] is None:
        return True
    return now - datetime.fromisoformat(incident["closed_at"]) < timedelta(hours=1)


def by_id(rows: Json) -> Json:
    return {
        kind: sorted(rows[kind], key=lambda row: row["id"])
        for kind in ("incidents", "units", "orders")
    }


def changes_after(urls: Urls, position: int) -> list[Json]:
    """The stream's `change` events, in small batches."""
    return [
        {"position": batch.position, "facts": batch.facts, "rows": batch.rows}
        for batch in batches_after(urls.application, position, 3)
    ]


def place_all(connection: Connection) -> None:
    while assign(connection):
        pass


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rebuilt_equals_incremental(fresh_urls: Urls, keyring: Keyring, seed: int) -> None:
    with connect(fresh_urls.application) as connection, connect(fresh_urls.owner) as owner:
        history = History(connection, keyring, seed)
        history.steps(150)
        assert history.done > 50
        assert history.refused > 10
        before = dump(connection)
        assert all(before.values()), {table: len(rows) for table, rows in before.items()}
        owner.execute("DELETE FROM view.incident")
        owner.execute("UPDATE log.head SET state = '{}', version = 99")
        owner.commit()
        assert dump(connection) != before
        rebuild(owner)
        assert dump(connection) == before
        history.steps(30)  # and it goes on from there
        again = dump(connection)
        rebuild(owner)
        assert dump(connection) == again


@pytest.mark.parametrize("seed", [4, 5])
def test_snapshot_and_changes_equal_a_fresh_snapshot(
    fresh_urls: Urls, keyring: Keyring, seed: int
) -> None:
    with connect(fresh_urls.application) as connection:
        history = History(connection, keyring, seed)
        history.steps(40)
        start = snapshot(connection, LI, now=history.desk.now)
        changes = []
        for _ in range(6):
            history.steps(9)
            changes += changes_after(
                fresh_urls, changes[-1]["position"] if changes else start["position"]
            )
        place_all(connection)
        changes += changes_after(fresh_urls, changes[-1]["position"])
        fresh = snapshot(connection, LI, now=history.desk.now)
        assert fresh["position"] == changes[-1]["position"]
        folded = with_changes(start, changes, history.desk.now)
        assert by_id(folded) == by_id(fresh)
        # Each change carries something that is needed.
        assert by_id(with_changes(start, changes[:-3], history.desk.now)) != by_id(fresh)
        if WRITE:
            write(f"history_{seed}.json", start, changes, fresh)


def write(name: str, start: Json, changes: list[Json], fresh: Json) -> None:
    case = {
        "name": name.removesuffix(".json"),
        "snapshot": start | {"lag": {}, "counters": {}},
        "changes": changes,
        "expected": fresh | {"lag": {}, "counters": {}},
    }
    LIVE.mkdir(exist_ok=True)
    (LIVE / name).write_bytes(msgspec.json.encode(case, order="sorted") + b"\n")


CASES = sorted(LIVE.glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_shared_cases_hold(path: Path) -> None:
    case = msgspec.json.decode(path.read_bytes())
    now = datetime.fromisoformat(case["expected"]["at"])
    folded = with_changes(case["snapshot"], case["changes"], now)
    assert by_id(folded) == by_id(case["expected"])
    assert by_id(with_changes(case["snapshot"], [], now)) != by_id(case["expected"])


def test_the_shared_cases_have_todays_shape(fresh_urls: Urls, keyring: Keyring) -> None:
    """A case whose rows lack a field of today's rows would prove nothing."""
    assert CASES
    with connect(fresh_urls.application) as connection:
        history = History(connection, keyring, 7)
        history.steps(80)
        today = snapshot(connection, LI, now=history.desk.now)
    for path in CASES:
        case = msgspec.json.decode(path.read_bytes())
        assert set(case) == {"name", "snapshot", "changes", "expected"}
        assert set(case["snapshot"]) == set(today)
        for kind in ("incidents", "units", "orders"):
            assert set(case["expected"][kind][0]) == set(today[kind][0]), (path.name, kind)
