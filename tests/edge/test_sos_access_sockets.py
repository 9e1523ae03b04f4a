"""SOS Access over real sockets, with the public client and the real record: each status, each
limit, and nothing answered before it is on disk."""

import asyncio
import re
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from live_intake import (
    Live,
    Record,
    certificate,
    commits_held_up,
    database_away,
    eventually,
    install,
    opened,
    running,
)
from msgspec.structs import replace

from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.sos_access import SosAccess
from tocsin.wire.sos_access.requests import HEADER, REQUEST_CHARS_MAX, Kind, Request, encode

with warnings.catch_warnings():  # the client's own libraries are of another time
    warnings.simplefilter("ignore")
    from sos_access import client as sos_client
    from sos_access import exceptions as refusals

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


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("sos") / "keys")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        install(owner, ring, "sos_access", CODE, AUTHENTICATION.encode())
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def live(urls: Urls, ring: Keyring, record: Record, tls: tuple[Path, Path]) -> Iterator[Live]:
    settings = replace(SETTINGS, tls_port=0, tls_cert=str(tls[0]), tls_key=str(tls[1]))
    with running("sos_access", settings, urls, ring, sockets=2) as one:
        yield one


def tls_of_a_client(self: Any, secure: bool = False, timeout: float | None = None) -> Any:
    """The client's own context is a server's, which Python 3.10 and later do not connect with."""
    plain = socket.socket()
    plain.settimeout(timeout)
    if not secure:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


@pytest.fixture(autouse=True)
def client_s_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sos_client.TCPTransport, "_get_socket", tls_of_a_client)


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


@pytest.fixture
def line(live: Live) -> Iterator[Line]:
    with Line(live.ports["tcp"]) as opened:
        yield opened


def kept(record: Record) -> list[tuple[Any, ...]]:
    """Intake, answer, problem, assurance, whether a device's, and what was read; oldest first."""
    record.rollback()
    rows: list[tuple[Any, ...]] = record.execute(
        "SELECT intake, answer, problem, assurance, device IS NOT NULL,"
        " convert_from(read, 'UTF8')::jsonb FROM heard.message ORDER BY id"
    ).fetchall()
    return rows


# -- the public client --------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["tcp", "tls"])
def test_the_public_client_s_alarm_and_restore(live, record, over) -> None:
    before = len(kept(record))
    sender = transmitter(live, over=over)
    answer = sender.send_alarm("FA", reference="17", section="2", detector_text="Smoke")
    assert (answer.status, answer.info, answer.reference) == (0, "OK", "17")
    assert answer.arrival_time is not None
    assert sender.restore_alarm("FA").status == 0
    assert sender.send_alarm("FA", additional_info={"Ort": "Malmö"}).status == 0
    rows = kept(record)[before:]
    vouched = "authenticated" if over == "tls" else "none"
    assert [row[:5] for row in rows] == [(f"sos_access.{over}", "ack", None, vouched, True)] * 3
    assert [(row[5]["code"], row[5]["codes"]) for row in rows] == [
        ("FA", "sia"),
        ("FR", "sia"),
        ("FA", "sia"),
    ]
    assert rows[0][5]["partition"] == "2"
    assert rows[0][5]["sequence"] == 17


def test_the_public_client_s_position(live, record) -> None:
    # The client's schema takes the position as the protocol nests it.
    answer = transmitter(live).send_alarm("BA", position={"pos": "N592030E0180345"})
    assert answer.status == 0
    where = kept(record)[-1][5]["position"]
    assert abs(where["lat"] - 59.338333) < 1e-6
    assert abs(where["lon"] - 18.057500) < 1e-6


def test_heartbeats_are_noted_and_not_kept(live, record) -> None:
    before = len(kept(record))
    for over in ("tcp", "tls"):
        assert transmitter(live, over=over).ping(reference="9").status == 0
    assert len(kept(record)) == before

    def seen() -> bool:
        record.rollback()
        return record.execute("SELECT sum(polls) FROM ref.seen").fetchone() == (2,)

    assert eventually(seen)


