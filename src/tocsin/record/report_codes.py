"""Follow-up codes of public reports: 15 symbols of 28, more than 72 bits, and a check symbol. They
are made to be read out loud and typed on a phone: no 0 and O, no 1, I and L, no S, U and Z."""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRTVWXY"
SYMBOLS: Final = 15  # without the check symbol
GROUP: Final = 4

_VALUE: Final = {symbol: value for value, symbol in enumerate(ALPHABET)}
_TOLERATED: Final = str.maketrans({"S": "5", "Z": "2"})  # they look like it, and mean nothing else
_BETWEEN: Final = frozenset(" -–—_.\u00a0\u3000·－")


def code_of(random: bytes) -> str:
    """The code, without gaps, of at least 16 bytes that nobody can guess."""
    if len(random) < 16:
        raise ValueError("a code is made from at least 16 bytes")
    number = int.from_bytes(random, "big")
    symbols = []
    for _ in range(SYMBOLS):
        number, value = divmod(number, len(ALPHABET))
        symbols.append(ALPHABET[value])
    body = "".join(symbols)
    return body + _check(body)


def read_code(typed: str) -> str | None:
    """The code somebody typed, whatever its case and gaps; None for what cannot be one."""
    found = "".join(one for one in _halfwidth(typed).upper() if one not in _BETWEEN)
    found = found.translate(_TOLERATED)
    if len(found) != SYMBOLS + 1 or not set(found) <= _VALUE.keys():
        return None
    return found if _check(found[:-1]) == found[-1] else None


def grouped(code: str) -> str:
    """The code in groups of four, as it is shown and read out."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def _check(body: str) -> str:
    """ISO 7064 hybrid system, MOD 29,28: every wrong symbol and nearly every swap is noticed."""
    size = len(ALPHABET)
    left = size
    for symbol in body:
        left = (left + _VALUE[symbol]) % size or size
        left = left * 2 % (size + 1)
    return ALPHABET[(size + 1 - left) % size]


def _halfwidth(typed: str) -> str:
    """A Chinese keyboard may give the full-width forms (U+FF01 to U+FF5E)."""
    return "".join(chr(ord(one) - 0xFEE0) if "！" <= one <= "～" else one for one in typed[:100])
