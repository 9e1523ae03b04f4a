"""Crowds: where more exceptions come at once than anybody can look at, they share a card, so that
what is different stays in sight. An alarm of a known site never goes into one.

An exception has a card of its own as long as few of its district and agency wait, and always where
it is the first of its kind. However many come, no more than 19 cards wait: OWN_MAX, one for each
other kind, and a crowd for each kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tocsin.core.codes.meaning import Meaning, unnumbered
from tocsin.core.codes.silencing import PROTECTED
from tocsin.core.incidents.crowd import RECENT_MAX, CrowdEntry, ExceptionKind, Exceptions
from tocsin.core.incidents.facts import IncidentFact, IncidentOpened, SignalJoined, Source
from tocsin.core.incidents.state import OPEN, Incident
from tocsin.core.judge_signal import JudgeSignal
from tocsin.core.obligations import deadline
from tocsin.core.signals import Effect, SignalJudged, SignalRead, Verdict, VerdictReason
from tocsin.core.states import Decided, State, States
from tocsin.core.terms import Context, IncidentType, Level, SubjectKind
from tocsin.core.texts.crowds import CROWDS

OWN_MAX: Final = RECENT_MAX
"""Cards of their own that exceptions of a district and agency have at once, of all kinds together;
and a crowd that took in as many within WITHIN still grows."""

WITHIN: Final = timedelta(minutes=10)

_KINDS: Final = {
    VerdictReason.TROUBLE: ExceptionKind.TROUBLE,
    VerdictReason.NEEDS_ANSWER: ExceptionKind.TROUBLE,
    VerdictReason.UNKNOWN_CODE: ExceptionKind.UNKNOWN_CODE,
    VerdictReason.LATE: ExceptionKind.LATE,
}


@dataclass(frozen=True, slots=True)
class Crowding:
    """An exception that has no card of its own: it joins the crowd `into`, or opens one."""

    kind: ExceptionKind
    into: UUID | None


def kind_of(command: JudgeSignal, means: Meaning, reason: VerdictReason) -> ExceptionKind | None:
    """What kind of exception a signal is that opens a card for `reason`; None if it is none.

    An alarm of a known site is none, unless it is of long ago and about nobody's life. A warning
    (CAP) is none: its sources are configured, and it has a priority of its own.
    """
    if reason is VerdictReason.UNKNOWN_SOURCE:
        if command.read.codes == "cap":
            return None
        is_alarm = means.effect is Effect.ALARM
        return ExceptionKind.UNKNOWN_ALARM if is_alarm else ExceptionKind.UNKNOWN_SOURCE
    if reason is VerdictReason.LATE and means.type in PROTECTED:
        return None
    return _KINDS.get(reason)


def crowding(
    states: States, command: JudgeSignal, kind: ExceptionKind | None, now: datetime
) -> Crowding | None:
    """Whether what is about to open a card goes into a crowd instead; None: a card of its own.

    A crowd that grows takes in all of its kind. Else there is room for cards of their own, and the
    first of a kind has one in any case: it is what is different.
    """
    if kind is None:
        return None
    waiting = command.exceptions
    into = next((one for one in waiting.crowds if _is_of(states, one, command, kind)), None)
    if into is not None and _grows(states, into, now):
        return Crowding(kind, into)
    own = Counter(dict(waiting.own))
    if own.total() < OWN_MAX or not own[kind]:
        return None
    return Crowding(kind, into)


def taken_in(
    told: Decided,
    joined: SignalJoined,
    where: Crowding,
    command: JudgeSignal,
    means: Meaning,
    context: Context,
) -> list[Decided]:
    """A signal in a crowd, and the crowd's card where it opens it. `told` and `joined` are as for
    any card that it would join."""
    incident = where.into
    facts: list[IncidentFact] = []
    if incident is None:
        incident = context.fresh_ids[0]
        facts.append(_opened(command, where.kind, context))
    text_zh, text_en = unnumbered(means, command.read.zone)
    # Whoever is in it already has it among the incidents that it may belong to.
    is_new = incident not in command.candidates
    entry = CrowdEntry(context.now, is_new, text_zh, text_en)
    facts.append(replace(joined, evidence=None, crowd=entry))  # a crowd confirms nothing
    _, _, judged = told
    assert isinstance(judged, SignalJudged)
    judged = replace(
        judged,
        verdict=Verdict.OPENED if where.into is None else Verdict.JOINED,
        incident=incident,
        sender=sender_of(command.site, command.read),
    )
    return [
        (SubjectKind.SIGNAL, command.signal, judged),
        *((SubjectKind.INCIDENT, incident, fact) for fact in facts),
    ]


def sender_of(site: UUID | None, read: SignalRead) -> str:
    """What tells a sender again that went into a crowd: its site, else its protocol and account."""
    return f"{read.protocol}/{read.account}" if site is None else f"site/{site}"


def as_of_sender(states: States, command: JudgeSignal, told: list[Decided]) -> list[Decided]:
    """What is told on a crowd's card belongs to its sender there, and leaves the crowd with it."""
    return [
        (kind, subject, replace(fact, sender=sender_of(command.site, command.read)))
        if isinstance(fact, SignalJudged) and fact.incident and is_one(states.get(fact.incident))
        else (kind, subject, fact)
        for kind, subject, fact in told
    ]


