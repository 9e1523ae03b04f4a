"""CAP's times: local time with its offset, to the second. No `Z`, no fraction; UTC is `-00:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

# CAP 1.2, 3.3.2. The schema's own pattern has `[-,+]` and so takes a comma for a sign.
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([-+]\d\d:\d\d)", re.ASCII)


class BadTime(ValueError):
    """A text that is no time of CAP."""


def read_time(text: str) -> datetime:
    """The moment, in UTC. Raises `BadTime`."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise BadTime(text[:40])
    try:
        return datetime.fromisoformat(found[1] + found[2]).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadTime(text[:40]) from error


def write_time(moment: datetime) -> str:
    """As CAP writes it; UTC as `-00:00`, which is its convention. Raises `BadTime` without a zone
    or where the zone's offset is not whole minutes."""
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        raise BadTime(str(moment))
    text = moment.replace(microsecond=0).isoformat()
    return text if offset else f"{text[:-6]}-00:00"
