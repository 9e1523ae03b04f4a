"""httptools' parser, which also reads the body of a request that asks for another protocol: a
server may ignore that it does (RFC 9110 7.8), and a client that prefers HTTP/2 asks so at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import httptools

_OF_UPGRADE: Final = frozenset({"upgrade", "http2-settings"})


class Told(Protocol):
    """Is told of what is read, as by httptools."""

    @property
    def ignored_upgrade(self) -> tuple[bytes, Mapping[str, str]] | None:
        """URL and headers of the request that is being read, where it is to be read on."""


class Parser:
    """Raises what httptools does, but not where a protocol is asked for."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._parser = httptools.HttpRequestParser(told)

    @property
    def should_keep_alive(self) -> bool:
        return self._parser.should_keep_alive()

    @property
    def method(self) -> bytes:
        return self._parser.get_method()

    @property
    def should_upgrade(self) -> bool:
        return self._parser.should_upgrade()

    def feed(self, data: bytes) -> bool:
        """Whether what follows can be read too: not where another protocol was asked for and there
        is no body, since what comes then may be of that."""
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                ignored = self._told.ignored_upgrade
                if ignored is None:
                    return False
                data = _without_upgrade(self.method, *ignored) + data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self._told)
            else:
                return True


def _without_upgrade(method: bytes, url: bytes, headers: Mapping[str, str]) -> bytes:
    """The head, as if it asked for no other protocol."""
    kept = {name: text for name, text in headers.items() if name not in _OF_UPGRADE}
    options = [one.strip() for one in headers.get("connection", "").split(",")]
    kept["connection"] = ", ".join(one for one in options if one.lower() not in _OF_UPGRADE)
    lines = "".join(f"{name}: {text}\r\n" for name, text in kept.items() if text)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, url, lines.encode("latin-1"))
