"""Which earlier message one repeats: equal to it within minutes, or within days where its sender
named it; and whoever sends an encrypted one again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tocsin.record.arrays import Byteas
from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard
from tocsin.record.ids import first_at, time_of

REPEAT_WINDOW: Final = timedelta(minutes=3)
"""A message equal to one heard at most this long ago repeats it; later it is news."""

NAMED_WINDOW: Final = timedelta(days=30)
"""The same for a message that its sender named: some try again for days until they are answered."""

Originals = dict[bytes, list[tuple[datetime, UUID]]]
"""By repeat key: when messages that may be repeated were received, and their ids. By replay key:
the same of all that said so, with the ids of those that they repeat themselves."""


def originals(connection: Connection, messages: list[tuple[UUID, Heard]]) -> Originals:
    """What is on record that one of `messages` may repeat."""
    with_key = [one for one in messages if one[1].repeat_key is not None]
    named = [one for one in with_key if one[1].is_named]
    if not named:
        return _within(connection, with_key, REPEAT_WINDOW)
    unnamed = [one for one in with_key if not one[1].is_named]
    found = _within(connection, unnamed, REPEAT_WINDOW)
    for key, some in _within(connection, named, NAMED_WINDOW).items():
        found.setdefault(key, []).extend(some)
    return found


def _within(
    connection: Connection, messages: list[tuple[UUID, Heard]], window: timedelta
) -> Originals:
    if not messages:
        return {}
    keys = Byteas.of({message.repeat_key for _, message in messages})
    times = [message.received_at for _, message in messages]
    since, until = min(times) - window, max(times) + window
    # An id's time is that of the commit, and that of a later one after a clock was set back. Whole
    # days of ids: they choose the partitions, and leave it to the repeat keys what is read there.
    times = [since, until, time_of(messages[0][0]), time_of(messages[-1][0])]
    first, last = first_at(_day(min(times))), first_at(_day(max(times)) + timedelta(days=2))
    found: Originals = {}
    for key, at, identifier in connection.execute(ORIGINALS, (keys, first, last, since, until)):
        found.setdefault(key, []).append((at, identifier))
    replays = {message.replay_key for _, message in messages} - {None}
    if replays:
        said = connection.execute(SAID_BEFORE, (Byteas.of(replays), first, last, since, until))
        for key, at, identifier in said:
            found.setdefault(key, []).append((at, identifier))
    return found


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def repeat_of_earlier(message: Heard, known: Originals) -> UUID | None:
    """The earlier message that this one repeats. In doubt none: then it alarms. A replay is asked
    for first: its header, which may be forged, tells nothing."""
    window = NAMED_WINDOW if message.is_named else REPEAT_WINDOW
    for key in (message.replay_key, message.repeat_key):
        for at, identifier in () if key is None else known.get(key, ()):
            if abs(message.received_at - at) <= window:
                return identifier
    return None


# Key by key (OFFSET 0 keeps it so): of a day that has just begun the planner knows nothing, and
# for all keys at once would read the whole of it instead of its index.
ORIGINALS: Final = """
SELECT m.* FROM unnest(%b::bytea[]) AS k (key), LATERAL (
    SELECT repeat_key, received_at, id FROM heard.message
    WHERE repeat_key = k.key AND repeat_of IS NULL AND id >= %s AND id < %s
        AND received_at BETWEEN %s AND %s OFFSET 0) m"""
SAID_BEFORE: Final = """
SELECT m.* FROM unnest(%b::bytea[]) AS k (key), LATERAL (
    SELECT replay_key, received_at, coalesce(repeat_of, id) FROM heard.message
    WHERE replay_key = k.key AND id >= %s AND id < %s
        AND received_at BETWEEN %s AND %s OFFSET 0) m"""
