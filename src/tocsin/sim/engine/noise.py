"""Travel that takes longer or shorter than the table says: a factor of mean one, lognormal, drawn
from what the drive is for, so that every policy meets the same luck on the same call. Compiled."""

from __future__ import annotations

import math

import numpy as np

from tocsin.sim.engine.compiled import inner

RESPONSE, HOSPITAL, STATION = range(3)

_ONE = np.uint64(0x9E3779B97F4A7C15)
_TWO = np.uint64(0xBF58476D1CE4E5B9)
_THREE = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@inner
def _mixed(word: np.uint64) -> np.uint64:
    """SplitMix64 (Steele, Lea, Flood 2014)."""
    word = (word ^ (word >> _30)) * _TWO
    word = (word ^ (word >> _27)) * _THREE
    return word ^ (word >> _31)


@inner
def factor(sigma: float, seed: int, kind: int, one: int, two: int) -> float:
    """How many times the table's time this drive takes; exactly 1 at sigma 0."""
    if sigma == 0.0:
        return 1.0
    word = _mixed(np.uint64(seed) + _ONE)
    word = _mixed(word + _ONE * np.uint64(kind + 1))
    word = _mixed(word + _ONE * np.uint64(one + 1))
    word = _mixed(word + _ONE * np.uint64(two + 1))
    first = (float(word >> _11) + 1.0) / 9007199254740993.0
    second = float(_mixed(word + _ONE) >> _11) / 9007199254740992.0
    normal = math.sqrt(-2.0 * math.log(first)) * math.cos(2.0 * math.pi * second)
    return math.exp(sigma * normal - 0.5 * sigma * sigma)
