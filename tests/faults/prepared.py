"""What every fault begins with, made once by the product's own commands: a data directory with one
site and one panel for each account, and a dispatcher's token."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from site_under_test import tocsin, write_sites

from tocsin.site.postgres import Postgres

PANELS = 30


@dataclass(frozen=True)
class Prepared:
    """`accounts` are those of its panels; `token` is the dispatcher's."""

    data: Path
    accounts: list[str]
    token: str

    def copy_to(self, data: Path) -> Path:
        """A copy that can be run; owners and modes are kept, since PostgreSQL looks at them."""
        subprocess.run(["cp", "-a", str(self.data), str(data)], check=True, timeout=60)
        return data


def prepare(place: Path) -> Prepared:
    """Makes it in the directory `place`."""
    data = place / "data"
    accounts = [f"{0xF000 + number:04X}" for number in range(PANELS)]
    write_sites(place / "sites.csv", accounts)
    with Postgres(data), ThreadPoolExecutor() as threads:  # the commands use the running server
        tocsin("db", "migrate", data=data)
        importing = threads.submit(tocsin, "import", "sites", str(place / "sites.csv"), data=data)
        options = ("--role", "dispatcher", "--name", "test")
        token = threads.submit(tocsin, "token", "create", *options, data=data)
        importing.result()
        secret = token.result().strip()
    return Prepared(data, accounts, secret)
