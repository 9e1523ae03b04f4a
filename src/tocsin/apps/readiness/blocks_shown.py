"""A block rule as its screens show it: times, what it matches, its dry run and its timeline in the
reader's language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from tocsin.core.block_match import ANY
from tocsin.core.blocks import BlockEnding
from tocsin.core.signals import Verdict
from tocsin.core.texts.lists import BLOCK_ENDINGS, LEVELS
from tocsin.core.texts.timeline import sentence
from tocsin.core.texts.types import INCIDENT_TYPES
from tocsin.record.block_history import incidents_of, swallowed, timeline
from tocsin.record.database import Connection
from tocsin.record.views.rows import MATCHED

Row = dict[str, Any]

SIGNALS_SHOWN = 30
_TIMES = ("until", "drafted_at", "in_force_at", "last_at", "ended_at")


def rule_shown(row: Row, language: str) -> Row:
    """The row with its times, and with what it matches in words."""
    times = {
        name: None if row[name] is None else datetime.fromisoformat(row[name]) for name in _TIMES
    }
    names = {
        "protocol": _("protocol"),
        "network": _("address"),
        "account": _("account"),
        "code": _("code"),
        "qualifier": _("qualifier"),
        "zone": _("zone"),
    }
    shown = row | {"network": row["network"].removesuffix("/32").removesuffix("/128")}
    matched = [(names[one], shown[one]) for one in MATCHED if shown[one] != ANY]
    tried = row["tried"]
    share = 100 * tried["sources"] / tried["active"] if tried["active"] else 0
    ending = None if row["ending"] is None else BLOCK_ENDINGS[BlockEnding(row["ending"])]
    return {
        **row,
        **times,
        "matched": matched,
        "share": f"{share:.1f}%",
        "tried_at": datetime.fromisoformat(tried["tried_at"]),
        "ending_text": "" if ending is None else ending.of(language),
    }


def whole(connection: Connection, row: Row, language: str) -> dict[str, Any]:
    """Everything about one rule."""
    block = UUID(row["id"])
    told = timeline(connection, block)
    would = {
        Verdict.OPENED: _("opens an incident"),
        Verdict.JOINED: _("joins an incident"),
        Verdict.RECORDED: _("is recorded only"),
    }
    return {
        "rule": rule_shown(row, language),
        "incidents": [
            {
                "number": one.number,
                "type": INCIDENT_TYPES[one.type].of(language),
                "level": LEVELS[one.level].of(language),
                "opened_at": one.opened_at,
                "others": one.others,
            }
            for one in incidents_of(told)
        ],
        "signals": [
            {
                "received_at": one.received_at,
                "account": one.account,
                "source": _("known device") if one.device is not None else one.source,
                "code": one.code,
                "zone": one.zone,
                "type": INCIDENT_TYPES[one.type].of(language),
                "would_have": would[one.would_have],
            }
            for one in swallowed(connection, block, SIGNALS_SHOWN)
        ],
        "timeline": [
            {"at": at, "text": sentence(fact, {"actor": who}, UTC).of(language)}
            for at, who, fact in told
        ],
    }
