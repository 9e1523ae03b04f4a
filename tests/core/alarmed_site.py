"""A site with one panel whose alarms are confirmed, taken back, or heard late."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.world import SYSTEM, World
from tocsin.core.assurance import Assurance, require_dispatch
from tocsin.core.confirmation import Confirming
from tocsin.core.incidents.state import Incident
from tocsin.core.signals import Signal
from tocsin.core.terms import Reason, Refused


def refused_to_machine(incident: Incident) -> Reason | None:
    """Why only a person may send units to it; None where a machine may."""
    try:
        require_dispatch(SYSTEM, incident)
    except Refused as refused:
        return refused.reason
    return None


@dataclass
class AlarmedSite:
    """`hear` is a signal of its panel, authenticated unless said otherwise."""

    confirming: Confirming = field(default_factory=Confirming)
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.site, self.panel = self.world.id(), self.world.id()

    def hear(self, code: str, zone: str = "", *, age_s: float | None = None, **more: Any) -> UUID:
        """`age_s`: how long ago its device says that it occurred."""
        if len(code) == 4:  # Contact ID with its qualifier
            more |= {"token": "ADM-CID", "qualifier": code[0]}
            code = code[1:]
        told = {"assurance": Assurance.AUTHENTICATED, "device": self.panel}
        occurred_at = None if age_s is None else self.world.now - timedelta(seconds=age_s)
        return self.world.hear(
            code,
            zone,
            site=self.site,
            confirming=self.confirming,
            occurred_at=occurred_at,
            **(told | more),
        )

    def after(self, seconds: float) -> None:
        """Time passes; what falls due speaks."""
        self.world.pass_time(seconds=seconds)

    @property
    def ids(self) -> list[UUID]:
        return self.world.incidents()

    @property
    def id(self) -> UUID:
        """The newest incident."""
        return self.ids[-1]

    @property
    def incident(self) -> Incident:
        return self.world.incident(self.id)

    def signal(self, one: UUID) -> Signal:
        return self.world.signal(one)
