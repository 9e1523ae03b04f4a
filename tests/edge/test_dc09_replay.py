"""Repeats and replays of DC-09 messages, over restarts and from other addresses: acknowledged or
denied as they must be, kept each time, and never a second incident."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from live_edge import (
    ENCRYPTED,
    KEY,
    NOISE,
    PLAIN,
    WRONG_KEY,
    Edge,
    Record,
    frame,
    register,
    running,
    sealed,
)

from tocsin.record.database import Urls, connect
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.wire.dc09.frames import Frame, decode, encode, seal, unseal, write_timestamp

SECOND = "D00D"  # shares its key with ENCRYPTED


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("replay") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        register(owner, ring, PLAIN)
        register(owner, ring, ENCRYPTED, KEY)
        register(owner, ring, SECOND, KEY)
        yield Record(owner, ring)


class Desk:
    """What the desk sees: judged at once."""

    def __init__(self, record: Record, ring: Keyring) -> None:
        self.record, self.ring = record, ring

    def incidents(self) -> int:
        """How many there are, after everything that waits has been judged."""
        self.record.execute("SELECT 1")
        while judge_pending(self.record.connection, self.ring, datetime.now(UTC)):
            continue
        return self._one("SELECT count(*) FROM view.incident")

    def ordinary(self) -> int:
        """How many of them are more than a card to watch."""
        self.incidents()
        return self._one("SELECT count(*) FROM view.incident WHERE level < 4")

    def joined(self) -> int:
        """How many signals belong to an incident."""
        self.incidents()
        return self._one("SELECT count(*) FROM view.signal WHERE incident IS NOT NULL")

    def last(self) -> tuple[str, str | None, bool]:
        """Answer, problem, and whether it repeats another, of the message kept last."""
        query = (
            "SELECT answer, problem, repeat_of IS NOT NULL FROM heard.message ORDER BY id DESC"
            " LIMIT 1"
        )
        row: tuple[str, str | None, bool] = self.record.execute(query).fetchone()
        self.record.rollback()
        return row

    def _one(self, query: str) -> int:
        row = self.record.connection.execute(query.encode()).fetchone()
        self.record.rollback()
        assert row is not None
        return int(row[0])


@pytest.fixture
def desk(record: Record, ring: Keyring) -> Desk:
    return Desk(record, ring)


def asks(edge: Edge, raw: bytes, source: str = "127.0.0.1") -> Frame:
    with edge.connect(source) as panel:
        panel.send(raw)
        answer = panel.receive()
        assert answer is not None
        return answer


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """The edge's clock goes on."""
    moved = SimpleNamespace(now=lambda zone: datetime.now(zone) + by)
    monkeypatch.setattr("tocsin.edge.dc09.datetime", moved)


def with_header(raw: bytes, **fields: str) -> bytes:
    """The same ciphertext under another header, with a right CRC: DC-09 protects neither."""
    return encode(decode(raw)._replace(**fields))


def test_replay_within_its_time_is_a_repeat_also_after_a_restart(urls, ring, desk) -> None:
    raw = sealed("NFA31")
    with running(urls, ring) as edge:
        before = desk.incidents()
        assert asks(edge, raw).token == "ACK"
        assert desk.incidents() == before + 1
        signals = desk.joined()
        for source in ("127.0.0.1", "127.0.0.2"):
            assert asks(edge, raw, source).token == "ACK"
            assert desk.last() == ("ack", None, True)
    with running(urls, ring) as edge:
        assert asks(edge, raw, "127.0.0.3").token == "ACK"
        assert desk.last() == ("ack", None, True)
    assert (desk.incidents(), desk.joined()) == (before + 1, signals)


def test_ciphertext_under_another_header_is_a_repeat(urls, ring, desk) -> None:
    raw = sealed("NFA32")
    with running(urls, ring) as edge:
        assert asks(edge, raw).token == "ACK"
        before = desk.joined()
        for fields in (
            {"sequence": "4321"},
            {"token": "ADM-CID"},
            {"receiver": "7", "line": "9"},
            {"account": SECOND},
        ):
            forged = with_header(raw, **fields)
            assert forged != raw
            assert asks(edge, forged, "127.0.0.2").token == "ACK"
            assert desk.last() == ("ack", None, True)
        lower = decode(raw)
        assert asks(edge, encode(lower._replace(data=lower.data.lower()))).token == "ACK"
        assert desk.last() == ("ack", None, True)
        assert desk.joined() == before


