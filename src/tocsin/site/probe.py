"""The built-in probe, run by `tocsin clock`: neither by `edge` nor by `work`, whose failures it is
to find. It sends, looks how far each test alarm has come, and opens the incident itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from prometheus_client import Gauge

from tocsin.core.probing import (
    NONCE_DIGITS,
    Standing,
    account_of,
    after,
)
from tocsin.edge import probe as sending
from tocsin.edge.probe_target import Result, Target, client_context
from tocsin.record import probing
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring
from tocsin.record.probe_secret import secret
from tocsin.record.probing import Expected, Socket, Under
from tocsin.site.addresses import is_loopback
from tocsin.site.configuration import Configuration
from tocsin.site.doors import through
from tocsin.site.language import say
from tocsin.site.probe_cards import Cards

SETTLE_SHARE: Final = 0.9
"""A test alarm has so much of the interval to be judged, then it is missed."""

FIRST_AGAIN_S: Final = 5.0
"""After a restart of the clock the next round waits at least so long: others start up too."""

_MISSES: Final = Gauge("tocsin_probe_misses", "Test alarms missed in a row.", ["intake"])
_ARRIVED: Final = Gauge(
    "tocsin_probe_arrived_time", "When the last test alarm arrived, seconds since 1970.", ["intake"]
)

logger = logging.getLogger("tocsin.probe")


def host_name() -> str:
    """Of this machine: its own ways in are probed from here."""
    return socket.gethostname()


class Prober:
    """One per clock. What it knows is in tables, so another one may go on at any time."""

    def __init__(
        self,
        keyring: Keyring,
        chosen: Configuration,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` gives seconds that nobody sets: the pace is kept whatever the clock says."""
        self._monotonic = monotonic
        self._keyring = keyring
        self._chosen = chosen
        self._settings = chosen.probe
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._sending: threading.Thread | None = None
        self._next_at: float | None = None
        self._begun_at: float | None = None  # None: by the process before this one
        # Known before it is counted, however short the interval is.
        self._answer_s = min(sending.ANSWER_S, chosen.probe.interval_s / 2)
        self._cards = Cards(keyring, chosen)

    def turn(self, connection: Connection) -> int:
        """Sends where it is time, and counts what has come to its end; how many. Commits."""
        now = datetime.now(UTC)
        if not self._settings.enabled:
            if self._next_at is None:
                self._next_at = self._monotonic()
                why = say("the probe is switched off", "自检已关闭")
                probing.begin(connection, [], dict.fromkeys(expected_names(self._chosen), why), now)
            return 0
        done = self._note_results(connection)
        done += self._settle(connection, now)
        if self._is_time(connection, now):
            self._next_at = self._monotonic() + self._settings.interval_s
            self._begin(connection, now)
            done += 1
        return done

    # -- sending ----------------------------------------------------------------------------------

    def _is_time(self, connection: Connection, now: datetime) -> bool:
        if self._next_at is None:
            wait_s = float(self._settings.interval_s)
            last = probing.last_round(connection)
            if last is not None:
                since_s = (now - last).total_seconds()
                wait_s = min(max(wait_s - since_s, FIRST_AGAIN_S), wait_s)
            self._next_at = self._monotonic() + wait_s
        if self._sending is not None and self._sending.is_alive():
            return False
        return self._monotonic() >= self._next_at

    def _begin(self, connection: Connection, now: datetime) -> None:
        found = probing.listening(connection, host_name())
        targets, lost, skipped = self._targets(found)
        expected = [Expected(one.name, one.account, one.address) for one in targets]
        expected += [Expected(name, _account(name), "") for name in lost]
        probing.begin(connection, expected, skipped, now)
        self._begun_at = self._monotonic()
        self._sending = threading.Thread(
            target=asyncio.run,
            args=(sending.send(targets, self._results.put, self._answer_s),),
            name="probe sends",
            daemon=True,
        )
        self._sending.start()

    def _targets(
        self, found: Sequence[Socket]
    ) -> tuple[list[Target], list[str], Mapping[str, str]]:
        """Where test alarms go; ways in that are switched on and listen nowhere; and those that are
        left out, each with the reason."""
        skipped = {}
        wanted = []
        for name in expected_names(self._chosen):
            why = self._settings.off.get(name) or self._why_not(name)
            if why:
                skipped[name] = why
            else:
                wanted.append(name)
        targets, lost = [], []
        for name in wanted:
            here = _socket_of(found, name)
            target = None if here is None else self._target(name, here)
            if target is None:
                lost.append(name)
            else:
                targets.append(target)
        return targets, lost, skipped

    def _why_not(self, name: str) -> str:
        """Why we could not send there, however well it works."""
        intake, _, over = name.partition(".")
        web = self._chosen.web
        if intake in ("call", "report"):
            if web.proxy and not web.tls_cert and not is_loopback(web.host):
                return say(
                    "the web server serves its proxy only: let a probe outside ask the proxy",
                    "网页服务只接受代理的连接，请从外部经代理探测",
                )
            return ""
        section = getattr(self._chosen.edge, intake)
        if over in ("tls", "https") and section.tls_client_ca and not self._settings.client_cert:
            return say(
                "asks for a client certificate, and probe.client_cert is not set",
                "要求客户端证书，而 probe.client_cert 未设置",
            )
        return ""

    def _target(self, name: str, here: Socket) -> Target | None:
        """None where its certificate cannot be read: then nobody can agree TLS with it either."""
        intake = name.partition(".")[0]
        account = _account(name)
        target = Target(
            intake=intake,
            over=here.over,
            address=_reachable(here.address),
            port=here.port,
            account=account,
            secret=secret(self._keyring, intake, account),
            district=self._chosen.district,
            agency=self._chosen.agency,
        )
        is_page = intake in ("call", "report")
        section: Any = self._chosen.web if is_page else getattr(self._chosen.edge, intake)
        if intake == "mail":
            target.domain = section.domains[0]
        starts_tls = intake == "mail" and here.over == "tcp" and section.require_starttls
        if here.over in ("tls", "https") or starts_tls:
            client = (
                ("", "") if is_page else (self._settings.client_cert, self._settings.client_key)
            )
            try:
                target.context = client_context(_file(section.tls_cert), *map(_file, client))
            except (OSError, ssl.SSLError) as error:
                logger.warning("no TLS for the probe", extra={"intake": name, "why": str(error)})
                return None
        return target

    # -- results ----------------------------------------------------------------------------------

    def _note_results(self, connection: Connection) -> int:
        noted = 0
        with contextlib.suppress(queue.Empty):
            while True:
                one = self._results.get_nowait()
                probing.sent(
                    connection,
                    one.account,
                    reached_at=one.reached_at,
                    acknowledged_at=one.acknowledged_at,
                    why=one.why,
                )
                noted += 1
        return noted

    def _settle(self, connection: Connection, now: datetime) -> int:
        """Counts each that has arrived, and each whose time is over."""
        over = [
            under
            for under in probing.unsettled(connection)
            if under.probe.has_arrived or self._is_over(under.probe.sent_at, now)
        ]
        if not over:
            return 0
        results = {under.intake: after(under.standing, under.probe) for under in over}
        standings = {intake: standing for intake, (standing, _) in results.items()}
        acts = {intake: act for intake, (_, act) in results.items()}
        self._cards.open(connection, over[0].probe.sent_at, standings, acts, now)
        self._cards.tell(connection, over, standings, acts, now)
        for under in over:
            self._count(connection, under, standings[under.intake], now)
        return len(over)

    def _is_over(self, sent_at: datetime, now: datetime) -> bool:
        """Whether a test alarm has had its time; also where the clock was set back and another
        process sent it, so that nobody knows."""
        if self._begun_at is None:
            waited_s = (now - sent_at).total_seconds()
        else:
            waited_s = self._monotonic() - self._begun_at
        return not 0 <= waited_s < self._settings.interval_s * SETTLE_SHARE

    def _count(
        self, connection: Connection, under: Under, standing: Standing, now: datetime
    ) -> None:
        if standing.misses:
            extra = {"intake": under.intake, "stage": standing.stage, "why": under.why}
            logger.error("a test alarm did not arrive", extra=extra)
        has_arrived = not standing.misses
        probing.settle(connection, under, standing, now, has_arrived=has_arrived)
        _MISSES.labels(under.intake).set(standing.misses)
        if has_arrived:
            _ARRIVED.labels(under.intake).set(now.timestamp())


