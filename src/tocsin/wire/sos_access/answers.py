"""What a transmitter hears: the protocol's statuses, the one table of who gets which, and the bytes
of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from hmac import compare_digest
from types import MappingProxyType
from typing import Final, NamedTuple

from lxml import etree

from tocsin.core.signals import SignalRead
from tocsin.wire.sos_access.requests import (
    CHARS_MAX,
    Kind,
    Problem,
    Request,
    document,
    of,
    redacted,
)
from tocsin.wire.sos_access.signals import EventCode, read, repeat_key

_NONE: Final[Mapping[str, EventCode]] = MappingProxyType({})


class Status(IntEnum):
    """The protocol's response codes; their names are sent as `info`. WRONG_CONTENT (3),
    DUPLICATED_ALARM (10), SERVER_ERROR (98), OTHER_ERROR (99), XML_HEADER_MISSING_OR_INVALID (100)
    and PING_TO_OFTEN (101) are sent to nobody."""

    OK = 0
    INVALID_LENGTH = 1
    INVALID_XML = 2
    NOT_AUTHORIZED = 4
    NOT_TREATED_NOT_DISTRIBUTED = 5
    MANDATORY_DATA_MISSING = 7
    SERVICE_UNAVAILABLE = 9


class Rule(NamedTuple):
    """One line of the table. `is_kept`: on disk, and shown, before anything is answered;
    `is_devices`: as the device's own signal, else as an unknown source's."""

    status: Status
    is_kept: bool
    is_devices: bool
    why: str


# In the order in which they are asked; the first that fits decides. None: an ordinary request.
RULES: Final[dict[Problem | None, Rule]] = {
    Problem.INVALID_LENGTH: Rule(
        Status.INVALID_LENGTH, False, False, "longer than 100,000 characters; passed over"
    ),
    Problem.INVALID_XML: Rule(
        Status.INVALID_XML,
        False,
        False,
        "no well-formed request, or one with a DTD; bytes outside of any request",
    ),
    Problem.UNKNOWN_TRANSMITTER: Rule(
        Status.NOT_AUTHORIZED, True, False, "it may be a real alarm of a new transmitter"
    ),
    Problem.NO_KEY: Rule(
        Status.NOT_TREATED_NOT_DISTRIBUTED,
        True,
        False,
        "the authentication of the device cannot be opened here, so nobody can say whether it is"
        " right; the other receiver may",
    ),
    Problem.NOT_AUTHORIZED: Rule(
        Status.NOT_AUTHORIZED, True, False, "the authentication is not the device's"
    ),
    Problem.NEW_AUTHENTICATION: Rule(
        Status.SERVICE_UNAVAILABLE,
        False,
        False,
        "authentications are given by the operator and changed in the register; the one in use"
        " stays valid",
    ),
    Problem.MANDATORY_DATA_MISSING: Rule(
        Status.MANDATORY_DATA_MISSING, True, True, "no event code, transmitter or authentication"
    ),
    # What is authentic and can be read is an alarm. Refused, it would go to the other receiver too,
    # or come again for ever.
    Problem.XML_HEADER: Rule(
        Status.OK,
        True,
        True,
        "no XML header, or another encoding than ISO-8859-1: read all the same, and noted",
    ),
    Problem.WRONG_CONTENT: Rule(
        Status.OK,
        True,
        True,
        "a field is too long, twice there, or not one of a list: read all the same, and noted",
    ),
    None: Rule(Status.OK, True, True, "after the commit; a ping is only noted"),
}

_ANSWERS: Final = {
    Kind.ALARM: "alarmresponse",
    Kind.PING: "pingresponse",
    Kind.NEW_AUTHENTICATION: "requestnewauthenticationresponse",
}


class Reception(NamedTuple):
    """What is to be kept of a request, and what its sender then hears.

    `body` is the request without its authentication. `is_poll`: the device only says that it is
    there. `repeat_key` names the same request sent again, None where it cannot be told.
    """

    status: Status
    problem: Problem | None
    is_kept: bool
    is_devices: bool
    is_poll: bool
    body: bytes
    signals: tuple[SignalRead, ...]
    repeat_key: bytes | None


def receive(
    request: Request,
    raw: bytes,
    *,
    is_known: bool,
    key: bytes | None,
    contact_id: bool = False,
    own: Mapping[str, EventCode] = _NONE,
) -> Reception:
    """Decides one request, decoded from `raw`. `is_known`: its transmitter is registered; `key`:
    the device's authentication, None where it cannot be opened."""
    problem = _problem(request, is_known=is_known, key=key)
    rule = RULES[problem]
    is_authorized = _is_authorized(request, key)
    is_devices = rule.is_devices and is_authorized
    secrets = (request.authentication.encode("utf-8"), key or b"")
    body = redacted(raw, *secrets)
    clean = request if not rule.is_kept else _without(request, *secrets)
    return Reception(
        status=rule.status,
        problem=problem,
        is_kept=rule.is_kept,
        is_devices=is_devices,
        is_poll=is_devices and rule.status is Status.OK and request.kind is Kind.PING,
        body=body,
        signals=(read(clean, contact_id=contact_id, own=own),) if rule.is_kept else (),
        repeat_key=repeat_key(request, authorized=is_devices) if rule.is_kept else None,
    )


def answer(kind: Kind, status: Status, *, now: datetime, reference: str = "") -> bytes:
    """The bytes of an answer. `now`: UTC; the protocol's time has no zone, and says UTC here."""
    root = etree.Element(_ANSWERS[kind])
    if reference:
        etree.SubElement(root, "reference").text = reference
    etree.SubElement(root, "status").text = str(status.value)
    etree.SubElement(root, "info").text = status.name
    arrival = now.strftime("%Y-%m-%d %H:%M:%S.") + f"{now.microsecond // 1000:03d}"
    etree.SubElement(root, "arrivaltime").text = arrival
    return document(root)


def _problem(request: Request, *, is_known: bool, key: bytes | None) -> Problem | None:
    lacks_credentials = not (request.transmittercode and request.authentication)
    if lacks_credentials:
        return request.problem
    if not is_known:
        return Problem.UNKNOWN_TRANSMITTER
    if key is None:
        return Problem.NO_KEY
    if not _is_authorized(request, key):
        return Problem.NOT_AUTHORIZED
    if request.kind is Kind.NEW_AUTHENTICATION:
        return Problem.NEW_AUTHENTICATION
    return request.problem


def _is_authorized(request: Request, key: bytes | None) -> bool:
    return (
        key is not None
        and key != b""
        and request.transmittercode != ""
        and compare_digest(request.authentication.encode("utf-8"), key)
    )


def _without(request: Request, *secrets: bytes) -> Request:
    """The request as it may be shown: no field holds a secret."""
    clean = {
        name: redacted(getattr(request, name).encode("utf-8"), *secrets).decode("utf-8")
        for name in CHARS_MAX
    }
    return of(request.kind, clean | {"authentication": ""})
