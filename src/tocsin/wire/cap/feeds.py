"""Feeds of alerts: an Atom index with links, Atom with the alerts inside, RSS 2.0, an EDXL-DE 1.0
envelope, or a bare alert. Each gives its entries in order; a link is followed by the caller."""

from __future__ import annotations

import re
from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec
from lxml import etree

from tocsin.wire.cap.document import (
    CAP_1_2,
    EARLIER,
    FEED,
    BadAlert,
    Bounds,
    Reason,
    parse,
    text_of,
)

ATOM: Final = "{http://www.w3.org/2005/Atom}"
EDXL: Final = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
CAP_TYPE: Final = "application/cap+xml"
ENTRIES_MAX: Final = 2_000
LINK_CHARS_MAX: Final = 2_048
_ALERTS: Final = tuple(f"{{{namespace}}}alert" for namespace in (CAP_1_2, *EARLIER))
_MARKUP: Final = re.compile(r"\s*<(\?xml|[A-Za-z_][\w.:-]*)[\s>]")


class Kind(StrEnum):
    """What a feed is."""

    ATOM = "atom"
    RSS = "rss"
    EDXL = "edxl"
    CAP = "cap"


class Entry(msgspec.Struct, frozen=True):
    """One entry: the alert's document, or a link to it; neither where it has none that we know.

    `version` changes when the entry does: its link and when it was updated, or its document.
    """

    document: bytes = b""
    link: str = ""
    version: str = ""


class Feed(msgspec.Struct, frozen=True):
    """What a feed holds now; `left_out` entries are more than are read."""

    kind: Kind
    entries: tuple[Entry, ...]
    left_out: int = 0


def read(raw: bytes, bounds: Bounds = FEED) -> Feed:
    """The entries of a feed. Raises `BadAlert`."""
    root = parse(raw, bounds)
    name = etree.QName(root)
    if root.tag in _ALERTS:
        return Feed(Kind.CAP, (_whole(raw),))
    if root.tag == f"{ATOM}feed":
        kind, entries = Kind.ATOM, [_atom(one) for one in root.iterchildren(f"{ATOM}entry")]
    elif root.tag == f"{ATOM}entry":
        kind, entries = Kind.ATOM, [_atom(root)]
    elif root.tag == "rss":
        kind, entries = Kind.RSS, [_rss(one) for one in root.iterfind("channel/item")]
    elif name.localname == "EDXLDistribution" and name.namespace == EDXL:
        kind, entries = Kind.EDXL, [[_whole(_document(one))] for one in root.iter(*_ALERTS)]
    else:
        raise BadAlert(Reason.NOT_FEED, f"the root is {str(root.tag)[:100]}")
    found = [entry for several in entries for entry in several]
    return Feed(kind, tuple(found[:ENTRIES_MAX]), max(0, len(found) - ENTRIES_MAX))


def _atom(entry: etree._Element) -> list[Entry]:
    inside = _inside(entry)
    if inside:
        return inside
    updated = entry.findtext(f"{ATOM}updated", "").strip()
    links = [one for one in entry.iterchildren(f"{ATOM}link") if one.get("href")]
    identifier = entry.findtext(f"{ATOM}id", "").strip()
    return _linked(_best(links) or (identifier if _is_web(identifier) else ""), updated)


def _best(links: list[etree._Element]) -> str:
    """The link whose type is CAP's; else the one that stands for the entry itself."""
    for link in links:
        if link.get("type", "").split(";")[0].strip().lower() == CAP_TYPE:
            return str(link.get("href"))
    for link in links:
        if link.get("rel", "alternate") == "alternate":
            return str(link.get("href"))
    return ""


def _rss(item: etree._Element) -> list[Entry]:
    inside = _inside(item)
    if inside:
        return inside
    updated = item.findtext("pubDate", "").strip()
    for enclosure in item.iterchildren("enclosure"):
        if enclosure.get("type", "").lower() == CAP_TYPE:
            return _linked(enclosure.get("url", ""), updated)
    guid = item.find("guid")
    is_link = guid is not None and guid.get("isPermaLink", "true") == "true"
    unique = text_of(guid) if guid is not None and is_link else ""
    link = item.findtext("link", "").strip()
    return _linked(link or (unique if _is_web(unique) else ""), updated)


def _linked(link: str, updated: str) -> list[Entry]:
    link = link.strip()
    if not link or len(link) > LINK_CHARS_MAX:
        return [Entry()]
    return [Entry(link=link, version=f"{link} {updated[:64]}")]


def _inside(entry: etree._Element) -> list[Entry]:
    """Alerts that stand in the entry: as elements, or as text in Atom's content."""
    found = [_whole(_document(one)) for one in entry.iter(*_ALERTS)]
    if found:
        return found
    for content in entry.iterchildren(f"{ATOM}content"):
        text = text_of(content)
        if _MARKUP.match(text):
            return [_whole(_redeclared(text))]
    return []


def _whole(document: bytes) -> Entry:
    return Entry(document, version=blake2b(document, digest_size=16).hexdigest())


def _document(alert: etree._Element) -> bytes:
    """An alert that stands in a feed, as a document of its own: without the feed's namespaces, as
    it was before it was put there, or its signature would not fit."""
    copy = etree.fromstring(etree.tostring(alert, with_tail=False))
    etree.cleanup_namespaces(copy)
    return etree.tostring(copy, encoding="utf-8", xml_declaration=True)


_DECLARED: Final = re.compile(r"\s*<\?xml[^>]{0,200}\?>")


def _redeclared(text: str) -> bytes:
    """A document that stood as text: its characters are known, whatever encoding it declares."""
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + _DECLARED.sub("", text, 1).encode()


def _is_web(text: str) -> bool:
    return text.startswith(("http://", "https://"))
