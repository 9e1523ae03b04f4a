"""Our own warnings as CAP 1.2: one value in, one document out that the schema and every rule of our
own reader accept; both languages are infos of one alert. And the Atom feed that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from lxml import etree

from tocsin.wire.cap.alert import Alert, Info, Reference, read
from tocsin.wire.cap.areas import Area, Circle, Point
from tocsin.wire.cap.document import ALERT, CAP_1_2, BadAlert, parse
from tocsin.wire.cap.feeds import ATOM, CAP_TYPE
from tocsin.wire.cap.signing import Signer
from tocsin.wire.cap.times import BadTime, write_time

_INFO_TEXTS: Final = (
    ("senderName", "sender_name"),
    ("headline", "headline"),
    ("description", "description"),
    ("instruction", "instruction"),
    ("web", "web"),
    ("contact", "contact"),
)


class CannotWrite(ValueError):
    """What was given is no warning that CAP can say; the text names the rule."""


def encode(alert: Alert, signer: Signer | None = None) -> bytes:
    """The document of one alert, signed where there is a signer. It is read back before it is
    given out. Raises `CannotWrite`."""
    try:
        root = _alert(alert)
        document = _bytes(root if signer is None else signer.sign(root))
        again = read(parse(document, ALERT))
    except (BadAlert, BadTime, ValueError, TypeError) as error:
        raise CannotWrite(str(error)) from None
    if again.flaws:
        raise CannotWrite(f"{again.flaws[0].value}: other readers would not take it")
    if msgspec.structs.replace(again, is_signed=False) != _as_read(alert):
        raise CannotWrite("it would be read as something else")
    return document


def _as_read(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, is_signed=False, flaws=())


def _alert(alert: Alert) -> etree._Element:
    root = _root(CAP_1_2, "alert")
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", write_time(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add_if(root, "source", alert.source)
    _add(root, "scope", alert.scope)
    _add_if(root, "restriction", alert.restriction)
    _add_if(root, "addresses", _words(alert.addresses))
    for code in alert.codes:
        _add(root, "code", code)
    _add_if(root, "note", alert.note)
    _add_if(root, "references", " ".join(_triple(one) for one in alert.references))
    _add_if(root, "incidents", _words(alert.incidents))
    for info in alert.infos:
        _info(root, info)
    return root


def _info(root: etree._Element, info: Info) -> None:
    element = _add(root, "info")
    _add(element, "language", info.language)
    for category in info.categories:
        _add(element, "category", category)
    _add(element, "event", info.event)
    for response in info.response_types:
        _add(element, "responseType", response)
    _add(element, "urgency", info.urgency)
    _add(element, "severity", info.severity)
    _add(element, "certainty", info.certainty)
    _add_if(element, "audience", info.audience)
    _add_pairs(element, "eventCode", info.event_codes)
    for name in ("effective", "onset", "expires"):
        moment: datetime | None = getattr(info, name)
        if moment is not None:
            _add(element, name, write_time(moment))
    for name, field in _INFO_TEXTS:
        _add_if(element, name, getattr(info, field))
    _add_pairs(element, "parameter", info.parameters)
    for resource in info.resources:
        child = _add(element, "resource")
        _add(child, "resourceDesc", resource.description)
        _add(child, "mimeType", resource.mime_type)
        _add_if(child, "size", "" if resource.size is None else str(resource.size))
        _add_if(child, "uri", resource.uri)
    for area in info.areas:
        _area(element, area)


def _area(info: etree._Element, area: Area) -> None:
    element = _add(info, "area")
    _add(element, "areaDesc", area.description)
    for polygon in area.polygons:
        _add(element, "polygon", " ".join(_point(point) for point in polygon))
    for circle in area.circles:
        _add(element, "circle", _circle(circle))
    _add_pairs(element, "geocode", area.geocodes)


def _circle(circle: Circle) -> str:
    return f"{_point(circle.centre)} {_number(circle.radius_km)}"


def _point(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    """A decimal without exponent, which CAP's readers do not know."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def _triple(one: Reference) -> str:
    return f"{one.sender},{one.identifier},{write_time(one.sent)}"


def _words(words: Sequence[str]) -> str:
    return " ".join(f'"{word}"' if word.split() != [word] else word for word in words)


def _add(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    element = etree.SubElement(parent, f"{{{CAP_1_2}}}{name}")
    if text:
        element.text = text
    return element


def _add_if(parent: etree._Element, name: str, text: str) -> None:
    if text:
        _add(parent, name, text)


def _add_pairs(parent: etree._Element, name: str, pairs: Sequence[tuple[str, str]]) -> None:
    for value_name, value in pairs:
        element = _add(parent, name)
        _add(element, "valueName", value_name)
        _add(element, "value", value)


def _root(namespace: str, name: str) -> etree._Element:
    """An element whose namespace is the document's own and needs no prefix."""
    return etree.fromstring(f'<{name} xmlns="{namespace}"/>')


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


class Listed(msgspec.Struct, frozen=True):
    """One warning in the feed: its alert and the address of its document."""

    alert: Alert
    link: str


def feed(listed: Sequence[Listed], *, title: str, own: str, updated: datetime) -> bytes:
    """An Atom feed that links to each warning, the newest first. `own`: the feed's own address."""
    root = _root(ATOM[1:-1], "feed")
    _atom(root, "id", own)
    _atom(root, "title", title)
    _atom(root, "updated", updated.isoformat(timespec="seconds"))
    _atom(root, "link", rel="self", href=own)
    for one in sorted(listed, key=lambda each: each.alert.sent, reverse=True):
        alert = one.alert
        entry = _atom(root, "entry")
        _atom(entry, "id", one.link)
        headline = next((info.headline or info.event for info in alert.infos), alert.msg_type)
        _atom(entry, "title", headline)
        _atom(entry, "updated", alert.sent.isoformat(timespec="seconds"))
        _atom(_atom(entry, "author"), "name", alert.sender)
        _atom(entry, "link", rel="alternate", type=CAP_TYPE, href=one.link)
    return _bytes(root)


def _atom(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{ATOM}{name}", attributes)
    if text:
        element.text = text
    return element