FORGED = (
    {"sequence": "4331"},
    {"token": "ADM-CID"},
    {"token": "VIS"},
    {"receiver": "7", "line": "9"},
    {"account": SECOND},
)


def with_longer_pad(raw: bytes) -> bytes:
    """A block of zeros before the ciphertext: what it says is the same, with a longer pad."""
    sent = decode(raw)
    longer = sent._replace(data=b"00" * 16 + sent.data)
    assert unseal(longer, KEY).data == unseal(sent, KEY).data
    return encode(longer)


def test_ciphertext_under_another_header_is_a_repeat_also_after_a_restart(urls, ring, desk) -> None:
    raw = sealed("NFA61")
    with running(urls, ring) as edge:
        assert asks(edge, raw).token == "ACK"
        before = desk.incidents(), desk.joined()
    for fields in FORGED:
        with running(urls, ring) as edge:  # each to one that has never heard it
            assert asks(edge, with_header(raw, **fields), "127.0.0.2").token == "ACK"
            assert desk.last()[2], fields
    assert (desk.incidents(), desk.joined()) == before


def test_ciphertext_with_a_longer_pad_is_a_repeat(urls, ring, desk) -> None:
    raw = sealed("NFA62")
    longer = with_longer_pad(with_header(raw, sequence="4332"))
    with running(urls, ring) as edge:
        assert asks(edge, raw).token == "ACK"
        before = desk.incidents(), desk.joined()
        assert asks(edge, longer, "127.0.0.2").token == "ACK"
        assert desk.last() == ("ack", None, True)
    with running(urls, ring) as edge:
        assert asks(edge, with_header(longer, sequence="4333"), "127.0.0.2").token == "ACK"
        assert desk.last() == ("ack", None, True)
    assert (desk.incidents(), desk.joined()) == before


def test_panels_own_resending_encrypted_is_a_repeat(urls, ring, desk) -> None:
    """With a new pad and its old timestamp also after a restart; with a new one, and then under
    another header, in this process. With another sequence it is a message of its own."""

    def sent(late_s: float, noise: bytes, number: str = "1661") -> bytes:
        stamp = write_timestamp(datetime.now(UTC) - timedelta(seconds=late_s))
        clear = Frame("SIA-DCS", number, None, "0", ENCRYPTED, b"#5678|NFA63", timestamp=stamp)
        return encode(seal(clear, KEY, noise))

    def with_new_pad(raw: bytes) -> bytes:
        opened = unseal(decode(raw), KEY)
        return encode(seal(opened._replace(pad=None), KEY, bytes(range(200, 216))))

    first, again = sent(20, NOISE), sent(10, bytes(range(40, 56)))
    assert with_new_pad(first) != first
    with running(urls, ring) as edge:
        assert asks(edge, first).encrypted
        assert desk.last() == ("ack", None, False)
        for raw in (with_new_pad(first), again, first, with_header(again, sequence="4334")):
            assert asks(edge, raw).encrypted
            assert desk.last() == ("ack", None, True)
        assert asks(edge, sent(0, NOISE, "1662")).encrypted
        assert desk.last() == ("ack", None, False)
    with running(urls, ring) as edge:
        assert asks(edge, with_new_pad(first)).encrypted
        assert desk.last() == ("ack", None, True)


def test_replay_after_its_time_is_denied_and_opens_nothing(urls, ring, desk, monkeypatch) -> None:
    raw = sealed("NFA33")
    with running(urls, ring) as edge:
        assert asks(edge, raw).token == "ACK"
        before = desk.incidents(), desk.joined()
        for by in (timedelta(seconds=61), timedelta(minutes=4), timedelta(days=2)):
            later(monkeypatch, by)
            for forged in (
                raw,
                with_header(raw, sequence="4322"),
                with_header(raw, account=SECOND),
            ):
                assert asks(edge, forged, "127.0.0.2").token == "NAK"
                assert desk.last() == ("nak", "stale_time", False)
    later(monkeypatch, timedelta(days=40))
    with running(urls, ring) as edge:
        assert asks(edge, raw, "127.0.0.3").token == "NAK"
    assert (desk.incidents(), desk.joined()) == before


def test_frame_that_nobody_can_open_is_at_most_watched(urls, ring, desk) -> None:
    before = desk.ordinary()
    with running(urls, ring) as edge, edge.connect() as panel:
        panel.send(sealed("NFA34", key=WRONG_KEY))
        panel.send(sealed("NFA34", account="C0DE"))
        assert panel.is_silent()
    assert desk.ordinary() == before


