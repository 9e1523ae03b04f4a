"""A district of its own, whose senders are muted: its devices, what is heard there, its rules."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from random_history import hear, site_row
from record_desk import LI, WANG, Desk

from tocsin.core.block_match import ANY
from tocsin.core.blocking import ApproveBlock, TryBlock
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Actor, Role
from tocsin.record.heard_rows import Heard, Rows
from tocsin.record.ids import uuid7
from tocsin.record.judging import judge_pending
from tocsin.record.sealing import DayKeys
from tocsin.record.sites import import_sites
from tocsin.record.views import get_row
from tocsin.record.views.rows import Row

HOUR = timedelta(hours=1)
CHIEF = replace(LI, role=Role.SUPERVISOR)
SECOND = replace(WANG, role=Role.SUPERVISOR)
_accounts = itertools.count(0xE000)
_districts = itertools.count(1)


class District:
    """A district of its own: what other tests heard is not of it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.name = f"block-{next(_districts)}"
        desk.actor = CHIEF

    def device(self) -> tuple[str, UUID, UUID]:
        account = f"{next(_accounts):X}"
        row = site_row(account, district=self.name)
        report = import_sites(self.desk.connection, self.desk.keyring, [row], agency="fire")
        assert report.errors == []
        found = self.desk.connection.execute(
            "SELECT id, site FROM ref.device WHERE account = %s", (account,)
        ).fetchone()
        assert found is not None
        self.desk.connection.rollback()
        return account, *found

    def heard(
        self,
        code: str,
        source: str = "198.51.100.7",
        device: tuple[str, UUID, UUID] | None = None,
        account: str = "F00D",
        zone: str = "7",
        repeat_of: UUID | None = None,
    ) -> UUID:
        name, known, site = device or (account, None, None)
        read = SignalRead("dc09", "SIA-DCS", name, code=code, zone=zone)
        message = Heard(
            received_at=self.desk.now,
            intake="dc09.tcp",
            protocol="dc09",
            source=source,
            body=b"frame",
            answer="ack",
            district=self.name,
            agency="fire",
            device=known,
            site=site,
            signals=(read,),
        )
        if repeat_of is None:
            return hear(self.desk.connection, self.desk.keyring, message)
        rows = Rows(DayKeys(self.desk.keyring))
        rows.add(one := uuid7(self.desk.now), message, repeat_of)
        rows.write(self.desk.connection)
        self.desk.connection.commit()
        return one

    def others(self, count: int) -> None:
        """So many other senders, each heard once."""
        for number in range(count):
            self.heard("RP", f"203.0.{number // 250}.{number % 250 + 1}", account="BEEF")

    def judge(self) -> None:
        while judge_pending(self.desk.connection, self.desk.keyring, self.desk.now):
            pass

    def rule(self, **fields: object) -> TryBlock:
        given: dict[str, object] = {
            "district": self.name,
            "protocol": ANY,
            "network": "198.51.100.0/24",
            "account": ANY,
            "code": ANY,
            "zone": ANY,
            "why": "Gateway sends without end",
            "until": self.desk.now + 12 * HOUR,
        }
        return TryBlock(**(given | fields))  # type: ignore[arg-type]

    def tried(self, **fields: object) -> tuple[UUID, dict[str, Any]]:
        fact = self.desk.do(self.rule(**fields)).facts[0]
        return fact.subject, fact.data["tried"]

    def incidents(self) -> int:
        found = self.desk.connection.execute(
            "SELECT count(*) FROM view.incident WHERE district = %s", (self.name,)
        ).fetchone()
        self.desk.connection.rollback()
        assert found is not None
        return int(found[0])

    def by(self, actor: Actor) -> Desk:
        self.desk.actor = actor
        return self.desk

    def approved(self, **fields: object) -> UUID:
        rule, _ = self.tried(**fields)
        self.by(SECOND).do(ApproveBlock(rule))
        self.by(CHIEF)
        return rule


def row_of(district: District, kind: str, one: UUID) -> Row:
    row = get_row(district.desk.connection, kind, one)
    district.desk.connection.rollback()
    assert row is not None
    return row
