"""What stands between the HTTP server and who answers: requests, responses, and the settings of
the sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol


class Settings(Protocol):
    """What the section of an HTTP intake says of its sockets."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls_port(self) -> int: ...
    @property
    def tls_cert(self) -> str: ...
    @property
    def tls_key(self) -> str: ...
    @property
    def tls_client_ca(self) -> str: ...
    @property
    def body_bytes_max(self) -> int: ...
    @property
    def slow_s(self) -> float: ...
    @property
    def idle_s(self) -> float: ...
    @property
    def proxy(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request. `headers` by lower-case name, one that comes twice joined by ", " (RFC
    9110 5.3); `address` is the sender's, behind a declared proxy the one it names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    address: str
    is_tls: bool

    @property
    def language(self) -> str:
        """What the sender prefers to read, as it says it."""
        return self.headers.get("accept-language", "")


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body; Content-Length and Connection are the server's."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def written(self, *, keep_alive: bool) -> bytes:
        """As it is sent."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.media_type}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


Door = Callable[[Request], tuple[str, Response] | None]
"""Asked when the head is whole, with an empty body: why none is to come, and what is answered."""

Answer = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[str, str], Response]
"""The answer to what is no request, by reason and Accept-Language."""