def is_one(state: State | None) -> bool:
    """Whether it is a crowd's card."""
    return isinstance(state, Incident) and state.crowd is not None


def told_on(states: States, command: JudgeSignal, means: Meaning) -> UUID | None:
    """The open card of a crowd that the sender is in, also where it lives on in another incident,
    for what is told there as it is: a restore or a status. What needs an answer is another
    exception, or an alarm, which never hides in a crowd."""
    if means.effect is Effect.ALARM or (means.needs_answer and means.effect is not Effect.RESTORE):
        return None
    for one in command.candidates:
        incident = states.get(one)
        if not isinstance(incident, Incident) or incident.crowd is None:
            continue
        while incident.lives_on is not None:
            one = incident.lives_on.into  # noqa: PLW2901
            found = states.get(one)
            if not isinstance(found, Incident):
                break
            incident = found
        if incident.state in OPEN and _place(incident) == (command.district, command.agency):
            return one
    return None


def waits_as(incident: Incident) -> ExceptionKind | None:
    """What an open incident waits as that is an exception: a crowd until it is closed, a card of
    its own until somebody has taken it."""
    waits = incident.state in OPEN and (incident.watch or incident.crowd is not None)
    return incident.exception if waits else None


@dataclass(slots=True)
class Meanwhile:
    """What signals judged together have added to the exceptions that wait, for those after them."""

    _own: Counter[tuple[str, str, ExceptionKind]] = field(default_factory=Counter)
    _crowds: dict[tuple[str, str], list[UUID]] = field(default_factory=dict)
    _crowd_of: dict[str, UUID] = field(default_factory=dict)

    def note(self, decided: Iterable[Decided]) -> None:
        """What follows from one signal."""
        for _, subject, fact in decided:
            if isinstance(fact, IncidentOpened) and fact.exception is not None:
                if fact.is_crowd:
                    self._crowds.setdefault((fact.district, fact.agency), []).append(subject)
                else:
                    self._own[fact.district, fact.agency, fact.exception] += 1
            elif isinstance(fact, SignalJudged) and fact.sender and fact.incident is not None:
                self._crowd_of[fact.sender] = fact.incident

    def known_to(self, command: JudgeSignal) -> JudgeSignal:
        """The command as it would be had the record been asked now."""
        if not (self._own or self._crowds or self._crowd_of):
            return command
        place = (command.district, command.agency)
        own = Counter(dict(command.exceptions.own))
        for (*where, kind), count in self._own.items():
            if tuple(where) == place:
                own[kind] += count
        crowds = (*self._crowds.get(place, ()), *command.exceptions.crowds)
        candidates = command.candidates
        crowd = self._crowd_of.get(sender_of(command.site, command.read))
        if crowd is not None and crowd not in candidates:
            candidates = (*candidates, crowd)
        waiting = Exceptions(tuple(own.items()), crowds)
        return replace(command, candidates=candidates, exceptions=waiting)


def _place(incident: Incident) -> tuple[str, str]:
    return incident.district, incident.agency


def _is_of(states: States, one: UUID, command: JudgeSignal, kind: ExceptionKind) -> bool:
    """Whether it is the open crowd of that kind, where the signal is."""
    incident = states.get(one)
    return (
        isinstance(incident, Incident)
        and incident.crowd is not None
        and incident.exception is kind
        and incident.state in OPEN
        and _place(incident) == (command.district, command.agency)
    )


def _grows(states: States, one: UUID, now: datetime) -> bool:
    incident = states[one]
    assert isinstance(incident, Incident)
    assert incident.crowd is not None
    recent = incident.crowd.recent
    return len(recent) == RECENT_MAX and now - recent[0] <= WITHIN


def _opened(command: JudgeSignal, kind: ExceptionKind, context: Context) -> IncidentOpened:
    is_trouble = kind is ExceptionKind.TROUBLE
    title = CROWDS[kind]
    return IncidentOpened(
        number=context.incident_number,
        type=IncidentType.TECHNICAL if is_trouble else IncidentType.UNKNOWN,
        level=Level.P4,
        place=None,
        district=command.district,
        agency=command.agency,
        source=Source.SIGNAL,
        opened_at=context.now,
        due_at=deadline(context.now, context.obligations.take_watch_s),
        signal=command.signal,
        watch=True,
        title_zh=title.zh,
        title_en=title.en,
        exception=kind,
        is_crowd=True,
    )
