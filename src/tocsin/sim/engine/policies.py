"""The policies that can be simulated, by name. A policy is a choice of functions with the figures
they are tuned to; figures were tuned on calls of seeds 101 to 106 only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tocsin.sim.engine.rules import CLOSEST, HOME, MARGINAL, NO_MOVE, Rules


@dataclass(frozen=True)
class Policy:
    """A policy. `redirects`: whether it may take a unit that is already on its way to a call."""

    name: str
    rules: Rules
    redirects: bool


POLICIES: Final = {
    policy.name: policy
    for policy in (
        Policy("closest", Rules(CLOSEST, HOME, NO_MOVE, 0.5), redirects=True),
        Policy("dmexclp", Rules(CLOSEST, MARGINAL, NO_MOVE, 0.5), redirects=True),
    )
}
