"""What a person fills in: read, checked, and never lost. Problems are named by field, in words of
`words`; nothing here knows of Django's forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tocsin.apps.citizen.words import WORDS
from tocsin.core.reports import (
    PHONE_CHARS_MAX,
    TEXT_CHARS_MAX,
    WHERE_CHARS_MAX,
    Hurt,
    ReportKind,
)
from tocsin.core.terms import Datum, Place
from tocsin.record.reports import Report

DATUMS: Final = {
    Datum.WGS_84: "datum_wgs",
    Datum.GCJ_02: "datum_gcj",
    Datum.BD_09: "datum_bd",
}
PHONE_DIGITS: Final = (5, 20)
DECIMALS: Final = 4
"""Of a coordinate: about ten metres, as near as a crew needs and no nearer."""

_PAIR: Final = re.compile(
    r"\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*°?\s*[,;，、\s]\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*°?\s*"
)
_PHONE: Final = re.compile(r"\+?[0-9 ()./-]+")
# Characters that hide or reorder others: nobody needs them to say where it burns.
_HIDING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINING: Final = frozenset("\u200c\u200d")  # of Persian words and of emoji


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct, with the field that it is about."""

    field: str
    word: str
    most: int = 0
    now: int = 0

    def shown(self, language: str) -> dict[str, str]:
        text = WORDS[self.word].filled({"most": self.most, "now": self.now})
        return {"field": self.field, "text": text.of(language)}


@dataclass(frozen=True, slots=True)
class Entered:
    """The fields as they were sent, cleaned of what no keyboard types."""

    kind: str = ""
    where: str = ""
    position: str = ""
    datum: str = Datum.WGS_84.value
    text: str = ""
    hurt: str = Hurt.UNKNOWN.value
    phone: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Entered:
        """From a form's fields; a field that is missing is as it is on an empty form."""
        empty = cls()
        return cls(
            kind=cleaned(sent.get("kind", "")),
            where=cleaned(sent.get("where", "")),
            position=cleaned(sent.get("position", "")),
            datum=sent.get("datum", empty.datum),
            text=cleaned(sent.get("text", "")),
            hurt=sent.get("hurt", empty.hurt),
            phone=cleaned(sent.get("phone", "")),
        )

    def problems(self) -> list[Problem]:
        """Everything to correct, in the order of the page."""
        found = []
        if self.kind not in set(ReportKind):
            found.append(Problem("kind", "problem_kind"))
        if not self.where:
            found.append(Problem("where", "problem_where"))
        elif len(self.where) > WHERE_CHARS_MAX:
            found.append(Problem("where", "problem_where_long", WHERE_CHARS_MAX, len(self.where)))
        if self.position and self._place() is None:
            found.append(Problem("position", "problem_position"))
        if len(self.text) > TEXT_CHARS_MAX:
            found.append(Problem("text", "problem_text_long", TEXT_CHARS_MAX, len(self.text)))
        if self.phone and not _is_phone(self.phone):
            found.append(Problem("phone", "problem_phone"))
        return found

    def report(self) -> Report:
        """What is to be received, of a form without problems."""
        return Report(
            kind=ReportKind(self.kind),
            hurt=Hurt(self.hurt) if self.hurt in set(Hurt) else Hurt.UNKNOWN,
            where=self.where,
            text=self.text,
            phone=narrowed(self.phone) or None,
            place=self._place(),
        )

    def _place(self) -> Place | None:
        found = _PAIR.fullmatch(narrowed(self.position))
        if found is None or self.datum not in set(DATUMS):
            return None
        lat, lon = (round(float(one), DECIMALS) for one in found.groups())
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return None
        return Place(lat, lon, Datum(self.datum), source="reporter")


def cleaned(sent: str) -> str:
    """Without outer white space and without characters that hide or reorder others; line ends as
    one character."""
    lines = sent.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n")
    return "\n".join(
        "".join(
            one for one in line if one in _JOINING or unicodedata.category(one) not in _HIDING
        ).rstrip()
        for line in lines
    ).strip()


def narrowed(text: str) -> str:
    """Full-width digits and signs, as a Chinese keyboard gives them, as the usual ones."""
    return unicodedata.normalize("NFKC", text).strip()


def _is_phone(text: str) -> bool:
    narrow = narrowed(text)
    digits = sum(one.isdigit() for one in narrow)
    least, most = PHONE_DIGITS
    return (
        len(narrow) <= PHONE_CHARS_MAX
        and least <= digits <= most
        and _PHONE.fullmatch(narrow) is not None
    )
