"""Synthetic signals: test alarms and test calls that the built-in probe sends through every way in,
how far each has come, and when their absence is an incident. Only what the probe made and expects
is synthetic, so that nobody can hide an alarm by calling it a test."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from tocsin.core.incidents.facts import IncidentOpened, Source
from tocsin.core.obligations import deadline
from tocsin.core.terms import Context, IncidentType, Level, SubjectKind
from tocsin.core.texts.text import Text

MISSES_MAX: Final = 2
"""So many misses of one way in, one after the other, are an incident."""

SILENT_AFTER: Final = timedelta(minutes=3)
"""No result for so long shows that the probe itself is not running."""

AHEAD_MAX: Final = timedelta(seconds=5)
"""So far apart the clocks of two processes may be."""

PROBLEM: Final = "synthetic"
"""What stands at a message of the probe, where others say why they could not be understood."""

NONCE_DIGITS: Final = 12

_DC09: Final = "9E0B"
_OTHERS: Final = "tp."
_RESERVED: Final = re.compile(rf"{_DC09}[0-9A-F]{{12}}|tp\.[0-9a-f]{{12}}", re.IGNORECASE)


class Stage(StrEnum):
    """The first step on the road of a test alarm that did not happen in time."""

    NOT_REACHABLE = "not_reachable"  # nobody listens, or TLS cannot be agreed
    NOT_ACKNOWLEDGED = "not_acknowledged"  # sent, and the right answer did not come
    NOT_ON_RECORD = "not_on_record"  # answered, and it is nowhere: what must never happen
    NOT_JUDGED = "not_judged"  # on record, and `work` has not decided on it


STAGES: Final[dict[Stage, Text]] = {
    Stage.NOT_REACHABLE: Text("无法连接", "not reachable"),
    Stage.NOT_ACKNOWLEDGED: Text("未收到确认", "not acknowledged"),
    Stage.NOT_ON_RECORD: Text("确认后未入库", "acknowledged, not on record"),
    Stage.NOT_JUDGED: Text("已入库，未研判", "on record, not judged"),
}

CALLS: Final = frozenset({"call", "report"})
"""Ways in for people: what the probe sends there is a test call, not a test alarm."""


def account_of(protocol: str, nonce: str) -> str:
    """The account under which a test alarm is sent. `nonce`: NONCE_DIGITS hexadecimal digits."""
    return f"{_DC09}{nonce.upper()}" if protocol == "dc09" else f"{_OTHERS}{nonce.lower()}"


def is_reserved(account: str) -> bool:
    """Whether only the probe may use the account: no device is registered under it."""
    return _RESERVED.fullmatch(account) is not None


def secret_name(protocol: str, account: str) -> bytes:
    """What the secret of one test alarm is derived for, from a key of the keyring."""
    return b"tocsin.probe\n" + protocol.encode() + b"\n" + account.encode()


# -- one probe ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Probe:
    """One test alarm on its way: when each step happened, None for one that has not. `is_waiting`:
    what was heard by then is on record, and `work` has not come to it."""

    sent_at: datetime
    reached_at: datetime | None = None
    acknowledged_at: datetime | None = None
    recorded_at: datetime | None = None
    judged_at: datetime | None = None
    is_waiting: bool = False

    @property
    def has_arrived(self) -> bool:
        return missed_stage(self) is None


def missed_stage(probe: Probe) -> Stage | None:
    """The first step that is missing; None where all happened. An answer may be lost on its way
    back while the alarm is judged: that too is a miss, since a panel would alarm its owner."""
    if probe.reached_at is None:
        return Stage.NOT_REACHABLE
    if probe.acknowledged_at is None:
        return Stage.NOT_ACKNOWLEDGED
    if probe.recorded_at is None and not probe.is_waiting:
        return Stage.NOT_ON_RECORD
    return Stage.NOT_JUDGED if probe.judged_at is None else None


# -- one way in -----------------------------------------------------------------------------------


class Act(StrEnum):
    """What a result calls for."""

    NONE = "none"
    OPEN = "open"  # an incident that speaks: a new one, or one that nobody has answered yet
    MISSED_AGAIN = "missed_again"  # said on an incident that told of the same way in
    RESTORED = "restored"  # said on it too; a person closes


@dataclass(frozen=True, slots=True)
class Standing:
    """How one way in stands. `incident`: the open one that tells of it, and of the step `told`;
    `is_restored`: it has been said there that test alarms arrive again."""

    misses: int = 0
    stage: Stage | None = None
    since: datetime | None = None  # the first of these misses was sent then
    incident: UUID | None = None
    is_restored: bool = False
    told: Stage | None = None


def after(standing: Standing, probe: Probe) -> tuple[Standing, Act]:
    """The standing after one result. Whoever does `OPEN` puts the incident's id into it, and what
    it tells. It is done for a failure that is new: of what had worked again, or at another step,
    twice in a row. An incident that somebody holds or has taken says nothing of it by itself."""
    stage = missed_stage(probe)
    if stage is None:
        is_news = standing.incident is not None and not standing.is_restored
        now = Standing(
            incident=standing.incident,
            is_restored=standing.incident is not None,
            told=standing.told,
        )
        return now, Act.RESTORED if is_news else Act.NONE
    misses = standing.misses + 1
    since = standing.since or probe.sent_at
    now = replace(standing, misses=misses, stage=stage, since=since)
    if misses < MISSES_MAX:
        return now, Act.NONE
    # What cannot be reached is not answered either.
    told = {stage, Stage.NOT_ACKNOWLEDGED} if stage is Stage.NOT_REACHABLE else {stage}
    is_other = stage is standing.stage and standing.told not in told
    is_news = standing.incident is None or standing.is_restored or is_other
    return now, Act.OPEN if is_news else Act.NONE


def result_age(result_at: datetime | None, now: datetime) -> timedelta | None:
    """How old the probe's last result is. None where there is none, and where it is of a time that
    is still to come: the clock was set back, and nobody knows its age."""
    if result_at is None or result_at - now > AHEAD_MAX:
        return None
    return max(now - result_at, timedelta())


def is_stale(result_at: datetime | None, now: datetime) -> bool:
    """Whether the last result shows that the probe is not running."""
    age = result_age(result_at, now)
    return age is None or age > SILENT_AFTER


EVERY: Final = "*"
"""In place of a way in: all of them, but those for people, whose test calls `work` does not see."""


def one_cause(standings: Mapping[str, Standing], ways_in: Collection[str]) -> Stage | None:
    """The step which all of `ways_in` but those for people have just missed: one thing has failed,
    and one incident tells of it. None where they fail each by itself. Where nothing is answered, it
    is no matter whether something still took the connection.

    `standings` are those that were counted together, by way in.
    """
    wanted = [one for one in ways_in if one not in CALLS]
    stages = {standings[one].stage if one in standings else None for one in wanted}
    if len(wanted) < 2:
        return None
    if stages <= {Stage.NOT_REACHABLE, Stage.NOT_ACKNOWLEDGED}:
        return Stage.NOT_ACKNOWLEDGED
    return stages.pop() if len(stages) == 1 else None


# -- the incident ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenProbeIncident:
    """Test alarms or calls of `intake`, or of `EVERY` one, did not arrive, the first of them sent
    at `since`."""

    intake: str
    stage: Stage
    since: datetime
    district: str
    agency: str
    type: Literal["open_probe_incident"] = "open_probe_incident"


def source_key(intake: str, stage: Stage) -> str:
    """Tells the open incident of this again."""
    return f"probe/{intake}/{stage}"


def title(intake: str, stage: Stage) -> Text:
    """Of the incident: which way in, and what failed first."""
    zh, en = STAGES[stage]
    if intake == EVERY:
        return Text(
            f"所有接入：连续两次测试信号未到达（{zh}）",
            f"All intakes: two test alarms not recorded ({en})",
        )
    what_zh, what_en = (
        ("测试报警", "test calls") if intake in CALLS else ("测试信号", "test alarms")
    )
    return Text(
        f"接入 {intake}：连续两次{what_zh}未到达（{zh}）",
        f"Intake {intake}: two {what_en} not recorded ({en})",
    )


def told(intakes: Sequence[str], act: Act, stage: Stage | None) -> str:
    """What is said on the incident later, in both languages, since a note has one text."""
    which_zh = f"接入 {'、'.join(intakes)} 的测试信号"
    which_en = f"{'Intake' if len(intakes) == 1 else 'Intakes'} {', '.join(intakes)}"
    if act is Act.RESTORED:
        return (
            f"{which_zh}恢复正常，请核实原因后结案。"
            f" / {which_en}: test signals arrive again. Find out why they did not, then close."
        )
    assert stage is not None
    zh, en = STAGES[stage]
    return f"{which_zh}再次未到达：{zh}。 / {which_en}: missed again: {en}."


def decide(
    command: OpenProbeIncident, context: Context
) -> list[tuple[SubjectKind, UUID, IncidentOpened]]:
    """The incident that tells of a way in."""
    key = source_key(command.intake, command.stage)
    name = title(command.intake, command.stage)
    return technical((command.district, command.agency), key, name, context)


def technical(
    whose: tuple[str, str],
    key: str,
    title: tuple[str, str],
    context: Context,
) -> list[tuple[SubjectKind, UUID, IncidentOpened]]:
    """An incident of Tocsin's own, in the watch band: equipment needs somebody, as soon as P2 asks,
    since alarms may not arrive. `whose`: district and agency; `key`: what it is found by; `title`:
    in Chinese and English."""
    opened = IncidentOpened(
        number=context.incident_number,
        type=IncidentType.TECHNICAL,
        level=Level.P2,
        place=None,
        district=whose[0],
        agency=whose[1],
        source=Source.PROBE,
        opened_at=context.now,
        due_at=deadline(context.now, context.obligations.take_s[Level.P2 - 1]),
        source_key=key,
        watch=True,
        title_zh=title[0],
        title_en=title[1],
    )
    return [(SubjectKind.INCIDENT, context.fresh_ids[0], opened)]