def test_wrong_authentication_is_refused_and_kept_as_a_stranger_s(live, record) -> None:
    before = len(kept(record))
    wrong = transmitter(live, authentication="999999999999999", over="tls")
    with pytest.raises(refusals.NotAuthorized):
        wrong.send_alarm("BA")
    with pytest.raises(refusals.NotAuthorized):
        transmitter(live, transmitter_code="IK9999").send_alarm("BA")
    assert [row[:5] for row in kept(record)[before:]] == [
        ("sos_access.tls", "not_authorized", "not_authorized", "none", False),
        ("sos_access.tcp", "not_authorized", "unknown_transmitter", "none", False),
    ]
    assert eventually(lambda: record.counted("sos_access.unknown_transmitter") > 0)
    assert eventually(lambda: record.counted("sos_access.not_authorized") > 0)
    district = record.execute("SELECT district FROM heard.message ORDER BY id DESC").fetchone()
    assert district == ("main",)


def test_new_authentication_is_refused_properly_and_the_old_one_goes_on(live, record) -> None:
    before = len(kept(record))
    with pytest.raises(refusals.ServiceUnavailable):
        transmitter(live).request_new_auth()
    with pytest.raises(refusals.NotAuthorized):
        transmitter(live, authentication="999999999999999").request_new_auth()
    assert transmitter(live).send_alarm("BA").status == 0
    assert [row[2] for row in kept(record)[before:]] == ["not_authorized", None]


def test_authentication_is_in_nothing_that_is_kept(live, record, ring) -> None:
    transmitter(live).send_alarm("BA", additional_info=f"code {AUTHENTICATION}")
    with pytest.raises(refusals.NotAuthorized):
        transmitter(live, authentication="a guess, wrong.").send_alarm("BA")
    found = opened(record, ring)
    assert b"<authentication>[removed]</authentication>" in found[-1][0]
    assert found[-2][1] == "code [removed]"
    for secret in (AUTHENTICATION, "a guess, wrong."):
        assert not [one for one in found if secret.encode() in one[0] or secret in one[1]]


# -- the stream ---------------------------------------------------------------------------------


def test_requests_byte_by_byte_and_coalesced(line, record) -> None:
    before = len(kept(record))
    raw = encode(alarm(reference="byte by byte"))
    for at in range(len(raw)):
        line.send(raw[at : at + 1])
    assert line.status() == 0
    ping = encode(alarm(kind=Kind.PING))
    line.send(ping + b"\r\n" + encode(alarm()) + encode(alarm()) + b"\n \n" + ping)
    assert [line.status() for _ in range(4)] == [0, 0, 0, 0]
    half = len(raw) // 2
    line.send(ping + raw[:half])
    assert line.status() == 0
    line.send(raw[half:] + ping)
    assert [line.status() for _ in range(2)] == [0, 0]
    assert len(kept(record)) == before + 4


def test_answers_come_in_the_order_of_their_requests(line) -> None:
    many = [alarm(kind=Kind.PING if n % 3 else Kind.ALARM, reference=f"{n}") for n in range(30)]
    line.send(b"".join(map(encode, many)))
    data = b""
    while data.count(b"</reference>") < len(many):
        data += line.socket.recv(65_536)
    assert re.findall(rb"<reference>(\d+)<", data) == [str(n).encode() for n in range(30)]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"hello <", 2),
        (document("<a></b>"), 2),
        (document("", "alarmresponse"), 2),
        (HEADER + b"<!DOCTYPE a [<!ENTITY b 'c'>]><alarmrequest>&b;</alarmrequest>", 2),
        (document("x" * REQUEST_CHARS_MAX), 1),
        (encode(alarm()).partition(b"?>")[2], 100),
        (encode(alarm(eventcode="")), 7),
        (encode(alarm(authentication="")), 7),
        (encode(alarm(sectiontext="x" * 41)), 3),
        (encode(alarm(authentication="x")), 4),
    ],
    ids=lambda one: one if isinstance(one, int) else "",
)
def test_each_status_and_the_connection_goes_on(live, raw, status) -> None:
    with Line(live.ports["tcp"]) as line:
        line.send(raw)
        line.send(encode(alarm(kind=Kind.PING)))
        assert line.status() == status
        assert line.status() in ((2, 0) if raw == b"hello <" else (0,))


def test_what_is_kept_of_a_faulty_alarm(line, record) -> None:
    before = len(kept(record))
    for request in (alarm(eventcode=""), alarm(sectiontext="x" * 41), alarm(authentication="")):
        line.send(encode(request))
        line.status()
    line.send(document("<a></b>"))
    line.status()
    assert [row[1:5] for row in kept(record)[before:]] == [
        ("mandatory_data_missing", "mandatory_data_missing", "none", True),
        ("wrong_content", "wrong_content", "none", True),
        ("mandatory_data_missing", "mandatory_data_missing", "none", False),
    ]


