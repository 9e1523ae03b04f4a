"""What an MQTT message says: its topic's dialect reads it to signals, and a retained one is told
from news. Nothing is lost: what no dialect reads becomes a signal without a code."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from tocsin.core.code_tables import FOUND
from tocsin.core.signals import SignalRead
from tocsin.wire.mqtt.dialects import DIALECTS
from tocsin.wire.mqtt.fields import USER, Properties
from tocsin.wire.mqtt.packets import Publish, encode
from tocsin.wire.mqtt.redaction import MARKER, is_named, redact, redact_text
from tocsin.wire.mqtt.saying import (
    STATUS_REPORT,
    TEXT_CHARS_MAX,
    Said,
    Topic,
    Unreadable,
    clean_text,
    printable,
)
from tocsin.wire.mqtt.topics import is_command, match

PROTOCOL: Final = "mqtt"
SIGNALS_MAX: Final = 64  # of one message; what stands behind them is kept as text
PLACE_CHARS_MAX: Final = 64  # of a zone or partition

RETAINED: Final = "retained"
UNREADABLE: Final = "unreadable"
COMMAND: Final = "command"
LAST_WILL: Final = "last_will"
BACK: Final = "connected"
BROKER: Final = "broker"
LOST: Final = "YC"
RESTORED: Final = "YK"

_KEYPADS: Final = frozenset({"home_assistant", "zigbee2mqtt"})  # dialects that keypads speak too

# Restores that a sensor repeats with each of its reports: they are news only after an alarm.
QUIET: Final = frozenset({"BR", "FR", "GR", "WR", "TR", "XR", "PR", "UR"})


State = frozenset[tuple[Any, ...]]
"""What a topic says is so: its signals without those that only say that all is well."""


class Reading(NamedTuple):
    """One message. `body`: the packet as it may be kept. `problem`: why it is no ordinary one.
    `is_news` is False for what the dialect knows to say nothing (a tracker's further reports)."""

    signals: tuple[SignalRead, ...]
    body: bytes
    state: State
    problem: str | None = None
    is_news: bool = True
    removed: int = 0


def topic_of(topics: Iterable[Topic], name: str) -> tuple[Topic, tuple[str, ...]] | None:
    """The first entry whose filter matches, and what stands for its wildcards."""
    for one in topics:
        found = match(one.filter, name)
        if found is not None:
            return one, found
    return None


def account_of(topic: Topic, found: tuple[str, ...]) -> str:
    """The account of a broker's message: as configured, `{1}` being the first wildcard's text."""
    account = topic.account
    for place, part in enumerate(found, 1):
        account = account.replace(f"{{{place}}}", part)
    return account


def read(publish: Publish, raw: bytes, version: int, topic: Topic, account: str) -> Reading:
    """The signals of a message and the bytes of it that may be kept. Never an error."""
    line = topic_digest(publish.topic)
    dialect = topic.dialect
    if is_command(publish.topic) and topic.filter != publish.topic:
        text = "a command topic, not read"
        signal = _signal(COMMAND, account, line, Said(STATUS_REPORT, text=text))
        body = _kept(publish, MARKER.encode(), raw, version)
        return Reading((signal,), body, frozenset(), COMMAND, removed=1)
    code_at = topic.at.get("code", "") if dialect == "generic" else ""
    clean = redact(
        publish.payload,
        publish.topic,
        code_at=code_at,
        digits_say=bool(code_at),
        is_keypads=dialect in _KEYPADS,
    )
    body = _kept(publish, clean.payload, raw, version)
    problem, is_news = None, True
    said: list[Said]
    token = dialect
    try:
        if publish.payload:
            said = DIALECTS[dialect](clean, publish.topic, topic)
            is_news = bool(said)
        else:
            said = [Said(STATUS_REPORT, text="the retained state was cleared")]
    except Unreadable as unreadable:
        token = problem = UNREADABLE
        shown = printable(clean.payload)
        said = [Said("", text=f"{publish.topic}: {unreadable}: {shown}")]
    if len(said) > SIGNALS_MAX:
        rest = printable(clean.payload)
        said = [*said[:SIGNALS_MAX], Said("", text=rest)]
    signals = tuple(_signal(token, account, line, one, topic) for one in said)
    return Reading(signals, body, state(signals), problem, is_news, clean.removed)


def will(publish: Publish, version: int, topic: Topic, account: str) -> Reading:
    """The connection was lost: the device's own words where they say what, else `YC`."""
    reading = read(publish, encode(publish, version), version, topic, account)
    line = topic_digest(publish.topic)
    if reading.problem is None and any(one.code != STATUS_REPORT for one in reading.signals):
        return reading._replace(signals=tuple(replace(s, token=LAST_WILL) for s in reading.signals))
    text = "connection lost unexpectedly"
    if reading.problem != COMMAND:
        text += f": {publish.topic}: {printable(_payload_of(reading, publish))}"
    signal = _signal(LAST_WILL, account, line, Said(LOST, text=text))
    return reading._replace(signals=(signal,), state=state((signal,)), problem=None)


def _payload_of(reading: Reading, publish: Publish) -> bytes:
    return MARKER.encode() if reading.removed else publish.payload


def back(account: str) -> SignalRead:
    """A device whose connection was lost has connected again."""
    return _signal(BACK, account, None, Said(RESTORED, text="connected again"))


def broker_lost(name: str) -> Reading:
    """A site's broker cannot be reached: nobody is heard through it."""
    return _of_broker(name, Said(LOST, text=f"no connection to the broker {name}"))


def broker_back(name: str) -> Reading:
    """It can be reached again."""
    return _of_broker(name, Said(RESTORED, text=f"connected to the broker {name} again"))


def _of_broker(name: str, said: Said) -> Reading:
    return Reading((_signal(BROKER, name, None, said),), said.text.encode(), frozenset())


def told(
    reading: Reading, *, is_retained: bool, last: State | None, is_doubtful: bool = False
) -> tuple[SignalRead, ...]:
    """What of a message is to be decided on. `last`: the topic's state before it, None where we do
    not know of any; `is_doubtful`: there may have been one, or it may be of now all the same.

    A retained message that says what we know already is a status report: it opens nothing. One
    that differs is told as it is, and marked: it happened while we were away. One of a topic that
    we never heard is a state that we found, for somebody to look at; in doubt it alarms.
    """
    signals = reading.signals
    if is_retained and reading.problem != COMMAND:
        if last is not None and reading.state == last:
            words = "; ".join(_words(one) for one in signals) or "all clear"
            first = signals[0] if signals else _signal(RETAINED, "", None, Said(STATUS_REPORT))
            text = f"retained state, known already: {words}"[:TEXT_CHARS_MAX]
            known = Said(STATUS_REPORT, text=text, zone=first.zone, partition=first.partition)
            return (_signal(RETAINED, first.account, first.line, known),)
        mark = FOUND if last is None and not is_doubtful else f".{RETAINED}"
        return tuple(replace(one, token=one.token + mark) for one in signals)
    if last is not None and reading.state == last:
        return tuple(one for one in signals if not is_quiet(one))
    return signals


def is_quiet(read: SignalRead) -> bool:
    """A sensor says that all is well."""
    return read.code in QUIET and read.token.split(".")[0] == "zigbee2mqtt"


def state(signals: Iterable[SignalRead]) -> State:
    """What these signals say is so; the same for those read back from the record."""
    return frozenset(
        (one.code, one.qualifier, one.zone, one.partition, one.occurred_at)
        for one in signals
        if not is_quiet(one)
    )


def is_state_row(read: SignalRead) -> bool:
    """Whether a recorded signal tells a topic's state: not one that only confirmed it."""
    return read.line is not None and read.token not in (RETAINED, LAST_WILL, COMMAND)


def topic_digest(topic: str) -> str:
    """Stands for a topic where its words, which may name a person, are not to be read."""
    return blake2b(topic.encode(), digest_size=8).hexdigest()


def repeat_key(account: str, publish: Publish, generation: bytes = b"") -> bytes:
    """16 bytes that a message and its resending share: account, packet id, topic and content.
    `generation` sets apart messages that are alike in all of these and are none."""
    words = f"{account}\0{publish.packet_id}\0{publish.topic}\0".encode()
    digest = blake2b(words, digest_size=16, key=generation)
    digest.update(publish.payload)
    return digest.digest()


def _signal(
    token: str, account: str, line: str | None, said: Said, topic: Topic | None = None
) -> SignalRead:
    return SignalRead(
        PROTOCOL,
        token,
        account,
        line=line,
        code=said.code,
        codes=said.codes if said.code else "",
        qualifier=said.qualifier,
        zone=(said.zone or ("" if topic is None else topic.zone))[:PLACE_CHARS_MAX],
        partition=(said.partition or ("" if topic is None else topic.partition))[:PLACE_CHARS_MAX],
        text=clean_text(said.text),
        occurred_at=said.occurred_at,
    )


def _words(read: SignalRead) -> str:
    return f"{read.code} {read.text}".strip()


def _kept(publish: Publish, payload: bytes, raw: bytes, version: int) -> bytes:
    """The packet's own bytes where nothing had to be taken out of them."""
    properties = _clean_properties(publish.properties)
    if payload == publish.payload and properties == publish.properties:
        return raw
    return encode(replace(publish, payload=payload, properties=properties), version)


def _clean_properties(found: Properties) -> Properties:
    return tuple(
        (name, (value[0], MARKER if is_named(value[0]) else redact_text(value[1])[0]))
        if name == USER
        else (name, redact_text(value)[0] if isinstance(value, str) else value)
        for name, value in found
        if name != "correlation_data"
    )
