"""What a story has named so far, and the world that it happens in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.world import NOON, SYSTEM, World
from tocsin.core import commands as c
from tocsin.core.access import may
from tocsin.core.confirmation import Confirming
from tocsin.core.states import Fact
from tocsin.core.terms import (
    Actor,
    Place,
    Reason,
    Refused,
)
from tocsin.core.texts.timeline import sentence


class StoryBroken(AssertionError):
    """The story and the core disagree, or a line says nothing we know; names the line."""


@dataclass
class Told(World):
    """The world, with the timeline's sentences as they are told."""

    lines: list[str] = field(default_factory=list)

    def do(self, command: c.Command, actor: Actor = SYSTEM) -> list[Fact]:
        start = len(self.log)
        facts = super().do(command, actor)
        for _, subject, fact in self.log[start:]:
            call_sign = getattr(self.states[subject], "call_sign", "")
            text = sentence(fact, {"actor": actor.name, "call_sign": call_sign})
            self.lines.append(text.en)
        return facts


@dataclass
class Scene:
    """Who and what the story has named so far."""

    world: Told = field(default_factory=Told)
    sites: dict[str, tuple[UUID, Place]] = field(default_factory=dict)
    asked: dict[str, Confirming] = field(default_factory=dict)
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)
    signals: list[UUID] = field(default_factory=list)
    last_read: dict[str, UUID] = field(default_factory=dict)

    def at(self, clock: str) -> datetime:
        hour, minute, second = map(int, clock.split(":"))
        return NOON.replace(hour=hour, minute=minute, second=second)

    def incident(self, number: str) -> UUID:
        for one in self.world.incidents():
            if self.world.incident(one).number == int(number):
                return one
        raise StoryBroken(f"there is no incident {number}")

    def order(self, call_sign: str) -> UUID:
        """The unit's latest order."""
        orders = [
            one
            for one, state in self.world.states.items()
            if getattr(state, "call_sign", None) == call_sign and hasattr(state, "given_at")
        ]
        if not orders:
            raise StoryBroken(f"{call_sign} has no order")
        return orders[-1]

    def send(self, command: c.Command, actor: Actor) -> None:
        """The command with the policy before it, as the API has it, and the reactions after."""
        incident = getattr(command, "incident", None)
        unit = getattr(command, "unit", None)
        if order := getattr(command, "order", None):
            unit = self.world.order(order).unit
        subject = self.world.states.get(incident or unit)
        district = getattr(subject, "district", "north")
        if actor is not SYSTEM and not may(
            actor, command.type, district=district, agency="city", unit=unit
        ):
            raise Refused(Reason.NOT_ALLOWED)
        self.world.do(command, actor)
        self.world.react()
