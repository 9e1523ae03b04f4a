"""Judging a signal: it opens an incident, joins one, or is recorded only, always with the reason.

In doubt it alarms. Restores, tests and statuses never open an incident; an unknown source opens a
card in the watch band, one per source, and few per network address; a warning's card has the
priority that its source states. What waits for confirmation and what is of long ago is in the watch
band too. What is on test is recorded only, with what it would have done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeGuard
from uuid import UUID

from tocsin.core import supervision
from tocsin.core.code_tables import meaning, zone_of
from tocsin.core.codes.meaning import Meaning
from tocsin.core.codes.silencing import PROTECTED
from tocsin.core.commands import JudgeSignal
from tocsin.core.confirmation import (
    WAITING_TYPES,
    ConfirmRule,
    RaisedBecause,
    Says,
    confirmed_by,
)
from tocsin.core.evidence import evidence, is_late, is_old, restores
from tocsin.core.incidents import cancelling
from tocsin.core.incidents.decide import assign_by, prioritised, raised, titled
from tocsin.core.incidents.duplicates import ids, possible_duplicates
from tocsin.core.incidents.facts import (
    IncidentOpened,
    IncidentPrioritised,
    IncidentRaised,
    IncidentReleased,
    SignalJoined,
    Source,
)
from tocsin.core.incidents.state import OPEN, Incident, IncidentState
from tocsin.core.obligations import deadline
from tocsin.core.on_test import OnTest, OnTestSignalled, covers
from tocsin.core.signals import Effect, SignalJudged, Verdict, VerdictReason
from tocsin.core.states import Decided, State, States
from tocsin.core.terms import (
    Context,
    IncidentType,
    Level,
    Reason,
    Refused,
    SubjectKind,
)
from tocsin.core.zones import zone_number

# One address may speak for many accounts (a gateway), or invent them (a flood): from here on its
# unknown accounts share a card, so that a flood cannot bury the queue.
WATCH_CARDS_PER_ADDRESS_MAX: Final = 5

_RECORDED_BECAUSE: Final = {
    Effect.RESTORE: VerdictReason.NOTHING_OPEN,
    Effect.STATUS: VerdictReason.NOTHING_OPEN,
    Effect.TEST: VerdictReason.TEST,
}
_OPENED_BECAUSE: Final = {
    Effect.ALARM: VerdictReason.ALARM,
    Effect.TROUBLE: VerdictReason.TROUBLE,
    Effect.UNKNOWN: VerdictReason.UNKNOWN_CODE,
    Effect.STATUS: VerdictReason.NEEDS_ANSWER,
}

_SYNTHETIC: Final = Meaning(
    *(Effect.TEST, IncidentType.TECHNICAL, Level.P4), "系统自检信号", "Test alarm of our own probe"
)


def judge(states: States, command: JudgeSignal, context: Context) -> list[Decided]:
    """The signal's verdict, with the incident it opens or joins. What is on test is recorded only,
    with what it would have done."""
    if command.signal in states:
        raise Refused(Reason.ALREADY_SO)
    decided = _judge(states, command, context)
    under = [
        one
        for one in command.on_test
        if isinstance(test := states.get(one), OnTest) and covers(test, command)
    ]
    return _on_test(decided, command, under) if under else decided


def _judge(states: States, command: JudgeSignal, context: Context) -> list[Decided]:
    if command.synthetic and command.site is None and command.device is None:
        return [_recorded(command, _SYNTHETIC, VerdictReason.SYNTHETIC)]
    outage = supervision.outage_meaning(command.read)
    means = outage or command.means or meaning(command.read)
    if command.repeat_of is not None:
        return [_recorded(command, means, VerdictReason.REPEAT)]
    if means.effect is Effect.TEST:
        return [_recorded(command, means, VerdictReason.TEST)]
    if outage is not None:
        return _judge_outage(states, command, outage, context)
    if command.site is None:
        return _judge_unknown_source(states, command, means, context)
    home = _home(states, command, means)
    if home is not None:
        return _join(states, command, means, home, VerdictReason.SAME_SITE, context)
    if means.needs_answer and means.effect in _OPENED_BECAUSE:
        return _open(command, means, _OPENED_BECAUSE[means.effect], context)
    return [_recorded(command, means, _why_recorded(means))]


def _on_test(decided: list[Decided], command: JudgeSignal, under: Sequence[UUID]) -> list[Decided]:
    """The verdict of a signal of what is on test, in place of `decided`."""
    kind, signal, judged = decided[0]
    assert isinstance(judged, SignalJudged)
    if judged.reason is VerdictReason.REPEAT:  # it tests nothing that its first did not
        return decided
    recorded = replace(
        judged,
        verdict=Verdict.RECORDED,
        reason=VerdictReason.ON_TEST,
        incident=None,
        on_test=under[0],
        would_have=judged.verdict,
    )
    zone = zone_number(zone_of(command.read))
    signalled = OnTestSignalled(signal, command.device, zone, judged.verdict, judged.type)
    return [(kind, signal, recorded), *((SubjectKind.ON_TEST, one, signalled) for one in under)]


def source_key(command: JudgeSignal) -> str:
    """What tells an unknown source again: its protocol and account."""
    return f"{command.read.protocol}/{command.read.account}"


def _is_warning(command: JudgeSignal) -> bool:
    """A warning of another service (CAP), with the priority that it gives it. Many warnings share
    its card, so a graver one raises that and ends a hold."""
    return command.read.codes == "cap" and command.read.level is not None


def _judge_unknown_source(
    states: States, command: JudgeSignal, means: Meaning, context: Context
) -> list[Decided]:
    key = source_key(command)
    cards = [
        (one, incident)
        for one in command.candidates
        if _is_card_of(incident := states.get(one), command) and incident.site is None
    ]
    for one, incident in cards:
        if incident.source_key == key:
            return _join(states, command, means, one, VerdictReason.SAME_SOURCE, context)
    if not (means.needs_answer and means.effect in _OPENED_BECAUSE):
        return [_recorded(command, means, _why_recorded(means))]
    same_address = [
        one
        for one, incident in cards
        if command.source and incident.source_address == command.source
    ]
    if len(same_address) >= WATCH_CARDS_PER_ADDRESS_MAX:
        newest = same_address[0]
        return _join(states, command, means, newest, VerdictReason.SAME_ADDRESS, context)
    return _open(command, means, VerdictReason.UNKNOWN_SOURCE, context)


def _judge_outage(
    states: States, command: JudgeSignal, means: Meaning, context: Context
) -> list[Decided]:
    """One card for all devices of a way in that are silent together, beside those of incidents."""
    key = source_key(command)
    for one in command.candidates:
        incident = states.get(one)
        if _is_card_of(incident, command) and incident.source_key == key:
            return _join(states, command, means, one, VerdictReason.SAME_SOURCE, context)
    if means.effect is Effect.RESTORE:
        return [_recorded(command, means, VerdictReason.NOTHING_OPEN)]
    return _open(command, means, VerdictReason.OUTAGE, context)


def _is_card_of(incident: State | None, command: JudgeSignal) -> TypeGuard[Incident]:
    """An open incident of those whose signal it is: another district's desk would never see it."""
    return (
        isinstance(incident, Incident)
        and incident.state in OPEN
        and (incident.district, incident.agency) == (command.district, command.agency)
    )


