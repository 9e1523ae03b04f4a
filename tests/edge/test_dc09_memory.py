"""What the edge remembers of DC-09 senders: for how long, and no more than so many."""

from tocsin.edge.dc09_memory import AGAIN_S_MAX, CIPHERTEXTS_MAX, SENDERS_MAX, WINDOW_S, Memory


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
    for number in range(2 * CIPHERTEXTS_MAX + 10):
        key = number.to_bytes(16, "big")
        assert memory.first_key(key, b"first", 1.0) == b"first"
    assert len(memory._ciphertexts) + len(memory._earlier_ciphertexts) <= 2 * CIPHERTEXTS_MAX


def test_same_message_much_later_says_nothing_about_its_answer() -> None:
    memory = Memory(Counted())
    assert not memory.is_asked_again("1", b"test", 1_000.0)
    assert not memory.is_asked_again("1", b"test", 1_000.0 + AGAIN_S_MAX + 1)
    assert memory.turn("1") == 0
    assert memory.is_asked_again("1", b"test", 1_000.0 + 2 * AGAIN_S_MAX + 1)
    assert memory.turn("1") == 1


def test_ciphertext_is_remembered_for_its_time_at_least() -> None:
    memory = Memory(Counted())
    assert memory.first_key(b"c", b"first", 1_000.0) == b"first"
    memory.first_key(b"other", b"x", 1_000.0 + WINDOW_S + 1)
    assert memory.first_key(b"c", b"second", 1_000.0 + WINDOW_S + 1) == b"first"
    memory.first_key(b"other", b"x", 1_000.0 + 2 * WINDOW_S + 2)
    assert memory.first_key(b"c", b"second", 1_000.0 + 2 * WINDOW_S + 2) == b"second"
