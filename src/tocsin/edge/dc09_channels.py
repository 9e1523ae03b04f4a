"""What the DC-09 edge is set to, and the ways by which its messages come."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol


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
    clear or encrypted."""

    intake: str
    assurance: str = "none"
    is_tls: bool = False


TCP: Final = Channel("dc09.tcp")
UDP: Final = Channel("dc09.udp")
TLS: Final = Channel("dc09.tls", "integrity", is_tls=True)
TLS_OF_CLIENTS: Final = Channel("dc09.tls", "authenticated", is_tls=True)
"""Every client has shown a certificate of the authority that was set."""
