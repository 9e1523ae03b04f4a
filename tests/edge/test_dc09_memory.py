"""What the edge remembers of DC-09 senders: for how long, and no more than so many."""

from tocsin.edge.dc09_memory import (
    AGAIN_S_MAX,
    ENCRYPTED_MAX,
    NOISE_BYTES,
    SENDERS_MAX,
    WINDOW_S,
    Memory,
    Noise,
)
from tocsin.record.arrivals import REPEAT_WINDOW
from tocsin.wire.dc09.answers import EARLY_S_MAX, LATE_S_MAX
from tocsin.wire.dc09.frames import BLOCK_BYTES


class Counted(dict):
    def add(self, name: str, by: int = 1) -> None:
        self[name] = self.get(name, 0) + by


def test_memory_is_bounded() -> None:
    counted = Counted()
    memory = Memory(counted)
    for number in range(SENDERS_MAX + 10):
        memory.note(f"{number}", ("eldes",))
        memory.is_asked_again(f"{number}", b"key", 1.0)
    memory.note("5", ("eldes",))
    assert counted == {"dialect.eldes": SENDERS_MAX + 11}
    assert len(memory._spoken) <= SENDERS_MAX
    assert len(memory._answered) <= SENDERS_MAX
    for number in range(ENCRYPTED_MAX + 10):
        key = number.to_bytes(16, "big")
        assert memory.first_key(key, b"content" + key, 1.0) == key
    assert len(memory._encrypted) < ENCRYPTED_MAX
    assert len(memory._encrypted_earlier) <= ENCRYPTED_MAX + 1


def test_same_message_much_later_says_nothing_about_its_answer() -> None:
    memory = Memory(Counted())
    assert not memory.is_asked_again("1", b"test", 1_000.0)
    assert not memory.is_asked_again("1", b"test", 1_000.0 + AGAIN_S_MAX + 1)
    assert memory.turn("1") == 0
    assert memory.is_asked_again("1", b"test", 1_000.0 + 2 * AGAIN_S_MAX + 1)
    assert memory.turn("1") == 1


def test_encrypted_message_is_known_by_what_it_says_and_when() -> None:
    memory = Memory(Counted())
    assert memory.first_key(b"said 1", b"0001", 1_000.0) == b"said 1"
    assert memory.first_key(b"said 1", b"0002", 1_001.0) == b"said 1"  # under another header
    assert memory.first_key(b"said 2", b"0001", 1_002.0) == b"said 1"  # by the panel itself
    assert memory.first_key(b"said 2", b"0003", 1_003.0) == b"said 1"
    # The header of a replay says nothing of what the panel sends next.
    assert memory.first_key(b"said 3", b"0002", 1_004.0) == b"said 3"
    assert memory.first_key(b"said 1", b"0009", 9_000.0) == b"said 1"


def test_resending_is_told_for_its_time_and_its_replay_for_as_long_as_the_record_tells() -> None:
    """At the limit, over each of the two generations of what is remembered."""
    for earlier in (0.0, WINDOW_S / 2, AGAIN_S_MAX):
        memory = Memory(Counted())
        at = 1_000.0
        memory.first_key(b"before", b"0000", at - earlier)
        memory.first_key(b"said 1", b"0001", at)
        assert memory.first_key(b"said 2", b"0001", at + AGAIN_S_MAX) == b"said 1"
        assert memory.first_key(b"said 3", b"0001", at + AGAIN_S_MAX + 0.1) == b"said 3"
        assert memory.first_key(b"said 2", b"0002", at + WINDOW_S) == b"said 1"
    assert WINDOW_S - AGAIN_S_MAX >= EARLY_S_MAX + LATE_S_MAX
    assert REPEAT_WINDOW.total_seconds() >= WINDOW_S


def test_noise_is_drawn_for_many_and_given_once() -> None:
    noise = Noise()
    drawn = [noise.draw() for _ in range(3 * NOISE_BYTES // BLOCK_BYTES)]
    assert {len(one) for one in drawn} == {BLOCK_BYTES}
    assert len(set(drawn)) == len(drawn)
