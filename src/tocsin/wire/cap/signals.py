"""What an alert says to us: one signal, with its level by the table below. Exercises, tests and
answers are told by their code, so that they never alarm."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from lxml import etree

from tocsin.core.signals import SignalRead
from tocsin.wire.cap.alert import Alert, Info, Reference
from tocsin.wire.cap.areas import position
from tocsin.wire.cap.document import XMLDSIG, BadAlert
from tocsin.wire.cap.times import write_time

PROTOCOL: Final = "cap"
CODES: Final = "cap"
ACTUAL: Final = "Actual"
TEXT_CHARS_MAX: Final = 4_000
TEXTS_MAX: Final = 8  # infos that are told, each with its share of the text
NAME_CHARS_MAX: Final = 128
EXPIRED: Final = "Expired"
"""The token of what no message says: the time of an alert is over."""


class Qualifier(StrEnum):
    """What an alert is about an event, in the terms of every protocol's signals."""

    NEW = "1"
    GOES_ON = "6"
    ENDED = "3"


_QUALIFIERS: Final = {
    "Alert": Qualifier.NEW,
    "Update": Qualifier.GOES_ON,
    "Cancel": Qualifier.ENDED,
}
"""`Ack` and `Error` answer what we have sent; they have none."""


class Row(NamedTuple):
    """One row of the table of levels: each part one of these."""

    urgency: frozenset[str]
    severity: frozenset[str]
    certainty: frozenset[str]
    level: int


def _row(urgency: str, severity: str, certainty: str, level: int) -> Row:
    one, two, three = (frozenset(part.split()) for part in (urgency, severity, certainty))
    return Row(one, two, three, level)


LEVELS: Final = (
    _row("Immediate", "Extreme Severe", "Observed Likely", 1),
    _row("Immediate Expected Unknown", "Extreme Severe", "Observed Likely Possible Unknown", 2),
    _row(
        "Immediate Expected Future Unknown",
        "Extreme Severe Moderate Unknown",
        "Observed Likely Possible Unknown",
        3,
    ),
)
"""The first row that fits decides; what fits none (Past, Minor, Unlikely) has LEVEL_ELSE. Unknown
counts as grave but never as level 1."""

LEVEL_ELSE: Final = 4


def level(info: Info) -> int:
    """Priority 1 to 4 of what one info tells."""
    for row in LEVELS:
        if (
            info.urgency in row.urgency
            and info.severity in row.severity
            and info.certainty in row.certainty
        ):
            return row.level
    return LEVEL_ELSE


def read(alert: Alert, languages: tuple[str, ...]) -> SignalRead:
    """The signal of one alert. `languages` are those wanted, the best first; each is told where
    the alert has it, and the first info where it has none of them."""
    told = in_languages(alert.infos, languages)
    best = min(told, key=level, default=None)  # of equal ones the first, of the best language
    return SignalRead(
        protocol=PROTOCOL,
        token=alert.msg_type,
        account=alert.sender[:NAME_CHARS_MAX],
        code=_code(alert, best),
        codes=CODES,
        qualifier=_qualifier(alert, told),
        text=_text(told) or alert.note[:TEXT_CHARS_MAX],
        occurred_at=alert.sent,
        level=None if best is None else level(best),
        position=None if best is None else position(best.areas),
    )


def unread(error: BadAlert, source: str) -> SignalRead:
    """The signal of a document that is not read, with what a person can still be told of it.

    Its account is the source's name: what it says of its sender would put it on that one's card.
    """
    said = error.said
    status = "" if said is None else said.status
    return SignalRead(
        protocol=PROTOCOL,
        token="",
        account=source,
        code=status if status in NOT_ACTUAL else "",
        codes=CODES,
        text="" if said is None else "; ".join(one for one in (said.sender, said.text) if one),
    )


