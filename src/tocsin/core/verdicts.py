"""The verdict on a signal as facts: it is recorded only, joins an incident and makes it louder, or
opens one. Which of them, is decided in `tocsin.core.judging`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import cast
from uuid import UUID

from tocsin.core import crowds, supervision
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
from tocsin.core.evidence import evidence, is_late, is_old, moment, restores
from tocsin.core.incidents import cancelling
from tocsin.core.incidents.decide import as_grave, assign_by, due_anew, prioritised, raised, titled
from tocsin.core.incidents.duplicates import ids, possible_duplicates
from tocsin.core.incidents.evolving import evolve
from tocsin.core.incidents.facts import (
    IncidentFact,
    IncidentOpened,
    IncidentPrioritised,
    IncidentRaised,
    IncidentReleased,
    SignalJoined,
    Source,
)
from tocsin.core.incidents.state import Incident, IncidentState
from tocsin.core.obligations import deadline
from tocsin.core.signals import Effect, SignalJudged, Verdict, VerdictReason
from tocsin.core.states import Decided, States
from tocsin.core.terms import (
    Context,
    IncidentType,
    Level,
    SubjectKind,
)


def source_key(command: JudgeSignal) -> str:
    """What tells an unknown source again: its protocol and account."""
    return f"{command.read.protocol}/{command.read.account}"


def is_warning(command: JudgeSignal) -> bool:
    """A warning of another service (CAP), with the priority that it gives it. Many warnings share
    its card, so a graver one raises that and ends a hold."""
    return command.read.codes == "cap" and command.read.level is not None


def _has_own_level(command: JudgeSignal, means: Meaning) -> bool:
    """Whether its card has the level that it says itself, in the watch band too: a warning's is its
    source's, a silence's that of its interval, and what a code table says of a known site's signal
    is what its chief decided."""
    if means.effect is Effect.ALARM:
        return is_warning(command)
    is_by_table = command.codes_version > 0 and command.site is not None
    return means.needs_answer and (is_by_table or supervision.is_silence(command.read))


def recorded(command: JudgeSignal, means: Meaning, reason: VerdictReason) -> Decided:
    return _judged(command, means, Verdict.RECORDED, reason, None)


def told(command: JudgeSignal, means: Meaning, where: UUID, reason: VerdictReason) -> list[Decided]:
    """It is said on the card, and changes nothing there."""
    return [
        _judged(command, means, Verdict.JOINED, reason, where),
        (SubjectKind.INCIDENT, where, _joined(command, means, reason)),
    ]


def join(
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
    if not isinstance(incident, Incident):
        return decided
    if not joined.alarms:
        return [*decided, *_as_grave(decided, command, means, incident, context)]
    is_unknown = command.site is None and not is_warning(command)
    if incident.state is IncidentState.HELD and not is_old(command) and not is_unknown:
        # A further alarm is news: whoever held the incident must look again.
        released = IncidentReleased(due_at=assign_by(incident, context))
        decided.append((SubjectKind.INCIDENT, where, released))
        incident = evolve(incident, released)
    anew = _due_anew(command, incident, means, context)
    if anew is not None:
        incident = replace(incident, due_at=anew)
    facts = [] if is_unknown else _louder(command, incident, joined, means, context)
    if anew is not None and not facts:
        facts.append(IncidentPrioritised(incident.level, due_at=anew))
    return [*decided, *((SubjectKind.INCIDENT, where, fact) for fact in facts)]


def open_incident(
    states: States, command: JudgeSignal, means: Meaning, reason: VerdictReason, context: Context
) -> list[Decided]:
    told = evidence(command, means)
    may_wait = means.type in WAITING_TYPES and command.confirming.waits
    if reason is VerdictReason.ALARM and is_old(command):
        reason = VerdictReason.LATE
    elif reason is VerdictReason.ALARM and may_wait and told and told.says is Says.ALARM:
        reason = VerdictReason.UNCONFIRMED
    exception = crowds.kind_of(command, means, reason)
    crowd = crowds.crowding(states, command, exception, context.now)
    if crowd is not None:
        judged = _judged(command, means, Verdict.JOINED, VerdictReason.CROWD, crowd.into)
        joined = _joined(command, means, VerdictReason.CROWD)
        decided = crowds.taken_in(judged, joined, crowd, command, means, context)
        before = None if crowd.into is None else states[crowd.into]
        assert before is None or isinstance(before, Incident)
        return [*decided, *_as_grave(decided, command, means, before, context)]
    watch = reason not in (VerdictReason.ALARM, VerdictReason.OUTAGE)
    has_no_site = command.site is None
    is_feed = supervision.feed_meaning(command.read) is not None
    unknown_source = has_no_site and reason is not VerdictReason.OUTAGE and not is_feed
    as_told = not watch or _has_own_level(command, means)
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
        source_address=command.network if has_no_site else "",
        watch=watch,
        exception=exception,
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


def _joined(command: JudgeSignal, means: Meaning, reason: VerdictReason) -> SignalJoined:
    alarms = means.effect is Effect.ALARM
    quiet, takes_back = restores(command, means) or (None, None)
    return SignalJoined(
        command.signal,
        reason,
        alarms=alarms,
        assurance=command.assurance,
        late=alarms and is_late(command),
        evidence=evidence(command, means),
        restores=quiet,
        restored=None if quiet is None else moment(command),
        takes_back=takes_back,
    )


def _as_grave(
    decided: list[Decided],
    command: JudgeSignal,
    means: Meaning,
    before: Incident | None,
    context: Context,
) -> list[Decided]:
    """What has a level of its own makes the card that it went into as grave as its own would be,
    also a crowd's."""
    if not _has_own_level(command, means):
        return []
    after, where = before, None
    for kind, subject, fact in decided:
        if kind is SubjectKind.INCIDENT:
            where, after = subject, evolve(after, cast("IncidentFact", fact))
    if after is None or where is None:
        return []
    return [(SubjectKind.INCIDENT, where, fact) for fact in as_grave(after, means.level, context)]


