"""Lists, single rows and the snapshot, as the API ships them. Who may see what is asked of
`tocsin.core.access` by the caller; districts, agency and unit here only narrow the search."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.record.database import Connection
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring
from tocsin.record.sealing import message_key, message_key_of_incident, open_body, open_text
from tocsin.record.views.facts import unsealed_fact_row
from tocsin.record.views.lists import LISTS, BadFilter, cursor_after, cursor_values, filter_values
from tocsin.record.views.overlay import Fetched
from tocsin.record.views.rows import Row
from tocsin.record.views.sql import fetch

LIMIT_MAX: Final = 500


def list_rows(
    connection: Connection,
    kind: str,
    *,
    limit: int = 50,
    cursor: str | None = None,
    filters: Mapping[str, Any] | None = None,
    districts: Sequence[str] = (),
    agency: str | None = None,
    unit: UUID | None = None,
    keyring: Keyring | None = None,
) -> dict[str, Any]:
    """`{"items": [...], "next": cursor or None}`, newest first (units by call sign).

    `kind` is `incidents`, `orders`, `units`, `signals`, `facts`, `sites` or `devices`; `districts`
    empty means all, `unit` keeps what that crew has an active order for. With a `keyring` the
    sealed fields of facts and the texts of signals are opened. Raises `BadFilter`.
    """
    listed = LISTS[kind]
    conditions: list[str] = []
    values: list[Any] = []
    for name, value in (filters or {}).items():
        if value is None:
            continue
        if name not in listed.filters:
            raise BadFilter(f"{kind} cannot be filtered by {name}")
        condition, form = listed.filters[name]
        conditions.append(condition)
        values += filter_values(name, value, form)
    if districts:
        conditions.append(f"{listed.district} = ANY(%s)")
        values.append(list(districts))
    if agency is not None:
        conditions.append(f"{listed.agency} = %s")
        values.append(agency)
    if unit is not None:
        conditions.append(listed.unit if listed.unit is not None else "%s IS NULL")
        values.append(unit)
    if cursor is not None:
        names = ", ".join(name for name, _ in listed.order)
        marks = ", ".join(f"%s::{form}" for _, form in listed.order)
        sign = "<" if listed.newest_first else ">"
        conditions.append(f"({names}) {sign} ({marks})")
        values += cursor_values(listed, cursor)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    direction = "DESC" if listed.newest_first else "ASC"
    order = ", ".join(f"{name} {direction}" for name, _ in listed.order)
    limit = max(1, min(limit, LIMIT_MAX))
    query = f"{listed.query}{where} ORDER BY {order} LIMIT {limit + 1}"
    found = fetch(connection, query, values)
    more = len(found) > limit
    found = found[:limit]
    return {
        "items": _shipped(connection, kind, found, keyring),
        "next": cursor_after(listed, found[-1]) if more else None,
    }


def get_row(
    connection: Connection,
    kind: str,
    identifier: UUID | int,
    *,
    keyring: Keyring | None = None,
    raw: bool = False,
) -> Row | None:
    """One row, None if there is none; a fact is found by its position.

    With a `keyring` sealed fields are opened; with `raw` too, a signal has `raw`, the bytes as
    heard in base64 (None once their key is destroyed).
    """
    listed = LISTS[kind]
    column = listed.order[-1][0]
    found = fetch(connection, f"{listed.query} WHERE {column} = %s", [identifier])
    if not found:
        return None
    row = _shipped(connection, kind, found, keyring)[0]
    if kind == "signals" and raw:
        body = None if keyring is None else raw_of(connection, keyring, found[0])
        row["raw"] = None if body is None else base64.b64encode(body).decode()
    return row


def raw_of(connection: Connection, keyring: Keyring, signal: Mapping[str, Any]) -> bytes | None:
    """The bytes as heard, of a row of `SIGNALS`; None if their keys are gone."""
    found = fetch(
        connection,
        "SELECT body FROM heard.message WHERE id = %s",
        [signal["message"]],
    )
    cipher = _cipher(connection, keyring, signal)
    if not found or cipher is None:
        return None
    try:
        return open_body(cipher, signal["message"], found[0]["body"])
    except CannotOpen:
        return None


def _shipped(
    connection: Connection, kind: str, found: Fetched, keyring: Keyring | None
) -> list[Row]:
    if keyring is None:
        return LISTS[kind].rows(found)
    if kind == "facts":
        return [unsealed_fact_row(one, keyring) for one in found]
    rows = LISTS[kind].rows(found)
    if kind == "signals":
        for row, one in zip(rows, found, strict=True):
            cipher = _cipher(connection, keyring, one) if one["text"] is not None else None
            if cipher is not None:
                try:
                    row["text"] = open_text(cipher, one["id"], one["text"])
                except CannotOpen:
                    row["text"] = ""
    return rows


def _cipher(connection: Connection, keyring: Keyring, signal: Mapping[str, Any]) -> AESGCM | None:
    """The message's key: by the day it was heard, else by the incident it joined."""
    with contextlib.suppress(KeyMissing):
        return message_key(keyring, signal["message"])
    wraps = fetch(
        connection,
        "SELECT incident, wrapped_key FROM heard.rewrapped WHERE message = %s",
        [signal["message"]],
    )
    for wrap in wraps:
        try:
            return message_key_of_incident(
                keyring, signal["message"], wrap["incident"], wrap["wrapped_key"]
            )
        except (KeyMissing, CannotOpen):
            continue
    return None
