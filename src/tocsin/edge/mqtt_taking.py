"""Takes MQTT messages in hand, from our own acceptor and from a site's broker alike: what they say,
what is known of their topic already, and what may be a resending. Returns when they are kept."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from tocsin.core.signals import SignalRead
from tocsin.edge.intake import Intake
from tocsin.record.devices import Device
from tocsin.record.heard import NotKept
from tocsin.record.recalling import MESSAGES_MAX, NotKnown, Recall
from tocsin.record.repeats import REPEAT_WINDOW
from tocsin.wire.mqtt.packets import V3, V5, Publish
from tocsin.wire.mqtt.saying import Topic
from tocsin.wire.mqtt.signals import (
    Reading,
    State,
    is_state_row,
    read,
    repeat_key,
    state,
    told,
    topic_digest,
)

logger = logging.getLogger("tocsin.mqtt")

ACCOUNTS_MAX: Final = 20_000
TOPICS_MAX: Final = 512
"""Topics of one account whose state is remembered. What is forgotten is unknown: it alarms."""

_UNLIKE_ANY: Final[State] = frozenset({("not kept",)})

RECENT_MAX: Final = 200_000
"""Messages that may come again; of more at once none is told as a resending."""

ANSWERS: Final = ("published", "puback", "pubrec")
"""What a message of QoS 0, 1 or 2 is kept with. Of QoS 0 nobody is told."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came from: the device of its account, if we know one, and the address.

    `is_broker`: a broker sent it, whose RETAIN says that it was stored before we subscribed
    (3.1.1, 3.3.1.3). A device's own RETAIN says only that it is to be stored, so it may be of now.
    """

    account: str
    device: Device | None
    source: str
    transport: str = ""
    assurance: str = "none"
    version: int = V3
    is_broker: bool = False


@dataclass(slots=True)
class _Topics:
    """What one account's topics said last. `is_known`: the record has been asked. `is_doubtful`: it
    could not say all, or more was said than is remembered, so a topic that is not among them may
    have been heard before."""

    states: OrderedDict[str, State] = field(default_factory=OrderedDict)
    is_known: bool = False
    is_doubtful: bool = False


class Taking:
    """One per intake. `take` decides in the order of its calls; what it returns keeps."""

    def __init__(self, intake: Intake, recall: Recall) -> None:
        self.intake = intake
        self._recall = recall
        self._topics: OrderedDict[str, _Topics] = OrderedDict()
        self._resendings = Resendings()

    async def start(self) -> None:
        """Learns what the last minutes' messages were, so that one sent again is told after a
        restart too. Where the record cannot say, none is: in doubt it alarms."""
        try:
            self._resendings.known(await self._recall.repeat_keys(self.intake.name))
        except NotKnown as why:
            logger.warning("what was heard last is not known", extra={"why": str(why)})
            self.intake.counts.refused("record_not_asked", "")

    def knows(self, origin: Origin) -> bool:
        """Whether a retained message of this account can be judged; else `learn` comes first."""
        topics = self._topics.get(origin.account)
        return origin.device is None or (topics is not None and topics.is_known)

    async def learn(self, origin: Origin) -> None:
        """Asks the record what the account's topics said last. Where it cannot say, nothing is
        known of them, and what they say retained is news."""
        assert origin.device is not None
        topics = self._of(origin.account)
        try:
            messages = await self._recall.messages(self.intake.name, origin.device.id)
        except NotKnown as why:
            logger.warning("a device's last states are not known", extra={"why": str(why)})
            self.intake.counts.refused("record_not_asked", origin.source)
            messages = []
            topics.is_doubtful = True
        if len(messages) >= MESSAGES_MAX:
            topics.is_doubtful = True
        for signals in reversed(messages):  # the newest last
            line = signals[0].line
            if line is not None and line not in topics.states and is_state_row(signals[0]):
                topics.states[line] = frozenset()
            if line is not None and is_state_row(signals[0]):
                topics.states[line] = state(signals)
        topics.is_known = True

    async def take(self, publish: Publish, raw: bytes, topic: Topic, origin: Origin) -> None:
        """Returns when the message is on disk, or said nothing that is to be kept. Raises
        `NotKept`: then it is not to be acknowledged."""
        reading = read(publish, raw, origin.version, topic, origin.account)
        self._count(reading, origin)
        line = topic_digest(publish.topic)
        topics = self._of(origin.account)
        last = topics.states.get(line)
        is_doubtful = topics.is_doubtful or not origin.is_broker
        signals = told(reading, is_retained=publish.retain, last=last, is_doubtful=is_doubtful)
        if not reading.is_news or not signals:
            self._nothing_new(origin)
            return
        key = self._resendings.key(origin.account, publish) if publish.qos else None
        _remember(topics, line, reading.state)
        try:
            await self.keep(reading, signals, origin, ANSWERS[publish.qos], key)
        except BaseException:
            # When it comes again it must not be taken for what is known; nor for a state that was
            # found at the first connection, unless it was.
            if last is None and topics.states.get(line) == reading.state:
                del topics.states[line]
            else:
                topics.states[line] = _UNLIKE_ANY
            raise

    async def keep(
        self,
        reading: Reading,
        signals: tuple[SignalRead, ...],
        origin: Origin,
        answer: str,
        key: bytes | None = None,
    ) -> None:
        """Keeps these signals of a message. Raises `NotKept`."""
        await self.intake.keep(
            source=origin.source,
            body=reading.body,
            answer=answer,
            signals=signals,
            device=origin.device,
            problem=reading.problem,
            repeat_key=key,
            assurance=origin.assurance,
            transport=origin.transport,
        )

    def _count(self, reading: Reading, origin: Origin) -> None:
        if reading.removed:
            self.intake.counts.add("identity_dropped", reading.removed)
        if reading.problem is not None:
            self.intake.counts.refused(reading.problem, origin.source)

    def _nothing_new(self, origin: Origin) -> None:
        """It says only that the device is there. Raises `NotKept`."""
        if origin.device is not None:
            self.intake.seen(origin.device)
        elif not self.intake.can_keep:
            raise NotKept("the database is away")
        else:
            self.intake.counts.add("nothing_new")

    def _of(self, account: str) -> _Topics:
        topics = self._topics.get(account)
        if topics is None:
            topics = self._topics[account] = _Topics()
            if len(self._topics) > ACCOUNTS_MAX:
                self._topics.popitem(last=False)
        return topics


def _remember(topics: _Topics, line: str, now: State) -> None:
    topics.states[line] = now
    topics.states.move_to_end(line)
    if len(topics.states) > TOPICS_MAX:
        topics.states.popitem(last=False)
        topics.is_doubtful = True


class Resendings:
    """Which message is one sent again. The keys of a message and of its resending (DUP) are equal;
    of two messages that only look alike (a panel counts its packet ids from 1 again after each
    connection) they differ, because the second was not marked as sent again."""

    def __init__(self) -> None:
        self._recent: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._before: set[bytes] | None = None  # None: not known, and any may have been there
        self._until: float | None = None

    def known(self, keys: set[bytes]) -> None:
        """What this process did not hear itself, and a resending may repeat."""
        self._before = keys

    def key(self, account: str, publish: Publish) -> bytes:
        """The repeat key of a message with a packet id."""
        now = asyncio.get_running_loop().time()
        window_s = REPEAT_WINDOW.total_seconds()
        if self._until is None:
            self._until = now + window_s
        if now > self._until:
            self._before = set()
        recent = self._recent
        while recent and next(iter(recent.values()))[0] < now - window_s:
            recent.popitem(last=False)
        plain = repeat_key(account, publish)
        heard = recent.get(plain)
        is_taken = heard is not None or self._before is None or plain in self._before
        if publish.dup:
            generation = b"" if heard is None else heard[1]
        elif is_taken or len(recent) >= RECENT_MAX:
            generation = os.urandom(16)
        else:
            generation = b""
        recent.pop(plain, None)
        if len(recent) < RECENT_MAX:
            recent[plain] = (now, generation)
        return repeat_key(account, publish, generation)


def version_of(name: str) -> int:
    """The protocol level of a version's name in the configuration."""
    return V5 if name == "5.0" else V3
