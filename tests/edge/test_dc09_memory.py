"""What the edge remembers of DC-09 senders: for how long, and no more than so many."""

from tocsin.edge.dc09_memory import AGAIN_S_MAX, NOISE_BYTES, SENDERS_MAX, Memory, Noise
from tocsin.wire.dc09.cipher import BLOCK_BYTES


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


def test_same_message_much_later_says_nothing_about_its_answer() -> None:
    memory = Memory(Counted())
    assert not memory.is_asked_again("1", b"test", 1_000.0)
    assert not memory.is_asked_again("1", b"test", 1_000.0 + AGAIN_S_MAX + 1)
    assert memory.turn("1") == 0
    assert memory.is_asked_again("1", b"test", 1_000.0 + 2 * AGAIN_S_MAX + 1)
    assert memory.turn("1") == 1


def test_noise_is_drawn_for_many_and_given_once() -> None:
    noise = Noise()
    drawn = [noise.draw() for _ in range(3 * NOISE_BYTES // BLOCK_BYTES)]
    assert {len(one) for one in drawn} == {BLOCK_BYTES}
    assert len(set(drawn)) == len(drawn)
