"""A signal: what a device told us, what it means, and whether it opened or joined an incident.

`SignalRead` is what `tocsin.wire` makes of a frame; the meaning of its code is looked up in
`tocsin.core.code_tables`, and `tocsin.core.judging` decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

import msgspec

from tocsin.core.assurance import Assurance
from tocsin.core.terms import IncidentType, Level


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where it is, as the sender says: degrees, the datum's name, uncertainty in metres if told."""

    lat: float
    lon: float
    datum: str = "WGS-84"
    radius_m: float | None = None


class SignalRead(msgspec.Struct, frozen=True, gc=False):
    """One event read from a frame, as the device said it.

    A struct and not a dataclass, because one is made for every frame of a storm.

    `code` is the code of the token's own list: two letters for SIA-DCS (`FA`), three digits for
    ADM-CID (`110`), empty for NULL. `qualifier` is `1` (new event or opening), `3` (restore or
    closing), `6` (still present) for ADM-CID, else empty. `zone` holds a zone or a user number;
    `text` is the device's own text. `occurred_at` is UTC, None where the device did not say.
    `codes` names the list that `code` is of, where the token does not (`sia`, `cid`, `cap`).
    `level` is the priority that the source itself gives, 1 to 4. `position` is where it says it is;
    a caller's own place is no `position` but text, which is sealed.
    """

    protocol: str
    token: str
    account: str
    receiver: str | None = None
    line: str | None = None
    sequence: int | None = None
    code: str = ""
    qualifier: str = ""
    zone: str = ""
    partition: str = ""
    text: str = ""
    occurred_at: datetime | None = None
    encrypted: bool = False
    codes: str = ""
    level: int | None = None
    position: Position | None = None


class Effect(StrEnum):
    """What kind of message a code is."""

    ALARM = "alarm"
    RESTORE = "restore"  # the cause of an alarm or trouble is gone
    TEST = "test"
    STATUS = "status"  # armed, disarmed, bypassed, programmed
    TROUBLE = "trouble"  # the equipment needs somebody
    UNKNOWN = "unknown"  # not in our tables


class Verdict(StrEnum):
    """What became of a signal."""

    OPENED = "opened"
    JOINED = "joined"
    RECORDED = "recorded"


class VerdictReason(StrEnum):
    """Why the verdict is what it is."""

    ALARM = "alarm"  # opened: an alarm with no open incident to belong to
    TROUBLE = "trouble"  # opened in the watch band: the equipment needs somebody
    UNKNOWN_CODE = "unknown_code"  # opened in the watch band: in doubt it alarms
    UNKNOWN_SOURCE = "unknown_source"  # opened in the watch band
    UNCONFIRMED = "unconfirmed"  # opened in the watch band: the site asks for a second alarm
    LATE = "late"  # opened in the watch band: it occurred more than an hour ago
    SAME_SITE = "same_site"
    SAME_SOURCE = "same_source"
    SAME_ADDRESS = "same_address"  # one address speaks for many unknown accounts
    BY_HAND = "by_hand"
    REPEAT = "repeat"
    TEST = "test"
    SYNTHETIC = "synthetic"  # our own probe's; of no device and no site
    OUTAGE = "outage"  # opened: many devices are silent at once
    NEEDS_ANSWER = "needs_answer"  # opened in the watch band: a status that somebody must act on
    NO_ANSWER_NEEDED = "no_answer_needed"  # recorded: so the site's or agency's code table
    ON_TEST = "on_test"  # recorded: what sent it is on test
    BLOCKED = "blocked"  # recorded: a block rule mutes what sent it
    CROWD = "crowd"  # so many exceptions at once that they share a card
    NOTHING_OPEN = "nothing_open"  # a restore or status with no open incident to belong to


MUTED: Final = frozenset({VerdictReason.ON_TEST, VerdictReason.BLOCKED})
"""Why what would have been told was recorded only."""


@dataclass(frozen=True, slots=True)
class SignalJudged:
    """What the signal means and what became of it. `late`: it occurred long before we heard it.

    `codes_version` is the version of the code table that gave the meaning, 0 for the built-in one;
    the texts are kept where a table gave them. `on_test` or `blocked` is what it was recorded
    under, and `would_have` what would have become of it otherwise. `assurance`: what vouches for
    it. `sender` is who went into a crowd with it: what it says next may be told there.
    """

    verdict: Verdict
    reason: VerdictReason
    effect: Effect
    type: IncidentType
    level: Level
    received_at: datetime
    district: str
    agency: str
    incident: UUID | None = None
    site: UUID | None = None
    device: UUID | None = None
    late: bool = False
    repeat_of: UUID | None = None
    codes_version: int = 0
    text_zh: str = ""
    text_en: str = ""
    on_test: UUID | None = None
    blocked: UUID | None = None
    would_have: Verdict | None = None
    assurance: Assurance = Assurance.NONE
    sender: str = ""


@dataclass(frozen=True, slots=True)
class SignalMoved:
    """A person found that it belongs to another incident."""

    incident: UUID
    moved_from: UUID


SignalFact = SignalJudged | SignalMoved


@dataclass(frozen=True, slots=True)
class Signal:
    """Everything the log says about one signal; what was heard itself is in `record.heard`."""

    verdict: Verdict
    reason: VerdictReason
    effect: Effect
    type: IncidentType
    level: Level
    received_at: datetime
    district: str
    agency: str
    incident: UUID | None = None
    site: UUID | None = None
    device: UUID | None = None
    late: bool = False
    repeat_of: UUID | None = None
    codes_version: int = 0
    text_zh: str = ""
    text_en: str = ""
    on_test: UUID | None = None
    blocked: UUID | None = None
    would_have: Verdict | None = None
    assurance: Assurance = Assurance.NONE
    sender: str = ""


def evolve(signal: Signal | None, fact: SignalFact) -> Signal:
    """The signal after `fact`. Never refuses."""
    match fact:
        case SignalJudged():
            return Signal(
                verdict=fact.verdict,
                reason=fact.reason,
                effect=fact.effect,
                type=fact.type,
                level=fact.level,
                received_at=fact.received_at,
                district=fact.district,
                agency=fact.agency,
                incident=fact.incident,
                site=fact.site,
                device=fact.device,
                late=fact.late,
                repeat_of=fact.repeat_of,
                codes_version=fact.codes_version,
                text_zh=fact.text_zh,
                text_en=fact.text_en,
                on_test=fact.on_test,
                blocked=fact.blocked,
                would_have=fact.would_have,
                assurance=fact.assurance,
                sender=fact.sender,
            )
        case SignalMoved():
            if signal is None:
                raise ValueError("SignalMoved without a signal before it")
            return replace(
                signal,
                verdict=Verdict.JOINED,
                reason=VerdictReason.BY_HAND,
                incident=fact.incident,
                sender="",
            )
        case _:
            assert_never(fact)
