"""Code tables as the screens show them: rows of text in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import get_language, gettext

from tocsin.core.codes.listing import Listed, listed
from tocsin.core.codes.meaning import Meaning
from tocsin.core.codes.overrides import CodeOverride, CodeTable
from tocsin.core.codes.silencing import Silenced
from tocsin.core.texts.lists import EFFECTS
from tocsin.core.texts.text import Text
from tocsin.core.texts.types import INCIDENT_TYPES
from tocsin.record.code_tables import Version
from tocsin.record.code_texts import ACTS, NUMBERS, STATES, named, silenced_text
from tocsin.record.code_trial import Differing, Sampled, Trial

Row = dict[str, Any]

SEARCH_CHARS_MAX = 60


def language() -> str:
    """The reader's language, as the texts of the core name it."""
    return "en" if get_language() == "en" else "zh"


def told(text: Text) -> str:
    """A text of the core in the reader's language."""
    return text.of(language())


def meant(means: Meaning) -> Row:
    """A meaning, cell by cell."""
    return {
        "effect": told(EFFECTS[means.effect]),
        "effect_name": means.effect.value,
        "type": told(INCIDENT_TYPES[means.type]),
        "level": f"P{means.level.value}",
        "number": told(NUMBERS[means.number]),
        "answer": means.needs_answer,
        "text": means.text_en if language() == "en" else means.text_zh,
        "other": means.text_zh if language() == "en" else means.text_en,
    }


def table_rows(tables: Sequence[CodeTable], wanted: Row) -> list[Row]:
    """The rows of the whole table that the filters leave, in its order."""
    search = wanted["search"].casefold()
    return [
        _table_row(one)
        for one in listed(tables)
        if wanted["list"] in ("", one.list)
        and wanted["effect"] in ("", one.means.effect.value)
        and (one.version or not wanted["changed"])
        and (
            not search
            or search in one.code.casefold()
            or search in one.means.text_en.casefold()
            or search in one.means.text_zh.casefold()
        )
    ]


def _table_row(one: Listed) -> Row:
    return {
        **meant(one.means),
        "list": one.list.upper(),
        "code": one.code,
        "qualifier": one.qualifier,
        "zones": one.zones.replace("-", "–"),
        "version": one.version,
    }


def override_rows(rows: Iterable[CodeOverride]) -> list[Row]:
    """A version's own rows, each with its place."""
    return [
        {
            "place": place,
            "list": row.list.upper(),
            "code": row.code,
            "qualifier": row.qualifier,
            "zones": "" if row.zone_from is None else f"{row.zone_from}–{row.zone_to}",
            "effect": told(EFFECTS[row.effect]),
            "type": told(INCIDENT_TYPES[row.type]),
            "level": f"P{row.level.value}",
            "answer": row.needs_answer,
            "text": row.text_en if language() == "en" else row.text_zh,
            "other": row.text_zh if language() == "en" else row.text_en,
        }
        for place, row in enumerate(rows)
    ]


def version_row(one: Version) -> Row:
    """A version, for a list of them."""
    return {
        "version": one.version,
        "state": told(STATES[one.state]),
        "is": one.state,
        "note": one.note,
        "created_by": one.created_by,
        "created_at": one.created_at,
        "edits": one.edits,
        "tried": one.tried,
        "in_force_from": one.in_force_from,
        "pending_from": one.pending_from,
        "approved_by": one.approved_by,
        "rows": one.rows,
    }


def change_rows(changes: Iterable[Row]) -> list[Row]:
    """Who did what, when and why."""
    return [{**one, "act": told(ACTS[one["act"]]), "what": _what(one)} for one in changes]


def _what(change: Row) -> str:
    """What a change did, from its detail."""
    detail = change["detail"]
    if change["act"] == "tried":
        return gettext("%(signals)s signals, %(changed)s would mean something else") % {
            "signals": detail.get("signals", 0),
            "changed": detail.get("changed", 0),
        }
    parts = [f"+ {one}" for one in detail.get("added", ())]
    parts += [f"− {one}" for one in detail.get("removed", ())]
    return ", ".join(parts[:8]) + (" …" if len(parts) > 8 else "")


def trial_shown(trial: Trial, samples: Iterable[Sampled]) -> Row:
    """A trial's answer."""
    return {
        "trial": trial,
        "differing": [_differing(one) for one in trial.differing],
        "silences": silenced(trial.silences),
        "samples": [
            {
                "code": named(one.read.codes, one.read.code, one.read.qualifier, one.read.zone),
                "now": meant(one.now),
                "then": meant(one.then),
            }
            for one in samples
        ],
    }


def _differing(one: Differing) -> Row:
    return {
        "code": named(one.list, one.code, one.qualifier),
        "count": one.count,
        "last_at": one.last_at,
        "now": meant(one.now),
        "then": meant(one.then),
    }


def silenced(found: Iterable[Silenced]) -> list[str]:
    """The alarms that would open no incident any more."""
    return [told(silenced_text(one)) for one in found]
