"""What an alarm request says. Its event code is the operator's own to agree on; two letters are
read as SIA codes, as is usual, and every other code stays what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

from tocsin.core.signals import Position, SignalRead
from tocsin.wire.sos_access.requests import CHARS_MAX, Kind, Request
from tocsin.wire.sos_access.rt90 import to_wgs84

PROTOCOL: Final = "sos_access"
PING_CODE: Final = "RP"  # DC-03: automatic test

_NONE: Final[Mapping[str, EventCode]] = MappingProxyType({})
_EVENT: Final = re.compile(r"[0-9]{3}", re.ASCII)
_SIA: Final = re.compile(r"[A-Z]{2}")
_CONTACT_ID: Final = re.compile(r"([136ER]?)([0-9]{3})")
_PLAIN: Final = re.compile(r"[0-9A-Za-z._-]{1,25}")
# An address has a digit and is short. What else stands there may name a person, so it is text,
# which is sealed.
_ADDRESS: Final = re.compile(r"(?=[A-Za-z]*[0-9])[0-9A-Za-z]{1,5}")
_ACCOUNT: Final = re.compile(r"[\x21-\x7e]{1,15}")
_QUALIFIERS: Final = {"E": "1", "R": "3", "": "1"}

# DC-03: an alarm (A) of these families is restored by R, a trouble (T) by J; AT LT NT XT YT by R.
_FAMILIES: Final = frozenset("BFGHKMPQSTUWZ")
RESTORES: Final = {
    **{f"{family}A": f"{family}R" for family in _FAMILIES},
    **{f"{family}T": f"{family}J" for family in _FAMILIES},
    **{f"{family}B": f"{family}U" for family in _FAMILIES},
    **{f"{family}T": f"{family}R" for family in "ALNXY"},
}
_ENDED: Final = re.compile(r"[A-Z][HJR]")  # restores that say so themselves

_WGS84: Final = re.compile(r"([NS])(\d{2})(\d{2})(\d{2})([EW])(\d{3})(\d{2})(\d{2})", re.ASCII)
_RT90: Final = re.compile(r"x(\d{7})y(\d{7})", re.ASCII | re.IGNORECASE)
_UNSAID: Final = frozenset({"", "None"})  # the sos-access client writes None for no information


class EventCode(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What an event code of the operator's own, `event`, means: `code` of the list `codes`."""

    event: str
    code: str
    codes: Literal["sia", "cid"] = "sia"


def problems(one: EventCode) -> Iterator[tuple[str, str, str]]:
    """What is wrong with it: its key, and why in English and Chinese."""
    if not 1 <= len(one.event.strip()) <= CHARS_MAX["eventcode"]:
        yield "event", "1 to 25 characters", "须为 1 至 25 个字符"
    if one.codes == "sia" and not _SIA.fullmatch(one.code):
        yield "code", "a code of sia has two capital letters", "sia 代码为两个大写字母"
    if one.codes == "cid" and not _EVENT.fullmatch(one.code):
        yield "code", "a code of cid has three digits", "cid 代码为三位数字"


def read(
    request: Request, *, contact_id: bool = False, own: Mapping[str, EventCode] = _NONE
) -> SignalRead:
    """The signal of a request; never an error. A ping is a test. `own`: the operator's own event
    codes, which come first; what was sent stands in the text then.

    `contact_id`: whether three digits are Contact ID events. An operator may use any numbers, and
    401 read as an arming would be an alarm that nobody sees, so it is asked for.
    """
    if request.kind is not Kind.ALARM:
        code = PING_CODE if request.kind is Kind.PING else ""
        return _signal(request, code, "sia" if code else "", "", text=request.reference)
    mapped = own.get(request.eventcode)
    code, codes, qualifier = (
        _event(request, contact_id=contact_id) if mapped is None else _own(request, mapped)
    )
    partition = request.section or request.transmitterarea
    said = (
        []
        if code and mapped is None
        else [f"{request.alarmtype or 'AL'} {request.eventcode}".strip()]
    )
    for value, is_in_clear in (
        (request.transmitterarea, partition == request.transmitterarea and _is_address(partition)),
        (request.section, _is_address(request.section)),
        (request.sectiontext, False),
        (request.detector, _is_address(request.detector)),
        (request.detectortext, False),
        (request.additionalinfo, False),
        (request.position, False),
    ):
        if value not in _UNSAID and not is_in_clear:
            said.append(value)
    return _signal(
        request,
        code,
        codes,
        qualifier,
        zone=request.detector if _is_address(request.detector) else "",
        partition=partition if _is_address(partition) else "",
        text="\n".join(said),
    )


