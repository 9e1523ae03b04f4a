"""How the edge starts: what may pass is waited for, and only an address that another try will not
get either is a refusal, which ends the whole site."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tocsin.edge.sockets import AddressNotHad, open_pairs
from tocsin.record.database import DatabaseAway
from tocsin.record.devices import DeviceBook
from tocsin.record.keys import Keyring
from tocsin.site.command import processes
from tocsin.site.configuration import Configuration
from tocsin.site.health import Heart
from tocsin.site.sockets import PortTaken, listen

MAY_PASS = [
    DatabaseAway("cannot connect"),
    TimeoutError(),
    ConnectionResetError(errno.ECONNRESET, "reset"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.InterfaceError("connection is closed"),
]


class Book(DeviceBook):
    """A register that fails in each of these ways before it can be read."""

    def __init__(self, errors: list[Exception]) -> None:
        super().__init__()
        self.errors = errors

    async def start(self, *_: object) -> None:
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "RETRY_S_MIN", 0.001)


def known(errors: list[Exception], keyring: Keyring, *, stopped: bool = False) -> bool:
    stop = asyncio.Event()
    if stopped:
        stop.set()
    return asyncio.run(processes._devices_known(Book(errors), "", keyring, Heart(), stop))


def test_a_register_that_cannot_be_read_yet_is_asked_again(keyring: Keyring) -> None:
    errors = list(MAY_PASS)
    assert known(errors, keyring)
    assert errors == []


def test_a_stop_ends_the_asking(keyring: Keyring) -> None:
    assert not known(list(MAY_PASS), keyring, stopped=True)


def test_a_key_that_we_may_not_read_is_no_lost_database(keyring: Keyring) -> None:
    with pytest.raises(PermissionError):
        known([PermissionError(errno.EACCES, "device.key")], keyring)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (TimeoutError(), TimeoutError),
        (ConnectionResetError(errno.ECONNRESET, "reset"), ConnectionResetError),
        (OSError(errno.EMFILE, "too many open files"), OSError),
        (AddressNotHad(errno.EADDRINUSE, "dc09 cannot listen"), PortTaken),
    ],
    ids=["timeout", "reset", "no descriptor", "port taken"],
)
def test_only_an_address_that_is_not_to_be_had_is_a_refusal(
    error: Exception, raised: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def served(*_: Any) -> Iterator[Heart]:
        yield Heart()

    async def serve(*_: Any) -> None:
        raise error

    monkeypatch.setattr(processes, "prepare", lambda _: (tmp_path, Configuration(), ""))
    monkeypatch.setattr(processes, "served", served)
    monkeypatch.setattr(processes, "_serve_edge", serve)
    with pytest.raises(raised) as caught:
        processes.run_edge(argparse.Namespace())
    assert type(caught.value) is raised


def test_a_taken_port_is_not_to_be_had() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressNotHad, match=f"127.0.0.1:{port}"):
            open_pairs("127.0.0.1", port)
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
            listen("127.0.0.1", port)
    with pytest.raises(AddressNotHad):
        open_pairs("192.0.2.1", 0)  # for documents: nobody's


@pytest.mark.parametrize(
    ("says", "is_final"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)]
)
def test_a_name_that_means_nothing_is_a_refusal_and_a_name_server_that_is_away_is_none(
    says: int, is_final: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(says, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for opened, refusal in ((open_pairs, AddressNotHad), (listen, PortTaken)):
        with pytest.raises((OSError, PortTaken)) as caught:
            opened("alarms.example", 0)
        assert isinstance(caught.value, refusal) == is_final


def test_what_the_machine_lacks_for_a_moment_is_no_taken_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", full)
    for opened in (open_pairs, listen):
        with pytest.raises(OSError, match="Too many open files") as caught:
            opened("127.0.0.1", 0)
        assert type(caught.value) is OSError
