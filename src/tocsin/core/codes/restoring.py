"""Which alarms a restore takes back: those that its own code is the restore of, and no others."""

from __future__ import annotations

from typing import Final

from tocsin.core.codes.meaning import RESTORED
from tocsin.core.codes.sia import FAMILIES

# DC-03: the alarms of a family beside its "A" that its restore ends as well.
_ALARMS: Final[dict[str, tuple[str, ...]]] = {
    "B": ("BA", "BG", "BM", "BV", "CM", "EA", "EZ", "XM"),
    "F": ("FA", "FG", "FM"),
    "U": ("UA", "UG", "UX", "UZ"),
}
# H: the alarm is restored; R: alarm or trouble. J, and whatever else restores, is of a trouble.
_OF_FAMILIES: Final = {
    family + condition: _ALARMS.get(family, (f"{family}A",))
    for family in FAMILIES
    for condition in ("H", "R")
}
_DOORS: Final = ("DF", "DL")
_SIA: Final[dict[str, tuple[str, ...]]] = {
    **_OF_FAMILIES,
    "DH": _DOORS,
    "DR": _DOORS,
    "JC": ("JA",),
    "NS": ("NA",),
}


def restored_by(listed: str, code: str, qualifier: str) -> tuple[str, ...]:
    """Codes of the alarms that a code of the list `listed` is the restore of; none for what
    restores a trouble, or everything. In Contact ID an event has its own code restored (DC-05)."""
    if listed == "cid":
        return (code,) if qualifier == RESTORED else ()
    return _SIA.get(code, ()) if listed == "sia" else ()
