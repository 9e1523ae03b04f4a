"""What an operator says of a device's mails: which words mean which code. Patterns are words, `*`
and two places to fill, so that none takes longer than it takes to read the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from msgspec import Struct

PATTERN_CHARS_MAX: Final = 200
STARS_MAX: Final = 10
EVERYONE: Final = "*"

_PLACES: Final = {"{zone}": "zone", "{partition}": "partition"}
_PLACE: Final = re.compile(r"(\{[^{}]*\}?|\})")
_FILLED: Final = r"[0-9A-Za-z]{1,8}"
_WORD: Final = re.compile(r"[0-9A-Za-z]")
_SIA: Final = re.compile(r"[A-Z]{2}")
_CONTACT_ID: Final = re.compile(r"[0-9]{3}")

# `[BA 7]`, `[FA]`, `[E130 01 007]`: a code as it stands in a subject.
_IN_SUBJECT: Final = re.compile(
    r"\[(?:([A-Z]{2})(?: ?([0-9]{1,8}))?"
    r"|([136ER])([0-9]{3})(?: ([0-9]{2}))?(?: ([0-9]{3}))?)\]",
    re.ASCII,
)
_QUALIFIERS: Final = {"E": "1", "R": "3"}


class Rule(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line of the mapping. `account`: the device's, `*` for every one. `pattern`: words that
    stand in the mail, in any case; `*` for whatever is between, and alone for every mail but
    bounces and lists; `{zone}` and `{partition}` for a number to be taken. `look_in`: where.

    Then what it means: `code` of the list `codes`, with Contact ID's `qualifier` (1 new, 3
    restored, 6 still so); `zone`, `partition` where the mail does not say; `text` to stand before
    the mail's own.
    """

    pattern: str
    code: str
    account: str = EVERYONE
    look_in: Literal["subject", "text", "both"] = "both"
    codes: Literal["sia", "cid"] = "sia"
    qualifier: Literal["1", "3", "6"] = "1"
    zone: str = ""
    partition: str = ""
    text: str = ""


class Found(NamedTuple):
    """What a rule, or a code in the subject, says of a mail."""

    code: str
    codes: str
    qualifier: str = ""
    zone: str = ""
    partition: str = ""
    text: str = ""


def problems(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a rule: its key, and why in English and Chinese."""
    says_something = rule.pattern == "*" or rule.pattern.strip("* ")
    if not says_something or len(rule.pattern) > PATTERN_CHARS_MAX:
        yield (
            "pattern",
            f"1 to {PATTERN_CHARS_MAX} characters with a word among them, or * for every mail",
            f"须为 1 至 {PATTERN_CHARS_MAX} 个字符并含有词语；单独的 * 表示任何邮件",
        )
    if rule.pattern.count("*") > STARS_MAX:
        yield "pattern", f"at most {STARS_MAX} *", f"最多 {STARS_MAX} 个 *"
    places = _PLACE.findall(rule.pattern)
    if len(set(places)) != len(places) or not set(places) <= set(_PLACES):
        yield (
            "pattern",
            "between braces only {zone} and {partition}, each once",
            "花括号内只能是 {zone} 和 {partition}，各用一次",
        )
    form, en, zh = (
        (_SIA, "two capital letters", "两个大写字母")
        if rule.codes == "sia"
        else (_CONTACT_ID, "three digits", "三位数字")
    )
    if not form.fullmatch(rule.code):
        yield "code", f"a code of {rule.codes} has {en}", f"{rule.codes} 代码为{zh}"
    for key in ("zone", "partition"):
        value = getattr(rule, key)
        if value and not re.fullmatch(_FILLED, value):
            yield key, "1 to 8 letters or digits", "须为 1 至 8 位字母或数字"


class Rules:
    """The mapping, ready to be asked; in the order in which it was written."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = [(rule, list(_segments(rule.pattern))) for rule in rules]

    def find(
        self, account: str, subject: str, text: str, *, is_ordinary: bool = True
    ) -> Found | None:
        """What the first rule that fits says; None where none does. `is_ordinary`: the mail is no
        bounce and of no list, so that a rule for every mail is for it too."""
        for rule, segments in self._rules:
            if rule.account not in (EVERYONE, account) or not (segments or is_ordinary):
                continue
            places = [subject] if rule.look_in == "subject" else [text]
            if rule.look_in == "both":
                places = [subject, text]
            for place in places:
                filled = _fits(segments, place)
                if filled is not None:
                    return Found(
                        rule.code,
                        rule.codes,
                        rule.qualifier if rule.codes == "cid" else "",
                        filled.get("zone", rule.zone),
                        filled.get("partition", rule.partition),
                        rule.text,
                    )
        return None


def in_subject(subject: str) -> Found | None:
    """A SIA or Contact ID code that stands in brackets in the subject."""
    found = _IN_SUBJECT.search(subject)
    if found is None:
        return None
    sia, sia_zone, qualifier, event, partition, zone = found.groups()
    if sia:
        return Found(sia, "sia", "", sia_zone or "")
    said = _QUALIFIERS.get(qualifier, qualifier)
    return Found(event, "cid", said, zone or "", partition or "")


def _segments(pattern: str) -> Iterator[re.Pattern[str]]:
    """The parts between `*`. Each is matched by its words and whole places alone, so that looking
    for them one after another from the left needs no way back."""
    parts = pattern.split("*")
    for place, part in enumerate(parts):
        if not part.strip():
            continue
        words = part if part.strip() else ""
        opens = place == 0 or part[:1].isspace()
        closes = place == len(parts) - 1 or part[-1:].isspace()
        yield re.compile(_expression(words.strip(), opens, closes), re.IGNORECASE)


def _expression(part: str, opens: bool, closes: bool) -> str:
    """`opens`, `closes`: whether a word begins and ends there, or goes on."""
    pieces = [one for one in _PLACE.split(part) if one]
    expression = "".join(
        f"(?P<{_PLACES[one]}>{_FILLED})"
        if one in _PLACES
        else r"\s+".join(map(re.escape, re.split(r"\s+", one)))
        for one in pieces
    )
    if opens and (pieces[0] in _PLACES or _WORD.match(pieces[0])):
        expression = r"(?<![0-9A-Za-z])" + expression
    if pieces[-1] in _PLACES or (closes and _WORD.match(pieces[-1][-1])):
        expression += r"(?![0-9A-Za-z])"
    return expression


def _fits(segments: list[re.Pattern[str]], text: str) -> dict[str, str] | None:
    """What the places hold, where all segments follow one another in the text."""
    at = 0
    filled: dict[str, str] = {}
    for segment in segments:
        found = segment.search(text, at)
        if found is None:
            return None
        filled |= {name: value for name, value in found.groupdict().items() if value}
        at = found.end()
    return filled