def expected_names(chosen: Configuration) -> list[str]:
    """Every way in that is switched on: its intake, and how it is spoken there."""
    names = []
    edge = chosen.edge
    for intake in edge.__struct_fields__:
        section: Any = getattr(edge, intake)
        if intake == "dc09":
            names += ["dc09.tcp", "dc09.udp"] + ["dc09.tls"] * (section.tls_port >= 0)
        elif section.enabled:
            clear, tls = ("http", "https") if hasattr(section, "proxy") else ("tcp", "tls")
            names += [f"{intake}.{clear}"] * (section.port >= 0)
            names += [f"{intake}.{tls}"] * (section.tls_port >= 0)
    return [*names, "call", *(["report"] if chosen.public.report else [])]


def intakes_shown(chosen: Configuration) -> list[dict[str, object]]:
    """What the screen of intakes has to know of the settings."""
    shown = []
    for name in expected_names(chosen):
        intake, _, over = name.partition(".")
        is_page = intake in ("call", "report")
        section: Any = chosen.web if is_page else getattr(chosen.edge, intake)
        is_tls = bool(section.tls_cert) if is_page else over in ("tls", "https")
        shown.append(
            {
                "name": name,
                "is_tls": is_tls or bool(getattr(section, "proxy", "")),
                "asks_certificate": is_tls and not is_page and bool(section.tls_client_ca),
                "takes_unsigned": bool(getattr(section, "allow_unsigned", False)),
            }
        )
    return shown


def _socket_of(found: Sequence[Socket], name: str) -> Socket | None:
    """One of the sockets of that name; all of one name are served by one process."""
    wanted = ("web.http", "web.https") if name in ("call", "report") else (name,)
    return next((one for one in found if one.name in wanted), None)


def _reachable(address: str) -> str:
    """From here: a socket for every address is reached by the loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(address, address)  # noqa: S104


def _account(name: str) -> str:
    return account_of(name.partition(".")[0], os.urandom(NONCE_DIGITS // 2).hex())


def _file(path: str) -> str:
    return str(through(Path(path))) if path else ""
