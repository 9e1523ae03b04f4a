"""A disk that can lose power: ext4 in a file behind a loop device. What reached the file has been
flushed below the page cache of the file system; a copy of it is what a power cut leaves behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SIZE_MB = 400


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=120)


def need_loop_devices(place: Path) -> None:
    """Skip the test, saying "not run", where this machine cannot mount a file."""
    if os.geteuid() != 0:
        pytest.skip("not run: mounting a loop device needs root")
    for tool in ("mkfs.ext4", "losetup", "mount", "umount", "dd"):
        if shutil.which(tool) is None:
            pytest.skip(f"not run: no {tool} on this machine")
    if shutil.disk_usage(place).free < 4 * SIZE_MB * 1_000_000:
        pytest.skip("not run: not enough free space for two disks")
    try:
        with mounted(new_disk(place / "probe.img", size_mb=16), place / "probe"):
            pass
    except subprocess.CalledProcessError as error:
        pytest.skip(f"not run: cannot mount a loop device: {error.stderr.decode().strip()}")


def new_disk(image: Path, *, size_mb: int = SIZE_MB) -> Path:
    """A new ext4 file system in the file `image`."""
    with image.open("wb") as file:
        file.truncate(size_mb * 1_000_000)
    run("mkfs.ext4", "-q", "-F", image)
    return image


@contextlib.contextmanager
def mounted(backing: Path, at: Path) -> Iterator[Path]:
    """Mount `backing` on `at` while the block runs."""
    at.mkdir(exist_ok=True)
    run("mount", "-o", "loop", backing, at)
    try:
        yield at
    finally:
        unmount(at)


def unmount(at: Path) -> None:
    """Unmount; by force after 10 s, so that a failed test leaves no disk behind."""
    for _ in range(50):
        if subprocess.run(["umount", str(at)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.2)
    run("umount", "-l", at)
    raise TimeoutError(f"{at} was still in use")


def copy_below_the_page_cache(backing: Path, copy: Path) -> None:
    """What is on the disk now, without what the mounted file system only keeps in memory."""
    run("dd", f"if={backing}", f"of={copy}", "bs=4M", "iflag=direct", "conv=sparse")
