"""Memory of the whole demo without a browser: proportional set size of all its processes, at its
highest over a minute of an automatic dispatcher at work. Limit: 1.2 GB.

The peer in the same run is a bare PostgreSQL of the same wheel and settings: what the database
alone takes. `python bench/demo_memory.py [SECONDS]`, at most two minutes.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from machine import machine

LIMIT_MB = 1200.0


def tree_mb(root: psutil.Process) -> dict[str, float]:
    """PSS by kind of process, in MB."""
    found: dict[str, float] = {}
    for process in [root, *root.children(recursive=True)]:
        try:
            size = process.memory_full_info().pss / 1e6
            words = process.cmdline()
        except psutil.Error:
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
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        root = psutil.Process(demo.pid)
        highest: dict[str, float] = {}
        until = time.monotonic() + seconds + 60
        while demo.poll() is None and time.monotonic() < until:
            now = tree_mb(root)
            if sum(now.values()) > sum(highest.values()):
                highest = now
            time.sleep(1.0)
        if demo.poll() is None:
            demo.terminate()
        code = demo.wait(60)
    total = sum(highest.values())
    print(machine())
    for name, size in sorted(highest.items(), key=lambda row: -row[1]):
        print(f"  {name:<12} {size:7.0f} MB")
    database = highest.get("PostgreSQL", 0.0)
    print(
        f"  {'whole demo':<12} {total:7.0f} MB   limit {LIMIT_MB:.0f} MB: x{total / LIMIT_MB:.2f}"
    )
    print(f"  against its own PostgreSQL alone ({database:.0f} MB): x{total / database:.1f}")
    return 0 if total <= LIMIT_MB and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
