"""The captured frames and a few builders, shared by the tests of DC-09."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.wire.dc09.frames import Form, Frame, crc, encode

HERE = Path(__file__).parent.parent / "frames" / "dc09"


@dataclass(frozen=True)
class Captured:
    id: str
    raw: bytes
    key: bytes | None
    crc_form: str
    expect: dict[str, Any]

    @property
    def form(self) -> Form | None:
        """How its CRC and length are written, as was found when it was captured; None: wrong."""
        if self.expect.get("crc_ok_if_CR_included"):
            return Form.CRC_WITH_CR
        if not self.expect["crc_ok_standard"] or not self.expect["len_ok"]:
            return None
        return Form.RAW_CRC if self.crc_form == "binary" else Form.STANDARD

    @property
    def is_standard(self) -> bool:
        """CRC and length as DC-09 wants them, the CRC in hex."""
        return self.form is Form.STANDARD


def _captured(entry: dict[str, Any]) -> Captured:
    key = entry["key"]
    if key is not None:
        key = key.encode() if entry["key_form"] == "ascii" else bytes.fromhex(key)
    raw = bytes.fromhex(entry["raw_hex"])
    return Captured(entry["id"], raw, key, entry["crc_form"], entry["expect"])


ENTRIES = json.loads((HERE / "captured_frames.json").read_text(encoding="utf-8"))
CAPTURED = [_captured(entry) for entry in ENTRIES if "raw_hex" in entry]
NOT_DC09 = {entry["id"]: entry["text"].encode() for entry in ENTRIES if "raw_hex" not in entry}
NOT_A_MESSAGE = {"ack-bad-none"}  # CRC and length are right, the fields are not
MESSAGES = [c for c in CAPTURED if c.form is not None and c.id not in NOT_A_MESSAGE]
STANDARD = [c for c in CAPTURED if c.is_standard and c.id not in NOT_A_MESSAGE]
BY_ID = {c.id: c for c in CAPTURED}


def plain(
    data: bytes = b"#1234|NFA7", token: str = "SIA-DCS", sequence: str = "0001", **fields: Any
) -> bytes:
    fields = {"line": "0", "account": "1234"} | fields
    return encode(Frame(token, sequence, data=data, **fields))


def with_body(body: bytes) -> bytes:
    """A frame with the right CRC and length around any body."""
    return b"\n%04X0%03X%b\r" % (crc(body), len(body) & 0xFFF, body)
