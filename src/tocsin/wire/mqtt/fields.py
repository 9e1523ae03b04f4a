"""The fields that MQTT packets are made of (MQTT 5.0 1.5, 2.2.2), read with bounds and written; the
properties of version 5 by one table."""

from __future__ import annotations

from typing import Any, Final

PROPERTIES_MAX: Final = 64
"""Of one packet, user properties among them."""


class BadPacket(Exception):
    """Bytes that are no MQTT packet that we take. `reason` is its name in our counts, `code` the
    reason code that a client of version 5 hears (MQTT 5.0 2.4)."""

    def __init__(self, reason: str, code: int = 0x81) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


Properties = tuple[tuple[str, Any], ...]
"""Names and values in the order sent; a user property's value is a pair of texts."""


class Reader:
    """Takes fields from the front of one packet's bytes. Everything raises `BadPacket`."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end is None else end

    @property
    def is_at_end(self) -> bool:
        return self.position >= self.end

    def take(self, count: int) -> bytes:
        start = self.position
        if start + count > self.end:
            raise BadPacket("malformed")
        self.position = start + count
        return self.data[start : start + count]

    def rest(self) -> bytes:
        return self.take(self.end - self.position)

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def variable(self) -> int:
        """MQTT 5.0 1.5.5: seven bits a byte, four bytes at most, as few as can be."""
        value = 0
        for place in range(4):
            byte = self.number(1)
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if place and not byte:
                    raise BadPacket("malformed")
                return value
        raise BadPacket("malformed")

    def binary(self) -> bytes:
        return self.take(self.number(2))

    def text(self) -> str:
        """MQTT 5.0 1.5.4: UTF-8 without U+0000 and without surrogates."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError:
            raise BadPacket("malformed") from None
        if "\0" in text:
            raise BadPacket("malformed")
        return text

    def properties(self, allowed: frozenset[str]) -> Properties:
        """MQTT 5.0 2.2.2.2: none twice, but user properties (and subscription identifiers)."""
        length = self.variable()
        if self.position + length > self.end:
            raise BadPacket("malformed")
        inner = Reader(self.data, self.position, self.position + length)
        self.position += length
        found: list[tuple[str, Any]] = []
        seen: set[str] = set()
        while not inner.is_at_end:
            known = _PROPERTIES.get(inner.variable())
            if known is None:
                raise BadPacket("malformed")
            name, kind = known
            if name not in allowed or (name in seen and name != USER):
                raise BadPacket("protocol_error", 0x82)
            seen.add(name)
            found.append((name, inner.value(kind)))
            if len(found) > PROPERTIES_MAX:
                raise BadPacket("too_many_properties", 0x97)
        return tuple(found)

    def value(self, kind: str) -> Any:
        if kind == "text":
            return self.text()
        if kind == "pair":
            return (self.text(), self.text())
        if kind == "binary":
            return self.binary()
        if kind == "variable":
            return self.variable()
        return self.number(int(kind))


def variable(value: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def binary(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def text(value: str) -> bytes:
    return binary(value.encode())


def properties(found: Properties) -> bytes:
    """With their length before them."""
    body = b"".join(variable(_NUMBERS[name]) + _written(name, value) for name, value in found)
    return variable(len(body)) + body


def _written(name: str, value: Any) -> bytes:
    kind = _PROPERTIES[_NUMBERS[name]][1]
    if kind == "text":
        return text(value)
    if kind == "pair":
        return text(value[0]) + text(value[1])
    if kind == "binary":
        return binary(value)
    if kind == "variable":
        return variable(value)
    size = int(kind)
    return int(value).to_bytes(size, "big")


USER: Final = "user_property"

# MQTT 5.0 2.2.2.2, table 2-4: identifier, name, type (a number: an integer of so many bytes).
_PROPERTIES: Final[dict[int, tuple[str, str]]] = {
    0x01: ("payload_format", "1"),
    0x02: ("message_expiry_s", "4"),
    0x03: ("content_type", "text"),
    0x08: ("response_topic", "text"),
    0x09: ("correlation_data", "binary"),
    0x0B: ("subscription_identifier", "variable"),
    0x11: ("session_expiry_s", "4"),
    0x12: ("assigned_client_id", "text"),
    0x13: ("server_keep_alive_s", "2"),
    0x15: ("authentication_method", "text"),
    0x16: ("authentication_data", "binary"),
    0x17: ("request_problem_information", "1"),
    0x18: ("will_delay_s", "4"),
    0x19: ("request_response_information", "1"),
    0x1A: ("response_information", "text"),
    0x1C: ("server_reference", "text"),
    0x1F: ("reason_string", "text"),
    0x21: ("receive_maximum", "2"),
    0x22: ("topic_alias_maximum", "2"),
    0x23: ("topic_alias", "2"),
    0x24: ("maximum_qos", "1"),
    0x25: ("retain_available", "1"),
    0x26: (USER, "pair"),
    0x27: ("maximum_packet_size", "4"),
    0x28: ("wildcard_subscription_available", "1"),
    0x29: ("subscription_identifier_available", "1"),
    0x2A: ("shared_subscription_available", "1"),
}
_NUMBERS: Final = {name: number for number, (name, _) in _PROPERTIES.items()}