def test_repeat_is_linked_and_a_second_alarm_is_news(live, record) -> None:
    def repeats() -> list[bool]:
        record.rollback()
        rows = record.execute("SELECT repeat_of IS NOT NULL FROM heard.message ORDER BY id")
        return [row[0] for row in rows]

    before = len(repeats())
    for _ in range(2):
        transmitter(live).send_alarm("BA", reference="a retry")
    for _ in range(2):
        transmitter(live).send_alarm("BA")
    with pytest.raises(refusals.NotAuthorized):
        transmitter(live, authentication="0" * 15).send_alarm("FA", reference="stolen")
    transmitter(live).send_alarm("FA", reference="stolen")
    assert repeats()[before:] == [False, True, False, False, False, False]


def test_contact_id_only_where_it_is_asked_for(urls, ring, live, record) -> None:
    assert transmitter(live).send_alarm("130").status == 0
    assert kept(record)[-1][5]["codes"] == ""
    with running("sos_access", replace(SETTINGS, contact_id=True), urls, ring) as other:
        assert transmitter(other).send_alarm("130").status == 0
    assert (kept(record)[-1][5]["code"], kept(record)[-1][5]["codes"]) == ("130", "cid")


# -- durable before it is acknowledged ----------------------------------------------------------


def is_answered_before_the_commit(urls: Urls, live: Live) -> bool:
    with Line(live.ports["tcp"]) as line:
        with commits_held_up(urls):
            line.send(encode(alarm()))
            try:
                line.status(0.4)
            except TimeoutError:
                pass
            else:
                return True
        assert line.status() == 0
    return False


def test_nothing_is_acknowledged_before_it_is_on_disk(urls, live, record) -> None:
    assert not is_answered_before_the_commit(urls, live)


def test_one_that_answers_too_early_is_found_out(urls, ring, record) -> None:
    """The control: the same question of an intake that does not wait for its commit."""

    def hasten(intake: Any) -> None:
        keep, waiting = intake.keep, set()

        async def too_early(**values: Any) -> None:
            waiting.add(asyncio.ensure_future(keep(**values)))

        intake.keep = too_early

    with running("sos_access", SETTINGS, urls, ring, prepare=hasten) as hasty:
        assert is_answered_before_the_commit(urls, hasty)


def test_while_the_database_is_away_the_other_receiver_is_tried(
    urls, ring, record, live, administrator
) -> None:
    with running("sos_access", SETTINGS, urls, ring) as other, Line(other.ports["tcp"]) as line:
        with database_away(administrator):
            assert eventually(lambda: not other.intake.can_keep)
            for kind in (Kind.ALARM, Kind.PING):
                line.send(encode(alarm(kind=kind)))
                assert line.status() == 5
            with pytest.raises(refusals.AlarmReceiverConnectionError):
                transmitter(other).send_alarm("BA")
        assert eventually(lambda: other.intake.can_keep and live.intake.can_keep, 15)
        line.send(encode(alarm()))
        assert line.status() == 0
    record.rollback()
    assert record.counted("sos_access.not_kept") >= 1


def test_a_stop_answers_what_is_in_flight(urls, ring, record) -> None:
    with running("sos_access", SETTINGS, urls, ring) as live:
        idle, busy = Line(live.ports["tcp"]), Line(live.ports["tcp"])
        before = len(kept(record))
        busy.send(encode(alarm()))
        assert eventually(lambda: len(kept(record)) > before)
    assert busy.status() == 0
    assert busy.status() is None
    assert idle.status() is None
    for line in (idle, busy):
        line.socket.close()


# -- limits -------------------------------------------------------------------------------------


def test_connections_have_a_ceiling_in_all_and_per_address(urls, ring, record) -> None:
    settings = replace(SETTINGS, max_connections=3, max_connections_per_address=2)
    ping = encode(alarm(kind=Kind.PING))
    with running("sos_access", settings, urls, ring) as live:
        port = live.ports["tcp"]
        lines = [Line(port), Line(port)]
        for line in lines:
            line.send(ping)
            assert line.status() == 0
        with Line(port) as third:
            assert third.status() is None
        lines.append(Line(port, "127.0.0.2"))
        lines[-1].send(ping)
        assert lines[-1].status() == 0
        with Line(port, "127.0.0.3") as fourth:
            assert fourth.status() is None
        lines.pop().socket.close()
        assert eventually(lambda: live.intake.connections == 2)
        lines.append(Line(port, "127.0.0.3"))
        lines[-1].send(ping)
        assert lines[-1].status() == 0
        for line in lines:
            line.socket.close()
    assert record.counted("sos_access.too_many_connections") == 1
    assert record.counted("sos_access.too_many_connections_of_address") == 1


