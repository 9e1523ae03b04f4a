"""Names of values that identify a person, a phone or a vehicle, or that open a door. Every way in
drops such values before anything is kept, and asks here which they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

SECRETS: Final = (
    *("pin", "pin code", "password", "passwd", "passcode", "passphrase"),
    *("user code", "action code", "access code", "security code", "disarm code", "arm code"),
    *("keypad code", "entered code", "code input"),
)
"""What opens a door or disarms a system. A bare `code` is decided on by each protocol."""

PERSONS: Final = (
    *("imsi", "imei", "imeisv", "meid", "iccid", "msisdn", "device number", "vin"),
    *("phone", "phone number", "telephone", "tel", "mobile", "mobile number"),
    *("caller id", "caller number", "caller name", "changed by"),
    *("plate", "number plate", "license plate", "licence plate", "recognized plate"),
    *("face", "face id", "recognized face", "sub label", "person id", "person name"),
    *("id card", "id number", "national id", "passport", "ssn", "fingerprint", "biometric"),
    *("card", "card number", "card no", "card id", "card holder", "badge", "badge number"),
    "credential",
)
"""Who somebody is, or whose a thing is."""

WHOLE: Final = frozenset(("tel", "mobile", "card", "badge", "credential"))
"""Of these only the whole name counts: `sd card state` is nobody's."""

CHINESE: Final = (
    *("手机", "电话", "车牌", "身份证", "护照", "密码", "口令", "人脸", "指纹", "姓名", "卡号"),
)
"""Wherever they stand in a name."""

NAME_CHARS_MAX: Final = 64  # of a name that is remembered
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def _one(word: str) -> str:
    """Without the s of a plural."""
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word


def _fold(words: Iterable[str]) -> str:
    return "".join(_one(word) for word in words)


_PHRASES: Final = tuple(tuple(one.split(" ")) for one in (*SECRETS, *PERSONS))
_FOLDED: Final = frozenset(_fold(one) for one in _PHRASES) | frozenset(
    # As they are written without anything between their words.
    (
        *("licenseplatenumber", "licenceplatenumber", "recognizedlicenseplate", "platenumber"),
        *("platetext", "facename", "faceid", "callerphone", "callername", "idcardnumber"),
        *("passportnumber", "phoneno", "mobilephone", "cellphone", "pinnumber", "userpin"),
    )
)
_INSIDE: Final = tuple(
    tuple(_one(word) for word in one) for one in _PHRASES if " ".join(one) not in WHOLE
)
_STARTS: Final = frozenset(one[0] for one in _INSIDE)


def is_identity(name: str) -> bool:
    """Whether the value of this name is dropped: by its words, in any case, divided in any way or
    by capitals, singular or plural."""
    return _remembered(name) if len(name) <= NAME_CHARS_MAX else _is_identity(name)


def _is_identity(name: str) -> bool:
    if _one(_OTHER.sub("", name.lower())) in _FOLDED or any(one in name for one in CHINESE):
        return True
    words = [_one(word.lower()) for word in _WORD.findall(name)]
    return any(
        tuple(words[at : at + len(one)]) == one
        for at, word in enumerate(words)
        if word in _STARTS
        for one in _INSIDE
    )


_remembered = lru_cache(maxsize=4_096)(_is_identity)
