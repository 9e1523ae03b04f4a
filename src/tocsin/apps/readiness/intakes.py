"""The screen of intakes: where each way in listens, what it can vouch for as it is set up, what it
took and turned away, and how our own test alarms fare. It looks at itself every two seconds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from tocsin.apps.log import connection
from tocsin.apps.readiness import fetched_shown
from tocsin.apps.readiness.screens import for_readers_of_intakes
from tocsin.core.probing import STAGES, Stage, is_stale
from tocsin.core.terms import Actor
from tocsin.core.texts.counters import ACKNOWLEDGED, COUNTERS, NO_REFUSAL
from tocsin.core.texts.intakes import IN_CLEAR, LANES, OVER_TLS, TITLES, WORDS, vouched
from tocsin.core.texts.lists import ASSURANCES
from tocsin.record import probing
from tocsin.record.database import Connection
from tocsin.record.figures import lanes
from tocsin.record.floods import Lane
from tocsin.record.networks import at_port

Row = dict[str, Any]

_OF_PAGES: Final = frozenset({"call", "report"})
"""What a person types: kept, with no wire on which anything would be acknowledged."""


@for_readers_of_intakes
def intakes(request: HttpRequest, actor: Actor) -> HttpResponse:  # noqa: ARG001 - all see the same
    """The page, or with `?live` the part of it that is asked for again."""
    language = "en" if get_language() == "en" else "zh"
    words = SimpleNamespace(**{name: text.of(language) for name, text in WORDS.items()})
    with connection() as opened:
        context = {"t": words, **_shown(opened, language, datetime.now(UTC))}
    name = "intakes_live.html" if "live" in request.GET else "intakes.html"
    return render(request, f"readiness/{name}", context)


def _shown(opened: Connection, language: str, now: datetime) -> Row:
    probes = {one["intake"]: one for one in probing.states(opened)}
    sockets = probing.every_socket(opened)
    counters = probing.counters_with_times(opened)
    newest = probing.newest(opened)
    rows: list[Row] = []
    sharing = Counter(_protocol(one["name"]) for one in settings.INTAKES)
    for one in settings.INTAKES:
        name = one["name"]
        intake, _, over = name.partition(".")
        is_page = intake in _OF_PAGES
        here = ("web",) if is_page else (intake, over)
        best = vouched(
            name,
            asks_certificate=one["asks_certificate"],
            takes_unsigned=one["takes_unsigned"],
        )
        rows.append(
            {
                "name": name,
                "title": TITLES[intake].of(language),
                "listening": [
                    at_port(socket.address, socket.port)
                    for socket in sockets
                    if (socket.intake, socket.over)[: len(here)] == here
                ],
                "is_tls": one["is_tls"],
                "line": (OVER_TLS if one["is_tls"] else IN_CLEAR).of(language),
                "asks_certificate": one["asks_certificate"],
                "best": best.best.value,
                "assurance": ASSURANCES[best.best].of(language),
                "why": best.why.of(language),
                "probe": _probe(probes.get(name), language),
                "is_page": is_page,
                # Counted by protocol: said once, in a cell that all its rows share.
                "span": 0 if rows and _protocol(rows[-1]["name"]) == intake else sharing[intake],
                **_counted(counters, intake, language),
            }
        )
    shows_stale = bool(settings.PROBE_ENABLED and is_stale(newest, now))
    return {
        "rows": rows,
        "is_first": newest is None,
        "is_stale": shows_stale,
        "is_off": not settings.PROBE_ENABLED,
        "fetched": fetched_shown.shown(opened, language, now),
        "lanes": _lanes(opened, language),
    }


def _protocol(name: str) -> str:
    return name.partition(".")[0]


def _lanes(opened: Connection, language: str) -> list[Row]:
    """What waits to be sorted in, lane by lane."""
    found = lanes(opened)
    opened.rollback()
    return [
        {
            "title": LANES[wait.lane.name.lower()].of(language),
            "messages": wait.messages,
            "oldest": str(timedelta(seconds=int(wait.oldest_s))) if wait.messages else "",
            "is_trouble": bool(wait.messages) and wait.lane in (Lane.FLOOD, Lane.ASIDE),
        }
        for wait in found
    ]


def _probe(one: Row | None, language: str) -> Row:
    if one is None:
        return {"state": "waiting"}
    if one["skipped"]:
        return {"state": "skipped", "why": one["skipped"]}
    state = "missed" if one["misses"] else "arrived" if one["arrived_at"] else "waiting"
    stage = STAGES[Stage(one["stage"])].of(language) if one["misses"] else ""
    return {
        "state": state,
        "stage": stage,
        "why": one["why"] if one["misses"] else "",
        "misses": one["misses"],
        "arrived_at": one["arrived_at"],
        "incident": one["incident"] if one["misses"] else None,
    }


def _counted(counters: list[tuple[str, int, datetime]], intake: str, language: str) -> Row:
    kept, heard_at = 0, None
    refused: list[tuple[int, str]] = []
    for full, value, at in counters:
        of, _, name = full.partition(".")
        if of != intake or name.startswith("dialect."):
            continue
        if name in ACKNOWLEDGED:
            kept += value
            heard_at = at if heard_at is None else max(heard_at, at)
        elif name not in NO_REFUSAL:
            words = COUNTERS[name].of(language) if name in COUNTERS else name
            refused.append((value, words))
    return {"kept": kept, "refused": sorted(refused, reverse=True), "heard_at": heard_at}
