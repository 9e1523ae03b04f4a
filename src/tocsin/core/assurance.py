"""Assurance: what vouches for a signal. What is not authenticated may alarm; it can never dispatch
by itself, mute or reconfigure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Assurance(StrEnum):
    """How far an intake can be trusted to say who spoke, the weakest first."""

    NONE = "none"  # anybody could have said it
    INTEGRITY = "integrity"  # it was not changed on its way; who said it is not shown
    AUTHENTICATED = "authenticated"  # whoever said it holds a secret of that device or source


ORDER: Final = tuple(Assurance)
"""From the weakest to the strongest."""


def at_least(one: Assurance, other: Assurance) -> bool:
    """Whether `one` vouches for as much as `other` does."""
    return ORDER.index(one) >= ORDER.index(other)
