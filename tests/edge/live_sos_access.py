"""A SOS Access transmitter for tests: the public client, and a connection in its own words."""

import re
import socket
import ssl
import warnings
from typing import Any, Self

from live_intake import (
    Live,
    Record,
)

from tocsin.site.intakes.sos_access import SosAccess
from tocsin.wire.sos_access.requests import HEADER, Kind, Request

with warnings.catch_warnings():  # the client's own libraries are of another time
    warnings.simplefilter("ignore")
    from sos_access import client as sos_client
    from sos_access import exceptions as refusals  # noqa: F401 - the tests import it from here

WAIT_S = 10.0
SETTINGS = SosAccess(enabled=True, port=0)
CODE, AUTHENTICATION = "IK0001", "012345678901234"
STATUS = re.compile(rb"<status>(\d+)</status>")


def alarm(**values: Any) -> Request:
    usual = {
        "transmittercode": CODE,
        "authentication": AUTHENTICATION,
        "eventcode": "BA",
    }
    return Request(values.pop("kind", Kind.ALARM), **(usual | values))


def document(inner: str, root: str = "alarmrequest") -> bytes:
    return HEADER + f"<{root}>{inner}</{root}>".encode("latin-1")


def tls_of_a_client(self: Any, secure: bool = False, timeout: float | None = None) -> Any:
    """The client's own context is a server's, which Python 3.10 and later do not connect with."""
    plain = socket.socket()
    plain.settimeout(timeout)
    if not secure:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


def transmitter(live: Live, *, over: str = "tcp", **values: Any) -> sos_client.SOSAccessClient:
    usual = {
        "transmitter_code": CODE,
        "transmitter_type": "SV001",
        "authentication": AUTHENTICATION,
        "receiver_id": "42",
        "receiver_address": ("127.0.0.1", live.ports[over]),
        "use_single_receiver": True,
        "use_tls": over == "tls",
    }
    return sos_client.SOSAccessClient(**(usual | values))


class Line:
    """One connection that speaks for itself."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S, (source, 0))
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def status(self, timeout_s: float = WAIT_S) -> int | None:
        """Of the next answer; None when the other side has closed. TimeoutError on silence."""
        self.socket.settimeout(timeout_s)
        while b"response>" not in self.rest:
            try:
                more = self.socket.recv(65_536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.rest += more
        answer, end, self.rest = re.split(rb"(</\w+response>)", self.rest, maxsplit=1)
        found = STATUS.search(answer + end)
        assert found is not None
        return int(found[1])


def kept(record: Record) -> list[tuple[Any, ...]]:
    """Intake, answer, problem, assurance, whether a device's, and what was read; oldest first."""
    record.rollback()
    rows: list[tuple[Any, ...]] = record.execute(
        "SELECT intake, answer, problem, assurance, device IS NOT NULL,"
        " convert_from(read, 'UTF8')::jsonb FROM heard.message ORDER BY id"
    ).fetchall()
    return rows
