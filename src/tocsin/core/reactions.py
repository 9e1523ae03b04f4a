"""Reactions: which commands a fact calls for, one visible table.

`tocsin.record.working` sends them after the fact is committed; each is idempotent by fact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from tocsin.core.commands import Command, MarkOrderSent
from tocsin.core.orders import OrderGiven
from tocsin.core.states import Fact
from tocsin.core.terms import Channel


def _handed_over(order: UUID, _: OrderGiven) -> tuple[Command, ...]:
    """The crew's device reads its orders from the stream: with the commit it is handed over."""
    return (MarkOrderSent(order, Channel.APP),)


_TABLE: Final[dict[type, Callable[[UUID, Any], tuple[Command, ...]]]] = {OrderGiven: _handed_over}

REACTED_TO: Final = frozenset(_TABLE)
"""The facts that call for commands; of a storm's others nothing is read."""


def reactions(subject: UUID, fact: Fact) -> tuple[Command, ...]:
    """The commands that follow from `fact` about `subject`."""
    called_for = _TABLE.get(type(fact))
    return () if called_for is None else called_for(subject, fact)
