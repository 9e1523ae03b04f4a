"""Which DC-09 frames show that their device is there: nobody without its key can keep a device
from being missed."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from live_edge import (
    ENCRYPTED,
    KEY,
    PLAIN,
    WRONG_KEY,
    Edge,
    Record,
    eventually,
    frame,
    register,
    running,
    sealed,
)

from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.dc09.frames import Frame, decode, encode

LOST = "105D"  # has a key that does not open here


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("alive") / "keys")


@pytest.fixture(scope="module")
def devices(urls: Urls, ring: Keyring) -> dict[str, UUID]:
    with connect(urls.owner) as owner:
        known = {
            PLAIN: register(owner, ring, PLAIN),
            ENCRYPTED: register(owner, ring, ENCRYPTED, KEY),
            LOST: register(owner, ring, LOST, KEY),
        }
        owner.execute("UPDATE ref.device SET key = 'no key' WHERE id = %s", (known[LOST],))
        owner.commit()
        return known


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, devices: dict[str, UUID]) -> Iterator[Edge]:
    with running(urls, ring) as live:
        yield live


@pytest.fixture
def is_seen(record: Record, devices: dict[str, UUID]) -> Callable[[str], bool]:
    def was(account: str) -> bool:
        row = record.connection.execute(
            "SELECT 1 FROM ref.seen WHERE device = %s", (devices[account],)
        ).fetchone()
        record.rollback()
        return row is not None

    return was


@pytest.fixture(autouse=True)
def nothing_seen(record: Record) -> None:
    record.connection.execute("DELETE FROM ref.seen")
    record.connection.commit()


def asks(edge: Edge, raw: bytes) -> Frame:
    with edge.connect() as panel:
        panel.send(raw)
        answer = panel.receive()
        assert answer is not None
        return answer


def noted(edge: Edge, is_seen: Callable[[str], bool]) -> None:
    """What is heard is noted in the order it came: once this poll is, all before it was."""
    assert asks(edge, frame("", token="NULL")).token == "ACK"
    assert eventually(lambda: is_seen(PLAIN))


def test_encrypted_poll_and_alarm_are_signs_of_life(edge, record, is_seen) -> None:
    for raw in (sealed("", token="NULL"), sealed("NFA1"), sealed("what", token="VIS")):
        record.connection.execute("DELETE FROM ref.seen")
        record.connection.commit()
        assert asks(edge, raw).encrypted
        assert eventually(lambda: is_seen(ENCRYPTED))


@pytest.mark.parametrize("account", [ENCRYPTED, LOST])
def test_poll_in_clear_of_a_device_with_a_key_is_none(edge, record, is_seen, account) -> None:
    counted = record.counted("dc09.poll_in_clear")
    assert asks(edge, frame("", account, token="NULL")).token == "ACK"
    noted(edge, is_seen)
    assert not is_seen(account)
    assert eventually(lambda: record.counted("dc09.poll_in_clear") == counted + 1)


@pytest.mark.parametrize("account", [ENCRYPTED, LOST])
@pytest.mark.parametrize("token", ["SIA-DCS", "VIS"])
def test_alarm_in_clear_of_a_device_with_a_key_alarms_and_is_none(
    edge, record, is_seen, devices, account, token
) -> None:
    assert asks(edge, frame("NFA2", account, token=token)).token == "ACK"
    noted(edge, is_seen)
    assert not is_seen(account)
    device, waits = record.execute(
        "SELECT m.device, EXISTS (SELECT FROM heard.pending p WHERE p.signal = m.id)"
        " FROM heard.message m ORDER BY m.id DESC LIMIT 1"
    ).fetchone()
    record.rollback()
    assert (device, waits) == (devices[account], True)


def test_replay_and_what_does_not_open_are_none(edge, record, is_seen) -> None:
    assert asks(edge, sealed("NFA3", late_s=60)).token == "NAK"
    with edge.connect() as panel:
        panel.send(sealed("NFA3", WRONG_KEY))
        panel.send(sealed("NFA3", account=LOST))
        panel.send(encode(decode(sealed("NFA3"))._replace(token="NULL", data=b"00" * 16)))
        assert panel.is_silent()
    noted(edge, is_seen)
    assert not is_seen(ENCRYPTED)
    assert not is_seen(LOST)


def test_device_without_a_key_is_seen_by_what_it_sends_in_clear(edge, record, is_seen) -> None:
    for raw in (frame("", token="NULL"), frame("NFA4"), frame("what", token="VIS")):
        record.connection.execute("DELETE FROM ref.seen")
        record.connection.commit()
        assert asks(edge, raw).token == "ACK"
        assert eventually(lambda: is_seen(PLAIN))
