"""Listening sockets of the site's own servers, and the line by which each is announced."""

from __future__ import annotations

import errno
import socket

from tocsin.edge.sockets import NOT_TO_BE_HAD
from tocsin.record.networks import at_port
from tocsin.site.language import say


class PortTaken(Exception):
    """The address cannot be listened on; the text says why."""


def listen(host: str, port: int) -> list[socket.socket]:
    """TCP sockets on `host`:`port`, one per address family; port 0 gives all the same free port.

    `localhost` listens on 127.0.0.1 and, where there is one, ::1, since browsers try either.
    """
    wanted = _addresses(host)
    for _ in range(20):
        opened: list[socket.socket] = []
        number = port
        try:
            for family, address in wanted:
                opened.append(_bound(family, address, number))
                number = opened[0].getsockname()[1]
        except OSError as error:
            for one in opened:
                one.close()
            if opened and port == 0 and error.errno == errno.EADDRINUSE:
                continue  # the number that the first family got is taken in the second
            if opened and error.errno == errno.EADDRNOTAVAIL:
                wanted = wanted[:1]  # no IPv6 on this machine
                continue
            if error.errno not in NOT_TO_BE_HAD:
                raise
            raise PortTaken(why_not(host, port, error)) from None
        return opened
    raise PortTaken(
        say(f"no free port on {host} in every address family", f"{host} 上没有可用的空闲端口")
    )


def why_not(host: str, port: int, error: OSError) -> str:
    """Why `host`:`port` cannot be listened on, with what to do about a low number."""
    where = at_port(host, port)
    if error.errno in (errno.EACCES, errno.EPERM) and port < 1024:
        return say(
            f"cannot listen on {where}: our processes are not root, and numbers below 1024"
            " are not for everybody here. Put a proxy in front, choose a higher number, or open"
            " them: sysctl net.ipv4.ip_unprivileged_port_start",
            f"无法监听 {where}：本程序的进程不以 root 运行，而本机不允许普通用户使用"
            " 1024 以下的端口。请在前面设置代理、选择更大的端口号，或放开限制："
            "sysctl net.ipv4.ip_unprivileged_port_start",
        )
    return say(
        f"cannot listen on {where}: {error.strerror}",
        f"无法监听 {where}：{error.strerror}",
    )


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    if host == "localhost":
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise  # the name server may answer the next start
        raise PortTaken(
            say(f"{host} is no address: {error.strerror}", f"{host} 不是有效地址：{error.strerror}")
        ) from None
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    # With its protocol named, asyncio switches Nagle's delay off: an answer of two writes would
    # wait 40 ms for the first one's acknowledgement.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
        opened.listen(1024)
    except OSError:
        opened.close()
        raise
    return opened


def announce(name: str, kind: str, host: str, port: int) -> None:
    """`listening web http localhost:8443`, on standard output, at once."""
    print_line(f"listening {name} {kind} {at_port(host, port)}")


def print_line(line: str) -> None:
    """On standard output in one write, so that lines of several processes never mix, not even
    with PYTHONUNBUFFERED set."""
    print(line + "\n", end="", flush=True)
