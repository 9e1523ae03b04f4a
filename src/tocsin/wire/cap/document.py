"""Bytes to an XML tree that is safe to look at: no DTD, no entities, no network, bounded in size,
depth and number of elements. Whatever else comes raises `BadAlert` with its reason."""

from __future__ import annotations

import re
from copy import deepcopy
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple

from lxml import etree

CAP_1_2: Final = "urn:oasis:names:tc:emergency:cap:1.2"
EARLIER: Final = {
    "urn:oasis:names:tc:emergency:cap:1.1": "1.1",
    "http://www.incident.com/cap/1.0": "1.0",
}
"""Namespaces of the versions before, which differ in elements and in how a time is written."""

XMLDSIG: Final = "http://www.w3.org/2000/09/xmldsig#"


class Reason(StrEnum):
    """Why a document is no CAP 1.2 alert, or no feed, that we read."""

    TOO_LARGE = "too_large"
    UNKNOWN_CHARSET = "unknown_charset"
    WRONG_CHARSET = "wrong_charset"
    DOCTYPE = "doctype"
    NOT_XML = "not_xml"
    TOO_MANY_ELEMENTS = "too_many_elements"
    TOO_DEEP = "too_deep"
    NOT_CAP = "not_cap"
    EARLIER_CAP = "earlier_cap"
    NOT_SCHEMA = "not_schema"
    NOT_FEED = "not_feed"
    UNREADABLE = "unreadable"  # something that we did not foresee


class BadAlert(Exception):
    """A document that is not read; `detail` says where, in the words of the parser or schema.

    `said` is what a person can still be told of it: texts of an alert that breaks the rules.
    """

    def __init__(self, reason: Reason, detail: str = "", said: Said | None = None) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.said = said


class Said(NamedTuple):
    """Of an alert that is not read: its sender, status and headline, as far as they are there."""

    sender: str
    status: str
    text: str


class Bounds(NamedTuple):
    """How much is read of one document."""

    bytes_max: int
    elements_max: int


ALERT: Final = Bounds(1 << 20, 20_000)
FEED: Final = Bounds(8 << 20, 400_000)
DEPTH_MAX: Final = 32  # an alert in an envelope in a feed is 12 deep
SAID_CHARS_MAX: Final = 500

# Encodings seen in feeds, by their declared names; each as the superset that senders mean.
_CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
}
# Of two or four bytes a character: what declares itself so in plain ASCII is not.
_WIDE: Final = re.compile(r"utf-?(?:16|32)(?:[lb]e)?|iso-10646-ucs-[24]|ucs-?[24]")
# Every byte is a character in these, so that only plausibility tells whether they were meant.
_TAKES_ANYTHING: Final = frozenset({"latin-1", "iso8859-15", "cp1252"})
_DECLARATION: Final = re.compile(
    rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]{0,40})[\"']"
)
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROLS: Final = dict.fromkeys((*range(0x20), 0x7F), " ")


def parse(raw: bytes, bounds: Bounds = ALERT) -> etree._Element:
    """The root of one document. Raises `BadAlert`; fetches and expands nothing."""
    if len(raw) > bounds.bytes_max:
        raise BadAlert(Reason.TOO_LARGE, f"{len(raw)} bytes, {bounds.bytes_max} are read")
    text = _text(raw)
    if _has_doctype(text):
        raise BadAlert(Reason.DOCTYPE)
    if text.count("<") - text.count("</") > bounds.elements_max:
        raise BadAlert(Reason.TOO_MANY_ELEMENTS, f"{bounds.elements_max} are read")
    parser = etree.XMLParser(
        encoding="utf-8",  # ours, whatever the document declares
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError, UnicodeError) as error:
        raise BadAlert(Reason.NOT_XML, _one_line(str(error))) from None
    if _is_deep(root):
        raise BadAlert(Reason.TOO_DEEP, f"{DEPTH_MAX} levels are read")
    return root


