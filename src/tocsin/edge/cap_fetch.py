"""Fetches one document of a feed: from configured hosts only, conditionally, with a bound on time
and on what it unpacks to. Whatever else comes is a `Miss` with its reason."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

REDIRECTS_MAX: Final = 3
FETCH_S: Final = 30.0
"""For the whole of one document: a server that drips bytes does not hold us longer."""

STEP_S: Final = 10.0  # to connect, or between two reads
RETRY_AFTER_S_MAX: Final = 3_600.0
"""A server may ask for as much patience, and no more: warnings would wait."""

_READ: Final = "application/cap+xml, application/atom+xml, application/rss+xml, text/xml;q=0.9"
_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


class Reason(StrEnum):
    """Why there is no document."""

    UNREACHABLE = "unreachable"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    BAD_PACKING = "bad_packing"
    ELSEWHERE = "elsewhere"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    ASKED_TO_WAIT = "asked_to_wait"
    SERVER_FAULT = "server_fault"
    REFUSED = "refused"


class Miss(Exception):
    """No document. `retry_after_s`: how long the server asks us to wait, None if it does not."""

    def __init__(
        self, reason: Reason, detail: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server called a document's version, sent back to it with the next request."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is once unpacked; `body` is None where it has not changed. `url` is where
    it was found after redirects."""

    body: bytes | None
    url: str
    validators: Validators = field(default_factory=Validators)


class Fetcher:
    """The requests of one feed. `hosts`: those that its links and redirects may lead to besides
    its own; `ca` a file of authorities (PEM) in place of the system's."""

    def __init__(
        self, url: str, *, hosts: Collection[str] = (), ca: str = "", authorization: str = ""
    ) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "https"
        self._own = _place(parts)
        self._places = {self._own}
        for host in (parts.netloc, *hosts):
            named = urlsplit(f"//{host}")
            name = (named.hostname or "").lower()
            if named.port not in (None, *_PORTS.values()):
                self._places.add((name, named.port))
            else:  # without a port of its own, it may go over from HTTP to HTTPS
                self._places |= {(name, port) for port in _PORTS.values()}
        self._authorization = authorization
        verify: ssl.SSLContext | bool = True
        if self._is_tls:
            verify = ssl.create_default_context(cafile=str(Path(ca)) if ca else None)
        self._client = httpx.AsyncClient(
            verify=verify,
            timeout=httpx.Timeout(STEP_S),
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=4),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "tocsin", "Accept": _READ, "Accept-Encoding": "gzip"},
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def fetch(
        self, url: str, bytes_max: int, validators: Validators | None = None
    ) -> Document:
        """The document at `url`, at most `bytes_max` once unpacked. Raises `Miss`."""
        headers = {} if validators is None else validators.headers()
        try:
            async with asyncio.timeout(FETCH_S):
                for _ in range(REDIRECTS_MAX + 1):
                    self.check(url)
                    found = await self._step(url, bytes_max, headers)
                    if isinstance(found, Document):
                        return found
                    url = found
        except TimeoutError:
            raise Miss(Reason.TOO_SLOW, f"over {FETCH_S:.0f} s") from None
        except httpx.TimeoutException:
            raise Miss(Reason.TOO_SLOW, f"over {STEP_S:.0f} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            raise Miss(Reason.UNREACHABLE, str(error) or type(error).__name__) from error
        raise Miss(Reason.TOO_MANY_REDIRECTS)

    def check(self, url: str) -> None:
        """Raises `Miss` where nothing may be fetched from."""
        try:
            parts = urlsplit(url)
            is_ours = _place(parts) in self._places
        except ValueError as error:
            raise Miss(Reason.ELSEWHERE, "not a web address") from error
        if parts.scheme not in ("http", "https") or "@" in parts.netloc or not is_ours:
            raise Miss(Reason.ELSEWHERE, f"{parts.scheme}://{parts.netloc}"[:200])
        if self._is_tls and parts.scheme != "https":
            raise Miss(Reason.ELSEWHERE, "from HTTPS to HTTP")

    async def _step(self, url: str, bytes_max: int, headers: dict[str, str]) -> Document | str:
        """The document, or where it says that it is."""
        if self._authorization and _place(urlsplit(url)) == self._own:
            headers = {**headers, "Authorization": self._authorization}
        async with self._client.stream("GET", url, headers=headers) as response:
            status = response.status_code
            if status == 304:
                return Document(None, url)
            if status in _REDIRECTS:
                return urljoin(url, str(response.headers.get("Location", "")))
            if status in (429, 503):
                after = _retry_after(response.headers.get("Retry-After", ""))
                raise Miss(Reason.ASKED_TO_WAIT, f"status {status}", after)
            if status >= 500:
                raise Miss(Reason.SERVER_FAULT, f"status {status}")
            if status != 200:
                raise Miss(Reason.REFUSED, f"status {status}")
            body = await _body(response, bytes_max)
            named = response.headers
            validators = Validators(
                named.get("ETag", "")[:512], named.get("Last-Modified", "")[:128]
            )
            return Document(body, url, validators)


def _place(parts: SplitResult) -> tuple[str, int | None]:
    """Host and port. Raises ValueError for a port that is none."""
    return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


async def _body(response: httpx.Response, bytes_max: int) -> bytes:
    """What was sent, unpacked by ourselves: never more than the bound is ever in memory."""
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip", ""):
        raise Miss(Reason.BAD_PACKING, packing[:40])
    unpacking = zlib.decompressobj(wbits=31) if packing.endswith("gzip") else None
    found = bytearray()
    async for chunk in response.aiter_raw():
        try:
            room = bytes_max - len(found) + 1
            found += chunk if unpacking is None else unpacking.decompress(chunk, room)
        except zlib.error:
            raise Miss(Reason.BAD_PACKING, "no gzip") from None
        if len(found) > bytes_max:
            raise Miss(Reason.TOO_LARGE, f"over {bytes_max} bytes")
    if unpacking is not None and not unpacking.eof:
        raise Miss(Reason.BAD_PACKING, "cut off")
    return bytes(found)


def _retry_after(text: str) -> float | None:
    """Seconds, from seconds or a date (RFC 9110 10.2.3); None where it is neither."""
    text = text.strip()
    if text.isdecimal() and len(text) < 10:
        return min(float(text), RETRY_AFTER_S_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), RETRY_AFTER_S_MAX)
