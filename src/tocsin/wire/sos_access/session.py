"""Where one request ends and the next begins: SOS Access has no length and no delimiter, only XML.
One request per connection or many, split or coalesced as the network pleases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tocsin.wire.sos_access.requests import REQUEST_CHARS_MAX, Problem

_BLANK: Final = b" \t\r\n\0\xef\xbb\xbf"
"""Between requests: white space, a NUL, and the bytes of a byte order mark."""

# A declaration stands at the beginning of a document and nowhere else, so whatever was before it
# has been cut short.
_DECLARATION: Final = re.compile(rb"<\?xml[ \t\r\n]")
_DECLARATION_CHARS: Final = 6
_TAG: Final = re.compile(rb"<(/?)([A-Za-z_][A-Za-z0-9_.:-]*)")
_ENDS: Final = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"), (b"<", b">"))
_SHOWN: Final = 64  # of rubbish, so that a log can say what it looked like


@dataclass(frozen=True, slots=True)
class Received:
    """One whole document, whatever it says."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """What is no document; `raw` is as much of it as is of use."""

    raw: bytes
    problem: Problem


Event = Received | Refused


class Session:
    """One connection's bytes in, documents out. What comes out depends on the bytes alone, not on
    how they were cut into segments; each byte is looked at a fixed number of times."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._rubbish = b""
        self._passing_over = False  # a document that is too long, up to the next declaration
        self._begin()

    def receive_data(self, data: bytes) -> None:
        """What has come from the network."""
        self._buffer += data

    def next_event(self) -> Event | None:
        """The next document or refusal; None while more is needed."""
        if self._passing_over and not self._passed_over():
            return None
        if not self._inside:
            opening = self._buffer.find(b"<")
            outside = bytes(self._buffer if opening < 0 else self._buffer[:opening])
            self._note(outside)
            del self._buffer[: len(outside)]
            if opening < 0:
                return None
            if self._rubbish:
                return self._refuse_rubbish()
            self._begin(inside=True)
        return self._next_document()

    @property
    def is_waiting_for_more(self) -> bool:
        """Whether something has begun that has not ended."""
        return self._inside or self._passing_over or bool(self._rubbish)

    def abandon(self) -> Refused | None:
        """The connection has ended: what was left unfinished."""
        if self._rubbish:
            return self._refuse_rubbish()
        left = bytes(self._buffer)
        self._buffer.clear()
        self._begin()
        return Refused(left[:_SHOWN], Problem.INVALID_XML) if left else None

    def _begin(self, *, inside: bool = False) -> None:
        self._inside = inside
        self._root = b""
        self._at = 0  # up to here everything has been looked at
        self._end = b""  # what ends the construct that begins at `_at`; empty between constructs
        self._searched = 0  # it does not begin before here
        self._declared = 1  # no declaration begins before here, but the document's own

    def _next_document(self) -> Event | None:
        cut = self._cut()
        end = self._document_end()
        if end and (cut is None or end <= cut + _DECLARATION_CHARS):
            return self._take(end)
        if cut is not None and cut + _DECLARATION_CHARS <= REQUEST_CHARS_MAX:
            raw = bytes(self._buffer[:cut])
            del self._buffer[:cut]
            self._begin()
            return Refused(raw[:_SHOWN], Problem.INVALID_XML)
        if len(self._buffer) > REQUEST_CHARS_MAX:
            return self._too_long()
        return None

    def _take(self, end: int) -> Event:
        if end > REQUEST_CHARS_MAX:
            return self._too_long()
        raw = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._begin()
        return Received(raw)

    def _too_long(self) -> Refused:
        raw = bytes(self._buffer[:_SHOWN])
        del self._buffer[:REQUEST_CHARS_MAX]
        self._begin()
        self._passing_over = True
        return Refused(raw, Problem.INVALID_LENGTH)

    def _passed_over(self) -> bool:
        found = _DECLARATION.search(self._buffer)
        if found is None:
            del self._buffer[: max(0, len(self._buffer) - _DECLARATION_CHARS + 1)]
            return False
        del self._buffer[: found.start()]
        self._passing_over = False
        return True

    def _cut(self) -> int | None:
        """Where another document's declaration begins inside this one."""
        found = _DECLARATION.search(self._buffer, self._declared)
        if found is None:
            self._declared = max(self._declared, len(self._buffer) - _DECLARATION_CHARS + 1)
            return None
        return found.start()

    def _document_end(self) -> int:
        """Where the root element ends; 0 for not yet. Comments, character data and instructions
        are passed over; a tag ends at its `>`, since the protocol has no attributes."""
        buffer = self._buffer
        while True:
            if not self._end:
                opening = buffer.find(b"<", self._at)
                if opening < 0:
                    self._at = len(buffer)
                    return 0
                self._at = opening
                end = _end_of(buffer[opening : opening + 9])
                if end is None:
                    return 0
                self._end, self._searched = end, opening + 1
            found = buffer.find(self._end, self._searched)
            if found < 0:
                self._searched = max(self._searched, len(buffer) - len(self._end) + 1)
                return 0
            begin, self._at = self._at, found + len(self._end)
            is_tag, self._end = self._end == b">", b""
            if is_tag and self._is_last(bytes(buffer[begin : self._at])):
                return self._at

    def _is_last(self, tag: bytes) -> bool:
        """Whether this tag ends the document."""
        found = _TAG.match(tag)
        if found is None:
            return False
        closes, name = found.groups()
        if not self._root and not closes:
            self._root = name
            return tag.endswith(b"/>")
        return bool(closes) and name == self._root

    def _note(self, outside: bytes) -> None:
        if not self._rubbish:
            outside = outside.lstrip(_BLANK)
        self._rubbish += outside[: _SHOWN - len(self._rubbish)]

    def _refuse_rubbish(self) -> Refused:
        rubbish, self._rubbish = self._rubbish, b""
        return Refused(rubbish, Problem.INVALID_XML)


def _end_of(opening: bytes | bytearray) -> bytes | None:
    """What ends the construct that begins so; None while it may still be one or the other."""
    for begin, end in _ENDS:
        if opening.startswith(begin):
            if end == b">" and any(one.startswith(opening) for one, _ in _ENDS[:-1]):
                return None
            return end
    return None