def _home(states: States, command: JudgeSignal, means: Meaning) -> UUID | None:
    """The open incident of the site that the signal belongs to.

    An alarm joins one of its own type only: a fire must not hide in a burglary's card. But what is
    of long ago joins what else is: a panel that flushes its memory has one card. Anything else
    joins the one that it speaks of, or the newest.
    """
    homes = list(_open_at_site(states, command))
    if means.effect is Effect.ALARM:
        for one, where, incident in homes:
            if incident.type is means.type:
                return where
            # A merged one took in by hand what its type says, whatever the survivor's type is.
            merged = states[one]
            if where != one and isinstance(merged, Incident) and merged.type is means.type:
                return where
        if not is_old(command) or means.type in PROTECTED:
            return None
        return next((where for _, where, incident in homes if _is_flushed(incident)), None)
    quiet = restores(command, means)
    if quiet is not None:
        for _, where, incident in homes:
            if any(zone.sensor == quiet for zone in incident.alarms.open_zones):
                return where
    if cancelling.takes_back_alarm(command) is not None:
        for _, where, incident in homes:
            if incident.type in WAITING_TYPES:
                return where
    return homes[0][1] if homes else None


def _open_at_site(states: States, command: JudgeSignal) -> Iterator[tuple[UUID, UUID, Incident]]:
    """Each candidate with the open incident that it is, or lives on in; the newest first."""
    for one in command.candidates:
        where = _lives_on(states, one)
        incident = None if where is None else states[where]
        if where is not None and isinstance(incident, Incident) and incident.state in OPEN:
            yield one, where, incident


