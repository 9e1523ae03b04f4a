"""The command that judges one signal: what was heard, with all that the register knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from tocsin.core.assurance import Assurance
from tocsin.core.codes.meaning import Meaning
from tocsin.core.confirmation import AT_ONCE, Confirming
from tocsin.core.incidents.crowd import NO_EXCEPTIONS, Exceptions
from tocsin.core.incidents.steps import ActionPlan
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Place
from tocsin.core.zones import ZoneKind


@dataclass(frozen=True, slots=True)
class JudgeSignal:
    """What was read from something heard, with what the register knows about its source.

    `source` is the sender's network address without the port, `network` what its cards are counted
    by (`tocsin.record.networks`). `site` is None for an unknown source.
    `candidates` are the incidents it may belong to, newest first: for a known site its
    incidents that are open or merged; for an unknown source the open watch incidents with the same
    `source_key` or from the same address. `means` is what the code table `codes_version` of its
    site or agency says; None and 0 where the built-in tables decide. `on_test` are the tests at
    the site that run: whether one covers the signal is decided on their states. `assurance` is what
    its intake vouches for. `is_clock_off`: its device's clock is known to be wrong. `confirming` is
    what its site asks for, and `zone_kinds` what watches the zones of its device, by number, where
    the register says so and `confirming` needs it. `plan` is the action plan of its zone, else of
    its site. `blocks` are the block rules in force whose criteria name it. `exceptions` is what
    waits in its district; a crowd that the sender went into is the last of `candidates`.
    """

    signal: UUID
    read: SignalRead
    received_at: datetime
    district: str
    agency: str
    source: str = ""
    network: str = ""
    device: UUID | None = None
    site: UUID | None = None
    site_name_zh: str = ""
    site_name_en: str = ""
    place: Place | None = None
    repeat_of: UUID | None = None
    candidates: tuple[UUID, ...] = ()
    on_test: tuple[UUID, ...] = ()
    blocks: tuple[UUID, ...] = ()
    means: Meaning | None = None
    codes_version: int = 0
    assurance: Assurance = Assurance.NONE
    is_clock_off: bool = False
    confirming: Confirming = AT_ONCE
    zone_kinds: tuple[tuple[str, ZoneKind], ...] = ()
    plan: ActionPlan | None = None
    exceptions: Exceptions = NO_EXCEPTIONS
    synthetic: bool = False  # of our own probe (`tocsin.core.probing`), known by its nonce
    type: Literal["judge_signal"] = "judge_signal"