def test_encrypted_null_with_a_foreign_body_is_decided_once(urls, ring, desk) -> None:
    raw = sealed("1130 01 035", token="NULL")
    with running(urls, ring) as edge:
        assert asks(edge, raw).encrypted
        assert desk.last() == ("ack", None, False)
        before = desk.incidents(), desk.joined()
        assert asks(edge, raw, "127.0.0.2").encrypted
        assert desk.last() == ("ack", None, True)
    assert (desk.incidents(), desk.joined()) == before


def test_retransmissions_are_acknowledged_each_time_also_after_a_restart(urls, ring, desk) -> None:
    """With its old timestamp (an Italian panel) and with a new one (Ajax)."""

    def sent(late_s: int) -> bytes:
        stamp = write_timestamp(datetime.now(UTC) - timedelta(seconds=late_s))
        return frame("NBA36", number="1660", timestamp=stamp)

    first = sent(12)
    with running(urls, ring) as edge:
        assert asks(edge, first).sequence == "1660"
        assert desk.last() == ("ack", None, False)
        for again in (first, sent(0), first):
            assert asks(edge, again).sequence == "1660"
            assert desk.last()[2]
    with running(urls, ring) as edge:
        assert asks(edge, sent(1)).sequence == "1660"
        assert desk.last()[2]


def test_timestamp_in_clear_is_told_to_be_late_however_long_ago_the_edge_began(
    urls, ring, desk, monkeypatch
) -> None:
    stamp = write_timestamp(datetime.now(UTC))
    with running(urls, ring) as edge:
        for by, problem in ((0, None), (38, None), (42, "clock_off"), (86_400, "clock_off")):
            later(monkeypatch, timedelta(seconds=by))
            assert asks(edge, frame(f"NBA7{by % 7}", timestamp=stamp)).token == "ACK"
            assert desk.last() == ("ack", problem, False)


def test_panel_that_begins_again_at_0001_is_not_silenced(urls, ring, desk, monkeypatch) -> None:
    with running(urls, ring) as edge:
        for data in ("NBA41", "NRP"):
            assert asks(edge, frame(data, number="0001")).sequence == "0001"
            assert desk.last() == ("ack", None, False)  # another message, whatever its number
        later(monkeypatch, timedelta(minutes=3, seconds=2))
        assert asks(edge, frame("NBA41", number="0001")).token == "ACK"
        assert desk.last() == ("ack", None, False)  # in doubt it alarms


def test_several_events_of_one_message_are_all_recorded(urls, ring, desk, record) -> None:
    with running(urls, ring) as edge:
        assert asks(edge, frame("NBA51/BA52/FA53^Dach^")).token == "ACK"
    query = "SELECT count(*) FROM heard.signal WHERE message = (SELECT max(id::text)::uuid"
    assert record.execute(query + " FROM heard.message)").fetchone() == (3,)
    record.rollback()
    assert desk.incidents() > 0


def test_resending_encrypted_with_a_new_timestamp_is_a_repeat_also_after_a_restart(
    urls, ring, desk
) -> None:
    """As panels resend that renew the time (Ajax). The replay of such a resending is one as well,
    and what the header of a replay says silences nothing that the panel sends next."""

    def sent(late_s: float, number: str, noise: bytes = NOISE) -> bytes:
        stamp = write_timestamp(datetime.now(UTC) - timedelta(seconds=late_s))
        clear = Frame("SIA-DCS", number, None, "0", ENCRYPTED, b"#5678|NFA64", timestamp=stamp)
        return encode(seal(clear, KEY, noise))

    first, again, last = sent(20, "1671"), sent(10, "1671", bytes(range(60, 76))), sent(9, "1671")
    with running(urls, ring) as edge:
        assert asks(edge, first).encrypted
        assert desk.last() == ("ack", None, False)
        before = desk.incidents(), desk.joined()
    for raw in (again, with_header(again, sequence="1672"), with_longer_pad(again), last, first):
        with running(urls, ring) as edge:  # each to one that has never heard it
            assert asks(edge, raw).encrypted
            assert desk.last() == ("ack", None, True)
    assert (desk.incidents(), desk.joined()) == before
    with running(urls, ring) as edge:
        assert asks(edge, sent(0, "1672")).encrypted
        assert desk.last() == ("ack", None, False)
