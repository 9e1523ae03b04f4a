"""Judging a signal: it opens an incident, joins one, or is recorded only, always with the reason.

In doubt it alarms. Restores, tests and statuses never open an incident; an unknown source opens
cards in the watch band, few per network address; a warning's card has the priority that its source
states. Nothing new hides in a card that somebody has dealt with. What waits for confirmation and
what is of long ago is in the watch band too. What is on test is recorded only, with what it would
have done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeGuard
from uuid import UUID

from tocsin.core import blocked, crowds, supervision
from tocsin.core.assurance import Assurance
from tocsin.core.code_tables import meaning, zone_of
from tocsin.core.codes.meaning import Meaning
from tocsin.core.codes.silencing import PROTECTED
from tocsin.core.commands import JudgeSignal
from tocsin.core.confirmation import WAITING_TYPES, takes_back
from tocsin.core.evidence import is_old, restores
from tocsin.core.incidents import cancelling
from tocsin.core.incidents.crowd import ExceptionKind
from tocsin.core.incidents.state import OPEN, Incident, IncidentState, alarm_count, open_zones
from tocsin.core.on_test import OnTest, OnTestSignalled, covers
from tocsin.core.signals import MUTED, Effect, Signal, SignalJudged, Verdict, VerdictReason
from tocsin.core.states import Decided, State, States, lives_on
from tocsin.core.terms import (
    Context,
    IncidentType,
    Level,
    Reason,
    Refused,
    SubjectKind,
)
from tocsin.core.verdicts import is_warning, join, open_incident, recorded, source_key, told
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
    """The signal's verdict, with the incident it opens or joins. What is on test or muted by a
    block rule is recorded only, with what it would have done. Where it repeats what was muted, and
    nothing mutes it any more, it is new: nobody has heard of it."""
    if command.signal in states:
        raise Refused(Reason.ALREADY_SO)
    first = states.get(command.repeat_of) if command.repeat_of is not None else None
    if isinstance(first, Signal) and first.reason in MUTED:
        anew = judge(states, replace(command, repeat_of=None), context)
        if not any(isinstance(fact, SignalJudged) and fact.reason in MUTED for *_, fact in anew):
            return [_as_repeat(one, first=command.repeat_of) for one in anew]
    decided = _judge(states, command, context)
    under = [
        one
        for one in command.on_test
        if isinstance(test := states.get(one), OnTest) and covers(test, command)
    ]
    return _on_test(decided, command, under) if under else blocked.muted(states, command, decided)


def _as_repeat(decided: Decided, first: UUID | None) -> Decided:
    kind, subject, fact = decided
    if isinstance(fact, SignalJudged):
        return kind, subject, replace(fact, repeat_of=first)
    return decided


def _judge(states: States, command: JudgeSignal, context: Context) -> list[Decided]:
    if command.synthetic and command.site is None and command.device is None:
        return [recorded(command, _SYNTHETIC, VerdictReason.SYNTHETIC)]
    outage = supervision.outage_meaning(command.read)
    means = outage or command.means or meaning(command.read)
    if command.repeat_of is not None:
        return [recorded(command, means, VerdictReason.REPEAT)]
    if means.effect is Effect.TEST:
        return [recorded(command, means, VerdictReason.TEST)]
    if outage is not None:
        return _judge_outage(states, command, outage, context)
    if command.site is None:
        return _judge_unknown_source(states, command, means, context)
    home = _home(states, command, means)
    if home is not None:
        return join(states, command, means, home, VerdictReason.SAME_SITE, context)
    if means.needs_answer and means.effect in _OPENED_BECAUSE:
        return open_incident(states, command, means, _OPENED_BECAUSE[means.effect], context)
    return _only_said(states, command, means)


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
        sender="",
        on_test=under[0],
        would_have=judged.verdict,
    )
    zone = zone_number(zone_of(command.read))
    signalled = OnTestSignalled(signal, command.device, zone, judged.verdict, judged.type)
    return [(kind, signal, recorded), *((SubjectKind.ON_TEST, one, signalled) for one in under)]


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
        if incident.source_key == key and _takes_in_of_source(incident, command, means):
            return join(states, command, means, one, VerdictReason.SAME_SOURCE, context)
    if not (means.needs_answer and means.effect in _OPENED_BECAUSE):
        return _only_said(states, command, means)
    same_address = [
        (one, incident)
        for one, incident in cards
        if _is_of_same_way(incident, command) and incident.source_address == command.network
    ]
    if len(same_address) >= WATCH_CARDS_PER_ADDRESS_MAX:
        # Only into one that somebody has yet to look at: whoever took another knows of its account.
        for one, incident in same_address:
            is_seen = incident.state is not IncidentState.NEW or not incident.watch
            if not is_seen and _takes_in_of_source(incident, command, means):
                return join(states, command, means, one, VerdictReason.SAME_ADDRESS, context)
    # A feed that is configured here is known; it has only no site.
    is_feed = supervision.feed_meaning(command.read) is not None
    reason = VerdictReason.TROUBLE if is_feed else VerdictReason.UNKNOWN_SOURCE
    return open_incident(states, command, means, reason, context)


def _is_of_same_way(incident: Incident, command: JudgeSignal) -> bool:
    """Whether what came by the card's protocol says as little of who speaks as the signal's does.
    Who holds a secret (a partner that warns) is known, wherever it sends from."""
    protocol, _, _ = incident.source_key.partition("/")
    return (
        bool(command.network)
        and protocol == command.read.protocol
        and not is_warning(command)
        and command.assurance is not Assurance.AUTHENTICATED
    )


def _judge_outage(
    states: States, command: JudgeSignal, means: Meaning, context: Context
) -> list[Decided]:
    """One card for all devices of a way in that are silent together, beside those of incidents."""
    key = source_key(command)
    for one in command.candidates:
        incident = states.get(one)
        if _is_card_of(incident, command) and incident.source_key == key:
            return join(states, command, means, one, VerdictReason.SAME_SOURCE, context)
    if means.effect is Effect.RESTORE:
        return [recorded(command, means, VerdictReason.NOTHING_OPEN)]
    return open_incident(states, command, means, VerdictReason.OUTAGE, context)


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
    of long ago joins what else is: a panel that flushes its memory has one card. A restore joins
    the one where the alarm is open that it is the restore of. Anything else joins the one that it
    speaks of, or the newest; what needs an answer only one that somebody will look at.
    """
    homes = list(_open_at_site(states, command))
    if means.effect is Effect.ALARM:
        return _home_of_alarm(states, command, means, homes)
    quiet = restores(command, means)
    if quiet is not None:
        sensor, told = quiet
        for _, where, incident in homes:
            same = [zone for zone in open_zones(incident) if zone.sensor == sensor]
            if any(takes_back(told, zone, incident.type) for zone in same):
                return where
    if cancelling.takes_back_alarm(command) is not None:
        for _, where, incident in homes:
            if incident.type in WAITING_TYPES:
                return where
    if _needs_a_look(means):
        homes = [home for home in homes if _takes_in_exceptions(home[2])]
    return homes[0][1] if homes else None


