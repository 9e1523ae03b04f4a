"""Follow-up codes: long enough, read whatever way they are typed, one wrong symbol noticed."""

from math import log2
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.record.report_codes import ALPHABET, SYMBOLS, code_of, grouped, read_code

CODES = st.binary(min_size=16, max_size=32).map(code_of)


def test_a_code_cannot_be_guessed_and_has_no_symbol_that_looks_like_another() -> None:
    assert SYMBOLS * log2(len(ALPHABET)) > 72
    assert not set(ALPHABET) & set("0O1ILSUZ")
    assert len(set(ALPHABET)) == len(ALPHABET) == 28
    with pytest.raises(ValueError, match="16 bytes"):
        code_of(b"x" * 15)


@given(CODES)
def test_a_code_is_read_however_it_is_typed(code: str) -> None:
    shown = grouped(code)
    assert len(code) == SYMBOLS + 1
    assert len(shown) == 19
    wide = "".join(chr(ord(one) + 0xFEE0) for one in code)
    for typed in (code, shown, shown.lower(), f" {shown.replace('-', ' ')} ", wide, wide.lower(),
                  code.replace("5", "s").replace("2", "z"), shown.replace("-", "—")):  # fmt: skip
        assert read_code(typed) == code


@given(CODES, st.integers(0, SYMBOLS), st.sampled_from(ALPHABET))
def test_a_wrong_symbol_is_noticed(code: str, at: int, symbol: str) -> None:
    wrong = code[:at] + symbol + code[at + 1 :]
    assert read_code(wrong) == (code if wrong == code else None)


def test_nearly_every_swap_of_two_neighbours_is_noticed() -> None:
    dice = Random(7)
    swaps = missed = 0
    for _ in range(2_000):
        code = code_of(dice.randbytes(16))
        for at in range(SYMBOLS):
            swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
            if swapped != code:
                swaps += 1
                missed += read_code(swapped) is not None
    assert swaps > 25_000
    assert missed / swaps < 0.01


@given(st.text(max_size=200))
def test_rubbish_raises_nothing(typed: str) -> None:
    read_code(typed)


@pytest.mark.parametrize("typed", ["", "-", "2222", "0000-0000-0000-0000", "A" * 17, "码" * 16])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_code(typed) is None