def position(text: str) -> Position | None:
    """Where it is, from `NDDMMmmEDDDMMmm` or `xXXXXXXXyYYYYYYY`; None for anything else.

    The protocol's own example has 72 for its minutes. What cannot be minutes is read as decimals of
    a degree, which is what such a transmitter sends.
    """
    if found := _RT90.fullmatch(text):
        there = to_wgs84(float(found[1]), float(found[2]))
        return None if there is None else Position(*there)
    if not (found := _WGS84.fullmatch(text)):
        return None
    north, lat_d, lat_m, lat_mm, east, lon_d, lon_m, lon_mm = found.groups()
    minutes = int(lat_m) < 60 and int(lon_m) < 60
    if minutes:
        lat = int(lat_d) + (int(lat_m) + int(lat_mm) / 100) / 60
        lon = int(lon_d) + (int(lon_m) + int(lon_mm) / 100) / 60
    else:
        lat = int(lat_d) + int(lat_m + lat_mm) / 10_000
        lon = int(lon_d) + int(lon_m + lon_mm) / 10_000
    if lat > 90 or lon > 180:
        return None
    return Position(lat if north == "N" else -lat, lon if east == "E" else -lon)


def repeat_key(request: Request, *, authorized: bool) -> bytes | None:
    """What the same request sent again shares; None without a reference or a time of its own, for
    then a second alarm looks like the first. What a stranger sent is no repeat of a device's."""
    if request.kind is not Kind.ALARM or not (request.reference or request.transmittertime):
        return None
    digest = blake2b(b"known" if authorized else b"unknown", digest_size=16)
    for value in (
        request.transmittercode,
        request.reference,
        request.transmittertime,
        request.alarmtype or "AL",
        request.eventcode,
        request.transmitterarea,
        request.section,
        request.sectiontext,
        request.detector,
        request.detectortext,
        request.additionalinfo,
        request.position,
    ):
        digest.update(f"{len(value)}:{value}".encode())
    return digest.digest()


def _event(request: Request, *, contact_id: bool) -> tuple[str, str, str]:
    """Code, the list that it is of, and its qualifier."""
    event, restores = request.eventcode, request.alarmtype == "RE"
    if _SIA.fullmatch(event):
        if not restores or _ENDED.fullmatch(event):
            return event, "sia", ""
        if event in RESTORES:
            return RESTORES[event], "sia", ""
    elif contact_id and (found := _CONTACT_ID.fullmatch(event)):
        said = _QUALIFIERS.get(found[1], found[1])
        return found[2], "cid", "3" if restores else said
    if _PLAIN.fullmatch(event):
        return event, "", "3" if restores else ""
    return "", "", ""


def _own(request: Request, mapped: EventCode) -> tuple[str, str, str]:
    restores = request.alarmtype == "RE"
    if mapped.codes == "cid":
        return mapped.code, "cid", "3" if restores else "1"
    if not restores or _ENDED.fullmatch(mapped.code):
        return mapped.code, "sia", ""
    restore = RESTORES.get(mapped.code)
    return (restore, "sia", "") if restore else (mapped.code, "", "3")


def _signal(
    request: Request,
    code: str,
    codes: str,
    qualifier: str,
    *,
    zone: str = "",
    partition: str = "",
    text: str = "",
) -> SignalRead:
    known_form = _ACCOUNT.fullmatch(request.transmittercode)
    return SignalRead(
        protocol=PROTOCOL,
        token=request.kind.value,
        account=request.transmittercode if known_form else "",
        receiver=request.receiver if _PLAIN.fullmatch(request.receiver) else None,
        sequence=_number(request.reference),
        code=code,
        codes=codes,
        qualifier=qualifier,
        zone=zone,
        partition=partition,
        text=text,
        occurred_at=_time(request.transmittertime),
        position=position(request.position),
    )


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _time(text: str) -> datetime | None:
    """UTC, where the time says its zone. Without one it is the transmitter's own clock's, which is
    for its log (protocol: "only used for log/trace"), and stays in the original."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
