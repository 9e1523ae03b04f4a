"""Public reports: received at once, each with a code by which its sender alone can follow it. What
a report says is in the log, sealed; here is only which code belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from tocsin.core.obligations import DEFAULT_OBLIGATIONS, Obligations
from tocsin.core.reports import Collecting, Hurt, ReceiveReport, ReportKind
from tocsin.core.terms import Actor, Place, Reason, Refused, Role
from tocsin.record.counting import count_one
from tocsin.record.database import Connection
from tocsin.record.facts import StoredFact, canonical
from tocsin.record.handle import KeyReused, handle
from tocsin.record.keys import Keyring
from tocsin.record.report_codes import code_of

CARDS_MAX: Final = 20
"""Collecting cards open at once; one more takes whatever fits none of them."""

CELL_DEGREES: Final = 0.02
"""Side of the area of a collecting card: about 2.2 km from north to south."""

_TRIES_MAX: Final = 3
_OPENING_LOCK: Final = 0x7265706F7274  # "report": one collecting card is opened at a time


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody filled in. `place` in the words of its sender is `where`."""

    kind: ReportKind
    hurt: Hurt
    where: str
    text: str = ""
    phone: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """`replayed`: it was received before, under the same token; `same`: with the same content."""

    code: str
    collected: bool
    replayed: bool = False
    same: bool = True


def receive(
    connection: Connection,
    keyring: Keyring,
    report: Report,
    *,
    token: bytes,
    collecting: tuple[Collecting, str] | None,
    district: str,
    agency: str,
    now: datetime,
    obligations: Obligations = DEFAULT_OBLIGATIONS,
    is_rehearsal: bool = False,
) -> Received:
    """Open an incident for the report, or put it on a collecting card; commits.

    The same `token` (16 bytes) is the same report, however often it is sent. `collecting` says why
    it may not open an incident of its own, and what its network address is known by. Raises what
    `handle` raises: then nothing is known to be kept.
    """
    if before := received_before(connection, keyring, report, token=token):
        return before
    code = _code(keyring, token)
    digest, content = digest_of(keyring, code), _content(keyring, report, token)
    why, key = (None, "") if collecting is None else _card_key(connection, *collecting, report)
    report_id = UUID(bytes=keyring.fingerprint(b"tocsin.report.id\n" + token)[:16], version=4)
    command = _command(report, report_id, district, agency, why, key)

    def also(opened: Connection, facts: list[StoredFact]) -> None:
        opened.execute(_KEEP, (digest, report_id, facts[0].incident, now, bool(key), content))
        count_one(opened, "report.collected" if key else "report.received", now)

    def opened_or_joined(into: UUID | None) -> None:
        handle(
            connection,
            keyring,
            replace(command, into=into),
            actor=sender(agency),
            key=f"report:{token.hex()}",
            now=now,
            obligations=obligations,
            also=also,
            is_rehearsal=is_rehearsal,
        )

    try:
        if key:
            _collected(connection, key, opened_or_joined)
        else:
            opened_or_joined(None)
    except KeyReused:
        # The same form, sent twice at once: the other one was first.
        before = received_before(connection, keyring, report, token=token)
        if before is None:
            raise
        return before
    return Received(code, collected=bool(key))


def _command(
    report: Report,
    report_id: UUID,
    district: str,
    agency: str,
    collecting: Collecting | None,
    source_key: str,
) -> ReceiveReport:
    return ReceiveReport(
        report_id,
        report.kind,
        report.hurt,
        report.where,
        district,
        agency,
        text=report.text,
        phone=report.phone,
        place=report.place,
        collecting=collecting,
        source_key=source_key,
    )


def received_before(
    connection: Connection, keyring: Keyring, report: Report, *, token: bytes
) -> Received | None:
    """What was answered to this token before; None if nothing was received under it."""
    code = _code(keyring, token)
    row = connection.execute(_KNOWN, (digest_of(keyring, code),)).fetchone()
    connection.rollback()
    if row is None:
        return None
    collected, content = row
    same = content == _content(keyring, report, token)
    return Received(code, collected=collected, replayed=True, same=same)


