"""What the record says of the alarms that panels sent, compared with what they were told."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from site_under_test import SiteUnderTest


@dataclass(frozen=True, slots=True)
class Found:
    """`lost`: acknowledged and not in the record. `twice`: decided on more than once.
    `undecided`: in the record, waiting for a decision. `incidents_of_site`: how many each has."""

    lost: set[tuple[str, int]]
    twice: set[tuple[str, int]]
    undecided: int
    incidents_of_site: dict[str, int]
    signals: int


def compare(site: SiteUnderTest, acknowledged: set[tuple[str, int]]) -> Found:
    """Read the whole record of `site` by SQL, past all of our own reading code."""
    first: Counter[tuple[str, int]] = Counter()
    kept: set[tuple[str, int]] = set()
    rows = site.ask("SELECT read, repeat_of IS NULL FROM heard.signal")
    for read, is_first in rows:
        said = json.loads(bytes(read))
        key = (said["account"], int(said["zone"]))
        kept.add(key)
        first[key] += int(is_first)
    (undecided,) = site.ask("SELECT count(*) FROM heard.pending")[0]
    incidents = site.ask(
        "SELECT s.code, count(i.id) FROM ref.site s LEFT JOIN view.incident i ON i.site = s.id"
        " GROUP BY s.code"
    )
    return Found(
        lost=acknowledged - kept,
        twice={key for key, times in first.items() if times > 1},
        undecided=int(undecided),
        incidents_of_site={str(code): int(count) for code, count in incidents},
        signals=len(rows),
    )
