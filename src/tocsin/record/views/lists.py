"""What each list of the API is: its query, its order, and the filters it knows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from tocsin.record.ids import first_at
from tocsin.record.views.facts import FACT_COLUMNS, fact_row
from tocsin.record.views.overlay import BLOCKS, INCIDENTS, KINDS, ON_TESTS, ORDERS, SIGNALS, UNITS
from tocsin.record.views.registry import DEVICES, SITES, device_rows, site_rows
from tocsin.record.views.rows import Row

_INTEGER_MAX: Final = 2**63 - 1


class BadFilter(ValueError):
    """A list was asked for with a filter, a value or a cursor that it does not know."""


@dataclass(frozen=True, slots=True)
class List:
    """How one kind is listed. `order` are the columns of the order; the last one is unique."""

    query: str
    order: tuple[tuple[str, str], ...]
    newest_first: bool
    district: str
    agency: str
    unit: str | None
    filters: Mapping[str, tuple[str, str]]
    rows: Callable[[Iterable[Mapping[str, Any]]], list[Row]]


_FACTS: Final = (
    f"SELECT {FACT_COLUMNS}, f.sealed FROM log.position p"  # noqa: S608
    " JOIN log.fact f ON f.id = p.fact"
)


def _facts(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [fact_row(one) for one in found]


LISTS: Final[dict[str, List]] = {
    "incidents": List(
        query=INCIDENTS,
        order=(("i.opened_at", "timestamptz"), ("i.id", "uuid")),
        newest_first=True,
        district="i.district",
        agency="i.agency",
        unit='EXISTS (SELECT FROM view."order" x'
        " WHERE x.incident = i.id AND x.unit = %s AND x.active)",
        filters={
            "state": ("i.state = %s", "text"),
            "type": ("i.type = %s", "text"),
            "level": ("i.level = %s", "int"),
            "district": ("i.district = %s", "text"),
            "agency": ("i.agency = %s", "text"),
            "site": ("i.site = %s", "uuid"),
            "open": ("i.open = %s", "bool"),
            "number": ("i.number = %s", "int"),
            "since": ("i.opened_at >= %s", "time"),
            "until": ("i.opened_at < %s", "time"),
        },
        rows=KINDS["incidents"],
    ),
    "orders": List(
        query=ORDERS,
        order=(("o.given_at", "timestamptz"), ("o.id", "uuid")),
        newest_first=True,
        district="o.district",
        agency="o.agency",
        unit="o.unit = %s",
        filters={
            "state": ("o.state = %s", "text"),
            "incident": ("o.incident = %s", "uuid"),
            "unit": ("o.unit = %s", "uuid"),
            "active": ("o.active = %s", "bool"),
            "district": ("o.district = %s", "text"),
            "agency": ("o.agency = %s", "text"),
            "since": ("o.given_at >= %s", "time"),
            "until": ("o.given_at < %s", "time"),
        },
        rows=KINDS["orders"],
    ),
    "units": List(
        query=UNITS,
        order=(("u.call_sign", "text"), ("u.id", "uuid")),
        newest_first=False,
        district="u.district",
        agency="u.agency",
        unit="u.id = %s",
        filters={
            "state": ("u.state = %s", "text"),
            "type": ("u.kind = %s", "text"),
            "kind": ("u.kind = %s", "text"),
            "incident": ("u.incident = %s", "uuid"),
            "station": ("u.station = %s", "uuid"),
            "district": ("u.district = %s", "text"),
            "agency": ("u.agency = %s", "text"),
        },
        rows=KINDS["units"],
    ),
    "signals": List(
        query=SIGNALS,
        order=(("s.id", "uuid"),),
        newest_first=True,
        district="s.district",
        agency="s.agency",
        unit=None,
        filters={
            "incident": ("v.incident = %s", "uuid"),
            "verdict": ("v.verdict = %s", "text"),
            "state": ("v.verdict = %s", "text"),
            "device": ("s.device = %s", "uuid"),
            "site": ("s.site = %s", "uuid"),
            "district": ("s.district = %s", "text"),
            "agency": ("s.agency = %s", "text"),
            "problem": ("(s.problem IS NOT NULL) = %s", "bool"),
            "since": ("s.id >= %s AND s.received_at >= %s", "since"),
            "until": ("s.id < %s AND s.received_at < %s", "until"),
        },
        rows=KINDS["signals"],
    ),
    "on_tests": List(
        query=ON_TESTS,
        order=(("w.id", "uuid"),),
        newest_first=True,
        district="w.district",
        agency="w.agency",
        unit=None,
        filters={
            "open": ("w.open = %s", "bool"),
            "site": ("w.site = %s", "uuid"),
            "device": ("w.device = %s", "uuid"),
            "district": ("w.district = %s", "text"),
            "agency": ("w.agency = %s", "text"),
        },
        rows=KINDS["on_tests"],
    ),
    "blocks": List(
        query=BLOCKS,
        order=(("b.id", "uuid"),),
        newest_first=True,
        district="b.district",
        agency="b.agency",
        unit=None,
        filters={
            "open": ("b.open = %s", "bool"),
            "in_force": ("b.in_force = %s", "bool"),
            "district": ("b.district = %s", "text"),
            "agency": ("b.agency = %s", "text"),
        },
        rows=KINDS["blocks"],
    ),
    "facts": List(
        query=_FACTS,
        order=(("p.position", "bigint"),),
        newest_first=True,
        district="f.district",
        agency="f.agency",
        unit='f.incident IN (SELECT x.incident FROM view."order" x WHERE x.unit = %s AND x.active)',
        filters={
            "incident": ("f.incident = %s", "uuid"),
            "subject": ("f.subject = %s", "uuid"),
            "kind": ("f.kind = %s", "text"),
            "type": ("f.kind = %s", "text"),
            "district": ("f.district = %s", "text"),
            "agency": ("f.agency = %s", "text"),
            "after": ("p.position > %s", "int"),
            "since": ("f.recorded_at >= %s", "time"),
            "until": ("f.recorded_at < %s", "time"),
        },
        rows=_facts,
    ),
    "sites": List(
        query=SITES,
        order=(("s.id", "uuid"),),
        newest_first=True,
        district="s.district",
        agency="s.agency",
        unit='EXISTS (SELECT FROM view.incident i JOIN view."order" x ON x.incident = i.id'
        " WHERE i.site = s.id AND x.unit = %s AND x.active)",
        filters={
            "district": ("s.district = %s", "text"),
            "agency": ("s.agency = %s", "text"),
            "code": ("s.code = %s", "text"),
        },
        rows=site_rows,
    ),
    "devices": List(
        query=DEVICES,
        order=(("d.id", "uuid"),),
        newest_first=True,
        district="d.district",
        agency="d.agency",
        unit=None,
        filters={
            "site": ("d.site = %s", "uuid"),
            "protocol": ("d.protocol = %s", "text"),
            "account": ("d.account = %s", "text"),
            "district": ("d.district = %s", "text"),
            "agency": ("d.agency = %s", "text"),
        },
        rows=device_rows,
    ),
}
# Sites as whoever keeps the register looks for them: an import gives all its rows one time.
LISTS["register"] = replace(LISTS["sites"], order=(("s.code", "text"),), newest_first=False)


def filter_values(name: str, value: Any, form: str) -> tuple[Any, ...]:
    """What a filter's condition asks for, as PostgreSQL takes it. Raises `BadFilter`."""
    try:
        parsed = _PARSED[form](value)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise BadFilter(f"{value!r} is no value for the filter {name}") from None
    return parsed if isinstance(parsed, tuple) else (parsed,)


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _integer(value: Any) -> int:
    return max(-_INTEGER_MAX, min(int(value), _INTEGER_MAX))


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else {"true": True, "false": False}[value]


