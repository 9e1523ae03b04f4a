"""What the DC-09 edge is set to, and the ways by which its messages come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol


class Settings(Protocol):
    """The `edge.dc09` section of the configuration."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def max_connections_per_address(self) -> int: ...
    @property
    def frames_in_flight_per_address(self) -> int: ...
    @property
    def frame_bytes_max(self) -> int: ...
    @property
    def idle_s(self) -> float: ...
    @property
    def half_frame_s(self) -> float: ...
    @property
    def first_frame_s(self) -> float: ...
    @property
    def tls_port(self) -> int: ...
    @property
    def tls_cert(self) -> str: ...
    @property
    def tls_key(self) -> str: ...
    @property
    def tls_client_ca(self) -> str: ...


class Channel(NamedTuple):
    """How messages come. `assurance`: what the channel vouches for; DC-09 itself for nothing, in
    clear or encrypted. `names`: in upper case, what the sender has shown a certificate for."""

    intake: str
    assurance: str = "none"
    is_tls: bool = False
    names: frozenset[str] = frozenset()

    def vouches(self, account: str) -> str:
        """The assurance of a message under `account`, in upper case: a certificate authenticates
        the accounts that it names, and no other."""
        return "authenticated" if account in self.names else self.assurance


TCP: Final = Channel("dc09.tcp")
UDP: Final = Channel("dc09.udp")
TLS: Final = Channel("dc09.tls", "integrity", is_tls=True)


def names_in(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Common name and DNS names, in upper case, of a certificate that was checked, in the form of
    `ssl.SSLSocket.getpeercert`; none where none was asked for."""
    if not certificate:
        return frozenset()
    subject = [part for parts in certificate.get("subject", ()) for part in parts]
    named = [value for kind, value in subject if kind == "commonName"]
    named += [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    return frozenset(value.upper() for value in named if value)