def _is_flushed(incident: Incident) -> bool:
    """Whether it holds what is of long ago and nothing else, and is not about somebody's life."""
    because = incident.alarms.opened_because
    return because is VerdictReason.LATE and incident.late and incident.type not in PROTECTED


def _lives_on(states: States, one: UUID) -> UUID | None:
    incident = states.get(one)
    while isinstance(incident, Incident) and incident.lives_on is not None:
        one = incident.lives_on.into
        incident = states.get(one)
    return one if isinstance(incident, Incident) else None


def _why_recorded(means: Meaning) -> VerdictReason:
    """A code table may say that nobody need act on what would open an incident otherwise."""
    return _RECORDED_BECAUSE.get(means.effect, VerdictReason.NO_ANSWER_NEEDED)


def _recorded(command: JudgeSignal, means: Meaning, reason: VerdictReason) -> Decided:
    return _judged(command, means, Verdict.RECORDED, reason, None)


def _judged(
    command: JudgeSignal,
    means: Meaning,
    verdict: Verdict,
    reason: VerdictReason,
    incident: UUID | None,
) -> Decided:
    fact = SignalJudged(
        verdict=verdict,
        reason=reason,
        effect=means.effect,
        type=means.type,
        level=means.level,
        received_at=command.received_at,
        district=command.district,
        agency=command.agency,
        incident=incident,
        site=command.site,
        device=command.device,
        late=is_late(command),
        repeat_of=command.repeat_of,
        codes_version=command.codes_version,
        text_zh=means.text_zh if command.codes_version else "",
        text_en=means.text_en if command.codes_version else "",
        assurance=command.assurance,
    )
    return (SubjectKind.SIGNAL, command.signal, fact)


def _join(
    states: States,
    command: JudgeSignal,
    means: Meaning,
    where: UUID,
    reason: VerdictReason,
    context: Context,
) -> list[Decided]:
    joined = _joined(command, means, reason)
    decided: list[Decided] = [
        _judged(command, means, Verdict.JOINED, reason, where),
        (SubjectKind.INCIDENT, where, joined),
    ]
    incident = states[where]
    how = cancelling.takes_back_alarm(command)
    if how is not None:
        told = cancelling.decide(states, command, where, how, context)
        return [*decided, *((SubjectKind.INCIDENT, where, fact) for fact in told)]
    if not joined.alarms or not isinstance(incident, Incident):
        return decided
    if command.site is None and not _is_warning(command):
        return decided
    if incident.state is IncidentState.HELD and not is_old(command):
        # A further alarm is news: whoever held the incident must look again.
        released = IncidentReleased(due_at=assign_by(incident, context))
        decided.append((SubjectKind.INCIDENT, where, released))
    decided += [
        (SubjectKind.INCIDENT, where, fact) for fact in _louder(incident, joined, means, context)
    ]
    return decided


def _louder(
    incident: Incident, joined: SignalJoined, means: Meaning, context: Context
) -> list[IncidentPrioritised | IncidentRaised]:
    """What a further alarm makes of the incident: a graver level, and out of the watch band."""
    facts: list[IncidentPrioritised | IncidentRaised] = []
    because = _raised_because(incident, joined)
    level = min(means.level, incident.level)
    if level < incident.level:
        # What waits in the watch band, and what is of long ago, shows how grave it is and presses
        # nobody.
        waiting = because is None and (incident.watch or joined.evidence is None)
        facts.append(
            IncidentPrioritised(level, due_at=incident.due_at)
            if waiting and incident.site is not None
            else prioritised(incident, level, context)
        )
    if because is not None:
        facts.append(raised(incident, because, level, context))
    return facts


