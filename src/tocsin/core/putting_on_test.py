"""The commands of a test: put on test, extend, end. What they do is in `tocsin.core.on_test`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PutOnTest:
    """From now until `until`, at most 24 hours: the site, or its `device`, or that device's `zone`.

    What is on test opens no incidents; every signal is recorded with what it would have done.
    """

    site: UUID
    why: str
    until: datetime
    device: UUID | None = None
    zone: str = ""
    type: Literal["put_on_test"] = "put_on_test"


@dataclass(frozen=True, slots=True)
class ExtendOnTest:
    """`until` is at most 24 hours from now, each time."""

    on_test: UUID
    until: datetime
    type: Literal["extend_on_test"] = "extend_on_test"


@dataclass(frozen=True, slots=True)
class EndOnTest:
    on_test: UUID
    type: Literal["end_on_test"] = "end_on_test"
