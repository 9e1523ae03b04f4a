"""The simulation's way into the product: the same HTTP API that a crew's phone or a desk uses.

A command is repeated with its key until it is answered, through restarts and lost databases.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec

RETRY_S: Final = (0.2, 0.5, 1.0, 2.0)
FAULT_TRIES: Final = 4
STREAM_SILENT_S: Final = 6.0  # a tick comes each second; after this the stream is taken as dead


@dataclass(slots=True)
class Tally:
    """What the API answered: commands done, refusals by reason, and times it was not there."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unavailable: int = 0
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command met: 200 with its facts, or a refusal with its reason code."""

    status: int
    reason: str
    body: dict[str, Any]

    @property
    def done(self) -> bool:
        return self.status == 200


class NotSignedIn(Exception):
    """The API does not know our token: nothing can go on."""


def client(api_url: str) -> httpx.AsyncClient:
    """One pool of connections for the whole simulation. The certificate of a demo on this machine
    is its own, and what is sent there is not secret."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return httpx.AsyncClient(
        base_url=api_url.rstrip("/"),
        timeout=httpx.Timeout(10.0, pool=30.0),
        limits=httpx.Limits(max_connections=24, max_keepalive_connections=12),
        verify=context,
        trust_env=False,
    )


class Api:
    """One caller of the API: a client and its token."""

    def __init__(self, http: httpx.AsyncClient, token: str, tally: Tally) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        self._tally = tally

    async def _request(
        self, method: str, path: str, *, body: Any = None, key: str | None = None
    ) -> httpx.Response:
        """The first answer that is one. A missing server, 429 and 503 are tried again for as long
        as it takes, a fault of the server a few times."""
        headers = dict(self._headers)
        if key is not None:
            headers["Idempotency-Key"] = key
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        attempt = 0
        while True:
            try:
                response = await self._http.request(
                    method, f"/api/v1{path}", content=content, headers=headers
                )
                if response.status_code == 401:
                    raise NotSignedIn(f"the API does not accept the token for {path}")
                if not _passing(response.status_code, attempt):
                    return response
            except httpx.TransportError:
                pass
            self._tally.unavailable += 1
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    async def get(self, path: str) -> Answer:
        return _answer(await self._request("GET", path))

    async def command(self, kind: str, **fields: Any) -> Answer:
        """Send one command until it is answered; the key makes repeating it safe."""
        body = {"type": kind, **fields}
        answer = _answer(await self._request("POST", "/commands", body=body, key=str(uuid4())))
        if answer.done:
            self._tally.done[kind] += 1
        else:
            self._tally.refused[f"{kind}: {answer.status} {answer.reason}"] += 1
        return answer

    async def positions(self, rows: list[dict[str, Any]]) -> Answer:
        """Positions are worth nothing when they are old: sent once, never repeated."""
        headers = {**self._headers, "Content-Type": "application/json"}
        content = msgspec.json.encode({"positions": rows})
        try:
            response = await self._http.post("/api/v1/positions", content=content, headers=headers)
        except httpx.TransportError:
            self._tally.unavailable += 1
            return Answer(0, "unavailable", {})
        answer = _answer(response)
        if response.status_code >= 500:
            self._tally.unavailable += 1
        elif response.status_code >= 400:
            self._tally.refused[f"positions: {answer.status} {answer.reason}"] += 1
        else:
            self._tally.done["positions"] += 1
        return answer

    async def follow(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """("snapshot", …) and then ("change", …) without end; after a break a fresh snapshot."""
        while True:
            snapshot = await self.get("/snapshot")
            if not snapshot.done:
                raise NotSignedIn(f"the snapshot is refused: {snapshot.reason}")
            yield "snapshot", snapshot.body
            try:
                async for event, data in self._stream(int(snapshot.body["position"])):
                    if event == "reset":
                        break
                    if event == "change":
                        yield event, data
            except httpx.TransportError:
                self._tally.unavailable += 1
            self._tally.reconnects += 1
            await asyncio.sleep(RETRY_S[1])

    async def _stream(self, after: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Server-sent events: `event:` and `data:` lines up to an empty one."""
        timeout = httpx.Timeout(10.0, read=STREAM_SILENT_S, pool=30.0)
        async with self._http.stream(
            "GET", f"/api/v1/stream?after={after}", headers=self._headers, timeout=timeout
        ) as response:
            if response.status_code != 200:
                self._tally.unavailable += 1
                return
            event, data = "message", ""
            async for line in response.aiter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    data += line[5:].strip()
                elif not line:
                    if data and event in ("change", "reset"):
                        yield event, msgspec.json.decode(data)
                    event, data = "message", ""


def _passing(status: int, attempt: int) -> bool:
    """Whether the same request may well be answered a moment later."""
    return status in (429, 502, 503, 504) or (status >= 500 and attempt < FAULT_TRIES)


def _answer(response: httpx.Response) -> Answer:
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    return Answer(response.status_code, str(body.get("reason", "")), body)