def count_turned_away(connection: Connection, now: datetime) -> None:
    """A report that was not kept, and its sender told so: the desk sees how many. Commits."""
    count_one(connection, "report.turned_away", now)
    connection.commit()


def sender(agency: str) -> Actor:
    """Who acts in the log for all senders of public reports alike. No role of an account or token
    may send what it sends."""
    return Actor("public_report", "Public report", Role.SERVICE, agency)


def digest_of(keyring: Keyring, code: str) -> bytes:
    """What is kept of a code: without the key outside the database it cannot be tried out."""
    return keyring.fingerprint(b"tocsin.report.digest\n" + code.encode())


_KEEP: Final = """
INSERT INTO heard.report (code_digest, report, incident, received_at, collected, content)
VALUES (%s, %s, %s, %s, %s, %s)"""
_KNOWN: Final = "SELECT collected, content FROM heard.report WHERE code_digest = %s"
_CARD: Final = """
SELECT id FROM view.incident WHERE open AND source_key = %s ORDER BY opened_at DESC LIMIT 1"""
_CARDS: Final = """
SELECT DISTINCT source_key FROM view.incident
WHERE open AND source_key <> '' AND starts_with(source_key, 'report/')"""


def _code(keyring: Keyring, token: bytes) -> str:
    # Made from the token, so that who sends the same form again is told the same code.
    return code_of(keyring.fingerprint(b"tocsin.report.code\n" + token))


def _content(keyring: Keyring, report: Report, token: bytes) -> bytes:
    # Under the form's own token, so that equal words of two reports have nothing in common.
    return keyring.fingerprint(b"tocsin.report.content\n" + token + canonical(report))


def _card_key(
    connection: Connection, why: Collecting, network: str, report: Report
) -> tuple[Collecting, str]:
    """What the report's collecting card is found by. Places and networks can be made up, so cards
    for them are not opened without end."""
    key = f"report/{why}/{network}"
    if why is Collecting.AREA:
        key = f"report/{why}/{_cell(report.place)}/{report.kind}"
    open_now = {one for (one,) in connection.execute(_CARDS)}
    connection.rollback()
    if key in open_now or len(open_now) < CARDS_MAX:
        return why, key
    return Collecting.REST, f"report/{Collecting.REST}"


def _cell(place: Place | None) -> str:
    if place is None:
        return "unplaced"
    return f"{round(place.lat / CELL_DEGREES)},{round(place.lon / CELL_DEGREES)}"


def _collected(
    connection: Connection, key: str, opened_or_joined: Callable[[UUID | None], None]
) -> None:
    """On the open card of `key`, or on a new one. A card may be closed at the same moment."""
    for _ in range(_TRIES_MAX):
        into = _card(connection, key)
        try:
            if into is not None:
                opened_or_joined(into)
            else:
                _open_one(connection, key, opened_or_joined)
        except Refused as refusal:
            if refusal.reason not in (Reason.INCIDENT_CLOSED, Reason.INCIDENT_MERGED):
                raise
        else:
            return
    opened_or_joined(None)


def _card(connection: Connection, key: str) -> UUID | None:
    row = connection.execute(_CARD, (key,)).fetchone()
    connection.rollback()
    return None if row is None else row[0]


def _open_one(
    connection: Connection, key: str, opened_or_joined: Callable[[UUID | None], None]
) -> None:
    """Of two who find no card, the second finds the first one's. The lock is the session's: the
    transaction in between commits."""
    connection.execute("SELECT pg_advisory_lock(%s)", (_OPENING_LOCK,))
    connection.commit()
    try:
        opened_or_joined(_card(connection, key))
    finally:
        if not connection.closed and not connection.broken:
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(%s)", (_OPENING_LOCK,))
            connection.commit()
