"""What every `tocsin` command shares: --data, --config, --listen, and the errors that are answers
to the user rather than faults."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tocsin.site.configuration import Configuration, checked, load
from tocsin.site.doors import through
from tocsin.site.language import say

DONE: Final = 0
FAILED: Final = 1
REFUSED: Final = 2


class CommandRefused(Exception):
    """What was asked cannot be done as asked; exit code 2. The text is for the user."""


class CommandFailed(Exception):
    """It was tried and did not succeed; exit code 1. The text is for the user."""


def default_data() -> Path:
    """TOCSIN_DATA, else /var/lib/tocsin for root and ~/.local/share/tocsin for others."""
    named = os.environ.get("TOCSIN_DATA")
    if named:
        return Path(named)
    return own_place("tocsin")


def own_place(name: str) -> Path:
    """Where this user keeps the data of `name`."""
    if os.geteuid() == 0:
        return Path("/var/lib") / name
    return Path.home() / ".local" / "share" / name


def data_directory(arguments: argparse.Namespace) -> Path:
    """The data directory of this command, absolute."""
    given: Path | None = arguments.data
    return through((given or default_data()).expanduser().resolve())


def general() -> argparse.ArgumentParser:
    """Parent of every command's parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(say("everywhere", "通用选项"))
    group.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help=say(
            "data directory (default: TOCSIN_DATA, else ~/.local/share/tocsin, as root"
            " /var/lib/tocsin)",
            "数据目录（默认取 TOCSIN_DATA，否则为 ~/.local/share/tocsin；root 用户为"
            " /var/lib/tocsin）",
        ),
    )
    group.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=say(
            "configuration file, TOML; see `tocsin check-config --print-defaults`",
            "TOML 配置文件；见 `tocsin check-config --print-defaults`",
        ),
    )
    return parser


_PROCESSES: Final = ("web", "edge", "clock", "work")
_HEALTH: Final = tuple(f"health-{one}" for one in _PROCESSES)
_SERVERS: Final = ("web", *Configuration().edge.__struct_fields__)
"""What --listen may name; the second and further ones are ways in."""


def add_listen(parser: argparse.ArgumentParser) -> None:
    """--listen and --port, for commands that open sockets."""
    parser.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="NAME=HOST:PORT",
        help=say(
            f"address of one server, may be repeated; names: {', '.join(_SERVERS)}; the ways in"
            f" with -tls behind their name; {', '.join(_HEALTH)}; dc09 is TCP and UDP; port 0: any"
            " free one",
            f"指定某一服务的监听地址，可重复；名称： {', '.join(_SERVERS)} ，"
            f"接入方式可加 -tls 后缀；以及 {', '.join(_HEALTH)} ；"
            " dc09 为 TCP 与 UDP；端口 0 表示任选",
        ),
    )
    parser.add_argument(
        "--port",
        type=int,
        metavar="N",
        help=say("the same as --listen web=localhost:N", "等同于 --listen web=localhost:N"),
    )


def configuration(arguments: argparse.Namespace) -> Configuration:
    """The configuration file with --listen and --port applied.

    Raises `ConfigurationRefused`, or `CommandRefused` for a malformed --listen.
    """
    chosen = load(arguments.config)
    listen: Sequence[str] = getattr(arguments, "listen", [])
    port: int | None = getattr(arguments, "port", None)
    for text in (*listen, *([f"web=localhost:{port}"] if port is not None else [])):
        chosen = listening(chosen, text)
    return checked(chosen)


def listening(chosen: Configuration, text: str) -> Configuration:
    """`chosen` with the override `NAME=HOST:PORT`; an IPv6 host stands in brackets."""
    name, _, address = text.partition("=")
    host, _, number = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not number.isdecimal() or int(number) > 65_535:
        raise CommandRefused(
            say(
                f"--listen {text}: write it as NAME=HOST:PORT, for example web=localhost:8443",
                f"--listen {text}：应写作 名称=主机:端口，例如 web=localhost:8443",
            )
        )
    port = int(number)
    if name == "web":
        web = msgspec.structs.replace(chosen.web, host=host, port=port)
        return msgspec.structs.replace(chosen, web=web)
    if name.removesuffix("-tls") in chosen.edge.__struct_fields__:
        return _intake_listening(chosen, name, host, port)
    process = name.removeprefix("health-")
    if name.startswith("health-") and process in _PROCESSES:
        health = msgspec.structs.replace(chosen.health, host=host, **{process: port})
        return msgspec.structs.replace(chosen, health=health)
    names, checks = ", ".join(_SERVERS), ", ".join(_HEALTH)
    raise CommandRefused(
        say(
            f"--listen {text}: there is no server named {name!r}; there are {names}, the ways in"
            f" with -tls behind their name, and {checks}",
            f"--listen {text}：没有名为 {name!r} 的服务；可用 {names}（接入方式可加 -tls 后缀），"
            f"以及 {checks}",
        )
    )


def _intake_listening(chosen: Configuration, name: str, host: str, port: int) -> Configuration:
    """With the way in open at this address; `NAME-tls` is its port for TLS, on the same host."""
    intake = name.removesuffix("-tls")
    section = getattr(chosen.edge, intake)
    key = "tls_port" if name.endswith("-tls") else "port"
    changed: dict[str, object] = {"host": host, key: port}
    if "enabled" in section.__struct_fields__:
        if key == "tls_port" and not section.enabled:
            changed["port"] = -1  # asked for TLS, and for nothing in clear
        changed["enabled"] = True
    section = msgspec.structs.replace(section, **changed)
    edge = msgspec.structs.replace(chosen.edge, **{intake: section})
    return msgspec.structs.replace(chosen, edge=edge)


def listening_host(chosen: Configuration, name: str) -> str:
    """The host of a server's configuration, by the name that its `listening` line has."""
    if name == "web":
        return chosen.web.host
    if name.startswith("health-"):
        return chosen.health.host
    return str(getattr(chosen.edge, name.removesuffix("-tls")).host)
