"""What the HTTP intakes do with those whom nobody vouches for, and with bodies in no form that is
read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from tocsin.edge.http_parts import Request
from tocsin.edge.intake import Intake
from tocsin.record.heard import NotKept

SHOWN_PER_MINUTE: Final = 10
"""Of requests that nobody signed, without their bodies."""


class Shown:
    """A few of those whom nobody vouches for are kept to be looked at, without a device. Whether it
    comes about is for nobody to wait for."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._minute = 0
        self._left = SHOWN_PER_MINUTE
        self._tasks: set[asyncio.Task[None]] = set()

    def show(self, request: Request, reason: str) -> None:
        minute = int(asyncio.get_running_loop().time() / 60)
        if minute != self._minute:
            self._minute, self._left = minute, SHOWN_PER_MINUTE
        if self._left <= 0:
            return
        self._left -= 1
        task = asyncio.create_task(self._keep(request, reason))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, request: Request, reason: str) -> None:
        keep = self._intake.keep
        body = f"{request.method} {request.path}, {len(request.body)} bytes".encode()
        try:
            await keep(
                source=request.address, body=body, answer="refused", signals=(), problem=reason
            )
        except NotKept:
            return  # it is counted

    async def finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)


def unreadable_headers(headers: Mapping[str, str], media_type: re.Pattern[str]) -> str:
    """Why a body in this form is not read, else ""."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        return "unsupported_encoding"
    kind, _, parameters = headers.get("content-type", "").partition(";")
    if not media_type.fullmatch(kind.strip()):
        return "unsupported_type"
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
            return "unsupported_type"
    return ""
