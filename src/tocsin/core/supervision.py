"""Supervision: when a device that reports at an interval is silent, and when many silences are one
outage. Time counts only while its way in could hear, so a restart is nobody's silence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Final

from tocsin.core.codes.meaning import Meaning
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType, Level

PROTOCOL: Final = "supervision"
SILENCE: Final = "SILENCE"  # token of a signal about one device
OUTAGE: Final = "OUTAGE"  # and about many of one way in
FEED_LOST: Final = "FeedLost"  # about a feed of warnings that is configured here
FEED_BACK: Final = "FeedBack"
UNREAD: Final = "UNREAD"  # about a message that was acknowledged and kept, and cannot be read
FAILED: Final = "YC"  # SIA DC-03: communications fail
RESTORED: Final = "YK"  # communications restoral

LATE_SHARE: Final = 0.04
"""So much later than its interval a device may report. What it takes to notice and to tell comes on
top, so that silence is a signal within the interval and a tenth of it, from 30 s on."""

EARLY_SHARE: Final = 0.1
UNWRITTEN_S: Final = 5.0
"""Polls of the last seconds may not be written when a process is killed, and a device may report a
tenth of its interval early."""

GROWING_S: Final = 3.0
"""A span that ends so long before the latest is over, also where another process hears on."""

OUTAGE_WITHIN_S: Final = 120.0
OUTAGE_DEVICES: Final = 20
OUTAGE_SITES: Final = 3
"""So many devices of so many sites that fall silent within two minutes have one cause, which lies
with the network, the way in or the maker's cloud; each on its own card would hide everything else.
Devices of one site share its card anyway."""

OUTAGE_ENDS_BELOW: Final = OUTAGE_DEVICES - 1
"""An outage is over when no more than so many are still silent, and none has joined them for
OUTAGE_WITHIN_S: each of those is told of singly."""

TELL_AGAIN_S: Final = 60.0
"""How often the card of an outage that grows hears how many they are."""


class SupervisionClass(StrEnum):
    """The category of an alarm transmission system (EN 50136-1): one path, or two."""

    SP1 = "SP1"
    SP2 = "SP2"
    SP3 = "SP3"
    SP4 = "SP4"
    SP5 = "SP5"
    SP6 = "SP6"
    DP1 = "DP1"
    DP2 = "DP2"
    DP3 = "DP3"
    DP4 = "DP4"


# The longest time from the loss of a path to its report, after EN 50136-1 (2012, 2018) as we
# understand it: the table could not be checked against the standard's text. Of two paths the
# primary's; the alternative one reports more rarely, and is a device with an interval of its own
# where it has an account of its own. `interval_s` stands before the class.
REPORTING_S: Final = {
    SupervisionClass.SP1: 32 * 86_400,
    SupervisionClass.SP2: 25 * 3_600,
    SupervisionClass.SP3: 30 * 60,
    SupervisionClass.SP4: 3 * 60,
    SupervisionClass.SP5: 90,
    SupervisionClass.SP6: 20,
    SupervisionClass.DP1: 25 * 3_600,
    SupervisionClass.DP2: 30 * 60,
    SupervisionClass.DP3: 3 * 60,
    SupervisionClass.DP4: 90,
}


def reporting_s(supervision_class: str) -> int | None:
    """Seconds that a class allows until a lost path is told of; None for no class."""
    return REPORTING_S[SupervisionClass(supervision_class)] if supervision_class else None


# EN 50136-1 asks for a faster report of a lost path the graver the risk (SP1 to DP4); what reports
# each minute protects more than what reports once a day.
_LEVELS: Final = ((90.0, Level.P2), (3_600.0, Level.P3))


def allowed_s(interval_s: float) -> float:
    """Seconds of hearing after which a device with this interval is silent."""
    return interval_s * (1 + LATE_SHARE)


def level_of(interval_s: float) -> Level:
    """How grave it is that a device with this interval is silent."""
    return next((level for limit_s, level in _LEVELS if interval_s <= limit_s), Level.P4)


_BEGUN: Final = Meaning(
    *(Effect.TROUBLE, IncidentType.TECHNICAL, Level.P2),
    "多台设备同时失联",
    "Many devices silent",
    needs_answer=True,
)
_SILENT: Final = Meaning(
    *(Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
    "通信失败",
    "Communication failed",
    needs_answer=True,
)
_FEED_LOST: Final = replace(_SILENT, text_zh="预警源中断", text_en="Warning feed lost")
_FEED_BACK: Final = Meaning(
    *(Effect.RESTORE, IncidentType.TECHNICAL, Level.P4),
    "预警源恢复",
    "Warning feed back",
)
_ENDED: Final = Meaning(
    *(Effect.RESTORE, IncidentType.TECHNICAL, Level.P2),
    "设备通信大面积恢复",
    "Devices heard again",
)


def outage_meaning(read: SignalRead) -> Meaning | None:
    """What our own signal about an outage says; None for any other signal."""
    if read.protocol != PROTOCOL or read.token != OUTAGE:
        return None
    return _BEGUN if read.code == FAILED else _ENDED


def feed_meaning(read: SignalRead) -> Meaning | None:
    """What our own signal says about a feed of warnings that we fetch; None for any other."""
    if read.protocol != "cap" or read.codes != "sia":
        return None
    return {FEED_LOST: _FEED_LOST, FEED_BACK: _FEED_BACK}.get(read.token)


def is_silence(read: SignalRead) -> bool:
    """Whether it is our own signal that a device is silent."""
    return read.protocol == PROTOCOL and read.token == SILENCE and read.code == FAILED


def silence_meaning(read: SignalRead) -> Meaning | None:
    """What our own signal that a device is silent says, as grave as `level_of` found it; None for
    any other signal."""
    if not is_silence(read) or read.level is None:
        return None
    return replace(_SILENT, level=Level(read.level))


def is_unread(read: SignalRead) -> bool:
    """Whether it is our own signal that a kept message cannot be read."""
    return read.protocol == PROTOCOL and read.token == UNREAD


class Hearing:
    """Seconds during which one way in could hear, as a function of the time.

    `spans`: (began, until) in seconds since 1970, in any order; those of several processes may
    overlap, and count once. `past` is about spans that had all ended when the first of these
    began. Where they `are_over` none of them will grow.
    """

    def __init__(
        self,
        spans: Iterable[tuple[float, float]],
        past: Hearing | None = None,
        *,
        are_over: bool = False,
    ) -> None:
        self._past = past
        self._began: list[float] = []
        self._until: list[float] = []
        self._before: list[float] = []  # seconds heard before each span
        total = 0.0 if past is None else past.total_s
        ordered = sorted(spans)
        for began, until in ordered:
            if self._until and began <= self._until[-1]:
                longer = max(0.0, until - self._until[-1])
                self._until[-1] += longer
            else:
                self._began.append(began)
                self._until.append(until)
                self._before.append(total)
                longer = until - began
            total += longer
        self.total_s: float = total
        """Seconds heard up to now; it grows with each span's end, and with nothing else."""
        latest = max((until for _, until in ordered), default=0.0)
        # Who hears says so each second; a gap behind a span shows that it is over, however short.
        gaps = set(self._until[:-1])
        over = [
            until for _, until in ordered if are_over or until < latest - GROWING_S or until in gaps
        ]
        self._ends = sorted(self.heard_by(until) for until in over)

    def heard_by(self, at: float) -> float:
        """Seconds heard up to `at`, seconds since 1970."""
        place = bisect_right(self._began, at) - 1
        if place < 0:
            return 0.0 if self._past is None else self._past.heard_by(at)
        return self._before[place] + min(at, self._until[place]) - self._began[place]

    def last_heard(self, last_seen: float, interval_s: float) -> float:
        """The seconds heard by when a device was last heard, given what the record says of it.

        A process that is killed takes the polls of its last seconds with it. Whoever was due just
        then, and not overdue, may have been heard: it counts as heard at that end.
        """
        heard = self.heard_by(last_seen)
        due_s = interval_s * (1 - EARLY_SHARE) - UNWRITTEN_S
        for end in self.ends_after(heard):
            if due_s <= end - heard <= allowed_s(interval_s):
                return end  # once: a process that dies again and again hides nobody
        return heard

    def ends_after(self, heard: float) -> Iterator[float]:
        """The seconds heard by at each later end of a span that is over, in their order."""
        if self._past is not None:
            yield from self._past.ends_after(heard)
        yield from self._ends[bisect_right(self._ends, heard) :]


def is_outage(devices: int, sites: int) -> bool:
    """Whether so many devices of so many sites, of one way in, district and agency, that fell
    silent within OUTAGE_WITHIN_S are one outage."""
    return devices >= OUTAGE_DEVICES and sites >= OUTAGE_SITES
