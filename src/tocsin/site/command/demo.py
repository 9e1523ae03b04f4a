"""`tocsin demo`: everything of `tocsin up` in a directory of its own, with a synthetic city on its
sockets. The directory is marked as a demo, so that no real one is ever taken for it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import msgspec

from tocsin.record.database import connect
from tocsin.record.networks import at_port
from tocsin.sim.city.names import AGENCY, CENTRE
from tocsin.site.command.options import (
    CommandFailed,
    CommandRefused,
    add_listen,
    configuration,
    own_place,
)
from tocsin.site.configuration import Configuration
from tocsin.site.files import write_durably
from tocsin.site.installation import stamp_of_sources
from tocsin.site.language import say
from tocsin.site.launch import Launch
from tocsin.site.places import LOCK, lock_directory
from tocsin.site.sockets import print_line
from tocsin.site.supervisor import Child, Supervisor, child_environment

MARK: Final = ".tocsin-demo"
INCONSISTENT: Final = 3
"""Exit code of the city when the figures of a run do not fit together; its summary says which."""

CITY_MAY_END_WITH: Final = (0, INCONSISTENT)
BUILT: Final = Path("run/city-built")
LOGINS: Final = "demo-logins.json"
"""User name to password, 0600: a demo's accounts are no secret of anybody's."""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `demo`, and the hidden `city` that the supervisor starts beside the other processes."""
    parser = commands.add_parser(
        "demo",
        parents=[general],
        help=say("start here: a synthetic city on real sockets", "从这里开始：一座模拟城市"),
        description=say(
            "Starts a synthetic city: panels send real alarm frames, crews answer over the real"
            " API. Prints the address and the logins; everything stays on this machine. Ctrl-C"
            " stops it; the next start goes on from there. The directory (--data, default"
            " ~/.local/share/tocsin-demo, as root /var/lib/tocsin-demo) must be new, empty, or"
            " one that an earlier demo made.",
            "启动一座模拟城市：报警主机发送真实报文，车组通过真实 API 应答。"
            "启动后显示访问地址和登录账号，全部数据只在本机。按 Ctrl-C 停止，下次启动继续。"
            "数据目录（--data，默认 ~/.local/share/tocsin-demo，root 为 /var/lib/tocsin-demo）"
            "必须是新目录、空目录或以前的演示目录。",
        ),
    )
    _add_city_options(parser)
    add_listen(parser)

    def run(arguments: argparse.Namespace) -> int:
        return run_demo(arguments)

    parser.set_defaults(run=run)
    city = commands.add_parser("city", parents=[general])  # no help: not for people
    _add_city_options(city)
    city.add_argument("--prepare", action="store_true")
    city.add_argument("--web", default="")
    city.add_argument("--dc09", default="")

    def run_the_city(arguments: argparse.Namespace) -> int:
        from tocsin.site.command.city import run_city

        return run_city(arguments)

    city.set_defaults(run=run_the_city)


def _add_city_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=int,
        default=7,
        help=say("which city; another seed begins anew (default: 7)", "城市编号（默认 7）"),
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help=say("how much faster than life it runs (default: 1)", "运行速度倍数（默认 1）"),
    )
    parser.add_argument(
        "--headless",
        action="store_true",
        help=say(
            "open no browser, and let an automatic dispatcher act",
            "不打开浏览器，由自动调度员处置警情",
        ),
    )
    parser.add_argument(
        "--for",
        dest="for_s",
        type=float,
        metavar="SECONDS",
        help=say("stop by itself after this time", "运行指定秒数后自动停止"),
    )


def run_demo(arguments: argparse.Namespace) -> int:
    """The command. Returns the exit code."""
    from tocsin.site.command.up import Announced, run_site

    if not 0.1 <= arguments.speed <= 100:
        raise CommandRefused(say("--speed: 0.1 to 100", "--speed：取值 0.1 至 100"))
    data = (arguments.data or own_place("tocsin-demo")).expanduser().resolve()
    # What comes from an unknown source belongs to the city's desks, or nobody would see it.
    chosen = msgspec.structs.replace(configuration(arguments), agency=AGENCY, district=CENTRE)
    if not chosen.log.directory:  # the terminal is for the address and the logins
        log = msgspec.structs.replace(chosen.log, directory=str(data / "log"))
        chosen = msgspec.structs.replace(chosen, log=log)
    environment = child_environment(TOCSIN_DATA=str(data), TOCSIN_DEMO="1")
    options = _options(data, arguments)
    lock = claim(data, arguments.seed)
    print(say(f"Tocsin demo in {data}", f"Tocsin 演示，数据目录 {data}"), flush=True)

    launched: list[Launch] = []

    def prepare(launch: Launch) -> None:
        _build_city(data, arguments.seed, launch.command("city", "--prepare", *options), launch)
        launched.append(launch)

    city: list[Child] = []

    def turn(supervisor: Supervisor, announced: Announced) -> None:
        ports = announced.ports
        if city:
            ended = city[0].process is not None and city[0].process.poll() in CITY_MAY_END_WITH
            if ended and not supervisor.asked_to_stop():
                supervisor.ask_to_stop()
        elif {"web", "dc09"} <= ports.keys():
            url = web_url(chosen, ports["web"])
            addresses = ["--web", url, "--dc09", at_port(chosen.edge.dc09.host, ports["dc09"])]
            launch = launched[0]
            city.append(
                Child(
                    "city",
                    launch.command("city", *options, *addresses),
                    launch.environment,
                    heard=print_line,
                    may_end_with=CITY_MAY_END_WITH,
                    options=launch.options,
                )
            )
            supervisor.children.append(city[0])
            welcome(data, url)
            if not arguments.headless and arguments.for_s is None:
                open_browser(url)
            _listen_to_the_terminal(city[0])

    with lock:
        code = run_site(data, chosen, environment, shared=True, prepare=prepare, each_turn=turn)
    ended = [child.process.returncode for child in city if child.process is not None]
    return 1 if INCONSISTENT in ended else code


