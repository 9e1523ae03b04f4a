"""Which city the tests of the simulation build, and what building gives."""

from __future__ import annotations

from tocsin.roads.graph import Graph
from tocsin.sim.city.build import Drawing
from tocsin.sim.city.model import City

SEED = 7
Built = tuple[City, Graph, Drawing]
