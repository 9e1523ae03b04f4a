"""How old the probe's last result is, told by `web`, which is not the process that has it: when the
clock is dead, somebody else must say so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from prometheus_client import Gauge

from tocsin.core.probing import result_age
from tocsin.record.database import DatabaseAway, connect
from tocsin.record.probing import newest

_AGE: Final = Gauge(
    "tocsin_probe_result_age_seconds", "Since the probe last had a result; 180 is too long."
)


def measure_probe(url: str) -> None:
    """Set the gauge: infinity while there is no result, it is of a time to come, or the database is
    away."""
    age_s = float("inf")
    try:
        with connect(url, name="tocsin metrics") as connection:
            at = newest(connection)
        age = result_age(at, datetime.now(UTC))
        if age is not None:
            age_s = age.total_seconds()
    except DatabaseAway:
        pass
    _AGE.set(age_s)
