"""One row of a sites file: what each column must hold, and how a mistake is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tocsin.core.supervision import SupervisionClass, reporting_s
from tocsin.record import confirming_columns, credentials
from tocsin.record.importing import (
    PLACE_COLUMNS,
    Error,
    Fields,
    Mistake,
    Texts,
    code,
    contradictions,
    said,
)

COLUMNS: Final = (
    *("site", "name_zh", "name_en", "address", "lat", "lon", "datum", "district"),
    *("protocol", "account", "key", "key_form", "interval_s"),
)
OPTIONAL_COLUMNS: Final = (
    *("address_en", "agency", "dialect", "supervision_class"),
    *confirming_columns.COLUMNS,
)
"""May be left out: the address in English, an agency other than the importer's, the dialect of its
protocol that a device speaks, its class after EN 50136-1, which stands for the interval where that
is empty, and what confirms an alarm of the site."""
SITE_COLUMNS: Final = (*PLACE_COLUMNS, "agency", *confirming_columns.COLUMNS)
INTERVAL_S_MAX: Final = 32 * 86_400
"""What the slowest class allows (EN 50136-1, SP1)."""


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A row without mistakes. Degrees; `key` None: as it is; `dialect` None: as it is, empty: it is
    recognised. What account, key and dialect may be: `tocsin.record.credentials`.
    `supervision_class` None: as it is, empty: none. `interval_s` None: what the class says."""

    line: int
    site: str
    name_zh: str
    name_en: str
    address: str
    address_en: str
    lat: float
    lon: float
    datum: str
    district: str
    agency: str
    protocol: str
    account: str
    key: bytes | None
    interval_s: int | None
    dialect: str | None
    supervision_class: str | None
    confirm: str | None
    confirm_window_s: int | None
    abort_s: int | None
    two_trip_s: int | None


_TEXTS: Final[Texts] = {
    **credentials.TEXTS,
    **confirming_columns.TEXTS,
    "interval": (
        "{value!r} is no interval: give whole seconds from 1 to {most}, or nothing",
        "{value!r} 不是有效间隔：请填写 1 至 {most} 的整数秒，或留空",
    ),
    "class": (
        "{value!r} is no class: give one of {classes}, or nothing",
        "{value!r} 不是有效等级：请填写 {classes} 之一，或留空",
    ),
    "account_twice": (
        "account {account} is already in line {line}: one account is one device",
        "账号 {account} 已在第 {line} 行出现：一个账号对应一台设备",
    ),
    "account_taken": (
        "account {account} belongs to site {site} already: correct it, or remove it there first",
        "账号 {account} 已属于联网单位 {site}：请更正，或先在该单位删除",
    ),
    "site_differs": (
        "site {site} is described differently in line {line}: make both the same",
        "联网单位 {site} 与第 {line} 行的内容不一致：请改为相同",
    ),
}


def said_of_sites(language: str, what: str, **values: object) -> str:
    """A text of this import in `en` or `zh`."""
    return said(language, what, _TEXTS, **values)


def read_row(
    line: int, row: Mapping[Any, Any], *, agency: str, language: str
) -> SiteRow | list[Error]:
    """The row, or everything that is wrong with it."""
    # Spaces around a field mean nothing, except in a key.
    fields = Fields(line, row, language, texts=_TEXTS, last=COLUMNS[-1], verbatim="key")
    take = fields.take
    values = {
        "site": take("site", code),
        **fields.place(agency),
        "interval_s": take("interval_s", _interval),
        "supervision_class": take("supervision_class", _class)
        if fields.names("supervision_class")
        else None,
        **_device(fields),
        **confirming_columns.read(fields),
    }
    if fields.errors:
        return fields.errors
    return SiteRow(line=line, **values)


def _device(fields: Fields) -> dict[str, Any]:
    """What the protocol has its own rules for."""
    take = fields.take
    protocol = take("protocol", credentials.protocol)
    if protocol is None:  # nothing can be said of the rest
        return {"protocol": None}
    form = take("key_form", credentials.key_form, protocol, fields.has("key"))
    return {
        "protocol": protocol,
        "account": take("account", credentials.account, protocol),
        "key": take("key", credentials.key, protocol, form) if form else None,
        "dialect": take("dialect", credentials.dialect, protocol)
        if fields.names("dialect")
        else None,
    }


@dataclass(frozen=True, slots=True)
class NamedDevice:
    """What a row with mistakes still tells: whose it is."""

    line: int
    protocol: str
    account: str


def named_device(line: int, row: Mapping[Any, Any], *, language: str) -> NamedDevice | None:
    """None where the mistake is in the protocol or the account."""
    found = _device(Fields(line, row, language, texts=_TEXTS, last=COLUMNS[-1], verbatim="key"))
    account = found.get("account")
    return None if account is None else NamedDevice(line, found["protocol"], account)


def site_contradictions(
    rows: list[SiteRow], language: str, bad: Iterable[NamedDevice] = ()
) -> list[Error]:
    """One account twice, also in rows with other mistakes, or one site described in two ways."""
    told = partial(said_of_sites, language)
    return contradictions(
        rows,
        one=(
            "account",
            lambda row: (row.protocol, row.account),
            lambda row, first: told("account_twice", account=row.account, line=first.line),
        ),
        where=(
            SITE_COLUMNS,
            lambda row: row.site,
            lambda row, first: told("site_differs", site=row.site, line=first.line),
        ),
        bad=bad,
    )


def shown_interval(interval_s: int | None, supervision_class: str) -> str:
    """The interval as a file or form has it: empty where it is what the class says."""
    return "" if interval_s in (None, reporting_s(supervision_class)) else str(interval_s)


def _class(value: str) -> str:
    if value.upper() not in ("", *SupervisionClass):
        raise Mistake("class", {"value": value, "classes": ", ".join(SupervisionClass)})
    return value.upper()


def _interval(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:12]) <= INTERVAL_S_MAX):
        raise Mistake("interval", {"value": value, "most": INTERVAL_S_MAX})
    return int(value)
