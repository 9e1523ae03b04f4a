"""Reactions: which commands a fact calls for, one visible list.

`tocsin.record.working` sends them after the fact is committed; each is idempotent by fact.
"""

from __future__ import annotations

from uuid import UUID

from tocsin.core.commands import Command, MarkOrderSent
from tocsin.core.orders import OrderGiven
from tocsin.core.states import Fact
from tocsin.core.terms import Channel


def reactions(subject: UUID, fact: Fact) -> tuple[Command, ...]:
    """The commands that follow from `fact` about `subject`."""
    match fact:
        case OrderGiven():
            # The crew's device reads its orders from the stream: with the commit it is handed over.
            return (MarkOrderSent(subject, Channel.APP),)
        case _:
            return ()