def _home_of_alarm(
    states: States,
    command: JudgeSignal,
    means: Meaning,
    homes: Sequence[tuple[UUID, UUID, Incident]],
) -> UUID | None:
    homes = [home for home in homes if _takes_in_alarms(home[2], command)]
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


def _open_at_site(states: States, command: JudgeSignal) -> Iterator[tuple[UUID, UUID, Incident]]:
    """Each candidate with the open incident that it is, or lives on in; the newest first. What
    cannot be read may have been an alarm of any type: it hides in no other card than one of such.
    """
    kind = ExceptionKind.UNKNOWN_CODE if supervision.is_unread(command.read) else None
    for one in command.candidates:
        if crowds.is_one(states.get(one)):
            continue  # it is of many sites
        where = lives_on(states, one)
        incident = states.get(where)
        if not isinstance(incident, Incident) or incident.state not in OPEN:
            continue
        if kind is None or incident.exception is kind:
            yield one, where, incident


def _takes_in_alarms(incident: Incident, command: JudgeSignal) -> bool:
    """Not where many share a card. Nor where the units have done their work and gone, which nobody
    looks at any more: what alarms after that alarms anew."""
    is_left = incident.served and not incident.units
    return incident.crowd is None and (not is_left or is_old(command))


def _takes_in_of_source(incident: Incident, command: JudgeSignal, means: Meaning) -> bool:
    """Whether a card of an unknown source takes it in: an alarm only where the card says that there
    is one, and its units have not gone."""
    if means.effect is Effect.ALARM:
        return alarm_count(incident) > 0 and _takes_in_alarms(incident, command)
    return not _needs_a_look(means) or _takes_in_exceptions(incident)


def _needs_a_look(means: Meaning) -> bool:
    """Whether it is no alarm, and would open a card: in doubt it is one."""
    return (
        means.effect is not Effect.ALARM and means.needs_answer and means.effect in _OPENED_BECAUSE
    )


def _takes_in_exceptions(incident: Incident) -> bool:
    """Only where somebody has yet to look, or units are there: what was taken or is held was so for
    what it said by then. Nor where many share a card, which has rules of its own."""
    return incident.crowd is None and (incident.state is IncidentState.NEW or bool(incident.units))


def _is_flushed(incident: Incident) -> bool:
    """Whether it holds what is of long ago and nothing else, and is not about somebody's life."""
    because = incident.alarms.opened_because
    return because is VerdictReason.LATE and incident.late and incident.type not in PROTECTED


def _only_said(states: States, command: JudgeSignal, means: Meaning) -> list[Decided]:
    """What opens nothing: said on the card of the crowd that its sender is in, else recorded. A
    code table may say that nobody need act on what would open an incident otherwise."""
    where = crowds.told_on(states, command, means)
    if where is not None:
        reason = VerdictReason.SAME_SOURCE if command.site is None else VerdictReason.SAME_SITE
        return crowds.as_of_sender(states, command, told(command, means, where, reason))
    why = _RECORDED_BECAUSE.get(means.effect, VerdictReason.NO_ANSWER_NEEDED)
    return [recorded(command, means, why)]
