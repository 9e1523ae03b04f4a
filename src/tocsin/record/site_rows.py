"""One row of a sites file: what each column must hold, and how a mistake is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

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
OPTIONAL_COLUMNS: Final = ("address_en", "agency")
"""May be left out: the address in English, and an agency other than the importer's."""
SITE_COLUMNS: Final = (*PLACE_COLUMNS, "agency")
PROTOCOLS: Final = ("dc09",)
INTERVAL_S_MAX: Final = 31 * 86_400

_ACCOUNT: Final = re.compile(r"[0-9A-Z]{1,16}")
_KEY_CHARS: Final = (16, 24, 32)  # AES-128, AES-192, AES-256


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A row without mistakes. Degrees; `key` 16, 24 or 32 bytes."""

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


_TEXTS: Final[Texts] = {
    "protocol": (
        "{value!r} is no protocol: give one of {protocols}",
        "{value!r} 不是已支持的协议：请填写 {protocols} 之一",
    ),
    "account": (
        "{value!r} is no account: give 1 to 16 letters or digits, as set in the panel",
        "{value!r} 不是有效账号：请填写主机中设置的 1 至 16 位字母或数字",
    ),
    "key_form": (
        "{value!r} is no form of a key: give ascii or hex",
        "{value!r} 不是密钥格式：请填写 ascii 或 hex",
    ),
    "key_ascii": (
        "an ascii key has 16, 24 or 32 printable characters; this one has {length}",
        "ascii 密钥须为 16、24 或 32 个可打印字符；此处为 {length} 个",
    ),
    "key_hex": (
        "a hex key has 32, 48 or 64 digits 0-9 A-F; this one has {length} characters",
        "hex 密钥须为 32、48 或 64 位十六进制数字；此处为 {length} 个字符",
    ),
    "interval": (
        "{value!r} is no interval: give whole seconds from 1 to {most}, or nothing",
        "{value!r} 不是有效间隔：请填写 1 至 {most} 的整数秒，或留空",
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
        "protocol": take("protocol", _protocol),
        "account": take("account", _account),
        "interval_s": take("interval_s", _interval),
    }
    form = take("key_form", _key_form, fields.has("key"))
    key = take("key", _key, form) if form else None
    if fields.errors:
        return fields.errors
    return SiteRow(line=line, key=key, **values)


def site_contradictions(rows: list[SiteRow], language: str) -> list[Error]:
    """One account twice, or one site described in two ways."""
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
    )


def _protocol(value: str) -> str:
    if value not in PROTOCOLS:
        raise Mistake("protocol", {"value": value, "protocols": ", ".join(PROTOCOLS)})
    return value


def _account(value: str) -> str:
    account = value.upper()
    if not _ACCOUNT.fullmatch(account):
        raise Mistake("account", {"value": value})
    return account


def _interval(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:12]) <= INTERVAL_S_MAX):
        raise Mistake("interval", {"value": value, "most": INTERVAL_S_MAX})
    return int(value)


def _key_form(value: str, has_key: bool) -> str | None:
    if value not in ("", "ascii", "hex") or (has_key and not value):
        raise Mistake("key_form", {"value": value})
    return value if has_key else None


def _key(value: str, form: str) -> bytes:
    # The key itself is in no message: messages land in terminals and logs.
    if form == "ascii":
        if len(value) not in _KEY_CHARS or not (value.isascii() and value.isprintable()):
            raise Mistake("key_ascii", {"length": len(value)})
        return value.encode("ascii")
    if len(value) // 2 not in _KEY_CHARS or not re.fullmatch(r"([0-9A-Fa-f]{2})+", value):
        raise Mistake("key_hex", {"length": len(value)})
    return bytes.fromhex(value)
