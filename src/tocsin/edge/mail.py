"""Alarm mails over SMTP: a mail is kept before the server that brings it hears 250. The dialogue is
aiosmtpd's; here are its bounds, whom we take mail for, and what is never offered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from tocsin.core.probing import is_reserved
from tocsin.edge.accepting import HANDSHAKE_S, Reception
from tocsin.edge.intake import Intake
from tocsin.edge.mail_settings import Settings
from tocsin.edge.senders import Sender
from tocsin.edge.sockets import tls_context
from tocsin.record.devices import Device
from tocsin.record.heard import NotKept
from tocsin.wire.mail.rules import Rules
from tocsin.wire.mail.signals import take

TURNED_AWAY: Final = b"421 4.3.2 Too many connections: come again later\r\n"

LINE_BYTES_MAX: Final = 64 << 10
"""Without an end of line: then the sender is cut off (a line of SMTP has 1,000)."""

COMMAND_BYTES_MAX: Final = 600  # RFC 5321, 4.5.3.1.4: 512, and what SIZE and SMTPUTF8 add

_ADDRESS: Final = re.compile(r"<(?:@[^:<>\s]*:)?([^<>\s]*)>(?:\s+(.*))?|([^<>\s]+)(?:\s+(.*))?")
_ACCOUNT: Final = re.compile(r"[a-z0-9._-]{1,64}")

# Replies that are refusals, and what each is counted under; the longest beginning first.
_COUNTED: Final = (
    ("421 4.7.0", "too_many_commands"),
    ("452 ", "too_many_recipients"),
    ("500 Command line too long", "line_too_long"),
    ("500 Line too long", "line_too_long"),
    ("500 ", "bad_command"),
    ("502 5.5.1 Too many", "too_many_bad_commands"),
    ("502 ", "not_offered"),
    ("530 ", "tls_required"),
    ("550 5.7.1", "relay_refused"),
    ("550 ", "no_such_address"),
    ("552 ", "too_big"),
)

# The library's log tells addresses, and every line of the dialogue.
logging.getLogger("mail.log").addFilter(lambda _: False)


async def serve(settings: Settings, intake: Intake) -> None:
    """Hears mail until `intake.stop` is set, then finishes what is in flight.

    Raises `AddressNotHad` where an address cannot be had, OSError for what may pass.
    """
    context: ssl.SSLContext | None = None
    if settings.tls_cert:
        client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
        context = tls_context(Path(settings.tls_cert), Path(settings.tls_key), client_ca)
    reception = Reception(intake)
    mailbox = _Mailbox(settings, intake)
    try:
        if settings.port >= 0:
            talk = partial(_talk, mailbox, reception, context, False)
            reception.listen(settings.host, settings.port, "tcp", talk, TURNED_AWAY)
        if settings.tls_port >= 0:
            talk = partial(_talk, mailbox, reception, context, True)
            reception.listen(settings.host, settings.tls_port, "tls", talk)
        await reception.until_stop()
    finally:
        await reception.close()
        mailbox.close()


async def _talk(
    mailbox: _Mailbox,
    reception: Reception,
    context: ssl.SSLContext | None,
    is_tls: bool,
    sock: socket.socket,
    sender: Sender,
) -> None:
    loop = asyncio.get_running_loop()
    dialogue = _Dialogue(mailbox, sender, "tls" if is_tls else "tcp", None if is_tls else context)
    try:
        with reception.idle():
            await loop.connect_accepted_socket(
                lambda: dialogue,
                sock,
                ssl=context if is_tls else None,
                ssl_handshake_timeout=HANDSHAKE_S if is_tls else None,
            )
    except BaseException:
        sock.close()
        raise
    try:
        while not dialogue.has_ended and not mailbox.intake.stop.is_set():
            with reception.idle():
                await dialogue.waits_for_us.wait()
            await dialogue.waits_for_sender.wait()
    finally:
        dialogue.end()


class _Mailbox:
    """What all connections share: whom we take mail for, and how a mail is kept."""

    def __init__(self, settings: Settings, intake: Intake) -> None:
        self.settings = settings
        self.intake = intake
        self._domains = frozenset(settings.domains)
        self._rules = Rules(settings.rules)
        # One at a time and beside the loop: a hostile mail may take a quarter of a second to be
        # read, and other ways in of this process are not to wait for it.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="mail")

    def close(self) -> None:
        """Reads no mail any more."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    # The names of the methods are aiosmtpd's.

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        """Without AUTH and HELP, which are not offered."""
        del server, envelope
        session.host_name = hostname
        offered = [one for one in replies if one[4:8] not in ("AUTH", "HELP")]
        offered[-1] = "250 " + offered[-1][4:]
        return offered

    async def handle_MAIL(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Notes only whether there is a sender: who it is concerns nobody."""
        del server, session, options
        envelope.mail_from = "<>" if address == "<>" else "somebody"
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Takes mail for our domains and for no other: we pass nothing on."""
        del server, session, options
        account, _, domain = address.lower().rpartition("@")
        if domain not in self._domains:
            return "550 5.7.1 Not a domain of ours, and nothing is passed on"
        if not _ACCOUNT.fullmatch(account):
            return "550 5.1.1 No such address can be here"
        if len(envelope.rcpt_tos) >= self.settings.recipients_max:
            return "452 4.5.3 Too many recipients"
        if account not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(account)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keeps the mail for each of its accounts; 250 says that all of them are on disk."""
        del session
        assert isinstance(server, _Dialogue)
        raw = envelope.original_content or b""
        devices = {account: self.intake.device(account) for account in envelope.rcpt_tos}
        # A mail to several devices holds the word of each: none of them stays in any copy.
        words = tuple(one.key for one in devices.values() if one is not None and one.key)
        is_bounce = envelope.mail_from == "<>"
        with server.in_hand():
            try:
                for account, device in devices.items():
                    await self._keep(server, raw, account, device, words, is_bounce=is_bounce)
            except NotKept:
                return "451 4.3.0 It cannot be kept now: send it again later"
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        """Whatever fails says nothing of the mail to its sender or to the log."""
        logging.getLogger("tocsin.edge").error(
            "a mail failed", extra={"intake": self.intake.name, "why": type(error).__name__}
        )
        self.intake.counts.refused("failed", "")
        return "451 4.3.0 It failed here: send it again later"

    async def _keep(
        self,
        dialogue: _Dialogue,
        raw: bytes,
        account: str,
        device: Device | None,
        words: tuple[bytes, ...],
        *,
        is_bounce: bool,
    ) -> None:
        intake = self.intake
        reading = partial(
            take,
            raw,
            account,
            is_known=device is not None,
            key=None if device is None else device.key,
            key_is_lost=device is not None and device.key_is_lost,
            others=words,
            now=datetime.now(UTC),
            rules=self._rules,
            codes_in_subject=self.settings.codes_in_subject,
            is_bounce=is_bounce,
        )
        taken = await asyncio.get_running_loop().run_in_executor(self._reader, reading)
        if taken.problem is not None and not is_reserved(account):
            intake.counts.refused(taken.problem, dialogue.sender.address)
        await intake.keep(
            source=dialogue.sender.address,
            body=taken.body,
            answer="ack",
            signals=taken.signals,
            device=device if taken.is_devices else None,
            problem=taken.problem,
            repeat_key=taken.repeat_key,
            is_named=taken.is_named,
            assurance="none",  # always: an e-mail vouches for nobody
            transport=dialogue.over,
        )


class _Dialogue(SMTP):
    """One connection: aiosmtpd's dialogue with the bounds that it lacks."""

    def __init__(
        self, mailbox: _Mailbox, sender: Sender, over: str, context: ssl.SSLContext | None
    ) -> None:
        settings = mailbox.settings
        self.sender = sender
        self.over = over
        self.has_ended = False
        self.waits_for_us = asyncio.Event()  # a mail is in hand, or the connection has ended
        self.waits_for_sender = asyncio.Event()
        self._mailbox = mailbox
        self._line_bytes = 0
        self._last = b""
        self._is_in_hand = False
        super().__init__(
            mailbox,
            data_size_limit=settings.message_bytes_max,
            enable_SMTPUTF8=True,
            hostname=settings.domains[0],
            ident="ESMTP",
            tls_context=context,
            require_starttls=settings.require_starttls,
            timeout=settings.idle_s,
            command_call_limit=settings.commands_max,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        # The library's own is shared by all connections, and grows with every EHLO.
        self.command_size_limits = defaultdict(lambda: COMMAND_BYTES_MAX)

    # -- the connection ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Cuts off a line without end, which the library would hoard."""
        end = (self._last + data).rfind(b"\r\n")
        since = len(self._last) + len(data) - end - 2
        self._line_bytes = self._line_bytes + len(data) if end < 0 else since
        self._last = data[-1:]
        if self._line_bytes > LINE_BYTES_MAX:
            self._count("line_too_long")
            cast("asyncio.Transport", self.transport).abort()
            return
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.has_ended = True
        self.waits_for_us.set()
        self.waits_for_sender.set()

    def end(self) -> None:
        """Closes what is still open."""
        if self.transport is not None:
            self.transport.close()

    @contextlib.contextmanager
    def in_hand(self) -> Iterator[None]:
        """While a mail is being kept, and until its sender has heard of it."""
        self._is_in_hand = True
        self.waits_for_sender.clear()
        self.waits_for_us.set()
        yield

    async def push(self, status: str | bytes) -> None:
        """One line of reply; refusals are counted."""
        line = status if isinstance(status, str) else status.decode("utf-8", "replace")
        for beginning, reason in _COUNTED:
            if line.startswith(beginning):
                self._count(reason)
                break
        await super().push(line)
        if self._is_in_hand:
            self._is_in_hand = False
            self.waits_for_us.clear()
            self.waits_for_sender.set()

    def _count(self, reason: str) -> None:
        self._mailbox.intake.counts.refused(reason, self.sender.address, b"")

    def _timeout_cb(self) -> None:
        self._count("timed_out")
        if self.transport is not None:
            self.transport.close()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Address and parameters. The library takes an address apart by the grammar of headers,
        which is deep and slow on what is none."""
        found = _ADDRESS.fullmatch(arg.strip())
        if found is None:
            return None, None
        bracketed, rest, bare, bare_rest = found.groups()
        address = bare if bracketed is None else bracketed or "<>"
        return address, rest or bare_rest or ""

    # -- commands ---------------------------------------------------------------------------------

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        """From here on in TLS; what came before counts no more (RFC 3207, 4.2)."""
        if arg or self.tls_context is None or self._tls_protocol is not None:
            await self.push("503 5.5.1 Not now")
            return
        clear = cast("asyncio.Transport", self.transport)
        clear.pause_reading()  # the sender's greeting is for TLS to read
        await self.push("220 2.0.0 Go ahead")
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            secure = await self.loop.start_tls(
                clear, self, self.tls_context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        except (OSError, TimeoutError):
            self._count("no_handshake")
            clear.abort()
            return
        if secure is None:
            return
        self._tls_protocol = cast("Any", secure)
        self.transport = secure
        self._reader._transport = secure  # type: ignore[attr-defined]  # noqa: SLF001
        self._writer._transport = secure  # type: ignore[attr-defined]  # noqa: SLF001
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session = self._create_session()
        self.session.ssl = {}
        self.over = "starttls"

    async def _not_offered(self, arg: str) -> None:
        del arg
        await self.push("502 5.5.1 Not offered")

    smtp_VRFY = smtp_EXPN = smtp_HELP = smtp_AUTH = _not_offered  # noqa: N815
