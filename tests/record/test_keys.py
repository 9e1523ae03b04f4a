"""Keys: durable before they are used, never replaced, private to the owner, gone when destroyed."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.record.ids import OrderedIds, first_at, milliseconds, time_of, uuid7, uuid7_of
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring, seal, unseal


def test_a_key_is_the_same_in_every_process(keyring: Keyring) -> None:
    incident = uuid4()
    sealed = seal(keyring.incident(incident, create=True), b"plain", b"here")
    other = Keyring(keyring.directory)
    assert unseal(other.incident(incident), sealed, b"here") == b"plain"
    assert keyring.fingerprint(b"x") == other.fingerprint(b"x") != other.fingerprint(b"y")


def test_of_many_that_make_a_key_at_once_all_get_the_same(keyring: Keyring) -> None:
    incident = uuid4()

    def make(_: int) -> bytes:
        ring = Keyring(keyring.directory)
        return seal(ring.incident(incident, create=True), b"plain", b"")

    with ThreadPoolExecutor(8) as threads:
        for sealed in threads.map(make, range(16)):
            assert unseal(keyring.incident(incident), sealed, b"") == b"plain"


def test_what_is_sealed_opens_only_where_it_belongs(keyring: Keyring) -> None:
    key = keyring.incident(uuid4(), create=True)
    sealed = seal(key, b"plain", b"here")
    for cipher, content, bound in (
        (key, sealed, b"there"),
        (key, sealed[:-1] + bytes([sealed[-1] ^ 1]), b"here"),
        (key, b"", b"here"),
        (keyring.incident(uuid4(), create=True), sealed, b"here"),
    ):
        with pytest.raises(CannotOpen):
            unseal(cipher, content, bound)


def test_files_are_private(keyring: Keyring) -> None:
    keyring.incident(uuid4(), create=True)
    keyring.heard(keyring.epoch(datetime.now(UTC)), create=True)
    keyring.device()
    keyring.fingerprint(b"")
    for path in [keyring.directory, *keyring.directory.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert len(list(keyring.directory.rglob("*.key"))) == 4
    assert not list(keyring.directory.rglob(".*"))


def test_a_destroyed_key_never_comes_back(keyring: Keyring) -> None:
    incident = uuid4()
    keyring.incident(incident, create=True)
    (path,) = keyring.directory.rglob(f"{incident.hex}.key")
    assert keyring.destroy(incident)
    assert not path.exists()
    assert not keyring.destroy(incident)
    for ring in (keyring, Keyring(keyring.directory)):
        with pytest.raises(KeyMissing):
            ring.incident(incident)
        with pytest.raises(KeyMissing, match="destroyed"):
            ring.incident(incident, create=True)


def test_a_missing_or_damaged_key_is_said(keyring: Keyring) -> None:
    with pytest.raises(KeyMissing):
        keyring.incident(uuid4())
    with pytest.raises(KeyMissing):
        keyring.heard("../device")
    damaged = Path(keyring.directory, "device.key")
    damaged.write_bytes(bytes(32))  # what a power cut may leave of a file that was not synced
    with pytest.raises(KeyMissing, match="damaged"):
        keyring.device()


MOMENTS = st.timedeltas(timedelta(), timedelta(days=80_000)).map(
    lambda since: datetime(1970, 1, 1, tzinfo=UTC) + since
)


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_ids_sort_by_time_and_tell_it(moment: datetime, noise: bytes) -> None:
    made = uuid7_of(milliseconds(moment), noise)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert timedelta() <= moment - time_of(made) < timedelta(milliseconds=1)
    assert first_at(moment) <= made < uuid7(moment + timedelta(milliseconds=1))


def test_ids_of_one_writer_keep_their_order_within_a_millisecond() -> None:
    ids = OrderedIds()
    now = milliseconds(datetime(2026, 11, 21, 12, tzinfo=UTC))
    made = [ids.next(now, bytes([255 - number % 256]) * 8) for number in range(4_096)]
    made.append(ids.next(now + 1, bytes(8)))
    assert made == sorted(made)
    assert ids.next(now, bytes(8)) not in made


def test_the_key_of_an_incident_that_begins_is_its_key_in_every_process(keyring: Keyring) -> None:
    incident = uuid4()
    keyring.begin(incident)
    sealed = seal(keyring.incident(incident), b"words", b"here")
    assert unseal(Keyring(keyring.directory).incident(incident), sealed, b"here") == b"words"
    with pytest.raises(FileExistsError):  # it is never made anew: what it sealed would be lost
        keyring.begin(incident)
    assert unseal(Keyring(keyring.directory).incident(incident), sealed, b"here") == b"words"
    files = list(keyring.directory.rglob(f"*{incident.hex}*"))
    assert [one.stat().st_mode & 0o777 for one in files] == [0o600]
