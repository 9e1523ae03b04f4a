"""DC-09 inside TLS, on its own port: what it vouches for, who is let in, and that a handshake that
is never completed holds no more than any other connection."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_edge import PLAIN, Edge, Limits, Panel, Record, eventually, frame, register, running
from live_intake import certificate

from tocsin.edge.dc09_channels import TLS, names_in
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.dc09 import Dc09

FIRST_FRAME_S = 0.6
LETTERS = "ABCD"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("tls") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        register(owner, ring, PLAIN)
        register(owner, ring, LETTERS)
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of a maker, who names no account."""
    return certificate(tmp_path_factory.mktemp("panels"), "panel-1234")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("named"), LETTERS.lower())


def limits(ours: tuple[Path, Path], client_ca: Path | str = "", **more) -> Limits:
    more = {"first_frame_s": FIRST_FRAME_S} | more
    return Limits(
        tls_port=0,
        tls_cert=str(ours[0]),
        tls_key=str(ours[1]),
        tls_client_ca=str(client_ca),
        **more,
    )


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, record: Record, ours: tuple[Path, Path]) -> Iterator[Edge]:
    with running(urls, ring, limits(ours)) as live:
        yield live


def dial(
    edge: Edge,
    ours: tuple[Path, Path],
    own: tuple[Path, Path] | None = None,
    most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Panel:
    context = ssl.create_default_context(cafile=str(ours[0]))
    context.maximum_version = most
    if own is not None:
        context.load_cert_chain(*own)
    plain = edge.dial(edge.tls_port)
    return Panel(context.wrap_socket(plain, server_hostname="localhost"))


def is_answered(edge: Edge, ours: tuple[Path, Path], own: tuple[Path, Path] | None) -> bool:
    try:
        with dial(edge, ours, own) as panel:
            panel.send(frame())
            return panel.receive() is not None
    except (ssl.SSLError, ConnectionError):
        return False


def last(record: Record) -> tuple[str, str, str]:
    row: tuple[str, str, str] = record.execute(
        "SELECT intake, answer, assurance FROM heard.message ORDER BY id DESC LIMIT 1"
    ).fetchone()
    record.rollback()
    return row


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_frame_inside_tls_has_integrity(edge, record, ours, version) -> None:
    with dial(edge, ours, most=version) as panel:
        for number in ("0001", "0002"):
            panel.send(frame(number=number))
            assert panel.receive().sequence == number
            assert last(record) == ("dc09.tls", "ack", "integrity")
        raw = frame(number="0003")
        for at in range(len(raw)):
            panel.send(raw[at : at + 1])
        assert panel.receive().sequence == "0003"


def test_frame_in_clear_beside_it_has_none(edge, record) -> None:
    with edge.connect() as panel:
        panel.send(frame())
        assert panel.receive().token == "ACK"
        assert last(record) == ("dc09.tcp", "ack", "none")


@pytest.mark.parametrize("new_loop", [None, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_certificate_of_the_panel_authenticates_the_account_that_it_names(
    urls, ring, record, ours, panels, named, tmp_path, new_loop
) -> None:
    refused = record.counted("dc09.tls_refused")
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(panels[0].read_bytes() + named[0].read_bytes())
    with running(urls, ring, limits(ours, authorities), new_loop=new_loop) as edge:
        for own, account, assurance in (
            (named, LETTERS, "authenticated"),
            (named, LETTERS.lower(), "authenticated"),
            (named, PLAIN, "integrity"),  # its owner speaks for another panel
            (panels, PLAIN, "integrity"),
        ):
            with dial(edge, ours, own) as panel:
                panel.send(frame(account=account))
                assert panel.receive().token == "ACK"
                assert last(record) == ("dc09.tls", "ack", assurance)
        for own in (None, ours):  # none; one that another has signed
            assert not is_answered(edge, ours, own)
        assert eventually(lambda: record.counted("dc09.tls_refused") >= refused + 2)


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        (None, set()),
        ({}, set()),
        ({"subject": ((("organizationName", "1234"),), (("commonName", "abCd"),))}, {"ABCD"}),
        ({"subjectAltName": (("DNS", "12ab"), ("URI", "1234"), ("DNS", "x"))}, {"12AB", "X"}),
        ({"subject": (), "subjectAltName": (("IP Address", "1234"),)}, set()),
        ({"subject": ((("commonName", ""),),)}, set()),
    ],
)
def test_names_of_a_certificate(certificate, names) -> None:
    channel = TLS._replace(names=names_in(certificate))
    assert channel.names == names
    assert all(channel.vouches(name) == "authenticated" for name in names)
    assert channel.vouches("1234") == "integrity"
    assert channel.vouches("") == "integrity"


def test_what_is_no_tls_is_refused(edge, record) -> None:
    refused = record.counted("dc09.tls_refused")
    with Panel(edge.dial(edge.tls_port)) as panel:
        panel.send(frame())
        assert b"ACK" not in panel.all()
    assert eventually(lambda: record.counted("dc09.tls_refused") >= refused + 1)


def test_old_tls_is_refused(edge, ours) -> None:
    context = ssl.create_default_context(cafile=str(ours[0]))
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with edge.dial(edge.tls_port) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain, server_hostname="localhost")


