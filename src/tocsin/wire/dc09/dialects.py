"""How panels of the field depart from DC-09: one table, by which each is told, read and answered.
What a device speaks is told from its frames, or set for it in the register of devices."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from tocsin.wire.dc09.frames import Form, Frame

NO_TIME: Final = timedelta()


class Dialect(NamedTuple):
    """One line of the table. `is_spoken_in` tells it from a frame in clear; None where something
    else does, which `told_by` says."""

    name: str
    heard_from: str
    departs: str
    told_by: str
    answered: str
    is_spoken_in: Callable[[Frame], bool] | None = None


DIALECTS: Final = (
    Dialect(
        "eldes",
        "ELDES, without a timestamp",
        "CRC and length take in the CR",
        "CRC and length",
        "as the standard says: the same panels write standard frames once they send a timestamp,"
        " and receivers that answer them know no other form. Where a panel sends the same message"
        " again, its next answer has the panel's form",
        lambda frame: frame.form is Form.CRC_WITH_CR,
    ),
    Dialect(
        "binary_crc",
        "Trikdis, Egardia, Woonveilig, Lupus",
        "the CRC is two bytes, the most significant first, and either may be an LF or a CR",
        "`0`, length and quote at their places behind the two bytes",
        "in the same form, as iobroker.sia answers them; where a panel sends the same message"
        " again, its next answer is as the standard says",
        lambda frame: frame.form is Form.RAW_CRC,
    ),
    Dialect(
        "misprinted_crc",
        "panels built from the table that DC-07 prints; none was captured",
        "the table's 101st entry is 0xBE01 for 0xEB01, so one frame in nine has another CRC",
        "CRC",
        "as the standard says; where a panel sends the same message again, its next answer has the"
        " printed table's CRC. So have, once it is known to speak so, the answers to its frames"
        " whose CRC is right",
        lambda frame: frame.form is Form.MISPRINTED_CRC,
    ),
    Dialect(
        "empty_line",
        "hosts made in China",
        "`L` without a number",
        "the field",
        "`L` as it came",
        lambda frame: frame.line == "",
    ),
    Dialect(
        "hex_sequence",
        "dc09_spt 0.0.4",
        "the sequence is counted in hex, `000A` after `0009`",
        "the field",
        "the sequence as it came",
        lambda frame: not frame.sequence.isdecimal(),
    ),
    Dialect(
        "no_bar",
        "Hikvision",
        "nothing ends the pad of an encrypted NULL (5.4.4.3 wants `|`)",
        "the opened frame",
        "with a pad as the standard says",
        lambda frame: frame.pad is not None and frame.pad[-1:] != b"|",
    ),
    Dialect(
        "any_pad",
        "Ajax",
        "the pad holds bytes that are no ASCII; standard, and not read by every receiver",
        "the opened frame",
        "with a pad as the standard says",
        lambda frame: frame.pad is not None and not frame.pad.isascii(),
    ),
    Dialect(
        "nul_after_cr",
        "G90B",
        "a NUL follows the CR",
        "the byte",
        "as the standard says",
    ),
    Dialect(
        "local_time",
        "Trikdis, Egardia",
        "timestamps are local time, not GMT",
        "`local_time:+08:00` in the register; or three polls in clear that agree in their distance"
        " from GMT, whole quarters of an hour: that dates frames in clear, and never lets an"
        " encrypted one pass the time test",
        "set in the register: with the panel's local time in NAK and encrypted ACK, else in GMT",
    ),
    Dialect(
        "duh",
        "panels that must hear that a token is not understood",
        "an ACK is taken for more than receipt",
        "`duh` in the register; never told from a frame, since Ajax takes a DUH for a lost line",
        "DUH for an unknown token, kept like any other",
    ),
    Dialect(
        "cid_swapped",
        "U-Prox",
        "Contact ID has the user or zone where the partition belongs, and the partition behind it",
        "`cid_swapped` in the register; never told from a frame, since both are numbers",
        "as the standard says",
    ),
)

_TOLD: Final = tuple(
    (one.name, one.is_spoken_in) for one in DIALECTS if one.is_spoken_in is not None
)


def spoken_in(frame: Frame) -> tuple[str, ...]:
    """Names of the dialects that show in a frame, which is in clear or has been opened."""
    if frame.odd is not None:  # whose fields show nothing but that
        frame = frame._replace(sequence="0000", line="0")
    pad = frame.pad
    if (
        frame.form is Form.STANDARD
        and frame.line
        and frame.sequence.isdecimal()
        and (pad is None or (pad.isascii() and pad[-1:] == b"|"))
    ):
        return ()  # nearly every frame; the table says the same
    return tuple([name for name, is_spoken_in in _TOLD if is_spoken_in(frame)])


ANSWER_FORMS: Final = {
    Form.STANDARD: (Form.STANDARD,),
    Form.CRC_WITH_CR: (Form.STANDARD, Form.CRC_WITH_CR),
    Form.RAW_CRC: (Form.RAW_CRC, Form.STANDARD),
    Form.MISPRINTED_CRC: (Form.STANDARD, Form.MISPRINTED_CRC),
}
"""The forms of an answer by that of the frame: the first, and what is tried in turn where a panel
sends again what it has been answered."""

ANSWER_FORMS_MAX: Final = max(map(len, ANSWER_FORMS.values()))


class Register(NamedTuple):
    """What the register of devices says of one. `form`: of its answers, whatever its frames have.
    `clock_ahead`: of GMT, what its clock shows. `swaps_cid`: its Contact ID has user or zone where
    the partition belongs."""

    form: Form | None = None
    wants_duh: bool = False
    clock_ahead: timedelta | None = None
    swaps_cid: bool = False


AS_HEARD: Final = Register()

_FORMS: Final = {
    "standard": Form.STANDARD,
    "eldes": Form.CRC_WITH_CR,
    "binary_crc": Form.RAW_CRC,
    "misprinted_crc": Form.MISPRINTED_CRC,
}
_LOCAL_TIME: Final = re.compile(r"local_time:([+-])([01][0-9]):([0-5][0-9])")


@lru_cache(maxsize=1_024)
def registered(words: str) -> Register:
    """What the register says, as in `binary_crc;local_time:+08:00`; "": to be told from frames.
    Raises ValueError for a word that is none."""
    form, wants_duh, clock_ahead, swaps_cid = AS_HEARD
    for word in filter(None, map(str.strip, words.split(";"))):
        local = _LOCAL_TIME.fullmatch(word)
        if word in _FORMS:
            form = _FORMS[word]
        elif word == "duh":
            wants_duh = True
        elif word == "cid_swapped":
            swaps_cid = True
        elif local is not None:
            clock_ahead = timedelta(hours=int(local[2]), minutes=int(local[3]))
            if local[1] == "-":
                clock_ahead = -clock_ahead
        else:
            raise ValueError(f"{word!r} is no dialect of DC-09")
    return Register(form, wants_duh, clock_ahead, swaps_cid)
