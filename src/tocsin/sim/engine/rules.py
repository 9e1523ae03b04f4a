"""What the policies beyond JEMSS' own are tuned by: how a call gets its unit, where a free unit
goes, and which idle unit moves to cover what has become bare. What is weighed is counted in late
calls: one weighs 1."""

from __future__ import annotations

from typing import NamedTuple

JEMSS_BUSY = 0.5
"""The share of time that DMEXCLP takes a unit to be busy."""


class Rules(NamedTuple):
    """Figures of a policy."""

    takes_rolling: bool
    """Whether a unit on its way may be taken for a higher priority, or relieved by a nearer one."""
    moves: int
    """How many idle units may move after one event."""
    busy: float
    """The chance that a free unit is not free when its cover is called upon."""
    minute: float = 0.0
    """What a minute of response weighs."""
    cover: float = 0.0
    """What all cover of the city weighs: calls that come before a bare place is covered again."""
    switch: float = 0.0
    """What it weighs to take a rolling unit off its call."""
    doubt: float = 0.0
    """Sigma by which travel times are taken to be uncertain."""
    release_horizon: float = 0.0
    """Minutes of drive at which a station is worth nothing to a unit just free; 0: no matter."""
    horizon: float = 0.0
    """The same for all cover: minutes from its station at which a unit counts where it is."""
    move_minute: float = 0.0
    """Share of all demand that a minute of the drive of a unit that moves weighs."""
    move_gain: float = 0.0
    """Share of all demand that a move must add."""
    soon: float = 0.0
    """What a unit with a patient in it or at hospital is worth for cover there."""
