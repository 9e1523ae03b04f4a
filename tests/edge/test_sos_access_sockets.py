"""SOS Access over real sockets, with the public client and the real record: each status, and
nothing answered before it is on disk."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from live_sos_access import (
    AUTHENTICATION,
    CODE,
    SETTINGS,
    Line,
    alarm,
    document,
    kept,
    refusals,
    sos_client,
    tls_of_a_client,
    transmitter,
)
from msgspec.structs import replace

from tocsin.record import probe_secret
from tocsin.record.database import Urls, connect
from tocsin.record.devices import PROBED
from tocsin.record.keys import Keyring
from tocsin.wire.sos_access.requests import HEADER, REQUEST_CHARS_MAX, Kind, encode
from tocsin.wire.sos_access.signals import EventCode


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


@pytest.fixture(autouse=True)
def client_s_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sos_client.TCPTransport, "_get_socket", tls_of_a_client)


@pytest.fixture
def line(live: Live) -> Iterator[Line]:
    with Line(live.ports["tcp"]) as opened:
        yield opened


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


def test_test_alarms_of_our_own_are_counted_apart(live, record, ring) -> None:
    def tested(nonce: int) -> None:
        before = record.counted("sos_access.probe")
        account = f"tp.{nonce:012x}"
        shown = probe_secret.secret(ring, "sos_access", account)[: PROBED["sos_access"]]
        sender = transmitter(live, transmitter_code=account, authentication=shown)
        assert sender.send_alarm("RP").status == 0
        assert sender.ping(reference="9").status == 0
        assert eventually(lambda: record.counted("sos_access.probe") == before + 2)

    tested(1)  # what was counted before it is on record now
    before = [record.counted(f"sos_access.{name}") for name in ("ack", "poll")]
    tested(2)
    assert [record.counted(f"sos_access.{name}") for name in ("ack", "poll")] == before


def test_wrong_authentication_is_refused_and_kept_as_a_stranger_s(live, record) -> None:
    before = len(kept(record))
    wrong = transmitter(live, authentication="999999999999999", over="tls")
    with pytest.raises(refusals.NotAuthorized):
        wrong.send_alarm("BA")
    with pytest.raises(refusals.NotAuthorized):
        transmitter(live, transmitter_code="IK9999").send_alarm("BA")
    assert [row[:5] for row in kept(record)[before:]] == [
        ("sos_access.tls", "nak", "not_authorized", "none", False),
        ("sos_access.tcp", "nak", "unknown_transmitter", "none", False),
    ]
    assert eventually(lambda: record.counted("sos_access.unknown_transmitter") == 1)
    assert eventually(lambda: record.counted("sos_access.not_authorized") == 1)
    district = record.execute("SELECT district FROM heard.message ORDER BY id DESC").fetchone()
    assert district == ("main",)


def test_a_device_whose_secret_does_not_open_here_is_sent_to_the_other_receiver(
    urls, ring, record, tmp_path
) -> None:
    other = Keyring(tmp_path / "other")
    install(record.connection, other, "sos_access", "IK0002", AUTHENTICATION.encode())
    before = len(kept(record))
    with running("sos_access", SETTINGS, urls, ring) as live, Line(live.ports["tcp"]) as line:
        line.send(encode(alarm(transmittercode="IK0002")))
        assert line.status() == 5
    assert [row[1:5] for row in kept(record)[before:]] == [("nak", "no_key", "none", False)]


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
        (encode(alarm()).partition(b"?>")[2], 0),
        (encode(alarm(eventcode="")), 7),
        (encode(alarm(authentication="")), 7),
        (encode(alarm(sectiontext="x" * 41)), 0),
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
        ("nak", "mandatory_data_missing", "none", True),
        ("ack", "wrong_content", "none", True),
        ("nak", "mandatory_data_missing", "none", False),
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
    own = (EventCode(event="BRAND", code="FA"),)
    settings = replace(SETTINGS, contact_id=True, event_codes=own)
    with running("sos_access", settings, urls, ring) as other:
        assert transmitter(other).send_alarm("BRAND").status == 0
        assert kept(record)[-1][5]["code"] == "FA"
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
