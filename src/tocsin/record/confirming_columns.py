"""The columns of a sites file that say what confirms an intrusion alarm of a site, and when a
user's cancel counts. Where one is missing or empty it stays as it is."""

from __future__ import annotations

from typing import Any, Final

from tocsin.core.confirmation import (
    ABORT_S_MAX,
    TWO_TRIP_S_MAX,
    WINDOW_S_MAX,
    WINDOW_S_MIN,
    Confirming,
    ConfirmRule,
)
from tocsin.record.importing import Fields, Mistake, Texts

COLUMNS: Final = ("confirm", "confirm_window_s", "abort_s", "two_trip_s")

BOUNDS: Final = {
    "confirm_window_s": (WINDOW_S_MIN, WINDOW_S_MAX),
    "abort_s": (0, ABORT_S_MAX),
    "two_trip_s": (0, TWO_TRIP_S_MAX),
}
"""Seconds, both included. 0: there is none."""

TEXTS: Final[Texts] = {
    "confirm": (
        "{value!r} is no confirmation rule: give one of {rules}",
        "{value!r} 不是复核规则：请填写 {rules} 之一",
    ),
    "confirm_seconds": (
        "{value!r} is no time: give whole seconds from {least} to {most}",
        "{value!r} 不是有效时长：请填写 {least} 至 {most} 的整数秒",
    ),
}


def read(fields: Fields) -> dict[str, Any]:
    """The columns, None for what stays as it is; what is wrong is added to the errors of
    `fields`."""
    return {
        "confirm": fields.take("confirm", _rule),
        **{column: fields.take(column, _seconds, *BOUNDS[column]) for column in COLUMNS[1:]},
    }


def confirming(row: Any) -> Confirming:
    """What the columns of `ref.site` say."""
    return Confirming(
        ConfirmRule(row["confirm"]), row["confirm_window_s"], row["abort_s"], row["two_trip_s"]
    )


def _rule(value: str) -> str | None:
    if not value:
        return None
    if value not in set(ConfirmRule):
        raise Mistake("confirm", {"value": value, "rules": ", ".join(ConfirmRule)})
    return value


def _seconds(value: str, least: int, most: int) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and least <= int(value[:12]) <= most):
        raise Mistake("confirm_seconds", {"value": value, "least": least, "most": most})
    return int(value)
