"""A sender leaves a crowd: a person found that it is something else, and it gets an incident of its
own, which is no exception any more."""

from __future__ import annotations

from typing import Final

from tocsin.core.commands import SplitSender
from tocsin.core.incidents.decide import titled
from tocsin.core.incidents.facts import IncidentOpened, SignalJoined, SignalLeft, Source
from tocsin.core.incidents.state import IncidentState
from tocsin.core.obligations import deadline
from tocsin.core.signals import Effect, Signal, SignalMoved, VerdictReason
from tocsin.core.states import Decided, States, the_incident, the_signal
from tocsin.core.terms import Context, Leaving, Reason, Refused, SubjectKind

SENDER_SIGNALS_MAX: Final = 500
"""Signals of one sender that leave a crowd at once. Who said more there floods."""


def decide(states: States, command: SplitSender, context: Context) -> list[Decided]:
    """The facts on the crowd, on the new incident and on each signal that goes there, or `Refused`.

    The new incident has the type and priority of the gravest signal, and stands above the watch
    band: somebody has looked, and wants it handled by itself.
    """
    crowd = the_incident(states, command.incident)
    if the_signal(states, command.signal).incident != command.incident:
        raise Refused(Reason.NOT_FOUND, subject_kind="signal")
    # Out of a closed one it may go: that is how a wrong end is found.
    if crowd.state is IncidentState.MERGED:
        raise Refused(Reason.INCIDENT_MERGED)
    sender = context.leaving
    if crowd.crowd is None:
        raise Refused(Reason.NOT_A_CROWD)
    if sender is None:
        raise Refused(Reason.NOT_FOUND, subject_kind="signal")
    if len(sender.signals) > SENDER_SIGNALS_MAX:
        raise Refused(Reason.SENDER_SIGNALS_TOO_MANY, signals_max=SENDER_SIGNALS_MAX)
    own = context.fresh_ids[0]
    decided: list[Decided] = [
        (SubjectKind.INCIDENT, own, _opened(states, command, sender, context))
    ]
    for one in sender.signals:
        signal = the_signal(states, one)
        is_last = one == sender.signals[-1]
        alarms = signal.effect is Effect.ALARM
        told = (alarms, signal.assurance, alarms and signal.late)
        left = SignalLeft(one, own, *told, sender_left=is_last)
        joined = SignalJoined(one, VerdictReason.BY_HAND, *told)
        decided += [
            (SubjectKind.INCIDENT, command.incident, left),
            (SubjectKind.INCIDENT, own, joined),
            (SubjectKind.SIGNAL, one, SignalMoved(own, moved_from=command.incident)),
        ]
    return decided


def _opened(
    states: States, command: SplitSender, sender: Leaving, context: Context
) -> IncidentOpened:
    crowd = the_incident(states, command.incident)
    signals = [the_signal(states, one) for one in sender.signals]
    says = min(signals, key=_gravest)
    return IncidentOpened(
        number=context.incident_number,
        type=says.type,
        level=says.level,
        place=sender.place,
        district=crowd.district,
        agency=crowd.agency,
        source=Source.SIGNAL,
        opened_at=context.now,
        due_at=deadline(context.now, context.obligations.take_s[says.level - 1]),
        site=says.site,
        signal=sender.signals[0],
        source_key=sender.source_key,
        title_zh=titled(sender.text_zh, sender.name_zh),
        title_en=titled(sender.text_en, sender.name_en),
    )


def _gravest(signal: Signal) -> tuple[bool, int]:
    """An alarm before anything else, then by priority."""
    return signal.effect is not Effect.ALARM, signal.level
