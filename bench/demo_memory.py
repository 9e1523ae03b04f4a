"""Memory of the whole demo without a browser, at its highest over a minute of an automatic
dispatcher at work. Limit: 1.2 GB.

Summed is the proportional set size (PSS, /proc/PID/smaps_rollup) of the supervisor and all below
it: what a process shares with n others counts for it as an n-th, so nothing counts twice. Pages of
files that no process has mapped (the kernel's cache) are not in it. Needs root, or an ordinary user
who runs the demo: of another account's process nothing is to be read, and the run fails.

The peer in the same run is the demo's own PostgreSQL: what the database alone takes.
`python bench/demo_memory.py [SECONDS]`, at most four minutes.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from machine import machine

LIMIT_MB = 1200.0
STARTING_S = 120.0
RUNNING = {"PostgreSQL", "demo", "edge", "web", "work", "clock", "city"}


def tree_mb(root: psutil.Process) -> dict[str, float]:
    """PSS by kind of process, in MB."""
    found: dict[str, float] = {}
    for process in [root, *root.children(recursive=True)]:
        try:
            size = process.memory_full_info().pss / 1e6
            words = process.cmdline()
        except psutil.NoSuchProcess:  # psutil.ZombieProcess among them
            continue
        name = "supervisor"
        if (words and words[0].startswith("postgres")) or "postgres" in process.name():
            name = "PostgreSQL"
        elif "tocsin.site.command" in words:
            name = words[words.index("tocsin.site.command") + 1]
        found[name] = found.get(name, 0.0) + size
    return found


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        command = [sys.executable, "-m", "tocsin.site.command", "demo", "--headless"]
        command += ["--data", str(Path(folder) / "data"), "--speed", "10", "--for", str(seconds)]
        for name in ("web", "dc09", "health-web", "health-edge", "health-clock", "health-work"):
            host = "localhost" if name == "web" else "127.0.0.1"
            command += ["--listen", f"{name}={host}:0"]
        with (Path(folder) / "said").open("w+") as said:
            demo = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
            highest: dict[str, float] = {}
            until = time.monotonic() + seconds + STARTING_S
            try:
                while demo.poll() is None and time.monotonic() < until:
                    now: dict[str, float] = {}
                    with suppress(psutil.NoSuchProcess):  # it has just ended
                        now = tree_mb(psutil.Process(demo.pid))
                    if sum(now.values()) > sum(highest.values()):
                        highest = now
                    time.sleep(1.0)
            finally:
                demo.terminate()
                code = demo.wait(60)
            if code != 0:
                said.seek(0)
                print(said.read())
    total = sum(highest.values())
    print(machine())
    for name, size in sorted(highest.items(), key=lambda row: -row[1]):
        print(f"  {name:<12} {size:7.0f} MB")
    database = highest.get("PostgreSQL", 0.0)
    print(
        f"  {'whole demo':<12} {total:7.0f} MB   limit {LIMIT_MB:.0f} MB: x{total / LIMIT_MB:.2f}"
    )
    if database:
        print(f"  against its own PostgreSQL alone ({database:.0f} MB): x{total / database:.1f}")
    if missing := RUNNING - highest.keys():
        print(f"  not seen: {', '.join(sorted(missing))}: this is not the whole demo")
    return 0 if total <= LIMIT_MB and code == 0 and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
