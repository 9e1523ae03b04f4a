"""Runs a program as the ordinary user `nobody`. The interpreter may live below a directory closed
to that user (/root), so the program may read everything, and nothing else beyond its user id."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

import pytest


def as_nobody(command: Sequence[str]) -> list[str]:
    """The command line that does it; skips the test where this machine cannot."""
    if os.geteuid() != 0:
        return list(command)  # we are an ordinary user already
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("not run: no setpriv(1) on this machine")
    return [
        *(setpriv, "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"),
        *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
        *command,
    ]
