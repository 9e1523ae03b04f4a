"""Arrays that are packed at once are those that the driver would have sent, in every corner."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tocsin.record.arrays import packed
from tocsin.record.database import Connection

IDS = [UUID(int=0), None, UUID(int=2**128 - 1)]
TEXTS = ["", "a", None, "NULL", '{"\\', "消防 🔥", "x" * 70_000]
BYTES = [b"", None, bytes(range(256)), b"\\x00", b"y" * 70_000]


@pytest.mark.parametrize("kind", ["uuid", "text", "bytea"])
@pytest.mark.parametrize("nulls", [True, False])
def test_every_value_comes_back(connection: Connection, kind: str, nulls: bool) -> None:
    values: list[Any] = {"uuid": IDS, "text": TEXTS, "bytea": BYTES}[kind]
    if not nulls:
        values = [one for one in values if one is not None]
    row = connection.execute(
        f"SELECT %b::{kind}[], pg_typeof(%b)::text".encode(),
        (packed(kind, values), packed(kind, values)),
    ).fetchone()
    assert row == (values, f"{kind}[]")
    connection.rollback()


@pytest.mark.parametrize("kind", ["uuid", "text", "bytea", "bigint"])
def test_none_at_all_is_an_empty_array(connection: Connection, kind: str) -> None:
    query = f"SELECT cardinality(%b::{kind}[])".encode()
    assert connection.execute(query, (packed(kind, []),)).fetchone() == (0,)
    connection.rollback()


def test_what_is_no_text_is_refused(connection: Connection) -> None:
    with pytest.raises(UnicodeEncodeError):
        packed("text", ["\ud800"])
    with pytest.raises(psycopg.DataError):
        connection.execute("SELECT %b::text[]", (packed("text", ["a\0b"]),))
    connection.rollback()
