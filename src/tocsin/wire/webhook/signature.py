"""Who sent a request: HMAC-SHA256 over its body, in the header forms that senders in the field use.
The time is an argument; what a wrong request costs does not tell how wrong it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

WINDOW: Final = timedelta(minutes=5)
"""A signed time may be off by this much, either way."""

SIGNATURES_MAX: Final = 8
"""Of one header: a sender that changes its secret signs with the old and the new one."""

NAME_CHARS_MAX: Final = 255
SECRET_PREFIX: Final = b"whsec_"  # Standard Webhooks: base64 of the secret's bytes stands behind it
UNKNOWN_SECRET: Final = b"nobody has this secret, it only costs as much as one"

_SECONDS: Final = re.compile(r"[0-9]{9,11}")
_NAME: Final = re.compile(r"[\x21-\x7e]+")


class Form(StrEnum):
    """How signature, time and name of a message stand in the headers."""

    STANDARD = "standard"  # Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature
    STRIPE = "stripe"  # one header: t=<seconds>,v1=<hex>
    GITHUB = "github"  # one header: sha256=<hex>; no time


HEADER: Final = {
    Form.STANDARD: "webhook-signature",
    Form.STRIPE: "stripe-signature",
    Form.GITHUB: "x-hub-signature-256",
}


class NotSigned(Exception):
    """Nothing says that this is of its sender. `reason`: `signature_missing`,
    `signature_malformed`, `signature_wrong`, `time_outside_window`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signed:
    """The sender has the secret. `name`: what it signed beside the body, which whoever records the
    request and sends it again cannot change: its name for the message, else the time, else None.
    `sent_at`: when it signed."""

    name: str | None
    sent_at: datetime | None


def secret_bytes(key: bytes) -> bytes:
    """The secret of a device's key: `whsec_<base64>` as Standard Webhooks writes it, else the key
    itself."""
    if key.startswith(SECRET_PREFIX):
        try:
            return base64.b64decode(key[len(SECRET_PREFIX) :], validate=True)
        except binascii.Error:
            return key
    return key


def check(
    form: Form,
    headers: Mapping[str, str],
    body: bytes,
    key: bytes | None,
    now: datetime,
    *,
    header: str = "",
) -> Signed:
    """Whether `body` is signed with `key` (None: an unknown sender's, checked all the same so that
    it takes as long). `headers` by lower-case name; `header` in place of the form's own.

    Raises `NotSigned`.
    """
    text = headers.get(header.lower() or HEADER[form], "")
    if not text:
        raise NotSigned("signature_missing")
    secret = secret_bytes(UNKNOWN_SECRET if key is None else key)
    if form is Form.STANDARD:
        signed = _standard(headers, text, body, secret, now)
    elif form is Form.STRIPE:
        signed = _stripe(text, body, secret, now)
    else:
        signed = _github(text, body, secret)
    if key is None:
        raise NotSigned("signature_wrong")
    return signed


def _standard(
    headers: Mapping[str, str], text: str, body: bytes, secret: bytes, now: datetime
) -> Signed:
    name, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not seconds:
        raise NotSigned("signature_missing")
    # A full stop in the id would let two messages have the same signed bytes (Standard Webhooks).
    if len(name) > NAME_CHARS_MAX or not _NAME.fullmatch(name) or "." in name:
        raise NotSigned("signature_malformed")
    sent_at = _moment(seconds)
    given = []
    for one in text.split():
        version, _, value = one.partition(",")
        if version == "v1":
            given.append(_from_base64(value))
    _compare(given, secret, f"{name}.{seconds}.".encode(), body)
    _in_time(sent_at, now)
    return Signed(name, sent_at)


def _stripe(text: str, body: bytes, secret: bytes, now: datetime) -> Signed:
    seconds, given = "", []
    for one in text.split(","):
        name, _, value = one.strip().partition("=")
        if name == "t":
            seconds = value
        elif name == "v1":
            given.append(_from_hex(value))
    sent_at = _moment(seconds)
    _compare(given, secret, f"{seconds}.".encode(), body)
    _in_time(sent_at, now)
    return Signed(seconds, sent_at)


def _github(text: str, body: bytes, secret: bytes) -> Signed:
    kind, _, value = text.partition("=")
    if kind != "sha256":
        raise NotSigned("signature_malformed")
    _compare([_from_hex(value)], secret, b"", body)
    # Nothing tells when it was signed, or which it is: equal bodies may be two alarms.
    return Signed(None, None)


def _compare(given: list[bytes], secret: bytes, before: bytes, body: bytes) -> None:
    """Every signature that is given is compared, each in a time that does not tell how far it is
    right."""
    if not given or len(given) > SIGNATURES_MAX:
        raise NotSigned("signature_malformed")
    digest = hmac.new(secret, before, hashlib.sha256)
    digest.update(body)
    right = digest.digest()
    if not any([hmac.compare_digest(one, right) for one in given]):  # noqa: C419 - all of them
        raise NotSigned("signature_wrong")


def _in_time(sent_at: datetime, now: datetime) -> None:
    if abs(now - sent_at) > WINDOW:
        raise NotSigned("time_outside_window")


def _moment(seconds: str) -> datetime:
    if not _SECONDS.fullmatch(seconds):
        raise NotSigned("signature_malformed")
    return datetime.fromtimestamp(int(seconds), UTC)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotSigned("signature_malformed") from None


def _from_hex(text: str) -> bytes:
    # `bytes.fromhex` takes spaces between the digits.
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        raise NotSigned("signature_malformed") from None
