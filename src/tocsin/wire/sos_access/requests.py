"""One request, decoded and encoded: an alarm or its restore, a ping, or the wish for a new
authentication. XML in ISO 8859-1, at most 100,000 characters, read without DTD and entities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Final

from lxml import etree

REQUEST_CHARS_MAX: Final = 100_000
"""Of one request, with its XML header and tags; one character is one byte of ISO 8859-1."""

HEADER: Final = b'<?xml version="1.0" encoding="ISO-8859-1"?>'

MARKER: Final = b"[removed]"
"""Stands for the authentication in what is kept."""


class Kind(StrEnum):
    """What is asked; the names are those of the protocol's elements."""

    ALARM = "alarmrequest"
    PING = "pingrequest"
    NEW_AUTHENTICATION = "requestnewauthentication"


class Problem(StrEnum):
    """Why a request is not an ordinary one. The order in which they are asked is in answers.py."""

    INVALID_LENGTH = "invalid_length"
    INVALID_XML = "invalid_xml"
    NOT_AUTHORIZED = "not_authorized"
    UNKNOWN_TRANSMITTER = "unknown_transmitter"
    NO_KEY = "no_key"
    XML_HEADER = "xml_header"
    MANDATORY_DATA_MISSING = "mandatory_data_missing"
    WRONG_CONTENT = "wrong_content"
    NEW_AUTHENTICATION = "new_authentication"


class BadRequest(Exception):
    """These bytes are no request of the protocol."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Request:
    """One request; what was not sent, or sent empty, is empty. `problem` is what is wrong with its
    form although it can be read."""

    kind: Kind
    reference: str = ""
    authentication: str = field(default="", repr=False)
    receiver: str = ""
    transmittertime: str = ""
    alarmtype: str = ""
    transmittertype: str = ""
    transmittercode: str = ""
    transmitterarea: str = ""
    eventcode: str = ""
    section: str = ""
    sectiontext: str = ""
    detector: str = ""
    detectortext: str = ""
    additionalinfo: str = ""
    position: str = ""
    problem: Problem | None = field(default=None, compare=False)


# The protocol's own lengths; transmittertime has 23, and transmitters that add a zone send more.
CHARS_MAX: Final = {
    "reference": 50,
    "authentication": 15,
    "receiver": 20,
    "transmittertime": 40,
    "alarmtype": 2,
    "transmittertype": 5,
    "transmittercode": 15,
    "transmitterarea": 5,
    "eventcode": 25,
    "section": 5,
    "sectiontext": 40,
    "detector": 5,
    "detectortext": 40,
    "additionalinfo": 2_000,
    "position": 16,
}
_FIELDS: Final = tuple(one.name for one in fields(Request) if one.name in CHARS_MAX)
_ALARM_TYPES: Final = frozenset({"", "AL", "RE"})
_CODE: Final = re.compile(r"[\x21-\x7e]{1,15}")

_HEADER: Final = re.compile(
    rb"""<\?xml\s+version\s*=\s*["']1\.[0-9]["']"""
    rb"""(?:\s+encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["'])?[^>]{0,40}\?>"""
)
_LATIN_1: Final = frozenset({b"iso-8859-1", b"iso8859-1", b"iso_8859-1", b"latin-1", b"latin1"})
_OPENS: Final = re.compile(rb"<(?:[\w.-]{1,40}:)?authentication\b[^>]*>", re.IGNORECASE)
_CLOSES: Final = re.compile(rb"</(?:[\w.-]{1,40}:)?authentication", re.IGNORECASE)
_REMOVED_WHEREVER_CHARS_MIN: Final = 6  # a shorter one is found by chance in other words


def of(kind: Kind, values: Mapping[str, str]) -> Request:
    """A request with these of its fields (see CHARS_MAX)."""
    return replace(Request(kind), **values)  # type: ignore[arg-type]


def decode(raw: bytes) -> Request:
    """The request in one document's bytes. Raises `BadRequest` and nothing else."""
    if len(raw) > REQUEST_CHARS_MAX:
        raise BadRequest(Problem.INVALID_LENGTH)
    raw = raw.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    header = _HEADER.match(raw)
    declared = (header.group(1) or b"").lower() if header else b""
    root = _parsed(raw, declared)
    try:
        kind = Kind(root.tag)
    except ValueError:
        raise BadRequest(Problem.INVALID_XML) from None
    found: dict[str, str] = {}
    further: list[str] = []  # what stands twice, and says something else the second time
    problem = None if declared in _LATIN_1 else Problem.XML_HEADER
    for element in root:
        name = element.tag
        if name not in CHARS_MAX:
            continue  # a later version's, or a maker's own: kept in the original
        text = "".join(map(str, element.itertext())).strip()
        nested = len(element) and name != "position"
        if name in found or nested or len(text) > CHARS_MAX[name]:
            problem = problem or Problem.WRONG_CONTENT
        if found.setdefault(name, text) == text or name == "authentication":
            continue
        further.append(f"{name}: {text}")
        if name == "alarmtype":
            found[name] = "AL"  # in doubt it alarms
    if further:
        found["additionalinfo"] = "\n".join(filter(None, (found.get("additionalinfo"), *further)))
    request = of(kind, found)
    return replace(request, problem=_missing(request) or problem or _wrong(request))


def encode(request: Request) -> bytes:
    """The request as a transmitter sends it; what is empty is left out."""
    root = etree.Element(request.kind.value)
    for name in _FIELDS:
        text = getattr(request, name)
        if text:
            element = etree.SubElement(root, name)
            if name == "position":
                element = etree.SubElement(element, "pos")
            element.text = text
    return document(root)


def document(root: etree._Element) -> bytes:
    """The bytes of a whole document, with the protocol's header; what ISO 8859-1 lacks is a
    character reference."""
    text = str(etree.tostring(root, encoding="unicode"))
    return HEADER + text.encode("iso-8859-1", "xmlcharrefreplace")


def redacted(raw: bytes, *secrets: bytes) -> bytes:
    """The bytes that may be kept: without the authentication, and without `secrets` wherever else
    they stand."""
    parts, at = [], 0
    while (opens := _OPENS.search(raw, at)) and (closes := _CLOSES.search(raw, opens.end())):
        parts += [raw[at : opens.start()], b"<authentication>", MARKER]
        at = closes.start()
    kept = b"".join((*parts, raw[at:]))
    for secret in secrets:
        if len(secret) >= _REMOVED_WHEREVER_CHARS_MIN:
            kept = kept.replace(secret, MARKER)
    return kept


def _parsed(raw: bytes, declared: bytes) -> etree._Element:
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise BadRequest(Problem.INVALID_XML)
    # What is declared otherwise is read as UTF-8 where that is what it says, else as the protocol's
    # own; libxml2 is never left to choose.
    encoding = "utf-8" if declared in (b"utf-8", b"utf8") else "iso-8859-1"
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        raise BadRequest(Problem.INVALID_XML) from None
    return root


def _missing(request: Request) -> Problem | None:
    needed = ["authentication", "transmittercode"]
    if request.kind is Kind.ALARM:
        needed.append("eventcode")
    if not all(getattr(request, name) for name in needed):
        return Problem.MANDATORY_DATA_MISSING
    return None


def _wrong(request: Request) -> Problem | None:
    """What is none of what the protocol allows."""
    if request.alarmtype not in _ALARM_TYPES or not _CODE.fullmatch(request.transmittercode):
        return Problem.WRONG_CONTENT
    return None
