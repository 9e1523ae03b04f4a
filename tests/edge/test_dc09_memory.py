"""What the edge remembers of DC-09 senders: for how long, no more than so many of those that it
does not know, and of a known device whatever others do."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tocsin.edge import dc09_memory
from tocsin.edge.dc09_memory import AGAIN_S_MAX, NOISE_BYTES, Memory, Noise
from tocsin.record.devices import Device
from tocsin.record.learnt import NOTHING, Learnt
from tocsin.wire.dc09.cipher import BLOCK_BYTES
from tocsin.wire.dc09.clocks import POLLS_NEEDED
from tocsin.wire.dc09.signals import RIGHT_WITHIN

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EIGHT = timedelta(hours=8)
DEVICE = Device(uuid4(), uuid4(), "dc09", "1234", "north", "fire", None, None)


class Counted(dict):
    def add(self, name: str, by: int = 1) -> None:
        self[name] = self.get(name, 0) + by


@dataclass
class Book:
    """What is known of one device, and how often that changed."""

    known: Learnt = NOTHING
    changes: list[Learnt] = field(default_factory=list)

    def learnt(self, _: Device) -> Learnt:
        return self.known

    def learn(self, _: Device, learnt: Learnt) -> None:
        self.known = learnt
        self.changes.append(learnt)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def memory(book: Book, counted: Counted) -> Memory:
    return Memory(counted, book)


def polls(memory: Memory, ahead: timedelta, number: int = POLLS_NEEDED, begin: int = 0) -> None:
    for minute in range(begin, begin + number):
        at = NOW + timedelta(minutes=minute)
        memory.poll_says(DEVICE, at + ahead, at)


# -- senders that are in no register --------------------------------------------------------------


def test_the_oldest_unknown_sender_makes_room_and_no_other_is_forgotten(
    memory: Memory, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dc09_memory, "SENDERS_MAX", 100)
    for number in range(100):
        memory.note(None, f"{number}", ("eldes",))
        memory.is_asked_again(None, f"{number}", b"key", 1.0)
        memory.is_asked_again(None, f"{number}", b"key", 2.0)
    assert counted == {"dialect.eldes": 100}
    memory.note(None, "0", ("eldes",))  # is heard again: now "1" is the oldest
    memory.is_asked_again(None, "0", b"other", 3.0)
    memory.note(None, "new", ("eldes",))
    memory.is_asked_again(None, "new", b"key", 3.0)
    assert (len(memory._spoken), len(memory._answered)) == (100, 100)
    assert [memory.turn(None, one) for one in ("0", "1", "2", "99", "new")] == [1, 0, 1, 1, 0]
    for one in ("0", "2", "99", "new"):
        memory.note(None, one, ("eldes",))
    assert counted == {"dialect.eldes": 101}
    memory.note(None, "1", ("eldes",))
    assert counted == {"dialect.eldes": 102}


def test_memory_of_unknown_senders_is_bounded(memory: Memory) -> None:
    for number in range(dc09_memory.SENDERS_MAX + 10):
        memory.note(None, f"{number}", ("eldes",))
        memory.is_asked_again(None, f"{number}", b"key", 1.0)
    assert len(memory._spoken) == len(memory._answered) == dc09_memory.SENDERS_MAX


def test_known_device_is_not_forgotten_for_any_number_of_unknown_senders(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dc09_memory, "SENDERS_MAX", 10)
    memory.note(DEVICE, "", ("eldes",))
    assert not memory.is_asked_again(DEVICE, "", b"test", 1.0)
    polls(memory, EIGHT)
    for number in range(100):
        memory.note(None, f"{number}", ("eldes",))
        memory.is_asked_again(None, f"{number}", b"key", 1.0)
    assert memory.is_asked_again(DEVICE, "", b"test", 2.0)
    assert memory.ahead(DEVICE) == EIGHT


# -- the form of answers --------------------------------------------------------------------------


@pytest.mark.parametrize("device", [None, DEVICE])
def test_same_message_much_later_says_nothing_about_its_answer(
    memory: Memory, device: Device | None
) -> None:
    assert not memory.is_asked_again(device, "1", b"test", 1_000.0)
    assert not memory.is_asked_again(device, "1", b"test", 1_000.0 + AGAIN_S_MAX + 1)
    assert memory.turn(device, "1") == 0
    assert memory.is_asked_again(device, "1", b"test", 1_000.0 + 2 * AGAIN_S_MAX + 1)
    assert memory.turn(device, "1") == 1


def test_what_comes_in_a_devices_name_is_remembered_apart(memory: Memory, book: Book) -> None:
    """In clear, of one that has a key: by where it comes from, and of the device nothing."""
    memory.note(None, "1234@192.0.2.7", ("eldes",))
    for _ in range(2):
        memory.is_asked_again(None, "1234@192.0.2.7", b"test", 1.0)
    assert memory.turn(None, "1234@192.0.2.7") == 1
    assert memory.turn(DEVICE, "1234@192.0.2.7") == 0
    assert book.changes == []


# -- clocks ---------------------------------------------------------------------------------------


def test_device_that_goes_on_as_before_changes_nothing(memory: Memory, book: Book) -> None:
    memory.note(DEVICE, "", ("eldes", "empty_line"))
    polls(memory, EIGHT)
    before = len(book.changes)
    polls(memory, EIGHT, 50, begin=POLLS_NEEDED)
    for _ in range(50):
        memory.note(DEVICE, "", ("empty_line", "eldes"))
        memory.message_says(DEVICE, NOW + EIGHT, NOW)
    assert len(book.changes) == before
    assert book.known.dialects == ("eldes", "empty_line")


def test_panel_whose_clock_is_right_is_remembered_nowhere(memory: Memory, book: Book) -> None:
    polls(memory, timedelta(0), 50)
    polls(memory, timedelta(minutes=8), 50, begin=50)
    assert book.changes == []


def test_polls_that_show_the_right_time_make_it_forgotten(memory: Memory, book: Book) -> None:
    polls(memory, EIGHT)
    assert book.known.clock_since == NOW + timedelta(minutes=POLLS_NEEDED - 1)
    polls(memory, timedelta(0), 1, begin=POLLS_NEEDED)
    assert memory.ahead(DEVICE) == timedelta(0)
    assert book.known == NOTHING


def test_right_poll_between_two_wrong_ones_begins_anew(memory: Memory, book: Book) -> None:
    for begin in range(0, 20, POLLS_NEEDED):
        polls(memory, EIGHT, POLLS_NEEDED - 1, begin)
        polls(memory, timedelta(0), 1, begin + POLLS_NEEDED - 1)
        assert book.known == NOTHING


@pytest.mark.parametrize("number", range(1, POLLS_NEEDED + 1))
def test_message_of_now_says_that_the_clock_is_right(
    memory: Memory, book: Book, number: int
) -> None:
    """Three spoofed polls of a panel whose own carry no time: its first alarm undoes them."""
    polls(memory, EIGHT, number)
    assert book.known != NOTHING
    memory.message_says(DEVICE, NOW + RIGHT_WITHIN + timedelta(seconds=1), NOW)
    assert book.known != NOTHING
    memory.message_says(DEVICE, NOW + RIGHT_WITHIN, NOW)
    assert book.known == NOTHING


def test_noise_is_drawn_for_many_and_given_once() -> None:
    noise = Noise()
    drawn = [noise.draw() for _ in range(3 * NOISE_BYTES // BLOCK_BYTES)]
    assert {len(one) for one in drawn} == {BLOCK_BYTES}
    assert len(set(drawn)) == len(drawn)
