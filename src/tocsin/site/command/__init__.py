"""The `tocsin` command: the one way in for people and for the supervisor. Exit codes: 0 done,
1 tried and failed, 2 refused (arguments, configuration, data directory, input)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import psycopg

from tocsin.record.database import DatabaseAway
from tocsin.site.cluster import DatabaseRefused
from tocsin.site.command import blocks, check, codes, demo, records, roads, simulate
from tocsin.site.command.options import (
    FAILED,
    REFUSED,
    CommandFailed,
    CommandRefused,
    add_listen,
    general,
)
from tocsin.site.configuration import ConfigurationRefused
from tocsin.site.language import say
from tocsin.site.sockets import PortTaken


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    chosen = parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except (CommandRefused, ConfigurationRefused, DatabaseRefused, PortTaken) as error:
        return _told(error, REFUSED)
    except CommandFailed as error:
        return _told(error, FAILED)
    except (DatabaseAway, psycopg.OperationalError) as error:
        words = str(error).strip()
        return _told(
            say(f"the database does not answer: {words}", f"数据库无应答：{words}"), FAILED
        )
    except PermissionError as error:
        return _told(f"{error.filename}: {error.strerror}", REFUSED)
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    return code


def _told(error: object, code: int) -> int:
    print(f"tocsin: {error}", file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    """The grammar of the whole command."""
    shared = general()
    root = argparse.ArgumentParser(
        prog="tocsin",
        description=say(
            "Tocsin, an open platform for emergency response: from the alarm signal to the unit"
            " back in its station. New here? `tocsin demo` starts a synthetic city.",
            "Tocsin，开放的应急指挥平台：从报警信号到力量归队。"
            "初次使用？`tocsin demo` 可启动一座模拟城市。",
        ),
        epilog=say(
            "Exit codes: 0 done; 1 tried and failed; 2 refused (arguments, configuration, data"
            " directory, input). `tocsin COMMAND --help` explains a command.",
            "退出码：0 完成；1 执行失败；2 拒绝执行（参数、配置、数据目录或输入有误）。"
            "`tocsin 命令 --help` 查看该命令的说明。",
        ),
    )
    commands = root.add_subparsers(
        required=True, metavar=say("COMMAND", "命令"), title=say("commands", "命令")
    )
    demo.add_parser(commands, shared)
    _add_up(commands, shared)
    _add_processes(commands, shared)
    check.add_parser(commands, shared)
    _add_people(commands, shared)
    records.add_parsers(commands, shared)
    codes.add_parser(commands, shared)
    blocks.add_parser(commands, shared)
    roads.add_parser(commands, shared)
    _add_intakes(commands, shared)
    simulate.add_parser(commands)
    return root


def _add_intakes(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    from tocsin.site.command import intakes

    intakes.add_parser(commands, shared)


def _add_up(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    up = commands.add_parser(
        "up",
        parents=[shared],
        help=say("run everything on this machine", "在本机运行全部服务"),
        description=say(
            "Starts the database and all processes, prints one line per listening socket, starts"
            " again what ends, stops cleanly on SIGTERM or Ctrl-C.",
            "启动数据库和全部进程，每个监听地址输出一行；进程退出后自动重启；"
            "收到 SIGTERM 或 Ctrl-C 后有序停止。",
        ),
    )
    add_listen(up)

    def run(arguments: argparse.Namespace) -> int:
        from tocsin.site.command.up import run_up

        return run_up(arguments)

    up.set_defaults(run=run)


def _add_processes(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    meanings = {
        "web": say("only HTTP: console, API, stream", "仅网页服务：界面、API、实时流"),
        "edge": say("only the intake of alarm devices", "仅报警设备接入"),
        "work": say("only signals to incidents, and the log's order", "仅信号研判与日志编序"),
        "clock": say("only the deadlines", "仅时限提醒"),
    }
    for name, meaning in meanings.items():
        process = commands.add_parser(
            name,
            parents=[shared],
            help=meaning,
            description=say(
                f"{meaning}. `tocsin up` starts this for you; by itself it needs a `tocsin up` on"
                " the same data, or TOCSIN_DATABASE_URL.",
                f"{meaning}。通常由 `tocsin up` 启动；单独运行时，需有使用同一数据目录的"
                " `tocsin up`，或设置 TOCSIN_DATABASE_URL。",
            ),
        )
        add_listen(process)

        def run(arguments: argparse.Namespace, name: str = name) -> int:
            from tocsin.site.command import processes

            return int(getattr(processes, f"run_{name}")(arguments))

        process.set_defaults(run=run)


def _add_people(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    from tocsin.site.command.people import add_parsers

    add_parsers(commands, shared)
