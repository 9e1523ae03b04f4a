"""Whether a panel's clock shows local time: told from its polls in clear, which are never sent
late. It dates what such a panel sends in clear; encrypted frames are not concerned, nor is anything
learnt of a panel that has a key, in whose name anybody may send in clear."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

QUARTER: Final = timedelta(minutes=15)
"""All zones in use differ from GMT by whole quarters of an hour, from -12:00 to +14:00."""

AHEAD_MAX: Final = timedelta(hours=14)
BEHIND_MAX: Final = timedelta(hours=12)
AGREE_WITHIN: Final = timedelta(seconds=60)
POLLS_NEEDED: Final = 3


class Learnt(NamedTuple):
    """`polls` of different times have agreed that the clock is so far ahead of GMT: not at all is
    never learnt. `last`: what the last of them that counted says."""

    ahead: timedelta
    polls: int
    last: datetime

    @property
    def is_local_time(self) -> bool:
        """Enough have agreed."""
        return self.polls >= POLLS_NEEDED


def learn(before: Learnt | None, sent_at: datetime, now: datetime) -> Learnt | None:
    """What is known after a poll that says it was sent at `sent_at` (its clock, read as GMT).

    None where that is GMT, or no time zone; what was learnt before is then forgotten, as it is when
    the clock changes to summer time. A poll sent again says nothing new, nor does one that says
    what is known.
    """
    off = sent_at - now
    ahead = round(off / QUARTER) * QUARTER
    if not ahead or abs(off - ahead) > AGREE_WITHIN or not -BEHIND_MAX <= ahead <= AHEAD_MAX:
        return None
    if before is None or before.ahead != ahead:
        return Learnt(ahead, 1, sent_at)
    if before.last == sent_at or before.is_local_time:
        return before
    return Learnt(ahead, before.polls + 1, sent_at)
