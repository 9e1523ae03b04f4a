"""Wrong messages made from right ones: a seeded mutator that knows a protocol's words, so that what
it makes gets past the first check as often as not."""

import random
from collections.abc import Callable, Sequence

SIZE_MAX = 6_000
NUMBERS = (0, 1, 9, 127, 128, 255, 256, 4_095, 4_096, 65_535, 65_536, 2**31, 2**32, 10**20)


class Mutator:
    """`seeds`: right messages. `words`: bytes that mean something to the protocol. `repair` makes
    lengths and checksums right again, for half of what is made."""

    def __init__(
        self,
        seeds: Sequence[bytes],
        words: Sequence[bytes],
        seed: int,
        repair: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.seeds = list(seeds)
        self.words = list(words)
        self.repair = repair
        self.random = random.Random(seed)

    def next(self) -> bytes:
        """The next message."""
        chance = self.random
        data = bytearray(chance.choice(self.seeds))
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 9))):
            self._change(data)
        made = bytes(data[:SIZE_MAX])
        if self.repair is not None and chance.random() < 0.5:
            made = self.repair(made)
        return made

    def _change(self, data: bytearray) -> None:
        chance = self.random
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 200)))
        match chance.randrange(10):
            case 0:
                data[at:to] = b""
            case 1:
                data[at:at] = chance.choice(self.words)
            case 2:
                data[at:to] = chance.choice(self.words)
            case 3:
                data[at:at] = chance.randbytes(chance.choice((1, 1, 2, 8, 64)))
            case 4 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 5 if at < len(data):
                data[at] = chance.randrange(256)
            case 6:
                data[at:at] = data[at:to] * chance.choice((1, 2, 50))
            case 7:
                other = chance.choice(self.seeds)
                cut = chance.randrange(len(other) + 1)
                data[at:] = other[cut:]
            case 8:
                data[at:to] = b"%d" % chance.choice(NUMBERS)
            case _:
                del data[at:]
        del data[2 * SIZE_MAX :]
