"""Identity of people and their things that a sender's JSON may carry: it is dropped before anything
is kept, out of the original too, and a fixed marker stands in its place."""

from __future__ import annotations

import json
import re
from typing import Any, Final

MARKER: Final = "[dropped]"

KEYS: Final = frozenset(
    (
        *("imsi", "imei", "imeisv", "meid", "iccid", "msisdn", "devicenumber", "vin"),
        *("phone", "phonenumber", "telephone", "tel", "mobile", "mobilenumber"),
        *("callerid", "callernumber", "callerphone"),
        *("pin", "pincode", "usercode", "actioncode", "accesscode", "passcode", "password"),
        *("plate", "plates", "platenumber", "numberplate", "licenseplate", "licenceplate"),
        *("recognizedlicenseplate", "face", "faces", "faceid", "facename", "sublabel"),
        *("personid", "personname", "idcard", "idcardnumber", "idnumber", "passport"),
        *("passportnumber", "ssn", "nationalid", "fingerprint", "biometric", "biometrics"),
        *("card", "cardno", "cardnumber", "badge", "badgenumber", "credential"),
    )
)
"""Names of values that identify somebody, without case and punctuation."""

_OTHER: Final = re.compile(r"[^a-z0-9]+")
# For what is no JSON: a name, and what stands behind it up to the next comma, bracket or line.
_LOOSE_NAME: Final = re.compile(r"""(["']?)([A-Za-z][A-Za-z0-9_ .-]{1,30})\1\s{0,8}[:=]\s{0,8}""")
_LOOSE_VALUE: Final = re.compile(r"""[\[{\s]{0,8}(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|[^,}\]\r\n&;]*)""")


def is_identity(name: str) -> bool:
    """Whether the value of this name identifies a person, a phone or a vehicle."""
    return _OTHER.sub("", name.lower()) in KEYS


def without(document: Any) -> tuple[Any, int]:
    """The document with MARKER in place of each value that identifies somebody, and how many there
    were."""
    dropped = 0

    def clean(value: Any) -> Any:
        nonlocal dropped
        if isinstance(value, list):
            return [clean(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {}
        for name, one in value.items():
            if is_identity(name) and one not in (None, "", [], {}):
                dropped += 1
                found[name] = MARKER
            else:
                found[name] = clean(one)
        return found

    return clean(document), dropped


def written(document: Any) -> bytes:
    """A cleaned document as it is kept in place of the original."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()


def without_loosely(body: bytes) -> tuple[bytes, int]:
    """The same for bytes that cannot be read as JSON: by names and what follows them."""
    text = body.decode("latin-1")
    parts: list[str] = []
    dropped = at = 0
    while name := _LOOSE_NAME.search(text, at):
        parts.append(text[at : name.end()])
        at = name.end()
        if is_identity(name[2]):
            value = _LOOSE_VALUE.match(text, at)
            parts.append(MARKER)
            at = value.end() if value else at
            dropped += 1
    parts.append(text[at:])
    return "".join(parts).encode("latin-1"), dropped
