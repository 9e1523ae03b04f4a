"""Datum conversion against published vectors, and its inverse over the whole of China."""

from __future__ import annotations

import random

import pytest

from tocsin.core.terms import Datum
from tocsin.roads.datum import _gcj_to_bd, _wgs_to_gcj, to_wgs84
from tocsin.roads.times import metres_between

# EvilTransform's own test vectors: Shanghai, Shenzhen, Beijing.
GCJ = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]
# coordtransform's published vectors for Baidu's datum, from GCJ-02 and from WGS-84.
GCJ_TO_BD = ((39.915, 116.404), (39.92133699351021, 116.41036949371029))
WGS_TO_BD = ((39.915, 116.404), (39.922699552216216, 116.41662724378733))


def from_wgs84(lat: float, lon: float, datum: Datum) -> tuple[float, float]:
    """The published forward formulas, which `to_wgs84` inverts by iterating."""
    if datum in (Datum.GCJ_02, Datum.BD_09):
        lat, lon = _wgs_to_gcj(lat, lon)
    return _gcj_to_bd(lat, lon) if datum is Datum.BD_09 else (lat, lon)


@pytest.mark.parametrize(("wgs", "gcj"), GCJ)
def test_gcj02_equals_the_published_vectors(
    wgs: tuple[float, float], gcj: tuple[float, float]
) -> None:
    assert from_wgs84(*wgs, Datum.GCJ_02) == pytest.approx(gcj, abs=1e-9)
    assert metres_between([to_wgs84(*gcj, Datum.GCJ_02)], wgs)[0] <= 0.1


def test_bd09_equals_the_published_vectors() -> None:
    gcj, bd = GCJ_TO_BD
    assert from_wgs84(*to_wgs84(*gcj, Datum.GCJ_02), Datum.BD_09) == pytest.approx(bd, abs=1e-8)
    wgs, bd = WGS_TO_BD
    assert from_wgs84(*wgs, Datum.BD_09) == pytest.approx(bd, abs=1e-9)
    assert metres_between([to_wgs84(*bd, Datum.BD_09)], wgs)[0] <= 0.1


@pytest.mark.parametrize("datum", list(Datum))
def test_there_and_back_is_within_a_tenth_of_a_metre_anywhere_in_china(datum: Datum) -> None:
    dice = random.Random(1)
    for _ in range(500):
        point = dice.uniform(18.2, 53.5), dice.uniform(73.5, 134.7)
        moved = from_wgs84(*point, datum)
        shift = metres_between([moved], point)[0]
        assert metres_between([to_wgs84(*moved, datum)], point)[0] <= 0.1
        if datum in (Datum.GCJ_02, Datum.BD_09):
            assert 30 < shift < 2_500
        else:
            assert shift == 0


def test_nothing_is_moved_outside_china() -> None:
    assert from_wgs84(48.85, 2.35, Datum.GCJ_02) == (48.85, 2.35)
    assert to_wgs84(48.85, 2.35, Datum.GCJ_02) == (48.85, 2.35)
