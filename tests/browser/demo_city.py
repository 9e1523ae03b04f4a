"""The running demo of the browser tests, as a value."""

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Demo:
    url: str
    logins: dict[str, str]
    process: subprocess.Popen[str]
    lines: list[str]
