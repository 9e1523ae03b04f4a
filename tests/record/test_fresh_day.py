"""Of a day that has just begun the planner knows nothing, and that is when a storm may come: what
each batch looks up is read by key, and never the whole of what the day has."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tocsin.record import judging, repeats
from tocsin.record.arrays import Byteas, Uuids
from tocsin.record.database import Connection
from tocsin.record.ids import first_at
from tocsin.record.retention import prepare_partitions

MESSAGES = 20_000
ASKED = 400

_FILL = """
INSERT INTO heard.message (id, received_at, intake, protocol, source_address, body, answer,
    repeat_key, replay_key, district, agency, device, assurance, read)
SELECT (left(log.first_id(%(now)s)::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, %(now)s,
    'dc09.tcp', 'dc09', '192.0.2.1', '\\x00', 'ack', decode(md5('a' || n), 'hex'),
    decode(md5('b' || n), 'hex'), 'huangpu', 'fire', gen_random_uuid(), 'none', '\\x7b7d'
FROM generate_series(1, %(messages)s) n"""


@pytest.fixture(scope="module")
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def storm(connection: Connection, owner: Connection, now: datetime) -> Connection:
    """What a day has heard in its first minute, before anybody has counted it."""
    if connection.execute("SELECT FROM heard.message LIMIT 1").fetchone() is None:
        prepare_partitions(connection, now)
        day = f"heard.message_{now:%Y%m%d}"
        for table in (day, "heard.pending"):
            owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
        owner.execute(_FILL, {"now": now, "messages": MESSAGES})
        owner.execute(
            "INSERT INTO heard.pending (signal, known, queue)"
            " SELECT id, true, device::text FROM heard.message"
        )
        owner.commit()
    connection.rollback()
    return connection


def rows_read(connection: Connection, query: str, values: Sequence[object]) -> int:
    """Of messages, by the node of the plan that read the most."""
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {query}".encode()
    row = connection.execute(explain, values).fetchone()
    connection.rollback()
    assert row is not None

    def most(node: dict[str, Any]) -> int:
        read = node["Actual Rows"] + sum(
            count for name, count in node.items() if name.startswith("Rows Removed by")
        )
        of_messages = node.get("Relation Name", "").startswith("message")
        own = int(read * node["Actual Loops"]) if of_messages else 0
        return max(own, 0, *map(most, node.get("Plans", ())))

    return most(row[0][0]["Plan"])


@pytest.mark.parametrize("query", [repeats.ORIGINALS, repeats.SAID_BEFORE])
def test_what_a_message_may_repeat_is_found_by_its_key(
    storm: Connection, now: datetime, query: str
) -> None:
    keys = Byteas.of(os.urandom(16) for _ in range(ASKED))
    first, last = first_at(now - timedelta(days=1)), first_at(now + timedelta(days=2))
    near = (now - timedelta(minutes=3), now + timedelta(minutes=3))
    assert rows_read(storm, query, (keys, first, last, *near)) <= 2 * ASKED


def test_signals_to_judge_are_found_by_their_ids(storm: Connection) -> None:
    """Of senders in turn: among what a storm has left between the first and the last of them."""
    rows = storm.execute("SELECT id FROM heard.message ORDER BY repeat_key LIMIT %s", (ASKED,))
    ids = [identifier for (identifier,) in rows]
    asked = (Uuids.of(ids), min(ids), max(ids))
    assert rows_read(storm, judging._PENDING, asked) <= 2 * ASKED