def test_half_a_request_and_silence_hears_2_and_is_closed(urls, ring, record) -> None:
    with (
        running("sos_access", replace(SETTINGS, half_request_s=0.2), urls, ring) as live,
        Line(live.ports["tcp"]) as line,
    ):
        line.send(encode(alarm())[:50])
        assert line.status() == 2
        assert line.status() is None
    assert record.counted("sos_access.cut_short") == 1


def test_a_trickle_does_not_hold_a_connection_open(urls, ring, record) -> None:
    with (
        running("sos_access", replace(SETTINGS, half_request_s=0.3), urls, ring) as live,
        Line(live.ports["tcp"]) as line,
    ):
        line.send(b"<alarmrequest>")
        line.socket.settimeout(0.02)
        heard = b""
        for _ in range(200):
            try:
                line.send(b"x")
                heard = heard or line.socket.recv(4_096)
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
            if heard:
                break
        assert STATUS.search(heard)


def test_idle_connection_is_closed_even_if_it_sends_blanks(urls, ring, record) -> None:
    settings = replace(SETTINGS, idle_s=1.0)
    with running("sos_access", settings, urls, ring) as live, Line(live.ports["tcp"]) as line:
        for _ in range(3):
            line.send(b"\r\n")
        assert line.status() is None


def test_too_many_refusals_end_a_connection(live, record) -> None:
    from tocsin.edge.sos_access import REFUSED_MAX

    with Line(live.ports["tcp"]) as line:
        for _ in range(REFUSED_MAX):
            line.send(document("<a></b>"))
            assert line.status() == 2
        assert line.status() is None
    assert eventually(lambda: record.counted("sos_access.too_many_refused") == 1)


def test_a_flood_of_one_address_does_not_stop_another(live) -> None:
    flood = Line(live.ports["tcp"])
    flood.send(encode(alarm()) * 300)
    with Line(live.ports["tcp"], "127.0.0.2") as other:
        other.send(encode(alarm()))
        assert other.status() == 0
    flood.socket.close()


def test_tls_is_tls_and_nothing_else(live, tls) -> None:
    with Line(live.ports["tls"]) as line:
        line.send(encode(alarm()))
        assert line.status() is None
    context = ssl.create_default_context(cafile=str(tls[0]))
    assert context.check_hostname
    with (
        socket.create_connection(("127.0.0.1", live.ports["tls"]), WAIT_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(encode(alarm()))
        assert STATUS.search(secure.recv(4_096))[1] == b"0"
        # More than is read at once, so that reading pauses and goes on.
        big = encode(alarm(kind=Kind.PING)).replace(b"<auth", b"<!--" + b"x" * 90_000 + b"--><auth")
        secure.sendall(big * 12)
        answers = b""
        while answers.count(b"<status>0<") < 12:
            more = secure.recv(65_536)
            assert more
            answers += more


def test_a_greeting_that_comes_with_the_connection_is_not_lost(live, tls) -> None:
    """Again and again, since it is a race."""
    context = ssl.create_default_context(cafile=str(tls[0]))
    for _ in range(100):
        with (
            socket.create_connection(("127.0.0.1", live.ports["tls"]), WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(encode(alarm(kind=Kind.PING)))
            assert STATUS.search(secure.recv(4_096))[1] == b"0"


def test_what_never_shakes_hands_holds_a_place_and_no_more(urls, ring, record, tls) -> None:
    settings = replace(
        SETTINGS,
        max_connections_per_address=2,
        port=-1,
        tls_port=0,
        tls_cert=str(tls[0]),
        tls_key=str(tls[1]),
    )
    with running("sos_access", settings, urls, ring) as live:
        lines = [Line(live.ports["tls"]) for _ in range(3)]
        assert lines[2].status() is None
        assert live.intake.connections == 2
        for line in lines:
            line.socket.close()
        assert eventually(lambda: live.intake.connections == 0)


def test_settings_that_contradict_each_other_are_refused() -> None:
    def said(**values: Any) -> list[str]:
        return list(replace(SETTINGS, **values).contradictions("edge.sos_access"))

    assert said() == []
    assert said(port=-1)
    assert said(tls_port=0)
    assert "in clear" in said(host="0.0.0.0")[0]
    assert said(host="0.0.0.0", port=-1, tls_port=0, tls_cert="c", tls_key="k") == []
