"""One row of a sites file: what each column must hold, and how a mistake is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tocsin.core.terms import Datum

COLUMNS: Final = (
    *("site", "name_zh", "name_en", "address", "lat", "lon", "datum", "district"),
    *("protocol", "account", "key", "key_form", "interval_s"),
)
OPTIONAL_COLUMNS: Final = ("address_en", "agency")
"""May be left out: the address in English, and an agency other than the importer's."""
SITE_COLUMNS: Final = (
    *("name_zh", "name_en", "address", "address_en", "lat", "lon", "datum", "district", "agency"),
)
PROTOCOLS: Final = ("dc09",)
INTERVAL_S_MAX: Final = 31 * 86_400
TEXT_CHARS_MAX: Final = 200

_DATUMS: Final = ", ".join(Datum)
_ACCOUNT: Final = re.compile(r"[0-9A-Z]{1,16}")
_CODE: Final = re.compile(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
_KEY_CHARS: Final = (16, 24, 32)  # AES-128, AES-192, AES-256

Error = tuple[int, str, str]


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


class _Mistake(ValueError):
    """(column, text): what is wrong with one column, and what to do."""


_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "header": (
        "the column is missing from the header; the columns are " + ",".join(COLUMNS),
        "表头缺少此列；应有的列为 " + ",".join(COLUMNS),
    ),
    "no_rows": ("there are no rows below the header", "表头之下没有数据行"),
    "too_many": (
        "the row has more fields than the header: quote a field that contains a comma",
        "该行字段多于表头：含逗号的字段请加引号",
    ),
    "empty": ("must not be empty", "不能为空"),
    "no_name": ("name_zh or name_en is needed", "name_zh 与 name_en 至少填写一个"),
    "long": (f"is longer than {TEXT_CHARS_MAX} characters", f"超过 {TEXT_CHARS_MAX} 个字符"),
    "characters": (
        "{value!r} has characters that cannot be stored: remove control characters",
        "{value!r} 含有无法保存的字符：请删除控制字符",
    ),
    "degrees": (
        "{value!r} is no number from {least} to {most}: give decimal degrees",
        "{value!r} 不是 {least} 到 {most} 之间的数：请填写十进制度数",
    ),
    "datum": (
        "{value!r} is no datum: give one of {datums}",
        "{value!r} 不是坐标系：请填写 {datums} 之一",
    ),
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


def said(language: str, what: str, **values: object) -> str:
    """A text of this import in `en` or `zh`."""
    english, chinese = _TEXTS[what]
    return (chinese if language.startswith("zh") else english).format(**values)


def read_row(
    line: int, row: Mapping[Any, Any], *, agency: str, language: str
) -> SiteRow | list[Error]:
    """The row, or everything that is wrong with it."""
    errors: list[Error] = []
    texts = {
        str(name).lstrip("\ufeff").strip(): value if isinstance(value, str) else ""
        for name, value in row.items()
        if name is not None
    }
    # Spaces around a field mean nothing, except in a key.
    fields = {name: text if name == "key" else text.strip() for name, text in texts.items()}

    def take(column: str, rule: Any, *arguments: Any) -> Any:
        try:
            return rule(fields.get(column, ""), *arguments)
        except _Mistake as mistake:
            what, values = mistake.args
            errors.append((line, column, said(language, what, **values)))
            return None

    if None in row:
        errors.append((line, COLUMNS[-1], said(language, "too_many")))
    values = {
        "site": take("site", _code),
        "name_zh": take("name_zh", _text),
        "name_en": take("name_en", _text),
        "address": take("address", _text),
        "address_en": take("address_en", _text),
        "lat": take("lat", _degrees, 90),
        "lon": take("lon", _degrees, 180),
        "datum": take("datum", _datum),
        "district": take("district", _code),
        "agency": take("agency", _text) or agency,
        "protocol": take("protocol", _protocol),
        "account": take("account", _account),
        "interval_s": take("interval_s", _interval),
    }
    form = take("key_form", _key_form, bool(fields.get("key")))
    key = take("key", _key, form) if form else None
    if values["name_zh"] == "" and values["name_en"] == "":
        errors.append((line, "name_zh", said(language, "no_name")))
    if errors:
        return errors
    values["name_zh"] = values["name_zh"] or values["name_en"]
    values["name_en"] = values["name_en"] or values["name_zh"]
    return SiteRow(line=line, key=key, **values)


def _text(value: str) -> str:
    if len(value) > TEXT_CHARS_MAX:
        raise _Mistake("long", {})
    if value and not _CODE.fullmatch(value):
        raise _Mistake("characters", {"value": value})
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Mistake("characters", {"value": value}) from None
    return value


def _code(value: str) -> str:
    if not value:
        raise _Mistake("empty", {})
    return _text(value)


def _degrees(value: str, most: int) -> float:
    try:
        degrees = float(value)
    except ValueError:
        degrees = float("nan")
    if not -most <= degrees <= most:
        raise _Mistake("degrees", {"value": value, "least": -most, "most": most})
    return degrees


def _datum(value: str) -> str:
    if value not in set(Datum):
        raise _Mistake("datum", {"value": value, "datums": _DATUMS})
    return value


def _protocol(value: str) -> str:
    if value not in PROTOCOLS:
        raise _Mistake("protocol", {"value": value, "protocols": ", ".join(PROTOCOLS)})
    return value


def _account(value: str) -> str:
    account = value.upper()
    if not _ACCOUNT.fullmatch(account):
        raise _Mistake("account", {"value": value})
    return account


def _interval(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:12]) <= INTERVAL_S_MAX):
        raise _Mistake("interval", {"value": value, "most": INTERVAL_S_MAX})
    return int(value)


def _key_form(value: str, has_key: bool) -> str | None:
    if value not in ("", "ascii", "hex") or (has_key and not value):
        raise _Mistake("key_form", {"value": value})
    return value if has_key else None


def _key(value: str, form: str) -> bytes:
    # The key itself is in no message: messages land in terminals and logs.
    if form == "ascii":
        if len(value) not in _KEY_CHARS or not (value.isascii() and value.isprintable()):
            raise _Mistake("key_ascii", {"length": len(value)})
        return value.encode("ascii")
    if len(value) // 2 not in _KEY_CHARS or not re.fullmatch(r"([0-9A-Fa-f]{2})+", value):
        raise _Mistake("key_hex", {"length": len(value)})
    return bytes.fromhex(value)
