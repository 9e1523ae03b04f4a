"""The policies that can be simulated, by name. A policy is a choice of functions with the figures
they are tuned to; figures were tuned on calls of seeds 101 to 106 only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tocsin.sim.engine.rules import Rules


@dataclass(frozen=True)
class Policy:
    """A policy. `redirects`: whether it may take a unit that is already on its way to a call."""

    name: str
    redirects: bool
    covers: bool = False
    """Whether a free unit goes where cover is thin, rather than home."""
    rules: Rules | None = None
    """None: the closest unit goes, as in JEMSS, and nobody moves."""


POLICIES: Final = {
    policy.name: policy
    for policy in (
        Policy("closest", redirects=True),
        Policy("dmexclp", redirects=True, covers=True),
        Policy(
            "cover",
            redirects=False,
            covers=True,
            rules=Rules(
                takes_rolling=False,
                moves=1,
                busy=0.2,
                minute=0.01,
                cover=2.0,
                doubt=0.15,
                release_horizon=200.0,
                horizon=60.0,
                move_gain=0.01,
                soon=0.4,
            ),
        ),
        Policy(
            "late-aware",
            redirects=True,
            covers=True,
            rules=Rules(
                takes_rolling=True,
                moves=3,
                busy=0.2,
                minute=0.02,
                cover=4.0,
                switch=0.05,
                doubt=0.15,
                release_horizon=200.0,
                horizon=60.0,
                move_minute=0.0002,
                move_gain=0.006,
                soon=0.5,
            ),
        ),
    )
}
