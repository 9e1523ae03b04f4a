"""What a policy is made of: how a call gets its unit, where a free unit goes, and which idle unit
moves to cover what has become bare. A policy is a choice of functions with their figures."""

from __future__ import annotations

from typing import NamedTuple

CLOSEST = 0
HOME, MARGINAL = range(2)
NO_MOVE = 0


class Rules(NamedTuple):
    """Numbers of the functions, and what they are tuned to."""

    dispatch: int
    release: int
    move: int
    busy: float
    """The share of time that a unit is taken to be busy."""
