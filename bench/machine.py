"""What the benchmarks run on, in one line, with how busy it is by itself: a figure taken beside
other work says little. Not a benchmark: running it prints that line."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores, memory, kernel, Python, and the load of the last minute and quarter hour
    (processes that run or wait to, our own among them)."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    minute, _, quarter = os.getloadavg()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release()},"
        f" Python {platform.python_version()}, load {minute:.1f} and {quarter:.1f}"
    )


if __name__ == "__main__":
    print(machine())