def expired(account: str, code: str, at: datetime, level: int | None) -> SignalRead:
    """The signal that the time of an alert is over and no update came. `account`, `code`, `level`:
    the alert's own."""
    return SignalRead(
        protocol=PROTOCOL,
        token=EXPIRED,
        account=account,
        code=code,
        codes=CODES,
        qualifier=Qualifier.ENDED,
        occurred_at=at,
        level=level,
    )


NOT_ACTUAL: Final = frozenset(("Exercise", "System", "Test", "Draft"))
CATEGORY_ELSE: Final = "Other"


def _code(alert: Alert, best: Info | None) -> str:
    """The category; but the status where it is not Actual, and the kind of an answer to us."""
    if alert.status != ACTUAL:
        return alert.status
    if alert.msg_type not in _QUALIFIERS:
        return alert.msg_type
    return best.categories[0] if best is not None and best.categories else CATEGORY_ELSE


def _qualifier(alert: Alert, told: list[Info]) -> str:
    """An update by which everything is clear ends the event as a cancel does."""
    found = _QUALIFIERS.get(alert.msg_type)
    if found is Qualifier.GOES_ON and told and all("AllClear" in i.response_types for i in told):
        return Qualifier.ENDED
    return found or ""


def in_languages(infos: Iterable[Info], languages: tuple[str, ...]) -> list[Info]:
    """The infos in the wanted languages, in their order (RFC 4647: `zh` takes `zh-CN` too); in the
    first one's language where there is none of them."""
    known = list(infos)
    found: list[Info] = []
    for language in languages:
        found += [one for one in known if _speaks(one, language) and one not in found]
    if not found and known:
        found = [one for one in known if _speaks(one, known[0].language)]
    return found


def _speaks(info: Info, language: str) -> bool:
    tag, wanted = info.language.lower(), language.lower()
    return tag == wanted or tag.startswith(f"{wanted}-")


def _text(told: list[Info]) -> str:
    """What a person reads first: headline, description, instruction, where."""
    infos = told[:TEXTS_MAX]
    share = TEXT_CHARS_MAX // max(len(infos), 1) - 2
    return "\n\n".join(text for info in infos if (text := _shortened(_lines(info), share)))


# A line break between two Chinese characters is the sender's indentation and no space.
_WIDE: Final = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_UNSPACED: Final = re.compile(rf"(?<={_WIDE})[ \t]*[\r\n]\s*(?={_WIDE})")


def _lines(info: Info) -> str:
    where = "; ".join(area.description for area in info.areas if area.description)
    parts = (info.headline or info.event, info.description, info.instruction, where)
    return "\n".join(" ".join(_UNSPACED.sub("", part).split()) for part in parts if part.strip())


def _shortened(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[: chars - 1]}\N{HORIZONTAL ELLIPSIS}"


def key(source: str, assurance: str, reference: Reference) -> bytes:
    """16 bytes that stand for one alert of one source. With its assurance: what anybody can send
    must not stand in for what is signed, nor end it."""
    parts = (source, assurance, reference.sender, reference.identifier, write_time(reference.sent))
    return blake2b("\x1f".join(parts).encode(), digest_size=16, person=b"cap").digest()


def content_key(source: str, assurance: str, root: etree._Element) -> bytes:
    """16 bytes that stand for what one alert of one source says, however it is laid out, and
    whether or not it is signed again: two that say other things by one name are two."""
    copy = etree.fromstring(etree.tostring(root, with_tail=False))
    for signature in list(copy.iter(f"{{{XMLDSIG}}}Signature")):
        parent = signature.getparent()
        if parent is not None:
            parent.remove(signature)
    for element in copy.iter():
        element.text = (element.text or "").strip() or None
        element.tail = (element.tail or "").strip() or None
    digest = blake2b(f"{source}\x1f{assurance}\x1f".encode(), digest_size=16, person=b"cap content")
    digest.update(etree.tostring(copy, method="c14n", exclusive=True, with_comments=False))
    return digest.digest()


def reference(alert: Alert) -> Reference:
    """What others refer to it by."""
    return Reference(alert.sender, alert.identifier, alert.sent)
