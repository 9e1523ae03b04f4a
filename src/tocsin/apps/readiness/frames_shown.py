"""What a frame of a panel that is being connected is shown as: its meaning in the reader's
language, what is wrong with it, and what to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tocsin.apps.readiness.forms import span
from tocsin.core.code_tables import meaning, partition_of, zone_of
from tocsin.core.signals import SignalRead
from tocsin.record.commissioning import key_of
from tocsin.record.credentials import RULES
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring
from tocsin.wire.dc09.dialects import spoken_in
from tocsin.wire.dc09.frames import BadFrame, Form, Frame, decode, unseal

Row = dict[str, Any]

ADVICE: Final[dict[str, Any]] = {
    "unknown_account": gettext_lazy(
        "The account is not registered. Compare it with the panel, then add it as a device."
    ),
    "unknown_transmitter": gettext_lazy(
        "The transmitter code is not registered. Compare it with the transmitter, then add it as"
        " a device."
    ),
    "unknown_token": gettext_lazy(
        "This kind of message cannot be read. Set the panel to SIA-DCS or ADM-CID."
    ),
    "unknown_form": gettext_lazy(
        "Length and checksum are right, but the fields are not as DC-09 has them; mostly the"
        " account is missing or has other characters than letters and digits. Set it in the"
        " panel. What could be read was taken."
    ),
    "stale_time": gettext_lazy(
        "The panel's clock is wrong, so its encrypted messages are refused. It is told the time:"
        " wait for the next message, or set the clock or its time zone."
    ),
    "clock_off": gettext_lazy(
        "The panel's clock is wrong or shows local time. Set its time zone to UTC, or give the"
        " device the dialect local_time with its difference."
    ),
    "wrong_key": gettext_lazy(
        "The key does not open this message. Type it again in the panel and here, with the same"
        " length."
    ),
    "no_key": gettext_lazy(
        "The panel encrypts, and the device has no key here. Edit the device and give its key."
    ),
    "wrong_secret": gettext_lazy("The secret does not fit. Compare it with that of the sender."),
    "not_authorized": gettext_lazy(
        "The authentication code does not fit. Compare it with that of the transmitter."
    ),
}
NAMES: Final[dict[str, Any]] = {
    "unknown_account": gettext_lazy("unknown account"),
    "unknown_transmitter": gettext_lazy("unknown account"),
    "unknown_token": gettext_lazy("unknown kind of message"),
    "unknown_form": gettext_lazy("unusual fields"),
    "stale_time": gettext_lazy("wrong time"),
    "clock_off": gettext_lazy("clock off"),
    "wrong_key": gettext_lazy("wrong key"),
    "wrong_secret": gettext_lazy("wrong key"),
    "not_authorized": gettext_lazy("wrong key"),
    "no_key": gettext_lazy("no key"),
    "synthetic": gettext_lazy("test alarm of Tocsin's own probe"),
}
_OF_ITS_CLOCK: Final = frozenset({"stale_time", "clock_off"})
_EXACT: Final = ((90, 1), (2 * 86_400, 60), (float("inf"), 86_400))
"""How far off a clock is, below so many seconds, is said to so many."""

NOT_ADDED_NO_KEY: Final = gettext_lazy(
    "The panel encrypts, and there is no device with this account yet. Add it and give its key."
)
KEY_AS_HEX: Final = gettext_lazy(
    "The key is right, but its form is not: the panel takes it as hexadecimal digits. Edit the"
    " device and choose that form."
)
KEY_AS_TEXT: Final = gettext_lazy(
    "The key is right, but its form is not: the panel takes the digits as plain characters. Edit"
    " the device and choose that form."
)


def shown(connection: Connection, keyring: Keyring, one: Row, language: str) -> Row:
    """One frame of `record.commissioning.frames` as a row of the screen."""
    read = one["read"]
    means = meaning(read)
    frame = _frame(one)
    problem = one["problem"] or ("" if one["device"] else "unknown_account")
    return {
        "id": one["id"],
        "at": one["received_at"],
        "protocol": RULES[one["protocol"]].name if one["protocol"] in RULES else _("Tocsin itself"),
        "protocol_name": one["protocol"],
        "account": read.account,
        "token": read.token if one["protocol"] in RULES else "",
        "code": f"{read.qualifier}{read.code}",
        "meaning": means.text_en if language == "en" else means.text_zh,
        "effect": means.effect.value,
        "zone": zone_of(read),
        "partition": partition_of(read),
        "address": one["source_address"],
        "answer": one["answer"],
        "repeat": one["repeat_of"] is not None,
        "is_known": one["device"] is not None,
        "can_be_added": one["device"] is None and one["protocol"] in RULES,
        "encrypted": read.encrypted,
        "problem": NAMES.get(problem, problem),
        "clock": _clock(one["received_at"], read, frame) if problem in _OF_ITS_CLOCK else "",
        "advice": _advice(connection, keyring, problem, one["device"], frame),
        "dialects": [*_dialects(frame), *filter(None, (one["dialect"] or "").split(";"))],
    }


def _clock(received_at: datetime, read: SignalRead, frame: Frame | None) -> str:
    """How far the panel's clock is off, in words; what is sealed was read by the intake."""
    is_clear = frame is not None and not frame.encrypted
    at = frame.sent_at if frame is not None and is_clear else read.occurred_at
    if at is None:
        return _("no time")
    off_s = (at - received_at).total_seconds()
    exact = next(unit for most, unit in _EXACT if abs(off_s) < most)
    long = span(round(abs(off_s) / exact) * exact)
    return (_("%(span)s ahead") if off_s > 0 else _("%(span)s behind")) % {"span": long}


def _frame(one: Row) -> Frame | None:
    if one["protocol"] != "dc09" or one["raw"] is None:
        return None
    try:
        return decode(one["raw"])
    except BadFrame:
        return None


_FRAMED: Final = {
    Form.STANDARD: (),
    Form.CRC_WITH_CR: ("eldes",),
    Form.RAW_CRC: ("binary_crc",),
    Form.MISPRINTED_CRC: ("misprinted_crc",),
}


def _dialects(frame: Frame | None) -> tuple[str, ...]:
    if frame is None:
        return ()
    if not frame.encrypted:
        return spoken_in(frame)
    # What a sealed frame says is not told from; how it is framed is.
    return _FRAMED[frame.form]


def _advice(
    connection: Connection, keyring: Keyring, problem: str, device: UUID | None, frame: Frame | None
) -> str:
    if problem == "wrong_key" and device is not None and frame is not None:
        key = key_of(connection, keyring, device)
        form = None if key is None else other_form(key, frame)
        if form is not None:
            return str(form)
    if not problem:
        return ""
    if problem == "no_key" and device is None:
        return str(NOT_ADDED_NO_KEY)
    return str(ADVICE.get(problem) or _("See the page of this protocol in the documentation."))


def other_form(key: bytes, frame: Frame) -> Any:
    """Why a right key does not open a frame: typed here as characters where the panel takes
    hexadecimal digits, or the other way; None where neither opens it."""
    try:
        digits = bytes.fromhex(key.decode("ascii"))
    except ValueError:
        digits = b""
    tries = [(digits, KEY_AS_HEX)]
    tries += [(text.encode(), KEY_AS_TEXT) for text in (key.hex(), key.hex().upper())]
    for other, why in tries:
        if len(other) not in (16, 24, 32):
            continue
        try:
            opened = unseal(frame, other)
        except BadFrame:
            continue
        if opened.sent_at is not None:  # else a wrong key may have done it by chance
            return why
    return None
