"""Messages in their two forms: packed and sealed together as an intake commits them, and in rows of
their own as `tocsin work` sorts them in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from tocsin.core.caller_places import CallerPlace
from tocsin.core.evidence import is_of_long_ago
from tocsin.core.signals import SignalRead
from tocsin.record import caller_places
from tocsin.record.database import Connection
from tocsin.record.floods import AUTHENTICATED, Floods, Lane
from tocsin.record.ids import following
from tocsin.record.keys import CannotOpen, seal, unseal
from tocsin.record.networks import network_of
from tocsin.record.sealing import DayKeys, body_binding, seal_text
from tocsin.record.turns import queue_of


class Heard(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """One message as it came. `received_at` is aware, UTC; `source` the sender's address.

    `answer` is what the sender will hear if it is kept; `problem` why it could not be understood.
    `signals` is None where the protocol's reader (record/arrivals.py) has them from the body, with
    the repeat key, where there is none yet: for messages whose answer does not depend on what they
    say.
    `repeat_key` is a digest that equal messages share, None where a repeat cannot be told;
    `is_named` where the sender gave the message a name of its own, under which it tries for days.
    `replay_key` is a digest of what an encrypted message says and when, whatever stands around it:
    None for what came in clear. Whoever sends that again repeats it too.
    `district` and `agency` are the device's, or the intake's own for an unknown source.
    `assurance` is `none`, `integrity` or `authenticated`: what the way that it came can vouch for.
    DC-09 itself vouches for nothing, encrypted or not (AES-CBC, fixed initial vector); inside TLS
    that nobody altered it, and who sent it where the panel's certificate names the account. MQTT
    and SOS Access: who sent it, by its secret, inside TLS. Webhooks: by their signature, without a
    signed time that nobody altered it. CAP: by a trusted signature, a partner's token or
    certificate. AML: by its signature. E-mail: nothing, ever.

    `caller_place` stands alone, without signals: such a message has a row of its own kind, which is
    gone within the hour (record/caller_places.py), and opens nothing.

    `is_sign_of_life` is False where it may have come from anybody: it does not show that its device
    is there, whose silence goes on.

    `opened` is what came encrypted in `body`, in clear, where it is read later: for the reader, and
    gone once it has read it.

    `apart` names the part of its device that floods, where it does (record/floods.py): then it
    waits in a queue of its own.

    `whose` is shown of a message without signals, and is not decided on.

    It is packed in the order of its fields, and each signal by their names: a new one goes to the
    end, with a default, so that what an earlier version has packed is still read.
    """

    received_at: datetime
    intake: str
    protocol: str
    source: str
    body: bytes
    answer: str
    district: str
    agency: str
    problem: str | None = None
    device: UUID | None = None
    site: UUID | None = None
    signals: tuple[SignalRead, ...] | None = ()
    repeat_key: bytes | None = None
    assurance: str = "none"
    is_named: bool = False
    caller_place: CallerPlace | None = None
    is_sign_of_life: bool = True
    opened: bytes | None = None
    replay_key: bytes | None = None
    apart: str = ""
    whose: SignalRead | None = None


def is_unproven(message: Heard) -> bool:
    """Whether anybody may have sent it, from an address that need not even be there: an unknown
    source, what comes in clear under a device that has a key, a datagram in clear, an e-mail. Who
    has opened a connection is at its address, and the bounds of one address hold there."""
    if message.device is None or not message.is_sign_of_life or message.protocol == "mail":
        return True
    return message.intake.endswith(".udp") and message.replay_key is None


def sender_of(message: Heard) -> str:
    """Whose queue its signals wait in: a known device's id, also when it reports on two ways, else
    the address; and what floods in a device's name apart from it."""
    sender = str(message.device) if message.device else network_of(message.source)
    return f"{sender} {message.apart}" if message.apart else sender


def is_of_now(message: Heard) -> bool:
    """Whether one of its signals, which have been read, is of now."""
    return any(not _is_old(message, read) for read in message.signals or ())


def _is_old(message: Heard, read: SignalRead) -> bool:
    return is_of_long_ago(read, message.received_at, is_clock_off=message.problem == CLOCK_OFF)


# -- as an intake commits them ------------------------------------------------------------------

_PACKED: Final = b"1"
"""The first byte: how the rest is packed."""

_ARRIVED: Final = b"arrived"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Heard, ...]).decode


def in_lanes(floods: Floods, messages: Iterable[Heard], last: UUID) -> dict[Lane, list[Heard]]:
    """The messages of one commit by lane, in their order; `last` is the last id that belongs to it.
    Those of a device that floods name their part of it."""
    lanes: dict[Lane, list[Heard]] = {}
    for message in messages:
        lane = floods.lane(
            message.device,
            message.source,
            last,
            message.is_sign_of_life,
            message.assurance == AUTHENTICATED,
        )
        if lane is Lane.FLOOD and message.device is not None:
            message = replace(message, apart=floods.apart(message.device))  # noqa: PLW2901
        if lane in lanes:
            lanes[lane].append(message)
        else:
            lanes[lane] = [message]
    return lanes


def pack(keys: DayKeys, arrival: UUID, messages: list[Heard]) -> bytes:
    """Messages of one commit, in their order, sealed under the key of the row's id. Raises
    `ValueError` for text that is not Unicode (a lone surrogate)."""
    return seal(keys.cipher(arrival.bytes), _PACKED + _pack(messages), _ARRIVED + arrival.bytes)


