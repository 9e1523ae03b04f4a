"""What a panel says, as it is when it has been sorted in and judged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tocsin.core.signals import SignalRead
from tocsin.record.database import connect
from tocsin.record.heard_rows import Heard, Rows
from tocsin.record.ids import uuid7
from tocsin.record.judging import judge_pending
from tocsin.record.sealing import DayKeys
from web_site import AGENCY, Site


def hear(
    site: Site,
    row: dict[str, Any] | None,
    code: str,
    zone: str = "",
    *,
    account: str = "",
    body: bytes = b"raw bytes",
    problem: str | None = None,
    address: str = "192.0.2.7",
    token: str = "SIA-DCS",
    whose: SignalRead | None = None,
) -> None:
    """One frame of a site's first device, or of an unknown account; with `whose`, one that says
    nothing else."""
    read = SignalRead(protocol="dc09", token=token, account=account, code=code, zone=zone)
    message = Heard(
        received_at=datetime.now(UTC),
        intake="dc09.tcp",
        protocol="dc09",
        source=address,
        body=body,
        answer="ack",
        district="north",
        agency=AGENCY,
        device=None if row is None else UUID(row["devices"][0]),
        site=None if row is None else UUID(row["id"]),
        signals=() if whose else (read,),
        problem=problem,
        whose=whose,
    )
    with connect(site.urls.application) as connection:
        rows = Rows(DayKeys(site.keyring))
        rows.add(uuid7(datetime.now(UTC)), message)
        rows.write(connection)
        connection.commit()
        while judge_pending(connection, site.keyring, datetime.now(UTC), 100):
            pass
