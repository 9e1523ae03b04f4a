"""SOS Access requests for tests: the published ones, and any that a test needs."""

import json
from pathlib import Path
from typing import Any

from tocsin.wire.sos_access.requests import Kind, Request

FRAMES = Path(__file__).parent.parent / "frames" / "sos_access" / "published_messages.json"
PUBLISHED: list[dict[str, Any]] = json.loads(FRAMES.read_text(encoding="utf-8"))
HEADER = b'<?xml version="1.0" encoding="ISO-8859-1"?>'
CODE, AUTHENTICATION = "IK0001", "012345678901234"


def alarm(**values: Any) -> Request:
    """An ordinary alarm, with `values` of its fields."""
    usual = {
        "receiver": "42",
        "transmittertype": "SV001",
        "transmittercode": CODE,
        "authentication": AUTHENTICATION,
        "eventcode": "BA",
    }
    return Request(values.pop("kind", Kind.ALARM), **(usual | values))


def document(inner: str, root: str = "alarmrequest", header: bytes = HEADER) -> bytes:
    return header + f"<{root}>{inner}</{root}>".encode("latin-1")
