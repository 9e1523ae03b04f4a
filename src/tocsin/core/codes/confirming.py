"""What codes say beyond their meaning, for confirmation: which alarm was checked before it was
sent, what watched, and which message takes an intrusion alarm back."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tocsin.core.code_tables import list_of
from tocsin.core.codes.meaning import NEW
from tocsin.core.signals import SignalRead
from tocsin.core.terms import IncidentType
from tocsin.core.zones import ZoneKind


class CancelHow(StrEnum):
    """How a user took an alarm back."""

    CANCEL = "cancel"  # said so
    DISARM = "disarm"  # switched the system off


# The panel, or whoever watches for it, checked it: a cross point, sound, a picture (DC-03, DC-05).
# That shows somebody is there, and not what they mean to do.
_VERIFIED: Final = {"cid": frozenset(("139", "129")), "sia": frozenset(("BM", "BV"))}

# Not among them: opened by the clock (403, OA), without a code (408), or at an hour that was not
# agreed (450, 451, OH, OK), and what takes back a fire (FC): in doubt it alarms.
_CANCELS: Final = {"cid": frozenset(("406",)), "sia": frozenset(("BC", "OC"))}
_DISARMS: Final = {
    "cid": frozenset(("400", "401", "402", "407", "409", "441", "442", "452")),
    "sia": frozenset(("OG", "OJ", "OL", "OP", "OQ", "OR", "OS")),
}

_PERIMETER, _TAMPER = ZoneKind.PERIMETER, ZoneKind.TAMPER
_TECHNOLOGIES: Final[dict[str, dict[str, ZoneKind]]] = {
    "cid": {
        **dict.fromkeys(("131", "136", "423"), _PERIMETER),
        **dict.fromkeys(("137", "144", "145"), _TAMPER),
        "155": ZoneKind.GLASS_BREAK,
    },
    "sia": {**dict.fromkeys(("DF", "DL"), _PERIMETER), **dict.fromkeys(("TA", "JA"), _TAMPER)},
}
_BY_TYPE: Final = {
    IncidentType.BURGLARY: ZoneKind.INTRUSION,
    IncidentType.HOLDUP: ZoneKind.HOLDUP,
    IncidentType.PANIC: ZoneKind.PANIC,
}


def is_verified(read: SignalRead) -> bool:
    """Whether the alarm was checked before it was sent."""
    return read.code in _VERIFIED.get(list_of(read), ())


def takes_back(read: SignalRead) -> CancelHow | None:
    """How the message takes an intrusion alarm back; None for what does not."""
    listed = list_of(read)
    if listed == "cid" and read.qualifier != NEW:  # 3 is an arming, or a cancel withdrawn
        return None
    if read.code in _CANCELS.get(listed, ()):
        return CancelHow.CANCEL
    return CancelHow.DISARM if read.code in _DISARMS.get(listed, ()) else None


def technology(read: SignalRead, incident_type: IncidentType) -> ZoneKind:
    """What watched, as far as the code tells; OTHER where it does not."""
    by_code = _TECHNOLOGIES.get(list_of(read), {}).get(read.code)
    return by_code or _BY_TYPE.get(incident_type, ZoneKind.OTHER)