def _text(raw: bytes) -> str:
    """The document's characters. A byte order mark wins over the declaration (XML 1.0 F.1); what
    HTTP says of the charset is not asked, since servers say it of files they have not read."""
    raw = raw.lstrip(b" \t\r\n")
    charset, declared = "utf-8", "utf-8"
    for mark, name in _BOMS:
        if raw.startswith(mark):
            raw, charset, declared = raw[len(mark) :], name, name
            break
    else:
        found = _DECLARATION.match(raw)
        if found is not None:
            declared = found[1].decode("ascii").lower()
            known = _CHARSETS.get(declared)
            if known is None and _WIDE.fullmatch(declared):
                raise BadAlert(Reason.WRONG_CHARSET, f"not {declared} at byte 0")
            if known is None:
                raise BadAlert(Reason.UNKNOWN_CHARSET, declared)
            charset = known
    try:
        text = raw.decode(charset)
    except UnicodeDecodeError as error:
        raise BadAlert(Reason.WRONG_CHARSET, f"not {declared} at byte {error.start}") from None
    if charset in _TAKES_ANYTHING and not raw.isascii() and _is_utf_8(raw):
        raise BadAlert(Reason.WRONG_CHARSET, f"declared {declared}, and it is UTF-8")
    return text


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _has_doctype(text: str) -> bool:
    """Whether a document type declaration stands before the root, the one place for it."""
    at = 0
    while True:
        at = text.find("<", at)
        if at < 0:
            return False
        if text.startswith("<?", at):
            end = text.find("?>", at)
        elif text.startswith("<!--", at):
            end = text.find("-->", at + 4)
        else:
            return text.startswith("<!", at)
        if end < 0:
            return False
        at = end


def _is_deep(root: etree._Element) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEPTH_MAX:
            return True
    return False


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    text = resources.files(__package__).joinpath("cap12.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text))


def check_schema(alert: etree._Element) -> None:
    """Raises `BadAlert` where `alert` breaks the OASIS schema of CAP 1.2. That schema alone is
    looked at: libxml2 follows the hints of a document (`xsi:schemaLocation`) only without one."""
    try:
        _schema().assertValid(alert)
    except etree.DocumentInvalid as error:
        detail = _one_line(str(error).replace(f"{{{CAP_1_2}}}", ""))
        raise BadAlert(Reason.NOT_SCHEMA, detail, what_is_said(alert)) from None


_TIMES: Final = frozenset({"sent", "effective", "onset", "expires"})
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[-+]\d\d:\d\d)", re.ASCII
)


def as_meant(alert: etree._Element) -> etree._Element:
    """A copy in which what senders write in place of CAP's own forms is as CAP has it: `Z` and
    fractions of a second in times (RFC 3339), and `All Clear` (public-alerts pages of Google)."""
    copy = deepcopy(alert)
    for element in copy.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace != CAP_1_2 or len(element):
            continue
        text = (element.text or "").strip()
        if name.localname in _TIMES:
            element.text = time_as_meant(text)
        elif name.localname == "responseType" and text.lower() == "all clear":
            element.text = "AllClear"
    return copy


def time_as_meant(text: str) -> str:
    """A time as CAP writes it, where it is one in RFC 3339's way; else the text as it is."""
    found = _TIME.fullmatch(text)
    return text if found is None else found[1] + ("-00:00" if found[3] == "Z" else found[3])


def what_is_said(alert: etree._Element) -> Said:
    """What a person can be told of an alert that is not read, whatever its version."""
    found: dict[str, str] = {}
    for element in alert.iter(etree.Element):
        name = etree.QName(element).localname
        if name in ("identifier", "sender", "status", "headline", "event") and name not in found:
            found[name] = _one_line(text_of(element))
    parts = (found.get("headline") or found.get("event"), found.get("identifier"))
    text = "; ".join(part for part in parts if part)
    return Said(found.get("sender", ""), found.get("status", ""), text[:SAID_CHARS_MAX])


def text_of(element: etree._Element) -> str:
    """All the text that stands in an element itself. A comment does not end it: what is read is
    what canonical XML signs."""
    parts = [element.text or ""]
    parts += [child.tail or "" for child in element if not isinstance(child.tag, str)]
    return "".join(parts).strip()


def _one_line(text: str) -> str:
    return " ".join(text.translate(_CONTROLS).split())[:SAID_CHARS_MAX]
