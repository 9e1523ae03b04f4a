"""The CRC of panels that were built from DC-07's printed table: its 101st entry is 0xBE01 where
CRC-16/ARC has 0xEB01, so about one frame in nine has another CRC than it should."""

from __future__ import annotations

from typing import Final

_POLYNOMIAL: Final = 0xA001
_ENTRY: Final = 100
PRINTED: Final = 0xBE01


def _entry(byte: int) -> int:
    register = byte
    for _ in range(8):
        register = (register >> 1) ^ (_POLYNOMIAL if register & 1 else 0)
    return register


RIGHT_TABLE: Final = tuple(map(_entry, range(256)))
_PRINTED_TABLE: Final = (*RIGHT_TABLE[:_ENTRY], PRINTED, *RIGHT_TABLE[_ENTRY + 1 :])


def misprinted_crc(body: bytes) -> int:
    """The CRC by the table as printed. Slow, so it is asked only where the right one differs."""
    crc = 0
    for byte in body:
        crc = (crc >> 8) ^ _PRINTED_TABLE[(crc ^ byte) & 0xFF]
    return crc
