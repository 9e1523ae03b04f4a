"""What is kept of signals, copied into the days before: for kept.py. Not a benchmark.

Every row of the record's tables is copied with the ids and times of an earlier moment, so that
what belongs together still does, and lies in the partition and the index page where it would.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

DAYS = 30
CHUNK = 20
# Each list is filled by a connection of its own, its tables one after the other.
TABLES = (
    ("heard.message", "heard.further", "heard.rewrapped"),
    ("log.fact", "log.head"),
    ("view.signal", "view.incident", "log.command"),
)
# Ids that name what was there before: a copy is of the same device.
SAME = frozenset({"device", "site", "unit", "station"})
SETTINGS = {
    # Only while it is filled: what is measured runs with Tocsin's own.
    "max_wal_size": "2GB",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "1GB",
}
_BACK = """
CREATE FUNCTION bench.back(id uuid, ms bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(substr(int8send(substr(uuid_send(id), 1, 6)::bigint - ms), 3)
        || substr(uuid_send(id), 7), 'hex')::uuid $$"""
_POSITIONS = """
INSERT INTO log.position (position, fact)
SELECT (SELECT max(position) FROM log.position) + row_number() OVER (ORDER BY f.id), f.id
FROM log.fact f WHERE f.id > (SELECT max(fact) FROM log.position)"""
_SIZE = """
SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('heard', 'log', 'view') AND c.relkind IN ('r', 'm')"""


class Days(NamedTuple):
    """So many copies, each so much earlier than the one after it."""

    copies: int
    step: timedelta


def kept_bytes(url: str) -> int:
    """What the tables and their indexes take on the disk."""
    with psycopg.connect(url) as connection:
        row = connection.execute(_SIZE).fetchone()
    assert row is not None
    return int(row[0])


def copy_back(url: str, keys: Path, days: Days) -> None:
    """Copies all that is kept, and makes the key of each incident; `url` is the administrator's."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bench")
        connection.execute(_BACK)
        for table in (one for some in TABLES for one in some):
            copied = sql.Identifier("bench", table.replace(".", "_"))
            connection.execute(
                sql.SQL("CREATE UNLOGGED TABLE {} AS TABLE {}").format(
                    copied, sql.Identifier(*table.split("."))
                )
            )
        now = datetime.now(UTC)
        for ago in range(DAYS + 1):
            at = now - timedelta(days=ago)
            connection.execute("SELECT log.prepare_partitions(%s)", (at,))
        statements = {table: _copy(connection, table) for some in TABLES for table in some}
        _all_at_once(url, statements, days)
        connection.execute(_POSITIONS)
        connection.execute("DROP SCHEMA bench CASCADE")
        for table in (
            "heard.message",
            "log.fact",
            "log.position",
            "log.head",
            "log.command",
            "view.signal",
            "view.incident",
            "heard.rewrapped",
            "heard.further",
        ):
            connection.execute(
                sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(*table.split(".")))
            )
        ids = connection.execute("SELECT replace(id::text, '-', '') FROM view.incident")
        _make_keys(keys / "incidents", (one for (one,) in ids))


def _copy(connection: psycopg.Connection, table: str) -> sql.Composed:
    """Copies `first` to `last` of all rows of a table, each `step_ms` earlier than the next."""
    schema, name = table.split(".")
    columns = connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attidentity = '' AND attgenerated = '' ORDER BY attnum",
        (table,),
    ).fetchall()
    values = []
    for column, kind in columns:
        values.append(sql.SQL(_value(column, kind)).format(sql.Identifier("s", column)))
    return sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values}"
        " FROM (SELECT n, n * %(step_ms)s::bigint AS ms"
        " FROM generate_series(%(first)s, %(last)s, -1) n OFFSET 0) c CROSS JOIN {copied} s"
    ).format(
        table=sql.Identifier(schema, name),
        columns=sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns),
        values=sql.SQL(", ").join(values),
        copied=sql.Identifier("bench", f"{schema}_{name}"),
    )


def _value(column: str, kind: str) -> str:
    if kind == "uuid" and column not in SAME:
        return "bench.back({}, c.ms)"
    if kind == "timestamp with time zone":
        return "{} - c.ms * interval '1 millisecond'"
    if column == "key":  # of a command: whose signal it judged, or what its caller chose
        return "{} || ':' || c.n"
    if column == "repeat_key":
        return "substr(sha256({0} || int8send(c.n)), 1, octet_length({0}))"
    return "{}"


def _all_at_once(url: str, statements: dict[str, sql.Composed], days: Days) -> None:
    failed: list[BaseException] = []

    def fill(tables: Sequence[str]) -> None:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("SET enable_hashjoin = off")
                connection.execute("SET enable_mergejoin = off")
                step_ms = int(days.step.total_seconds() * 1_000)
                for table in tables:
                    # The oldest first, as they came.
                    for last in range(days.copies, 0, -CHUNK):
                        values = {"first": last, "last": max(1, last - CHUNK + 1)}
                        connection.execute(statements[table], values | {"step_ms": step_ms})
        except BaseException as error:  # noqa: BLE001 - said by the thread that waits
            failed.append(error)

    threads = [threading.Thread(target=fill, args=(tables,)) for tables in TABLES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _make_keys(directory: Path, ids: Iterator[str]) -> None:
    """Files as a keyring's, which nobody opens: that there are so many is what may cost."""
    for text in ids:
        path = directory / text[-2:] / f"{text}.key"
        try:
            path.write_bytes(b"\1" * 32)
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(b"\1" * 32)


def require_room(directory: Path, size: int) -> bool:
    """Whether the disk has so many bytes to spare, and a tenth more."""
    free = shutil.disk_usage(directory).free
    if free > size * 1.1:
        return True
    print(
        f"NOT RUN: it takes {size / 2**30:.0f} GiB, and {free / 2**30:.0f} are free",
        file=sys.stderr,
    )
    return False