def _louder(
    command: JudgeSignal,
    incident: Incident,
    joined: SignalJoined,
    means: Meaning,
    context: Context,
) -> list[IncidentPrioritised | IncidentRaised]:
    """What a further alarm makes of the incident: a graver level, and out of the watch band."""
    facts: list[IncidentPrioritised | IncidentRaised] = []
    because = _raised_because(incident, joined, means)
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
        incident = evolve(incident, facts[0])
    if because is not None:
        facts.append(raised(incident, because, level, context))
    elif incident.watch and joined.evidence is not None and not incident.alarms.evidence:
        facts += _first_of_now(command, incident, level, means, context)
    return facts


def _due_anew(
    command: JudgeSignal, incident: Incident, means: Meaning, context: Context
) -> datetime | None:
    """By when somebody must act on a further alarm of now, where the deadline has spoken: in the
    watch band as in a card of its own. Whom nobody vouches for has none told again that is graver
    than its own card would be."""
    is_unknown = command.site is None and not is_warning(command)
    if is_old(command) or (is_unknown and incident.overdue and incident.level < Level.P4):
        return None
    level = incident.level if is_unknown else min(incident.level, means.level)
    urgent = replace(incident, level=level)
    if incident.watch:
        why = VerdictReason.UNKNOWN_SOURCE if command.site is None else VerdictReason.UNCONFIRMED
        take_by = _take_by(command, means, why, is_warning(command), context)
    else:
        take_by = deadline(context.now, context.obligations.take_s[urgent.level - 1])
    return due_anew(urgent, take_by, context)


def _first_of_now(
    command: JudgeSignal, incident: Incident, level: Level, means: Meaning, context: Context
) -> list[IncidentPrioritised]:
    """The first timely alarm in a card of what is of long ago: it waits no longer than it would in
    a card of its own, also where that one's time is over."""
    due_at = _take_by(command, means, VerdictReason.UNCONFIRMED, as_told=False, context=context)
    if due_at is None or (incident.due_at is not None and incident.due_at <= due_at):
        return []
    return [IncidentPrioritised(level, due_at=due_at)]


def _raised_because(
    incident: Incident, joined: SignalJoined, means: Meaning
) -> RaisedBecause | None:
    new = joined.evidence
    if new is None:
        return None
    if means.type not in WAITING_TYPES:  # a fire that was merged into a burglary still waits not
        return RaisedBecause.TIMELY if incident.watch else None
    confirmation = incident.alarms.confirmation
    if confirmation is not None and confirmation.by is None:
        before = (one.evidence for one in incident.alarms.evidence)
        return confirmed_by(confirmation.asked, before, new)
    return RaisedBecause.TIMELY if incident.watch else None


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
    # Our own signals are about a way in or a feed, which has a name and no account.
    is_feed = supervision.feed_meaning(command.read) is not None
    is_ours = command.read.protocol == supervision.PROTOCOL or is_feed
    return command.read.account if is_ours else f"#{command.read.account}"
