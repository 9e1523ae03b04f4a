"""The part of the screen of intakes about ways in that Tocsin goes to itself: feeds that it polls,
brokers that it connects to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.core.fetching import BROKERS, Fetch, faring
from tocsin.core.texts.intakes import (
    FETCHED,
    IN_CLEAR,
    OVER_TLS,
    WORDS,
    problem_of,
    vouched_fetched,
)
from tocsin.core.texts.lists import ASSURANCES
from tocsin.record.database import Connection
from tocsin.record.fetching import fetched

Row = dict[str, Any]


def shown(opened: Connection, language: str, now: datetime) -> list[Row]:
    """A row for each, feeds first. Ends the transaction."""
    return [_shown(row, language, now) for row in fetched(opened)]


def _shown(row: Row, language: str, now: datetime) -> Row:
    intake = row["intake"]
    best = vouched_fetched(intake, is_tls=row["is_tls"], checks_signatures=row["checks_signatures"])
    state = faring(row["state"], row["noted_at"], now)
    good = WORDS["connected" if intake == BROKERS else "fetched_good"]
    words = {
        Fetch.GOOD: good,
        Fetch.FAILING: WORDS["failing"],
        Fetch.STALE: WORDS["stale"],
        Fetch.WAITING: WORDS["waiting"],
    }
    why = {Fetch.FAILING: problem_of(row["problem"]), Fetch.STALE: WORDS["edge_silent"]}
    return {
        "kind": FETCHED[intake].of(language),
        "name": row["name"],
        "address": row["address"],
        "line": (OVER_TLS if row["is_tls"] else IN_CLEAR).of(language),
        "state": state.value,
        "is_trouble": state.is_trouble,
        "words": words[state].of(language),
        "problem": why[state].of(language) if state in why else "",
        "failing_since": row["failing_since"] if state is Fetch.FAILING else None,
        "good_at": row["good_at"],
        "best": best.best.value,
        "assurance": ASSURANCES[best.best].of(language),
        "why": best.why.of(language),
    }
