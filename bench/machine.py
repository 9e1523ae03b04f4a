"""What the benchmarks run on, in one line. Not a benchmark: running it prints that line."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores, memory, kernel and Python."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release()},"
        f" Python {platform.python_version()}"
    )


if __name__ == "__main__":
    print(machine())
