"""What a signal's code means: built in, or as its site or agency says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from tocsin.core.codes import cap, contact_id, sia
from tocsin.core.codes.meaning import Meaning, Number, numbered, said
from tocsin.core.codes.overrides import CodeTable, overridden
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.supervision import feed_meaning, is_unread, silence_meaning
from tocsin.core.terms import IncidentType, Level

_UNKNOWN_CODE: Final = ("代码不明", "Unknown code")
UNREADABLE: Final = said(
    Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4, ("内容无法读取", "Content cannot be read")
)
# Our own word about what a device was told that we have.
KEPT_UNREAD: Final = said(
    *(Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),
    ("已确认并保存的报文无法读取，可能是报警", "Kept message cannot be read, it may be an alarm"),
)
# It was read, in a person's or a device's own words; there is only no code in them.
IN_WORDS: Final = said(
    Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4, ("消息中没有代码", "Message without a code")
)
_SPEAK_IN_WORDS: Final = frozenset({"mail"})
FOUND: Final = ".found"
"""Behind an MQTT token: a topic's state when we first connected to it. It may be years old."""

# DC-09 NULL: the link test of the standard, no event.
LINK_TEST: Final = said(Effect.TEST, IncidentType.UNKNOWN, Level.P4, ("链路测试", "Link test"))


def meaning(read: SignalRead, tables: Sequence[CodeTable] = ()) -> Meaning:
    """What the device said, in the field's terms. An unknown code is said to be unknown.

    `tables`: what is in force for its site, then for its agency; the first that has a row decides.
    """
    return looked_up(read, tables)[0]


def looked_up(read: SignalRead, tables: Sequence[CodeTable] = ()) -> tuple[Meaning, int]:
    """The meaning, and the version of the table that gave it: 0 where it is the built-in one."""
    means, version = _looked_up(read, tables)
    is_found = read.token.endswith(FOUND) and read.protocol == "mqtt"
    return (_found(means) if is_found else means), version


def _found(means: Meaning) -> Meaning:
    """What was so before anybody told us of it: an alarm is a state that somebody must look at."""
    if means.effect is not Effect.ALARM:
        return means
    return replace(
        means,
        effect=Effect.STATUS,
        level=Level.P4,
        text_zh=f"连接时已存在的状态：{means.text_zh}",
        text_en=f"State found at connection: {means.text_en}",
        needs_answer=True,
    )


def _looked_up(read: SignalRead, tables: Sequence[CodeTable]) -> tuple[Meaning, int]:
    if is_unread(read):
        return KEPT_UNREAD, 0
    if (feed := feed_meaning(read)) is not None:
        return feed, 0
    listed = list_of(read)
    for table in tables:
        row = table.row_for(listed, read.code, read.qualifier, read.zone)
        if row is not None:
            return numbered(overridden(row, read.qualifier, built_in), read.zone), table.version
    silence = silence_meaning(read)
    if silence is not None:
        return silence, 0
    level = Level(read.level) if read.level in (1, 2, 3, 4) else None
    if not read.code and read.text and read.protocol in _SPEAK_IN_WORDS:
        return IN_WORDS, 0
    asked = (listed, read.token, read.code, read.qualifier, bool(read.text), level)
    return _built_in_numbered(*asked, read.zone), 0


def list_of(read: SignalRead) -> str:
    """`sia`, `cid` or `cap`: the list that the code is of. Empty where nothing says it."""
    if read.codes:
        return read.codes
    if read.token.startswith("ADM-CID"):
        return "cid"
    return "sia" if read.token.startswith("SIA-DCS") else ""


def zone_of(read: SignalRead) -> str:
    """The number beside the code where it is a zone's, else empty."""
    return read.zone if _number(read) is Number.ZONE else ""


def partition_of(read: SignalRead) -> str:
    """The partition: as the device names it, or the number beside a code that counts partitions."""
    if not read.partition and _number(read) is Number.PARTITION:
        return read.zone
    return read.partition


def built_in(listed: str, code: str, qualifier: str) -> Meaning:
    """What the code means where nobody has said otherwise, without its number."""
    return _built_in(listed, "", code, qualifier, False, None)


def _number(read: SignalRead) -> Number:
    return built_in(list_of(read), read.code, read.qualifier).number


@lru_cache(maxsize=16_384)
def _built_in_numbered(
    listed: str,
    token: str,
    code: str,
    qualifier: str,
    has_text: bool,
    level: Level | None,
    number: str,
) -> Meaning:
    return numbered(_built_in(listed, token, code, qualifier, has_text, level), number)


@lru_cache(maxsize=4_096)
def _built_in(
    listed: str, token: str, code: str, qualifier: str, has_text: bool, level: Level | None
) -> Meaning:
    # A pure look-up: remembered because a storm repeats few codes very often.
    if not code:
        return LINK_TEST if token == "NULL" and not has_text else UNREADABLE  # noqa: S105
    if listed == "cap":
        found = cap.meaning_of(code, qualifier, level)
    else:
        found = contact_id.meaning_of(code, qualifier) if listed == "cid" else None
        found = sia.meaning_of(code) if listed == "sia" else found
        if found is not None and found.effect is Effect.ALARM and level is not None:
            # A source may say that it is more urgent than its code, never that it is less.
            found = replace(found, level=min(found.level, level))
    return found or _unknown(code)


def _unknown(code: str) -> Meaning:
    zh, en = (f"{text} {code}" for text in _UNKNOWN_CODE)
    return said(Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4, (zh, en), Number.UNKNOWN)