def test_handshakes_count_as_connections_and_have_their_time(urls, ring, record, ours) -> None:
    counted = record.counted("dc09.too_many_connections_of_address")
    refused = record.counted("dc09.tls_refused")
    few = limits(ours, max_connections_per_address=2)
    with running(urls, ring, few) as edge:
        waiting = [edge.dial(edge.tls_port) for _ in range(2)]
        with Panel(edge.dial(edge.tls_port)) as third:
            assert third.receive() is None  # at once: the two hold its place
        for one in waiting:  # until their time is up
            one.settimeout(5)
            assert one.recv(1) == b""
            one.close()
        with dial(edge, ours) as panel:
            panel.send(frame())
            assert panel.receive().token == "ACK"
        total = counted + 1
        assert eventually(lambda: record.counted("dc09.too_many_connections_of_address") == total)
        assert eventually(lambda: record.counted("dc09.tls_refused") >= refused + 2)


def test_connection_inside_tls_has_to_send_a_frame_too(edge, ours, record) -> None:
    counted = record.counted("dc09.no_frame_yet")
    with dial(edge, ours) as panel:
        assert panel.receive() is None
    assert eventually(lambda: record.counted("dc09.no_frame_yet") == counted + 1)


def test_stop_ends_handshakes_and_connections(urls, ring, record, ours) -> None:
    with running(urls, ring, limits(ours, first_frame_s=30.0)) as edge:
        half = edge.dial(edge.tls_port)
        panel = dial(edge, ours)
        panel.send(frame())
        assert panel.receive().token == "ACK"
    assert panel.receive() is None
    half.settimeout(5)
    assert half.recv(1) == b""
    half.close()
    panel.socket.close()


def test_certificate_that_cannot_be_used_is_said(
    urls, ring, record, ours, panels, tmp_path
) -> None:
    for cert, key in ((ours[0], panels[1]), (tmp_path / "none.pem", ours[1])):
        with (
            pytest.raises(AssertionError, match="certificate"),
            running(urls, ring, limits((cert, key))),
        ):
            raise RuntimeError("it listens with a certificate that is none")


def test_settings_that_contradict_each_other_are_said(ours) -> None:
    cert, key = map(str, ours)
    assert not list(Dc09().contradictions("edge.dc09"))
    assert not list(Dc09(tls_port=0, tls_cert=cert, tls_key=key).contradictions("edge.dc09"))
    for wrong in (
        Dc09(tls_port=0),
        Dc09(tls_cert=cert),
        Dc09(tls_client_ca=cert),
    ):
        said = list(wrong.contradictions("edge.dc09"))
        assert said
        assert all(line.startswith("edge.dc09") for line in said)