def unpack(keys: DayKeys, arrival: UUID, sealed: bytes) -> tuple[Heard, ...]:
    """What `pack` was given. Raises `KeyMissing`, `CannotOpen`."""
    packed = unseal(keys.cipher(arrival.bytes), sealed, _ARRIVED + arrival.bytes)
    if packed[:1] != _PACKED:
        raise CannotOpen(f"packed by another version of Tocsin, as {packed[:1]!r}")
    try:
        return _unpack(packed[1:])
    except msgspec.MsgspecError as error:
        raise CannotOpen(f"packed in another form: {error}") from error


# -- as rows ------------------------------------------------------------------------------------

CLOCK_OFF: Final = "clock_off"
"""The problem of a message in clear that its device stamped with a wrong time: kept all the same
(`tocsin.wire.dc09.answers`)."""

SIGNALS_MAX: Final = 65
"""Of one message (64 that were read, and the rest as text): so many ids are set aside for each."""


class Rows:
    """The rows of messages: built, sealed on the way, then written together."""

    def __init__(self, keys: DayKeys) -> None:
        self._cipher = keys.cipher
        self._fingerprint = keys.fingerprint
        self._messages: list[tuple[Any, ...]] = []
        self._further: list[tuple[Any, ...]] = []
        self._pending: list[tuple[Any, ...]] = []
        self._places: list[tuple[Any, ...]] = []

    def add(
        self,
        identifier: UUID,
        message: Heard,
        repeat_of: UUID | None = None,
        *,
        is_judged: bool | None = None,
    ) -> None:
        """Seal `message` under a key of its own and note its signals; a repeat's wait for nobody,
        unless `is_judged` says so (record/once_muted.py).

        The first signal has its message's id, those after it have the ids that follow. A message
        without one has a signal too, which says nothing but whose it is, where that is known, and
        is not decided on. Raises ValueError for more than SIGNALS_MAX.
        """
        if message.caller_place is not None:
            self._add_place(identifier, message, message.caller_place)
            return
        cipher = self._cipher(identifier.bytes)
        reads = message.signals or ()
        if len(reads) > SIGNALS_MAX:
            raise ValueError(f"{len(reads)} signals in one message")
        shown = reads[0] if reads else message.whose or _NOTHING
        read, text = _read_columns(shown, cipher, identifier)
        self._messages.append(
            (
                identifier,
                message.received_at,
                message.intake,
                message.protocol,
                message.source,
                seal(cipher, message.body, body_binding(identifier.bytes)),
                message.answer,
                message.problem,
                message.repeat_key,
                message.district,
                message.agency,
                message.device,
                message.site,
                message.assurance,
                repeat_of,
                *(read, text, message.replay_key),
            )
        )
        signals = [identifier] if reads else []
        signals += self._add_further(identifier, message, repeat_of)
        if repeat_of is None if is_judged is None else is_judged:
            self._queue(message, signals)

    def _add_further(self, identifier: UUID, message: Heard, repeat_of: UUID | None) -> list[UUID]:
        """The ids of its signals after the first."""
        cipher, signals = self._cipher(identifier.bytes), []
        for place, read in enumerate((message.signals or ())[1:], 1):
            signal = following(identifier, place)
            signals.append(signal)
            self._further.append(
                (
                    signal,
                    identifier,
                    message.received_at,
                    message.intake,
                    message.protocol,
                    message.source,
                    message.problem,
                    message.district,
                    message.agency,
                    message.device,
                    message.site,
                    message.assurance,
                    None if repeat_of is None else following(repeat_of, place),
                    *_read_columns(read, cipher, signal),
                )
            )
        return signals

    def _queue(self, message: Heard, signals: list[UUID]) -> None:
        known, sender = message.device is not None, sender_of(message)
        for signal, read in zip(signals, message.signals or (), strict=True):
            queue = queue_of(sender, _is_old(message, read))
            self._pending.append((signal, known, queue, 0, None))

    def _add_place(self, identifier: UUID, message: Heard, place: CallerPlace) -> None:
        owner = (message.district, message.agency, message.assurance)
        kept = caller_places.Kept(place, message.body)
        cipher, at = self._cipher(identifier.bytes), message.received_at
        self._places.append(
            caller_places.row(cipher, self._fingerprint, identifier, at, owner, kept)
        )

    @property
    def pending(self) -> int:
        """How many signals are to be decided on."""
        return len(self._pending)

    def write(self, connection: Connection) -> None:
        """Everything added, in the transaction that is open."""
        _copy(connection, "heard.message", _MESSAGE, self._messages)
        _copy(connection, "heard.further", _FURTHER, self._further)
        _copy(connection, _QUEUE, _PENDING, self._pending)
        caller_places.write(connection, self._places)


_MESSAGE: Final = (
    *("uuid", "timestamptz", "text", "text", "text", "bytea", "text", "text", "bytea"),
    *("text", "text", "uuid", "uuid", "text", "uuid", "bytea", "bytea", "bytea"),
)
_FURTHER: Final = (
    *("uuid", "uuid", "timestamptz", "text", "text", "text", "text", "text", "text"),
    *("uuid", "uuid", "text", "uuid", "bytea", "bytea"),
)
_QUEUE: Final = "heard.pending (signal, known, queue, failures, error)"
_PENDING: Final = ("uuid", "bool", "text", "int2", "text")


def _copy(
    connection: Connection, table: str, types: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    if not rows:
        return
    command = f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


_NOTHING: Final = SignalRead(protocol="", token="", account="")
_encode = msgspec.json.Encoder().encode


def _read_columns(read: SignalRead, cipher: AESGCM, signal: UUID) -> tuple[bytes, bytes | None]:
    """JSON of what was read, and its text, which may name a person, sealed apart."""
    if not read.text:
        return _encode(read), None
    return _encode(replace(read, text="")), seal_text(cipher, signal, read.text)
