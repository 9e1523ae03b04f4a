"""AES-CBC as DC-09 5.4.4 has it: a vector of zeros, a pad before the message, ciphertext in hex."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES: Final = (16, 24, 32)
BLOCK_BYTES: Final = 16

# To make a context of a cipher takes ten times as long as what it does for a frame. So those of a
# key are kept, in forms that no earlier frame leaves anything in.
_VECTOR: Final = bytes(BLOCK_BYTES)  # DC-09 5.4.4: it is zero


@lru_cache(maxsize=4096)
def _opener(key: bytes) -> Callable[[bytes], bytes]:
    """Undoes CBC. A ciphertext behind the vector, as a block of its own, comes out right behind one
    block that is not looked at, whatever went through before."""
    return Cipher(algorithms.AES(key), modes.CBC(_VECTOR)).decryptor().update


@lru_cache(maxsize=4096)
def _sealer(key: bytes) -> Callable[[bytes], bytes]:
    """One block of AES, from which `encrypt` makes CBC."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305 - its blocks


_NOT_IN_PAD: Final = bytes.maketrans(b"|[]", b"pad")


def padding(region: bytes, noise: bytes) -> bytes:
    """What goes before a region that is to be encrypted, with its bar; see `seal`."""
    fill = BLOCK_BYTES - len(region) % BLOCK_BYTES - 1
    if len(noise) < fill:
        raise ValueError("16 bytes of noise are needed for the pad")
    return noise[:fill].translate(_NOT_IN_PAD) + b"|"


def encrypt(padded: bytes, key: bytes) -> bytes:
    """The ciphertext in hex. Raises ValueError where `padded` is not whole blocks."""
    if len(padded) % BLOCK_BYTES:
        raise ValueError("only whole blocks are encrypted")
    block = _sealer(key)
    sealed = before = block(padded[:BLOCK_BYTES])
    for at in range(BLOCK_BYTES, len(padded), BLOCK_BYTES):
        clear = int.from_bytes(padded[at : at + BLOCK_BYTES], "big")
        before = block((clear ^ int.from_bytes(before, "big")).to_bytes(BLOCK_BYTES, "big"))
        sealed += before
    return sealed.hex().upper().encode()


def decrypt(data: bytes, key: bytes) -> bytes:
    """The encrypted region in clear. `data`: its ciphertext in hex, whole blocks."""
    return _opener(key)(_VECTOR + unhexlify(data))[BLOCK_BYTES:]
