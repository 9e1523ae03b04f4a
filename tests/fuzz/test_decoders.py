"""Every decoder under wrong messages: none raises what it should not, hangs, or grows; no byte of a
frame is both refused and recorded. 2 million inputs here, 50 million in the long run."""

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from file_targets import csv_largest, csv_run, xlsx_refused, xlsx_run
from mutating import Mutator
from targets import TARGETS, Target

INPUTS = 2_000_000
INPUTS_LONG = 50_000_000
SEED = 20_260_301
HANG_S = 0.5
"""Of the thread's own time: several times what the largest message takes on a busy machine, and far
less than what grows with the square of its length."""
IMPORT_S = 20.0
GROWTH_MIB_MAX = 24
"""Allocators keep some of what they had; a leak of ten bytes an input would be more."""


def fuzz(target: Target, inputs: int, seed: int) -> None:
    """Raises for the first input that does what it should not, with the input."""
    mutator = Mutator(target.seeds, target.words, seed, target.repair)
    warm = min(5_000, inputs // 5)
    before = 0.0
    for number in range(inputs):
        data = mutator.next()
        began = time.thread_time()
        try:
            target.run(data)
        except Exception as error:
            raise AssertionError(f"{target.name}, input {number}: {data!r}") from error
        # The thread's own time: what else the machine does is no hang.
        took = time.thread_time() - began
        if took >= HANG_S:  # once may be a collection of all that the harness has kept
            took = cost_s(target.run, data, HANG_S)
        assert took < HANG_S, f"{target.name}, input {number}, {took:.3f} s: {data!r}"
        if number == warm:
            gc.collect()
            before = resident_mib()
    gc.collect()
    grown = resident_mib() - before
    assert grown < GROWTH_MIB_MAX, f"{target.name} grew by {grown:.0f} MiB in {inputs:,} inputs"


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def run(name: str, inputs: int, seed: int) -> None:
    """In a process of its own, whose memory is nobody else's."""
    done = subprocess.run(
        [sys.executable, __file__, name, str(inputs), str(seed)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ
        | {"PYTHONWARNINGS": "error", "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert done.returncode == 0, done.stderr[-3_000:]


def test_shares_are_a_whole() -> None:
    assert sum(target.share for target in TARGETS) == pytest.approx(1.0)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_decoder_stands_wrong_messages(target: Target) -> None:
    run(target.name, int(INPUTS * target.share), SEED)


@pytest.mark.long
@pytest.mark.timeout(5_400)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_decoder_stands_wrong_messages_for_long(target: Target) -> None:
    run(target.name, int(INPUTS_LONG * target.share), SEED + 1)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_right_messages_come_through(target: Target) -> None:
    assert target.seeds
    for one in target.seeds:
        target.run(one)


def cost_s(run: Callable[[bytes], None], data: bytes, enough_s: float) -> float:
    """The thread's own seconds, at best: what else the machine does is none of them."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        run(data)
        took.append(time.thread_time() - began)
        if took[-1] < enough_s:
            break
    return min(took)


@pytest.mark.parametrize(
    "target", [one for one in TARGETS if one.largest()], ids=lambda target: target.name
)
def test_largest_message_does_not_hold_up_the_others(target: Target) -> None:
    costs = [cost_s(target.run, data, HANG_S / 2) for data in target.largest()]
    assert max(costs) < HANG_S, costs


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["rows", "quote", "commas"])
def test_largest_table_is_read_or_refused_in_bounded_time(name: str) -> None:
    """An administrator waits for it, and nobody else: it is read in a thread of the web process."""
    assert cost_s(csv_run, csv_largest()[name], IMPORT_S) < IMPORT_S


@pytest.mark.parametrize("name", sorted(xlsx_refused()))
def test_workbook_behind_a_limit_is_refused_soon(name: str) -> None:
    assert cost_s(xlsx_run, xlsx_refused()[name], IMPORT_S / 5) < IMPORT_S / 5


def test_what_is_wrong_is_found() -> None:
    """The harness itself: an error, a hang and a leak each fail."""
    kept: list[bytes] = []

    def leak(data: bytes) -> None:
        kept.append(bytes(20_000))

    def hang(data: bytes) -> None:
        until = time.thread_time() + 2 * HANG_S
        while time.thread_time() < until:
            pass

    def fail(data: bytes) -> None:
        data[10_000]

    for bad, says in ((fail, "input 0"), (hang, "input 0, 1.0"), (leak, "grew by")):
        with pytest.raises(AssertionError, match=says):
            fuzz(Target("bad", [b"abc"], [b"x"], bad, 1.0), 4_000, 1)


if __name__ == "__main__":
    wanted, count, first = sys.argv[1:]
    fuzz(next(one for one in TARGETS if one.name == wanted), int(count), int(first))
