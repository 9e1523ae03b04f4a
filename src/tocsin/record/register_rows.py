"""One row of the sheets beside the sites themselves: partitions, zones, contacts, steps of action
plans; what each column must hold, and how a mistake is said. What stands in a contact is never
said back: messages land in terminals and logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from tocsin.core.zones import Delay, ZoneKind, zone_number
from tocsin.record import credentials
from tocsin.record.importing import Error, Fields, Mistake, Texts, code, text

PARTITION_COLUMNS: Final = ("site", "protocol", "account", "partition", "name_zh", "name_en")
ZONE_COLUMNS: Final = (
    *("site", "protocol", "account", "zone", "partition", "name_zh", "name_en", "kind"),
    *("location", "delay"),
)
CONTACT_COLUMNS: Final = ("site", "order", "name", "role", "phone", "language", "valid_until")
STEP_COLUMNS: Final = ("site", "protocol", "account", "zone", "order", "text_zh", "text_en")
OPTIONAL: Final = {
    "partitions": frozenset({"name_zh", "name_en"}),
    "zones": frozenset({"partition", "name_zh", "name_en", "location", "delay"}),
    "contacts": frozenset({"role", "language", "valid_until"}),
    "steps": frozenset({"protocol", "account", "zone", "text_zh", "text_en"}),
}
"""Columns that a sheet may leave out."""

PLACES_MAX: Final = 99
"""Contacts of a site, and steps of a plan, have a place from 1 to this."""

CONTACT_CHARS_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class PartitionRow:
    line: int
    site: str
    protocol: str
    account: str
    partition: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """`zone` and `partition` are without leading zeros."""

    line: int
    site: str
    protocol: str
    account: str
    zone: str
    partition: str
    name_zh: str
    name_en: str
    kind: str
    location: str
    delay: str


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Somebody who may be called about a site: personal data. `order` 1 is called first."""

    line: int
    site: str
    order: int
    name: str
    role: str
    phone: str
    language: str
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of an action plan: of the site where `zone` is empty, else of that zone."""

    line: int
    site: str
    protocol: str
    account: str
    zone: str
    order: int
    text_zh: str
    text_en: str


_KINDS: Final = ", ".join(ZoneKind)
_DELAYS: Final = ", ".join(one for one in Delay if one)
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./-]{1,29}")

TEXTS: Final[Texts] = {
    **credentials.TEXTS,
    "zone": (
        "{value!r} is no number of a zone: give 1 to 8 letters or digits, as set in the panel",
        "{value!r} 不是有效的防区号：请填写主机中设置的 1 至 8 位字母或数字",
    ),
    "partition": (
        "{value!r} is no number of a partition: give 1 to 8 letters or digits",
        "{value!r} 不是有效的分区号：请填写 1 至 8 位字母或数字",
    ),
    "kind": (
        "{value!r} is no kind of a zone: give one of {kinds}",
        "{value!r} 不是防区类型：请填写 {kinds} 之一",
    ),
    "delay": (
        "{value!r} is no delay: leave it empty, or give one of {delays}",
        "{value!r} 不是延时类型：请留空，或填写 {delays} 之一",
    ),
    "order": (
        "{value!r} is no place in the order: give a whole number from 1 to {most}",
        "{value!r} 不是有效的顺序：请填写 1 至 {most} 的整数",
    ),
    "contact_long": (
        f"has {{length}} characters: give at most {CONTACT_CHARS_MAX}",
        f"共 {{length}} 个字符：最多 {CONTACT_CHARS_MAX} 个",
    ),
    "contact_characters": (
        "has characters that cannot be stored: remove control characters",
        "含有无法保存的字符：请删除控制字符",
    ),
    "phone": (
        "is no telephone number: give digits, with + and the country before them if abroad",
        "不是电话号码：请填写数字，境外号码前加 + 和国家代码",
    ),
    "language": (
        "{value!r} is no language: give zh or en, or nothing",
        "{value!r} 不是可选语言：请填写 zh 或 en，或留空",
    ),
    "date": (
        "{value!r} is no date: give year-month-day, as 2027-12-31",
        "{value!r} 不是日期：请按 年-月-日 填写，如 2027-12-31",
    ),
    "past": (
        "{value} is in the past: remove the contact, or give a later date",
        "{value} 已过期：请删除该联系人，或填写更晚的日期",
    ),
    "no_text": ("text_zh or text_en is needed", "text_zh 与 text_en 至少填写一个"),
    "zone_without_device": (
        "a zone needs its device: give protocol and account too",
        "防区须指明设备：请同时填写 protocol 与 account",
    ),
    "no_site": (
        "there is no site {site}: add it to the sheet sites, or correct it",
        "没有联网单位 {site}：请在工作表 sites 中添加，或更正",
    ),
    "no_device": (
        "site {site} has no device {protocol} {account}: add it to the sheet sites, or correct it",
        "联网单位 {site} 没有设备 {protocol} {account}：请在工作表 sites 中添加，或更正",
    ),
    "no_zone": (
        "device {account} has no zone {zone}: add it to the sheet zones, or correct it",
        "设备 {account} 没有防区 {zone}：请在工作表 zones 中添加，或更正",
    ),
    "no_partition": (
        "device {account} has no partition {partition}: add it to the sheet partitions",
        "设备 {account} 没有分区 {partition}：请在工作表 partitions 中添加",
    ),
    "twice": ("is already in line {first}: remove one of them", "与第 {first} 行重复：请删除其一"),
}


def read_partition(
    line: int, row: Mapping[Any, Any], *, language: str
) -> PartitionRow | list[Error]:
    """The row, or everything that is wrong with it; likewise below."""
    fields = Fields(line, row, language, texts=TEXTS, last=PARTITION_COLUMNS[-1])
    number = fields.take("partition", code)
    values = {
        **_device(fields),
        "partition": None if number is None else fields.take("partition", _number, "partition"),
        **_names(fields),
    }
    return fields.errors or PartitionRow(line=line, **values)


def read_zone(line: int, row: Mapping[Any, Any], *, language: str) -> ZoneRow | list[Error]:
    fields = Fields(line, row, language, texts=TEXTS, last=ZONE_COLUMNS[-1])
    take = fields.take
    values = {
        **_device(fields),
        "zone": take("zone", _number, "zone"),
        "partition": take("partition", _number, "partition") if fields.has("partition") else "",
        **_names(fields),
        "kind": take("kind", _one_of, "kind", set(ZoneKind), {"kinds": _KINDS}),
        "location": take("location", text),
        "delay": take("delay", _one_of, "delay", set(Delay), {"delays": _DELAYS}),
    }
    return fields.errors or ZoneRow(line=line, **values)


def read_contact(
    line: int, row: Mapping[Any, Any], *, language: str, today: date
) -> ContactRow | list[Error]:
    fields = Fields(line, row, language, texts=TEXTS, last=CONTACT_COLUMNS[-1])
    take = fields.take
    values = {
        "site": take("site", code),
        "order": take("order", _place),
        "name": take("name", _personal, True),
        "role": take("role", _personal, False),
        "phone": take("phone", _phone),
        "language": take("language", _one_of, "language", {"", "zh", "en"}, {}),
        "valid_until": take("valid_until", _until, today),
    }
    return fields.errors or ContactRow(line=line, **values)


def read_step(line: int, row: Mapping[Any, Any], *, language: str) -> StepRow | list[Error]:
    fields = Fields(line, row, language, texts=TEXTS, last=STEP_COLUMNS[-1])
    take = fields.take
    is_of_zone = fields.has("zone")
    if is_of_zone and not (fields.has("protocol") and fields.has("account")):
        fields.wrong("zone", "zone_without_device")
        is_of_zone = False
    values = {
        **(_device(fields) if is_of_zone else {"site": take("site", code)}),
        "zone": take("zone", _number, "zone") if is_of_zone else "",
        "order": take("order", _place),
        "text_zh": take("text_zh", text),
        "text_en": take("text_en", text),
    }
    if values["text_zh"] == "" and values["text_en"] == "":
        fields.wrong("text_zh", "no_text")
    if fields.errors:
        return fields.errors
    if not is_of_zone:
        values |= {"protocol": "", "account": ""}
    values["text_zh"] = values["text_zh"] or values["text_en"]
    values["text_en"] = values["text_en"] or values["text_zh"]
    return StepRow(line=line, **values)


def _device(fields: Fields) -> dict[str, Any]:
    site = fields.take("site", code)
    protocol = fields.take("protocol", credentials.protocol)
    account = fields.take("account", credentials.account, protocol) if protocol else None
    return {"site": site, "protocol": protocol, "account": account}


def _names(fields: Fields) -> dict[str, Any]:
    """Both names, either of which stands for the other; a number alone is name enough."""
    zh, en = fields.take("name_zh", text), fields.take("name_en", text)
    return {"name_zh": zh or en or "", "name_en": en or zh or ""}


def _number(value: str, what: str) -> str:
    found = zone_number(value)
    if not found:
        raise Mistake(what, {"value": value})
    return found


def _one_of(value: str, what: str, allowed: set[str], more: Mapping[str, str]) -> str:
    if value not in allowed:
        raise Mistake(what, {"value": value, **more})
    return value


def _place(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:6]) <= PLACES_MAX):
        raise Mistake("order", {"value": value, "most": PLACES_MAX})
    return int(value)


def _personal(value: str, is_needed: bool) -> str:
    if is_needed and not value:
        raise Mistake("empty", {})
    return _unsaid(text, value, CONTACT_CHARS_MAX)


def _unsaid(rule: Callable[[str], str], value: str, most: int) -> str:
    """A rule whose mistakes would say the value."""
    if len(value) > most:
        raise Mistake("contact_long", {"length": len(value)})
    try:
        return rule(value)
    except Mistake:
        raise Mistake("contact_characters", {}) from None


def _phone(value: str) -> str:
    if not value:
        raise Mistake("empty", {})
    if not _PHONE.fullmatch(value):
        raise Mistake("phone", {})
    return value


def _until(value: str, today: date) -> date | None:
    if not value:
        return None
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise Mistake("date", {"value": value}) from None
    if found < today:
        raise Mistake("past", {"value": value})
    return found
