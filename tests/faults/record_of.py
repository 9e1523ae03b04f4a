"""What the record says of the alarms that panels sent and of the incidents that a desk closed,
compared with what they were told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from site_under_test import SiteUnderTest


@dataclass(frozen=True, slots=True)
class Found:
    """`lost`: acknowledged and not in the record. `twice`: to be decided on more than once.
    `undecided`: in the record, and not in the log."""

    lost: set[tuple[str, int]]
    twice: set[tuple[str, int]]
    undecided: int
    signals: int


@dataclass(frozen=True, slots=True)
class Told:
    """The story that the log tells of each site, fact by fact.

    `judged_twice`: signals with more than one verdict. `doubled`: sites where an incident was
    opened while one was open, or more than one by the same signal. `closings_lost`: incidents whose
    closing was answered and is not in the log, or is there twice. `openings`: how many of each.
    """

    judged_twice: set[str]
    doubled: set[str]
    closings_lost: set[str]
    openings: dict[str, int]


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
    return Found(
        lost=acknowledged - kept,
        twice={key for key, times in first.items() if times > 1},
        undecided=undecided(site),
        signals=len(rows),
    )


def undecided(site: SiteUnderTest) -> int:
    """How many signals, repeats apart, have no verdict in the log, and messages not sorted in."""
    found = site.ask(
        "SELECT count(*) FROM heard.signal s WHERE repeat_of IS NULL AND NOT EXISTS"
        " (SELECT FROM log.fact f WHERE f.subject = s.id AND f.kind = 'signal.judged')"
    )
    return int(found[0][0]) + unsorted(site)


def unsorted(site: SiteUnderTest) -> int:
    """How many messages `tocsin work` has not sorted in yet."""
    return int(site.ask("SELECT coalesce(sum(messages), 0) FROM heard.arrived")[0][0])


def story(site: SiteUnderTest, closed: Collection[str]) -> Told:
    """The facts in the order of the log, which is the order of what each was decided on: an opening
    and the closing before it are of one site, and the later has seen the earlier committed."""
    codes = {str(one): str(code) for one, code in site.ask("SELECT id, code FROM ref.site")}
    openings = dict.fromkeys(codes.values(), 0)
    verdicts: Counter[str] = Counter()
    openers: Counter[str] = Counter()
    closings: Counter[str] = Counter()
    open_at: dict[str, str] = {}
    doubled: set[str] = set()
    for kind, subject, body in site.ask(
        "SELECT kind, subject::text, body FROM log.fact WHERE kind IN"
        " ('signal.judged', 'incident.opened', 'incident.closed') ORDER BY id"
    ):
        if kind == "signal.judged":
            verdicts[subject] += 1
        elif kind == "incident.closed":
            closings[subject] += 1
            open_at = {place: one for place, one in open_at.items() if one != subject}
        else:
            fact = json.loads(bytes(body))
            place = codes[fact["site"]]
            openings[place] += 1
            openers[fact["signal"]] += 1
            if place in open_at or openers[fact["signal"]] > 1:
                doubled.add(place)
            open_at[place] = subject
    return Told(
        judged_twice={signal for signal, times in verdicts.items() if times > 1},
        doubled=doubled,
        closings_lost={one for one in closed if closings[one] != 1},
        openings=openings,
    )