def _raised_because(incident: Incident, joined: SignalJoined) -> RaisedBecause | None:
    new = joined.evidence
    if new is None:
        return None
    confirmation = incident.alarms.confirmation
    if confirmation is not None and confirmation.by is None:
        before = (one.evidence for one in incident.alarms.evidence)
        return confirmed_by(confirmation.asked, before, new)
    return RaisedBecause.TIMELY if incident.watch else None


def _joined(command: JudgeSignal, means: Meaning, reason: VerdictReason) -> SignalJoined:
    alarms = means.effect is Effect.ALARM
    return SignalJoined(
        command.signal,
        reason,
        alarms=alarms,
        assurance=command.assurance,
        late=alarms and is_late(command),
        evidence=evidence(command, means),
        restores=restores(command, means),
    )


def _open(
    command: JudgeSignal, means: Meaning, reason: VerdictReason, context: Context
) -> list[Decided]:
    told = evidence(command, means)
    may_wait = means.type in WAITING_TYPES and command.confirming.waits
    if reason is VerdictReason.ALARM and is_old(command):
        reason = VerdictReason.LATE
    elif reason is VerdictReason.ALARM and may_wait and told and told.says is Says.ALARM:
        reason = VerdictReason.UNCONFIRMED
    watch = reason not in (VerdictReason.ALARM, VerdictReason.OUTAGE)
    has_no_site = command.site is None
    unknown_source = has_no_site and reason is not VerdictReason.OUTAGE
    # A warning's source states its priority, so its card has it in the watch band too.
    as_told = not watch or (means.effect is Effect.ALARM and _is_warning(command))
    waiting = reason in (VerdictReason.UNCONFIRMED, VerdictReason.LATE)
    incident = context.fresh_ids[0]
    alike = possible_duplicates(means.type, command.place, context.now, context.nearby)
    opened = IncidentOpened(
        number=context.incident_number,
        type=IncidentType.UNKNOWN if unknown_source and not as_told else means.type,
        level=means.level if as_told or waiting else Level.P4,
        place=command.place,
        district=command.district,
        agency=command.agency,
        source=Source.SIGNAL,
        opened_at=context.now,
        due_at=_take_by(command, means, reason, as_told, context),
        site=command.site,
        signal=command.signal,
        source_key=source_key(command) if has_no_site else "",
        source_address=command.source if has_no_site else "",
        watch=watch,
        title_zh=titled(means.text_zh, _where(command, command.site_name_zh)),
        title_en=titled(means.text_en, _where(command, command.site_name_en)),
        duplicates=ids(alike),
        likenesses=alike,
        awaits=command.confirming if waiting and may_wait else None,
        window_s=command.confirming.window_s,
    )
    return [
        _judged(command, means, Verdict.OPENED, reason, incident),
        (SubjectKind.INCIDENT, incident, opened),
        (SubjectKind.INCIDENT, incident, _joined(command, means, reason)),
    ]


def _take_by(
    command: JudgeSignal, means: Meaning, reason: VerdictReason, as_told: bool, context: Context
) -> datetime | None:
    """Nobody's life waits in the watch band, and what waits for a second alarm is looked at when
    none came."""
    obligations = context.obligations
    take_s, watch_s = obligations.take_s[means.level - 1], obligations.take_watch_s
    if as_told or (reason is VerdictReason.LATE and means.type in PROTECTED):
        return deadline(context.now, take_s)
    if reason is VerdictReason.UNCONFIRMED:
        asked = command.confirming
        confirm_s = asked.window_s if asked.rule is not ConfirmRule.NONE else asked.two_trip_s
        wait_s = max(confirm_s, take_s)
        return deadline(context.now, min(wait_s, watch_s) if watch_s else wait_s)
    return deadline(context.now, watch_s)


def _where(command: JudgeSignal, site_name: str) -> str:
    if command.site is not None:
        return site_name
    # Our own signals are about a way in, which has a name and no account.
    is_ours = command.read.protocol == supervision.PROTOCOL
    return command.read.account if is_ours else f"#{command.read.account}"
