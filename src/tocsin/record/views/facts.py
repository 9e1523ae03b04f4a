"""Facts as screens and other programs see them, in the order of their positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tocsin.record.facts import bound_to, data_of, data_with_sealed
from tocsin.record.keys import Keyring
from tocsin.record.views.rows import Row

FACT_COLUMNS: Final = """
p.position, f.recorded_at, f.kind, f.version, f.subject, f.subject_kind, f.incident,
f.actor, f.actor_name, f.district, f.agency, f.body"""

FACTS_AFTER: Final = f"""
SELECT {FACT_COLUMNS} FROM log.position p JOIN log.fact f ON f.id = p.fact
WHERE p.position > $1 ORDER BY p.position LIMIT $2"""  # noqa: S608


def fact_row(found: Mapping[str, Any], data: Row | None = None) -> Row:
    """One fact; `data` its fields, by default the open ones only."""
    row = {
        "position": found["position"],
        "recorded_at": found["recorded_at"],
        "kind": found["kind"],
        "version": found["version"],
        "subject": found["subject"],
        "subject_kind": found["subject_kind"],
        "incident": found["incident"],
        "actor": found["actor"],
        "actor_name": found["actor_name"],
        "district": found["district"],
        "agency": found["agency"],
        "data": data_of(found["body"]) if data is None else data,
    }
    plain: Row = msgspec.to_builtins(row)
    return plain


def unsealed_fact_row(found: Mapping[str, Any], keyring: Keyring) -> Row:
    """One fact with its sealed fields (`found` has `sealed` too)."""
    binding = bound_to(found["subject"], found["version"], found["kind"])
    data = data_with_sealed(
        keyring, found["body"], found["sealed"], incident=found["incident"], binding=binding
    )
    return fact_row(found, data)
