"""Our own signals: that a device is silent, or many of one way in, or heard again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.signals import SignalRead
from tocsin.core.supervision import FAILED, OUTAGE, PROTOCOL, SILENCE, level_of
from tocsin.record.heard_rows import Heard


def of_device(row: dict[str, Any], code: str, now: datetime) -> Heard:
    """Our own signal about one device."""
    said = {
        "account": row["account"],
        "protocol": row["protocol"],
        "last_seen_at": row["last_seen_at"],
        "interval_s": row["interval_s"],
    }
    read = SignalRead(
        protocol=PROTOCOL,
        token=SILENCE,
        account=row["account"],
        code=code,
        codes="sia",
        level=int(level_of(row["interval_s"] or float("inf"))),
    )
    return Heard(
        received_at=now,
        intake=PROTOCOL,
        protocol=PROTOCOL,
        source="",
        body=msgspec.json.encode(said),
        answer="none",
        district=row["district"],
        agency=row["agency"],
        device=row["id"],
        site=row["site"],
        signals=(read,),
        assurance="authenticated",
    )


def of_outage(
    group: tuple[str, str, str], devices: int, began_at: datetime, code: str, now: datetime
) -> Heard:
    """Our own signal about many devices of one way in."""
    intake, district, agency = group
    said = {"intake": intake, "devices": devices, "began_at": began_at}
    read = SignalRead(
        protocol=PROTOCOL,
        token=OUTAGE,
        account=intake,
        code=code,
        codes="sia",
        text=f"{devices} 台设备失联 / {devices} devices silent" if code == FAILED else "",
        level=2,
    )
    return Heard(
        received_at=now,
        intake=PROTOCOL,
        protocol=PROTOCOL,
        source="",
        body=msgspec.json.encode(said),
        answer="none",
        district=district,
        agency=agency,
        signals=(read,),
        assurance="authenticated",
    )
