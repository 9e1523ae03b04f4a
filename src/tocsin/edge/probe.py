"""The sending half of the built-in probe: a test alarm through each real socket, spoken as a device
speaks it, with the protocol's own acknowledgement. What became of it is asked elsewhere."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Final

from tocsin.edge import probe_http
from tocsin.edge.probe_target import NotAnswered, NotReached, Result, Target
from tocsin.wire.dc09 import frames as dc09
from tocsin.wire.mqtt.packets import (
    PUBACK,
    V3,
    Ack,
    ConnAck,
    Connect,
    Disconnect,
    Publish,
)
from tocsin.wire.mqtt.packets import decode as decode_mqtt
from tocsin.wire.mqtt.packets import encode as encode_mqtt
from tocsin.wire.sos_access import requests as sos

ANSWER_S: Final = 10.0
"""A panel would have given up by then too."""

READ_BYTES_MAX: Final = 64 << 10
KEEP_ALIVE_S: Final = 30

Speak = Callable[[Target], Awaitable[None]]


async def send(
    targets: Sequence[Target], told: Callable[[Result], None], answer_s: float = ANSWER_S
) -> None:
    """Sends to all at once; `told` hears of each as soon as it is known. Returns within `answer_s`
    and a little."""
    await asyncio.gather(*(_one(target, told, answer_s) for target in targets))


async def _one(target: Target, told: Callable[[Result], None], answer_s: float) -> None:
    why = ""
    acknowledged_at = None
    try:
        async with asyncio.timeout(answer_s):
            await _SPEAKS[target.intake](target)
        acknowledged_at = datetime.now(UTC)
    except TimeoutError:
        why = f"no answer within {answer_s:g} s"
    except (NotReached, NotAnswered) as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what kept the alarm back
        why = f"{type(error).__name__}: {error}"
    told(Result(target.name, target.account, target.reached_at, acknowledged_at, why))


# -- DC-09 ----------------------------------------------------------------------------------------


def _dc09_frame(target: Target) -> dc09.Frame:
    """A periodic test (RP): should we not know it again, it opens nothing all the same."""
    return dc09.Frame(
        token="SIA-DCS",  # noqa: S106 - the kind of message
        sequence="0001",
        receiver=None,
        line="0",
        account=target.account,
        data=f"#{target.account}|Nri0/RP0".encode(),
        timestamp=dc09.write_timestamp(datetime.now(UTC)),
    )


def _acknowledges(target: Target, raw: bytes) -> bool:
    """Raises `NotAnswered` for any other answer to it."""
    try:
        answer = dc09.decode(raw)
    except dc09.BadFrame as error:
        raise NotAnswered(f"the answer is no frame: {error.reason}") from error
    if answer.account != target.account:
        return False
    if answer.token != "ACK":  # noqa: S105 - DC-09's word
        raise NotAnswered(f"answered {answer.token}")
    return True


async def _dc09(target: Target) -> None:
    raw = dc09.encode(_dc09_frame(target))
    if target.over == "udp":
        await _datagram(target, raw)
        return
    reader, writer = await _connect(target)
    try:
        writer.write(raw)
        await writer.drain()
        while not _acknowledges(target, await _until(reader, b"\r")):
            pass
    finally:
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002
        self.heard.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.heard.put_nowait(exc)


async def _datagram(target: Target, raw: bytes) -> None:
    loop = asyncio.get_running_loop()
    transport, datagrams = await loop.create_datagram_endpoint(
        _Datagrams, remote_addr=(target.address, target.port)
    )
    try:
        transport.sendto(raw)
        while True:
            # Whether somebody listens is known only from what comes back.
            heard = await datagrams.heard.get()
            if isinstance(heard, Exception):
                raise NotReached(str(heard)) from heard
            target.reached()
            if _acknowledges(target, heard):
                return
    except asyncio.CancelledError:
        target.reached()  # no error came back either: it was sent, and nobody answered
        raise
    finally:
        transport.close()


# -- other protocols on a stream ------------------------------------------------------------------


async def _sos_access(target: Target) -> None:
    request = sos.Request(
        sos.Kind.ALARM,
        reference=target.account,
        authentication=target.secret[:15],
        receiver="TOCSIN",
        transmittertype="PROBE",
        transmittercode=target.account,
        eventcode="RP",
    )
    reader, writer = await _connect(target)
    try:
        writer.write(sos.encode(request))
        await writer.drain()
        answer = await _until(reader, b"</alarmresponse>")
        if b"<status>0</status>" not in answer:
            raise NotAnswered(f"answered {answer[-120:].decode('latin-1')}")
    finally:
        writer.close()


async def _mqtt(target: Target) -> None:
    reader, writer = await _connect(target)
    try:
        connect = Connect(
            V3,
            target.account,
            keep_alive_s=KEEP_ALIVE_S,
            user=target.account,
            password=target.secret.encode(),
        )
        writer.write(encode_mqtt(connect, V3))
        accepted = decode_mqtt(await _mqtt_packet(reader), V3)
        if not isinstance(accepted, ConnAck) or accepted.code:
            raise NotAnswered(f"not let in: {accepted}")
        said = Publish(f"{target.account}/alarm", b'{"code":"RP"}', qos=1, packet_id=1)
        writer.write(encode_mqtt(said, V3))
        answer = decode_mqtt(await _mqtt_packet(reader), V3)
        if not isinstance(answer, Ack) or (answer.kind, answer.packet_id) != (PUBACK, 1):
            raise NotAnswered(f"answered {answer}")
        writer.write(encode_mqtt(Disconnect(), V3))
        await writer.drain()
    finally:
        writer.close()


async def _mqtt_packet(reader: asyncio.StreamReader) -> bytes:
    """One packet, whose answers have a length of one byte."""
    try:
        head = await reader.readexactly(2)
        return head + await reader.readexactly(head[1] & 0x7F)
    except asyncio.IncompleteReadError as error:
        raise NotAnswered("the connection was closed") from error


async def _mail(target: Target) -> None:
    await asyncio.to_thread(_mail_now, target)


def _mail_now(target: Target) -> None:
    message = EmailMessage()
    message["From"] = f"probe@{target.domain}"
    message["To"] = f"{target.account}@{target.domain}"
    message["Subject"] = "Tocsin test alarm [RP]"
    message["Message-ID"] = f"<{target.account}@{target.domain}>"
    message.set_content("A test alarm of Tocsin's own probe.\n")
    context = target.context
    client: smtplib.SMTP
    try:
        if target.over == "tls":
            assert context is not None
            client = smtplib.SMTP_SSL(
                target.address, target.port, timeout=ANSWER_S, context=context
            )
        else:
            client = smtplib.SMTP(target.address, target.port, timeout=ANSWER_S)
    except (OSError, smtplib.SMTPException) as error:
        raise NotReached(str(error)) from error
    with client:
        if target.over != "tls" and context is not None:
            client.starttls(context=context)
        target.reached()
        client.send_message(message)


# -- streams --------------------------------------------------------------------------------------


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises `NotReached`."""
    context = target.context if target.over == "tls" else None
    try:
        streams = await asyncio.open_connection(
            target.address, target.port, ssl=context, limit=READ_BYTES_MAX
        )
    except OSError as error:
        raise NotReached(str(error)) from error
    target.reached()
    return streams


async def _until(reader: asyncio.StreamReader, mark: bytes) -> bytes:
    try:
        return await reader.readuntil(mark)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise NotAnswered("the connection was closed without an answer") from error


_SPEAKS: Final[dict[str, Speak]] = {
    "dc09": _dc09,
    "mqtt": _mqtt,
    "sos_access": _sos_access,
    "mail": _mail,
    "webhook": probe_http.webhook,
    "aml": probe_http.aml,
    "cap": probe_http.cap,
    "call": probe_http.call,
    "report": probe_http.report,
}

PROBED: Final = frozenset(_SPEAKS)
