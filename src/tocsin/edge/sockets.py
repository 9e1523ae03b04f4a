"""Opens an intake's sockets: DC-09's TCP and UDP on the same address and number, so that a device
needs one setting. Limits of the machine (open files, buffers) are raised where they can be."""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tocsin.record.networks import at_port

BACKLOG: Final = 4_096
UDP_BUFFER_BYTES: Final = 4 << 20  # a storm's datagrams wait here while the process is busy
UDP_SOCKETS: Final = 8
"""On which the datagrams to one address are heard, a sender's always on the same one. The kernel
grants a socket 208 KiB where nobody has allowed it more (net.core.rmem_max), some 500 datagrams:
a thirtieth of a second of a million devices that poll each minute. And whoever overfills one takes
nothing from those on the others."""

_SO_MEMINFO: Final = 55  # asm-generic/socket.h; Python has no name for it
_MEMINFO: Final = struct.Struct("9I")  # linux/sock_diag.h: the last one counts what was dropped
FILES_SPARE: Final = 64  # open files that are not connections: log, database, health port
_ATTEMPTS: Final = 20

NOT_TO_BE_HAD: Final = frozenset(
    (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES, errno.EPERM)
)
"""What the kernel says of an address that another try will not get either. Anything else (no free
descriptor, no memory) may pass."""


class AddressNotHad(OSError):
    """The address cannot be listened on as things are configured; the text names it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One address, both transports; `port` is the number that was got."""

    tcp: socket.socket
    udp: tuple[socket.socket, ...]
    host: str
    port: int

    def close(self) -> None:
        self.tcp.close()
        for one in self.udp:
            one.close()


class Overflow:
    """What the kernel dropped before it was heard, because a socket's buffer was full; nothing,
    where it cannot say."""

    def __init__(self, sockets: Iterable[socket.socket]) -> None:
        self._sockets = tuple(sockets)
        self._dropped = self._all()

    def _all(self) -> int:
        try:
            return sum(
                _MEMINFO.unpack(
                    one.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size),
                )[-1]
                for one in self._sockets
            )
        except (OSError, struct.error):  # an older kernel, a sandbox: it is heard all the same
            return 0

    def more(self) -> int:
        """Datagrams dropped since this was asked last."""
        before, self._dropped = self._dropped, self._all()
        return (self._dropped - before) & 0xFFFFFFFF  # the kernel's count wraps


def open_tcp(name: str, host: str, port: int) -> list[socket.socket]:
    """A listening TCP socket for each address that `host` stands for, not blocking; port 0 gives
    all the same free number. `name` says whose it is in an error.

    Raises `AddressNotHad` where one cannot be had, OSError for what may pass.
    """
    addresses = _addresses(name, host)
    for attempt in range(_ATTEMPTS):
        opened: list[socket.socket] = []
        number = port
        try:
            for family, address in addresses:
                opened.append(_tcp(family, address, number))
                number = int(opened[0].getsockname()[1])
                opened[-1].listen(BACKLOG)
        except OSError as error:
            for one in opened:
                one.close()
            if port == 0 and error.errno == errno.EADDRINUSE and attempt + 1 < _ATTEMPTS:
                continue  # the number that the first family got is taken in the second
            raise _not_had(name, host, port, error) from error
        return opened
    raise AddressNotHad(errno.EADDRINUSE, f"{name} found no number free on {host}")


def tls_context(cert: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 and later for devices; with `client_ca` a client must show a certificate of it.

    Raises OSError or ssl.SSLError, which name what is wrong with the files.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def open_pairs(host: str, port: int) -> list[Pair]:
    """A pair for each address that `host` stands for. Port 0: any number free for all of them.

    Raises `AddressNotHad` where one cannot be had, OSError for what may pass; both name it.
    """
    addresses = _addresses("dc09", host)
    for attempt in range(_ATTEMPTS):
        pairs: list[Pair] = []
        number = port
        try:
            for family, address in addresses:
                pairs.append(_pair(family, address, number))
                number = pairs[0].port
        except OSError as error:
            for pair in pairs:
                pair.close()
            if port == 0 and error.errno == errno.EADDRINUSE and attempt + 1 < _ATTEMPTS:
                continue  # the number that TCP got is taken on UDP
            raise _not_had("dc09", host, port, error) from error
        return pairs
    raise AddressNotHad(errno.EADDRINUSE, f"dc09 found no number free for TCP and UDP on {host}")


def _addresses(name: str, host: str) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        kind = OSError if error.errno == socket.EAI_AGAIN else AddressNotHad
        raise kind(error.errno, f"{name}: {host} is no address: {error.strerror}") from error
    return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))


def _not_had(name: str, host: str, port: int, error: OSError) -> OSError:
    kind = AddressNotHad if error.errno in NOT_TO_BE_HAD else OSError
    return kind(error.errno, f"{name} cannot listen on {at_port(host, port)}: {error.strerror}")


def _tcp(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """Bound, and not listening yet."""
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setblocking(False)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
    except OSError:
        opened.close()
        raise
    return opened


def _pair(family: socket.AddressFamily, address: str, port: int) -> Pair:
    tcp = _tcp(family, address, port)  # nobody shares this one: whoever is second is refused here
    udp: list[socket.socket] = []
    try:
        number = int(tcp.getsockname()[1])
        for _ in range(UDP_SOCKETS):
            udp.append(socket.socket(family, socket.SOCK_DGRAM))
            _bind_udp(udp[-1], address, number)
        tcp.listen(BACKLOG)
    except OSError:
        for one in (tcp, *udp):
            one.close()
        raise
    host = f"[{address}]" if family == socket.AF_INET6 else address
    return Pair(tcp, tuple(udp), host, number)


def _bind_udp(opened: socket.socket, address: str, port: int) -> None:
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_BYTES)
    opened.bind((address, port))


def connections_possible(wanted: int) -> int:
    """How many connections this process may hold, after raising its limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + FILES_SPARE
    if soft != resource.RLIM_INFINITY and soft < need:
        soft = need if hard == resource.RLIM_INFINITY else min(need, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - FILES_SPARE))
