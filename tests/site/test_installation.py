"""Copies of an installation that only root can read: those in use stay, whoever uses them, and all
others go."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tocsin.site import installation
from tocsin.site.installation import import_path_for
from tocsin.site.privilege import own_account

Copy = Callable[[], tuple[Path, int]]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of ours, in an installation that the account cannot read where it is."""
    ours = tmp_path / "installed" / "tocsin"
    ours.mkdir(parents=True)
    (ours / "one.py").write_text("VERSION = 1")
    monkeypatch.setattr(installation, "CACHE", tmp_path / "cache" / "tocsin")
    monkeypatch.setattr(installation, "import_path", lambda: [ours.parent])
    monkeypatch.setattr(
        installation,
        "unreadable",
        lambda _, places: [one for one in places if "cache" not in str(one)],
    )
    return ours / "one.py"


@pytest.fixture
def copy(source: Path) -> Copy:
    """One start: the copy it uses, and the descriptor by which it does."""

    def start() -> tuple[Path, int]:
        kept: list[int] = []
        (made,) = import_path_for(own_account(), kept.append)
        assert (made / "tocsin" / "one.py").read_text() == source.read_text()
        return made, kept[0]

    return start


def test_the_same_installation_is_copied_once(copy: Copy) -> None:
    first, one = copy()
    second, two = copy()
    assert first == second
    for lock in (first / "in-use", first.parent / "lock"):
        assert lock.stat().st_mode & 0o777 == 0o600
    os.close(one)
    os.close(two)


def test_a_copy_goes_when_nothing_uses_it_and_stays_while_something_does(
    source: Path, copy: Copy
) -> None:
    first, one = copy()
    source.write_text("VERSION = 22")
    second, two = copy()
    assert (first / "tocsin" / "one.py").read_text() == "VERSION = 1"
    os.close(one)
    source.write_text("VERSION = 333")
    third, three = copy()
    assert sorted(first.parent.glob("installation-*")) == sorted([second, third])
    os.close(two)
    os.close(three)


def test_a_process_that_outlives_the_one_that_started_it_keeps_its_copy(
    source: Path, copy: Copy
) -> None:
    first, one = copy()
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(one,), text=True
    )
    os.close(one)
    source.write_text("VERSION = 22")
    os.close(copy()[1])
    assert first.is_dir()
    child.communicate("\n")
    os.close(copy()[1])
    assert not first.exists()


def test_what_a_killed_start_left_is_removed_and_what_is_not_ours_stays(copy: Copy) -> None:
    cache = installation.CACHE
    for name in (".part-killed/new/tocsin", "postgresql-18-0.6.0/bin", "bytecode-someone/x"):
        (cache / name).mkdir(parents=True)
    made, descriptor = copy()
    os.close(descriptor)
    names = {path.name for path in cache.iterdir()}
    assert names == {"lock", "postgresql-18-0.6.0", "bytecode-someone", made.name}


def test_what_was_compiled_of_a_copy_goes_with_it(source: Path, copy: Copy) -> None:
    first, one = copy()
    cache = installation.CACHE
    compiled = cache / f"bytecode-{own_account().name}" / "0123"
    for place in (first, Path("/usr/lib/python3")):
        (compiled / str(place).lstrip("/")).mkdir(parents=True)
    os.close(copy()[1])
    assert (compiled / str(first).lstrip("/")).is_dir()
    os.close(one)
    source.write_text("VERSION = 22")
    os.close(copy()[1])
    assert not (compiled / str(first).lstrip("/")).exists()
    assert (compiled / "usr/lib/python3").is_dir()


def test_copies_that_are_needed_no_longer_go_too(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, descriptor = copy()
    os.close(descriptor)
    monkeypatch.setattr(installation, "unreadable", lambda *_: [])
    assert import_path_for(own_account(), os.close) == installation.import_path()
    assert not made.exists()