def _time(value: Any) -> datetime:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if at.tzinfo is None:
        raise ValueError("a time needs its offset from UTC")
    return at


# An id holds the time of the commit, soon after receipt, or a later one where the clock was set
# back meanwhile. So the ids bound what is read, and the time of receipt decides.
def _since(value: Any) -> tuple[UUID, datetime]:
    at = _time(value)
    return first_at(at), at


def _until(value: Any) -> tuple[UUID, datetime]:
    at = _time(value)
    return first_at(at + timedelta(days=1)), at


def _text(value: Any) -> str:
    text = str(value)
    if "\0" in text:
        raise ValueError("U+0000 is in no stored value")
    return text


_PARSED: Final[dict[str, Callable[[Any], Any]]] = {
    "uuid": _uuid,
    "int": _integer,
    "bool": _boolean,
    "time": _time,
    "since": _since,
    "until": _until,
    "text": _text,
}


def cursor_after(listed: List, last: Mapping[str, Any]) -> str:
    """Where the next page begins."""
    values = [last[name.split(".")[1]] for name, _ in listed.order]
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def cursor_values(listed: List, cursor: str) -> list[Any]:
    """The values of the last row of the page before. Raises `BadFilter`."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = msgspec.json.decode(text, type=list[str | int])
        forms = [form for _, form in listed.order]
        return [_CURSOR[form](value) for form, value in zip(forms, values, strict=True)]
    except (ValueError, TypeError, binascii.Error, msgspec.MsgspecError, OverflowError):
        raise BadFilter("this is no cursor of this list") from None


_CURSOR: Final[dict[str, Callable[[Any], Any]]] = {
    "uuid": _uuid,
    "bigint": _integer,
    "timestamptz": _time,
    "text": _text,
}
