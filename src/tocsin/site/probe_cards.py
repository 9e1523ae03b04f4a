"""The incidents that the built-in probe opens, and what it says on them later. By `record/handle`
itself, past `edge` and `work`, whose failures they tell of."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import msgspec

from tocsin.core.commands import AddNote
from tocsin.core.obligations import Obligations
from tocsin.core.probing import (
    CALLS,
    EVERY,
    Act,
    OpenProbeIncident,
    Stage,
    Standing,
    one_cause,
    told,
)
from tocsin.core.terms import Refused
from tocsin.record import probing
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.probing import Under
from tocsin.record.working import process_actor
from tocsin.site.configuration import Configuration

logger = logging.getLogger("tocsin.probe")


class Cards:
    """What it knows is in tables."""

    def __init__(self, keyring: Keyring, chosen: Configuration) -> None:
        self._keyring = keyring
        self._district, self._agency = chosen.district, chosen.agency
        self._obligations = Obligations(**msgspec.structs.asdict(chosen.obligations))

    def open(
        self,
        connection: Connection,
        sent_at: datetime,
        standings: dict[str, Standing],
        acts: Mapping[str, Act],
        now: datetime,
    ) -> None:
        """Notes the incidents that are opened in `standings`: one for each way in, or one for all
        of them where it is none of them that failed."""
        asking = [intake for intake, act in acts.items() if act is Act.OPEN]
        probed = [one["intake"] for one in probing.states(connection) if not one["skipped"]]
        stage = one_cause(standings, probed) if asking else None
        if stage is not None:
            theirs = [one for one in standings if one not in CALLS]
            mine = [one for one in asking if one not in CALLS]
            # Those that missed it for the first time are told of by the same one.
            of = [one for one in theirs if one in mine or standings[one].incident is None]
            if mine:
                self._opened(connection, sent_at, EVERY, stage, of, standings, now)
            asking = [one for one in asking if one in CALLS]
        for intake in asking:
            own = standings[intake].stage
            assert own is not None
            self._opened(connection, sent_at, intake, own, [intake], standings, now)

    def _opened(
        self,
        connection: Connection,
        sent_at: datetime,
        name: str,
        stage: Stage,
        intakes: Sequence[str],
        standings: dict[str, Standing],
        now: datetime,
    ) -> None:
        """Opens the incident of `name`, which tells of `intakes`, or says it on the one that waits:
        a way in that comes and goes fills no list of incidents."""
        incident = probing.waiting(connection, name, stage)
        if incident is None:
            since = min(standings[one].since or sent_at for one in intakes)
            incident = self._new(connection, sent_at, name, stage, since, now)
        else:
            self._note(connection, incident, intakes, sent_at, Act.MISSED_AGAIN, stage, now)
        for one in intakes:
            standings[one] = replace(
                standings[one], incident=incident, is_restored=False, told=stage
            )

    def _new(
        self,
        connection: Connection,
        sent_at: datetime,
        name: str,
        stage: Stage,
        since: datetime,
        now: datetime,
    ) -> UUID:
        outcome = handle(
            connection,
            self._keyring,
            OpenProbeIncident(name, stage, since, self._district, self._agency),
            actor=process_actor(self._agency),
            # Of this round: whoever closed the last one while it still fails hears of it again.
            key=f"probe:{name}:{sent_at.isoformat()}",
            now=now,
            obligations=self._obligations,
        )
        incident = outcome.facts[0].subject
        logger.error(
            "two test alarms did not arrive: an incident is open",
            extra={"intake": name, "stage": stage, "incident": str(incident)},
        )
        return incident

    def tell(
        self,
        connection: Connection,
        over: Sequence[Under],
        standings: Mapping[str, Standing],
        acts: Mapping[str, Act],
        now: datetime,
    ) -> None:
        """What is news on an incident that was open, once for all ways in that it tells of."""
        together: dict[tuple[UUID, Act, Stage | None], list[str]] = {}
        for under in over:
            act, standing = acts[under.intake], standings[under.intake]
            told_before = under.standing.incident
            if act is Act.OPEN and told_before != standing.incident:
                act = Act.MISSED_AGAIN  # another one tells of it now
            if told_before is not None and act in (Act.RESTORED, Act.MISSED_AGAIN):
                together.setdefault((told_before, act, standing.stage), []).append(under.intake)
        for (incident, act, stage), of in together.items():
            self._note(connection, incident, of, over[0].probe.sent_at, act, stage, now)

    def _note(
        self,
        connection: Connection,
        incident: UUID,
        intakes: Sequence[str],
        sent_at: datetime,
        act: Act,
        stage: Stage | None,
        now: datetime,
    ) -> None:
        try:
            handle(
                connection,
                self._keyring,
                AddNote(incident, told(intakes, act, stage)),
                actor=process_actor(self._agency),
                key=f"probe:{incident}:{'+'.join(intakes)}:{act}:{sent_at.isoformat()}",
                now=now,
                obligations=self._obligations,
            )
        except Refused as refusal:  # somebody did something with it at this moment
            logger.info("nothing noted", extra={"why": refusal.reason.value})
