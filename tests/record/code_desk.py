"""Code tables for the tests of the record: people, rows, sites and signals of an agency."""

import itertools
from uuid import UUID

from random_history import hear, site_row
from record_desk import NOW

from tocsin.core.codes.overrides import CodeOverride
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType, Level
from tocsin.record.code_force import put_in_force
from tocsin.record.code_tables import Scope, Who, save_draft, version
from tocsin.record.code_trial import try_version
from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard
from tocsin.record.keys import Keyring
from tocsin.record.sites import import_sites

LI = Who("user:li", "Li Wei")
WANG = Who("user:wang", "Wang Fang")
WHY = "agreed with the operator of the site"

_accounts = itertools.count(0xB000)
AGENCIES = itertools.count(1)


def row(code: str, effect: Effect = Effect.ALARM, **more: object) -> CodeOverride:
    values: dict[str, object] = {
        "list": "cid" if code.isdecimal() else "sia",
        "code": code,
        "effect": effect,
        "type": IncidentType.PANIC,
        "level": Level.P1,
        "needs_answer": effect in (Effect.ALARM, Effect.TROUBLE),
    }
    return CodeOverride(**values | more)  # type: ignore[arg-type]


TEXTS = {"text_zh": "店员求助", "text_en": "Staff call"}
CALL = row("BA", **TEXTS)


def a_site(connection: Connection, keyring: Keyring, agency: str) -> tuple[UUID, UUID, str]:
    """A site of the agency: its id, its device, the device's account."""
    account = f"{next(_accounts):X}"
    report = import_sites(connection, keyring, [site_row(account)], agency=agency)
    assert report.errors == []
    found = connection.execute(
        "SELECT site, id FROM ref.device WHERE account = %s", (account,)
    ).fetchone()
    assert found is not None
    return found[0], found[1], account


def a_signal(
    connection: Connection,
    keyring: Keyring,
    agency: str,
    at: tuple[UUID | None, UUID | None, str],
    code: str = "BA",
    zone: str = "7",
) -> UUID:
    site, device, account = at
    read = SignalRead("dc09", "SIA-DCS", account, code=code, zone=zone)
    one = Heard(
        received_at=NOW,
        intake="dc09.tcp",
        protocol="dc09",
        source="192.0.2.9",
        body=b"frame",
        answer="ack",
        district="huangpu",
        agency=agency,
        device=device,
        site=site,
        signals=(read,),
    )
    return hear(connection, keyring, one)


def begun(connection: Connection, scope: Scope, *rows: CodeOverride, tried: bool = True) -> int:
    number = save_draft(connection, scope, rows, LI, NOW)
    if tried:
        try_version(connection, version(connection, number), LI, NOW)
    return number


def enforced(connection: Connection, scope: Scope, *rows: CodeOverride) -> int:
    number = begun(connection, scope, *rows)
    put_in_force(connection, number, WANG, NOW, reason=WHY)
    return number