def _options(data: Path, arguments: argparse.Namespace) -> list[str]:
    """Those of `tocsin city` for this demo."""
    options = ["--data", str(data), "--seed", str(arguments.seed), "--speed", str(arguments.speed)]
    if arguments.headless:
        options.append("--headless")
    if arguments.for_s is not None:
        options += ["--for", str(arguments.for_s)]
    return options


def _build_city(data: Path, seed: int, command: list[str], launch: Launch) -> None:
    """In a process of its own: geometry libraries stay out of the supervisor's memory."""
    made = f"seed {seed} {stamp_of_sources()}\n"
    if is_built(data, launch.environment["TOCSIN_DATABASE_URL"], made):
        return
    if not (data / LOGINS).is_file():
        said = say("building the city (first start only) …", "正在建立城市（仅首次启动）…")
        print(said, flush=True)
    built = subprocess.run(command, env=launch.environment, check=False, **launch.options)
    if built.returncode != 0:
        raise CommandFailed(
            say(
                f"the city could not be built; see {data / 'log'}",
                f"城市建立失败；见 {data / 'log'}",
            )
        )
    write_durably(data / BUILT, made)


def is_built(data: Path, url: str, made: str) -> bool:
    """Whether the same program built the same city (`made`) into this database: its units, which
    are put in last, are there."""
    try:
        if (data / BUILT).read_text() != made or not (data / LOGINS).is_file():
            return False
    except FileNotFoundError:
        return False
    with connect(url) as connection:
        units = connection.execute("SELECT 1 FROM log.head WHERE kind = 'unit' LIMIT 1").fetchone()
    return units is not None


def _listen_to_the_terminal(city: Child) -> None:
    """`a` and Enter in the terminal switches the automatic dispatcher on and off."""
    if not sys.stdin.isatty():
        return

    def read() -> None:
        for line in sys.stdin:
            if line.strip().lower() == "a" and city.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    city.process.send_signal(signal.SIGUSR1)

    threading.Thread(target=read, daemon=True, name="terminal").start()


def claim(data: Path, seed: int) -> IO[str]:
    """Mark `data` as the demo with this seed; an earlier demo of another seed is deleted.

    It is ours, and nobody else's, until the returned lock is closed. Raises `DirectoryInUse` while
    somebody runs on it, `CommandRefused` for a directory with something else in it.
    """
    _refuse_what_is_no_demo(data)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = lock_directory(data)
    try:
        _refuse_what_is_no_demo(data)  # again: whoever owned it until now may have filled it
        mark = data / MARK
        if not mark.is_file() or mark.read_text().strip() != f"seed {seed}":
            for path in data.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.name not in (MARK, LOCK):
                    path.unlink()
            write_durably(mark, f"seed {seed}\n")
    except BaseException:
        lock.close()
        raise
    return lock


def _refuse_what_is_no_demo(data: Path) -> None:
    if (data / MARK).is_file() or not data.exists():
        return
    if not data.is_dir() or any(path.name != LOCK for path in data.iterdir()):
        raise CommandRefused(
            say(
                f"{data} is not empty and was not made by `tocsin demo`: nothing was touched."
                " Choose another directory with --data",
                f"{data} 不为空，且不是 `tocsin demo` 建立的目录：未作任何改动。"
                "请用 --data 选择其他目录",
            )
        )


def web_url(chosen: Configuration, port: int) -> str:
    """The address for a browser: `localhost` even for 127.0.0.1, since passkeys need a name."""
    host = "localhost" if chosen.web.host in ("127.0.0.1", "::1") else chosen.web.host
    return f"{'https' if chosen.web.tls_cert else 'http'}://{at_port(host, port)}/"


def welcome(data: Path, url: str) -> None:
    """Print the address and the logins."""
    logins: dict[str, str] = json.loads((data / LOGINS).read_text())
    width = max(len(name) for name in logins)
    lines = [
        "",
        say("Open in a browser:", "请在浏览器中打开："),
        f"  {url}",
        say("Logins (user name, password):", "登录账号（用户名、口令）："),
        *(f"  {name:<{width}}  {password}" for name, password in logins.items()),
        say(
            f"Logs: {data / 'log'}. Ctrl-C stops the demo; `a` and Enter switches the automatic"
            " dispatcher on or off.",
            f"日志：{data / 'log'}。按 Ctrl-C 停止演示；输入 a 并回车可开启或关闭自动调度。",
        ),
        "",
    ]
    print("\n".join(lines), flush=True)


def open_browser(url: str, opened: Callable[[str], bool] = webbrowser.open) -> None:
    """Open `url` where there is a graphical desktop; a text browser would take our terminal."""
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        opened(url)
