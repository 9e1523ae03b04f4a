"""Lines of `tocsin intakes` for ways in that Tocsin goes to itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tocsin.core.fetching import BROKERS, Fetch, faring
from tocsin.core.texts.intakes import FETCHED, WORDS, problem_of, vouched_fetched
from tocsin.core.texts.lists import ASSURANCES
from tocsin.core.texts.text import Text
from tocsin.site.language import say


def lines(rows: Iterable[dict[str, Any]], now: datetime) -> list[tuple[str, bool]]:
    """Each line, and whether it tells of trouble. `rows`: as `record.fetching.fetched` gives."""
    found = []
    for row in rows:
        best = vouched_fetched(
            row["intake"], is_tls=row["is_tls"], checks_signatures=row["checks_signatures"]
        ).best
        state = faring(row["state"], row["noted_at"], now)
        name = f"{row['name']} ({_word(FETCHED[row['intake']])})"
        words = (name, row["address"] or "-", _word(ASSURANCES[best]), _state(row, state))
        found.append(("  ".join(words), state.is_trouble))
    return found


def _state(row: dict[str, Any], state: Fetch) -> str:
    at = _time(row["good_at"])
    if state is Fetch.FAILING:
        said = {"since": _time(row["failing_since"]), "why": _word(problem_of(row["problem"]))}
        return _word(WORDS["failing_since"].filled(said | {"at": at}))
    if state is Fetch.GOOD:
        word = _word(WORDS["connected" if row["intake"] == BROKERS else "fetched_good"])
    else:
        word = _word(WORDS["stale_fetched" if state is Fetch.STALE else "waiting"])
        if row["good_at"] is None:
            return word
    return _word(WORDS["good_then"].filled({"state": word, "at": at}))


def _time(at: datetime | None) -> str:
    return _word(WORDS["never"]) if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def _word(text: Text) -> str:
    return say(text.en, text.zh)
