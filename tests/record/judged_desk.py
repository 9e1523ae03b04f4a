"""Sites whose devices signal, and what became of each signal."""

import itertools
from uuid import UUID

from random_history import hear, site_row
from record_desk import Desk

from tocsin.core.signals import SignalRead
from tocsin.record.heard_rows import Heard
from tocsin.record.sites import import_sites
from tocsin.record.views import get_row

accounts = itertools.count(0xA000)


def account_of_a_site(desk: Desk) -> str:
    account = f"{next(accounts):X}"
    report = import_sites(desk.connection, desk.keyring, [site_row(account)], agency="fire")
    assert report.rows_ok == 1
    return account


def signal(
    desk: Desk, account: str, code: str = "FA", text: str = "", source: str = "192.0.2.9"
) -> UUID:
    row = desk.connection.execute(
        "SELECT id, site FROM ref.device WHERE account = %s", (account,)
    ).fetchone()
    device, site = row if row is not None else (None, None)
    read = SignalRead(protocol="dc09", token="SIA-DCS", account=account, code=code, text=text)
    return hear(
        desk.connection,
        desk.keyring,
        Heard(
            received_at=desk.now,
            intake="dc09.tcp",
            protocol="dc09",
            source=source,
            body=b"frame of " + account.encode(),
            answer="ack",
            district="huangpu",
            agency="fire",
            device=device,
            site=site,
            signals=(read,),
        ),
    )


def judged(desk: Desk, one: UUID) -> tuple[str, str | None]:
    row = get_row(desk.connection, "signals", one)
    desk.connection.rollback()
    assert row is not None
    return row["verdict"], row["incident"]
