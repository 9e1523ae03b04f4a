"""The x-data blocks behind a frame's data (DC-09 5.5.1.8): every one is gone through, also several
of one letter. What has a meaning is read; identity and secrets are left in the sealed original."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tocsin.core.signals import Position
from tocsin.wire.dc09.frames import read_timestamp

LETTERS: Final = {
    "A": ("authentication hash", "kept in the original"),
    "C": ("supervision category", "text, `C:`"),
    "H": ("when it was", "time; a second one, or one that is no time: text, `H:`"),
    "I": ("alarm text", "text"),
    "J": ("network path", "text, `J:`"),
    "K": ("encryption key", "kept in the original, in no text"),
    "L": ("location", "text"),
    "M": ("MAC address", "kept in the original, in no text"),
    "N": ("network address", "kept in the original, in no text"),
    "O": ("building", "text"),
    "P": ("programming data", "kept in the original, in no text"),
    "R": ("room", "text"),
    "S": ("site", "text"),
    "T": ("alarm trigger", "text, `T:`"),
    "V": ("verification, as a link to sound or pictures", "text, `V:`"),
    "X": ("longitude", "position, of an alarm only"),
    "Y": ("latitude", "position, of an alarm only"),
    "Z": ("altitude", "beside a position: text, `Z:`"),
}
"""What each letter stands for, and where it is found afterwards."""

_NOT_COPIED: Final = frozenset("AKMNP")
_PLAIN_TEXT: Final = "ISOLR"  # in this order: what, then where, from the site to the room
_CONTROLS: Final = dict.fromkeys((*range(0x20), 0x7F), "\N{REPLACEMENT CHARACTER}")
_DEGREES: Final = re.compile(r"([0-9]{1,3})([NSEW])([0-9]{1,2}(?:\.[0-9]{1,10})?)")


class Extra(NamedTuple):
    """What x-data say of all events of their frame. `text` is stored sealed. `occurred_at`: read as
    GMT. `altitude` belongs to `position`."""

    text: str
    occurred_at: datetime | None
    position: Position | None
    altitude: str


def extra(blocks: Sequence[bytes]) -> Extra:
    """Goes through all blocks, in their order; never fails. A block of an unknown letter is text,
    with its letter."""
    occurred_at: datetime | None = None
    plain: dict[str, list[str]] = {}
    labelled: list[str] = []
    places: dict[str, list[str]] = {"X": [], "Y": [], "Z": []}
    for block in blocks:
        letter, said = chr(block[0]) if block else "", text_of(block[1:])
        if letter in _NOT_COPIED:
            continue
        if letter in places:
            places[letter].append(said)
        elif letter in _PLAIN_TEXT and letter:
            plain.setdefault(letter, []).append(said.strip())
        elif letter == "H" and occurred_at is None and (at := read_timestamp(said.lstrip("_"))):
            occurred_at = at
        elif letter:
            labelled.append(f"{text_of(block[:1])}:{said}")
    position = _position(places)
    altitude = next(iter(places["Z"]), "").strip() if position is not None else ""
    texts = [one for letter in _PLAIN_TEXT for one in plain.get(letter, ())]
    return Extra(" · ".join(filter(None, (*texts, *labelled))), occurred_at, position, altitude)


def text_of(data: bytes) -> str:
    """Devices send ASCII, Windows-1252 (DC-09 for some x-data) or, lately, UTF-8. Control bytes are
    shown as such and not kept: a NUL would be refused by the database."""
    if data.isascii():
        text = data.decode()
        return text if text.isprintable() else text.translate(_CONTROLS)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.translate(_CONTROLS)


def _position(places: dict[str, list[str]]) -> Position | None:
    """The first place that is one. GPS gives WGS-84. What is no place stays in the original: it
    could still be where somebody was."""
    lons = [at for one in places["X"] if (at := _degrees(one, "EW", 180)) is not None]
    lats = [at for one in places["Y"] if (at := _degrees(one, "NS", 90)) is not None]
    return Position(lats[0], lons[0]) if lons and lats else None


def _degrees(text: str, hemispheres: str, limit: float) -> float | None:
    """`006E07.7777777`: degrees, hemisphere, minutes."""
    found = _DEGREES.fullmatch(text.strip())
    if found is None or found[2] not in hemispheres or float(found[3]) >= 60:
        return None
    degrees = int(found[1]) + float(found[3]) / 60
    if degrees > limit:
        return None
    return -degrees if found[2] == hemispheres[1] else degrees
