"""One CAP 1.2 alert as a value: what its elements say, and where they break the standard's rules
beyond the schema. A flaw is named and does not cost the warning."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from lxml import etree

from tocsin.wire.cap.areas import Area, BadArea, read_circle, read_polygon
from tocsin.wire.cap.document import (
    CAP_1_2,
    EARLIER,
    XMLDSIG,
    BadAlert,
    Reason,
    as_meant,
    check_schema,
    parse,
    text_of,
    time_as_meant,
    what_is_said,
)
from tocsin.wire.cap.times import BadTime, read_time

INFOS_MAX: Final = 64
REFERENCES_MAX: Final = 512


class Flaw(StrEnum):
    """What an alert gets wrong; it is read all the same. NOT_SCHEMA_EXACTLY: valid only once times
    and `AllClear` are written as the schema has them; whoever sent it is not vouched for."""

    NOT_SCHEMA_EXACTLY = "not_schema_exactly"
    BAD_IDENTIFIER = "bad_identifier"
    BAD_TIME = "bad_time"
    BAD_REFERENCE = "bad_reference"
    NO_REFERENCES = "no_references"
    NO_INFO = "no_info"
    NO_RESTRICTION = "no_restriction"
    NO_ADDRESSES = "no_addresses"
    BAD_AREA = "bad_area"
    TOO_MUCH = "too_much"


class Reference(msgspec.Struct, frozen=True):
    """An earlier message: who sent it, its identifier, and when it was sent (UTC)."""

    sender: str
    identifier: str
    sent: datetime


class Resource(msgspec.Struct, frozen=True):
    """A file beside the alert. It is named and never fetched; one inside the alert is not read."""

    description: str
    mime_type: str
    uri: str = ""
    size: int | None = None


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What is told about one event in one language. Texts as sent; times in UTC."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = "en-US"  # CAP 1.2, 3.2.2: where none is named
    response_types: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[tuple[str, str], ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a warning service. `flaws` are in the order found, each once."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()
    is_signed: bool = False
    flaws: tuple[Flaw, ...] = ()

    @property
    def expires(self) -> datetime | None:
        """When all of it is over; None where a part of it has no end."""
        ends = [info.expires for info in self.infos]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def decode(raw: bytes) -> Alert:
    """The alert of one document. Raises `BadAlert`."""
    return read(parse(raw))


def read(root: etree._Element) -> Alert:
    """The alert of a tree from `document.parse`. Raises `BadAlert`."""
    name = etree.QName(root)
    if name.localname != "alert" or name.namespace not in (CAP_1_2, *EARLIER):
        raise BadAlert(Reason.NOT_CAP, f"the root is {str(root.tag)[:100]}")
    if name.namespace != CAP_1_2:
        version = EARLIER[name.namespace]
        raise BadAlert(Reason.EARLIER_CAP, f"CAP {version}", what_is_said(root))
    flaws: tuple[Flaw, ...] = ()
    try:
        check_schema(root)
    except BadAlert as error:
        root = as_meant(root)
        try:
            check_schema(root)
        except BadAlert:
            raise error from None
        flaws = (Flaw.NOT_SCHEMA_EXACTLY,)
    try:
        return _Reader(root, flaws).alert()
    except BadTime as error:
        # The schema has checked `sent`; what it lets through has no moment, as year 0000 has not.
        raise BadAlert(Reason.NOT_SCHEMA, f"sent: {error}", what_is_said(root)) from None


_UNSAFE: Final = re.compile(r"[\s,<&]")  # CAP 1.2, 3.2.1: not in identifier and sender
# Some write a space or a line break after a comma inside a triple (NOAA's tsunami centre does).
_AROUND_COMMA: Final = re.compile(r"\s*,\s*")
_QUOTED_OR_WORD: Final = re.compile(r'"([^"]*)"|(\S+)')


class _Reader:
    """Goes through one alert and notes its flaws."""

    def __init__(self, root: etree._Element, flaws: tuple[Flaw, ...]) -> None:
        self._root = root
        self._flaws: dict[Flaw, None] = dict.fromkeys(flaws)

    def alert(self) -> Alert:
        root = self._root
        identifier, sender = _first(root, "identifier"), _first(root, "sender")
        if not identifier or not sender or _UNSAFE.search(identifier) or _UNSAFE.search(sender):
            self._flaws[Flaw.BAD_IDENTIFIER] = None
        sent = read_time(_first(root, "sent"))
        scope, message = _first(root, "scope"), _first(root, "msgType")
        restriction = _first(root, "restriction")
        addresses = _words(_first(root, "addresses"))
        if scope == "Restricted" and not restriction:
            self._flaws[Flaw.NO_RESTRICTION] = None
        if scope == "Private" and not addresses:
            self._flaws[Flaw.NO_ADDRESSES] = None
        references = self._references(_first(root, "references"))
        if message != "Alert" and not references:
            self._flaws[Flaw.NO_REFERENCES] = None
        infos = root.findall(_tag("info"))
        if len(infos) > INFOS_MAX:
            self._flaws[Flaw.TOO_MUCH] = None
        if not infos and message in ("Alert", "Update"):
            self._flaws[Flaw.NO_INFO] = None
        read_infos = tuple(self._info(info) for info in infos[:INFOS_MAX])
        return Alert(
            identifier=identifier,
            sender=sender,
            sent=sent,
            status=_first(root, "status"),
            msg_type=message,
            scope=scope,
            source=_first(root, "source"),
            restriction=restriction,
            addresses=addresses,
            codes=_all(root, "code"),
            note=_first(root, "note"),
            references=references,
            incidents=_words(_first(root, "incidents")),
            infos=read_infos,
            is_signed=root.find(f"{{{XMLDSIG}}}Signature") is not None,
            flaws=tuple(self._flaws),
        )

    def _references(self, text: str) -> tuple[Reference, ...]:
        """`sender,identifier,sent` triples between white space (CAP 1.2, 3.2.1). The schema says
        nothing of their times: who writes `Z` in `sent` writes it here too."""
        found: dict[Reference, None] = {}
        for triple in _AROUND_COMMA.sub(",", text).split():
            parts = triple.split(",")
            try:
                sender, identifier, sent = parts
                found[Reference(sender, identifier, read_time(time_as_meant(sent)))] = None
            except ValueError:
                self._flaws[Flaw.BAD_REFERENCE] = None
            if len(found) >= REFERENCES_MAX:
                self._flaws[Flaw.TOO_MUCH] = None
                break
        return tuple(found)

    def _info(self, info: etree._Element) -> Info:
        return Info(
            language=_first(info, "language") or "en-US",
            categories=_all(info, "category"),
            event=_first(info, "event"),
            response_types=_all(info, "responseType"),
            urgency=_first(info, "urgency"),
            severity=_first(info, "severity"),
            certainty=_first(info, "certainty"),
            audience=_first(info, "audience"),
            event_codes=_pairs(info, "eventCode"),
            effective=self._time(info, "effective"),
            onset=self._time(info, "onset"),
            expires=self._time(info, "expires"),
            sender_name=_first(info, "senderName"),
            headline=_first(info, "headline"),
            description=_first(info, "description"),
            instruction=_first(info, "instruction"),
            web=_first(info, "web"),
            contact=_first(info, "contact"),
            parameters=_pairs(info, "parameter"),
            resources=tuple(_resource(one) for one in info.findall(_tag("resource"))),
            areas=tuple(self._area(one) for one in info.findall(_tag("area"))),
        )

    def _time(self, info: etree._Element, name: str) -> datetime | None:
        text = _first(info, name)
        if not text:
            return None
        try:
            return read_time(text)
        except BadTime:
            self._flaws[Flaw.BAD_TIME] = None
            return None

    def _area(self, area: etree._Element) -> Area:
        polygons, circles = [], []
        for text in _all(area, "polygon"):
            try:
                polygons.append(read_polygon(text))
            except BadArea:
                self._flaws[Flaw.BAD_AREA] = None
        for text in _all(area, "circle"):
            try:
                circles.append(read_circle(text))
            except BadArea:
                self._flaws[Flaw.BAD_AREA] = None
        return Area(
            description=_first(area, "areaDesc"),
            polygons=tuple(polygons),
            circles=tuple(circles),
            geocodes=_pairs(area, "geocode"),
        )


def _resource(resource: etree._Element) -> Resource:
    size = _first(resource, "size").removeprefix("+")
    return Resource(
        description=_first(resource, "resourceDesc"),
        mime_type=_first(resource, "mimeType"),
        uri=_first(resource, "uri"),
        size=int(size) if size.isdecimal() and len(size) <= 18 else None,
    )


def _tag(name: str) -> str:
    return f"{{{CAP_1_2}}}{name}"


def _first(parent: etree._Element, name: str) -> str:
    element = parent.find(_tag(name))
    return "" if element is None else text_of(element)


def _all(parent: etree._Element, name: str) -> tuple[str, ...]:
    return tuple(text_of(element) for element in parent.findall(_tag(name)))


def _pairs(parent: etree._Element, name: str) -> tuple[tuple[str, str], ...]:
    found = parent.findall(_tag(name))
    return tuple((_first(one, "valueName"), _first(one, "value")) for one in found)


def _words(text: str) -> tuple[str, ...]:
    """Words between white space; one with a space in it stands in quotation marks."""
    return tuple(found[1] or found[2] or "" for found in _QUOTED_OR_WORD.finditer(text))
