"""`tocsin intakes`: each way in, where it listens, what it can vouch for and how its test alarms
fare, for a terminal and for scripts."""

from __future__ import annotations

import argparse
import contextlib
import os
from datetime import UTC, datetime
from typing import Any

from tocsin.core.probing import STAGES, Stage, is_stale
from tocsin.core.texts.counters import ACKNOWLEDGED
from tocsin.core.texts.intakes import WORDS, vouched
from tocsin.core.texts.lists import ASSURANCES
from tocsin.core.texts.text import Text
from tocsin.record import probing
from tocsin.record.networks import at_port
from tocsin.site.command.options import configuration, data_directory
from tocsin.site.configuration import Configuration, load
from tocsin.site.language import say
from tocsin.site.probe import intakes_shown


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    """Adds `intakes`."""
    parser = commands.add_parser(
        "intakes",
        parents=[shared],
        help=say(
            "how far each way in can be trusted, and whether it works", "各接入方式的可信程度与状态"
        ),
        description=say(
            "One line for each way in: name, address, assurance, the state of its test alarms, and"
            " when anybody else was last heard there (one time for a protocol, in its first line),"
            " two spaces apart; then one for each feed and broker that Tocsin goes to itself, with"
            " its own state. Exit code 1 where a test alarm is missed, a feed or broker is failing,"
            " or the last result is not recent.",
            "每个接入方式一行：名称、地址、可信程度、自检状态，以及最近一次收到非自检信号的时间"
            "（按协议，列在该协议首行），以两个空格分隔；"
            "其后为本系统主动获取的预警源和代理服务器，各一行，附其状态。"
            "有未到达的自检信号、有预警源或代理服务器故障，或近期没有结果时，退出码为 1。",
        ),
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from tocsin.record.database import connect
    from tocsin.record.fetching import fetched
    from tocsin.site.command import fetched_lines
    from tocsin.site.command.schema import bring_up_to_date
    from tocsin.site.postgres import database

    data = data_directory(arguments)
    in_force = data / "run" / "configuration.json"
    chosen = configuration(arguments)
    if arguments.config is None and in_force.exists():
        chosen = load(in_force)
    with contextlib.ExitStack() as stack:
        urls = stack.enter_context(database(data, os.environ))
        bring_up_to_date(data, urls, chosen)
        connection = stack.enter_context(connect(urls.application))
        states = {one["intake"]: one for one in probing.states(connection)}
        sockets = probing.every_socket(connection)
        heard = _heard(probing.counters_with_times(connection))
        ways = fetched(connection)
    lines = _lines(chosen, states, sockets, heard) + fetched_lines.lines(ways, datetime.now(UTC))
    for line, _ in lines:
        print(line)
    return 1 if any(is_trouble for _, is_trouble in lines) else 0


def _lines(
    chosen: Configuration,
    states: dict[str, dict[str, Any]],
    sockets: list[probing.Socket],
    heard: dict[str, datetime],
) -> list[tuple[str, bool]]:
    """Each line, and whether it tells of a miss."""
    found: list[tuple[str, bool]] = []
    said = set()
    for one in intakes_shown(chosen):
        name = str(one["name"])
        best = vouched(
            name,
            asks_certificate=bool(one["asks_certificate"]),
            takes_unsigned=bool(one["takes_unsigned"]),
        ).best
        of = ("web",) if name in ("call", "report") else tuple(name.split("."))
        where = [
            at_port(socket.address, socket.port)
            for socket in sockets
            if (socket.intake, socket.over)[: len(of)] == of
        ]
        state = states.get(name)
        is_missed = bool(state and (state["misses"] or _is_old(state)))
        protocol = name.partition(".")[0]
        last = "-" if protocol in said else _last_heard(heard.get(protocol))
        said.add(protocol)
        words = (name, ",".join(where) or "-", _word(ASSURANCES[best]), _state(state), last)
        found.append(("  ".join(words), is_missed))
    return found


def _heard(counters: list[tuple[str, int, datetime]]) -> dict[str, datetime]:
    """When each protocol last took something in that was no test alarm of our own."""
    found: dict[str, datetime] = {}
    for full, _, at in counters:
        protocol, _, name = full.partition(".")
        if name in ACKNOWLEDGED:
            found[protocol] = max(at, found.get(protocol, at))
    return found


def _last_heard(at: datetime | None) -> str:
    if at is None:
        return _word(WORDS["never_heard"])
    return _word(WORDS["heard_then"].filled({"at": f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"}))


def _state(state: dict[str, Any] | None) -> str:
    if state is None:
        return _word(WORDS["waiting"])
    if state["skipped"]:
        return f"{_word(WORDS['skipped'])}: {state['skipped']}"
    if not state["misses"]:
        at = state["arrived_at"]
        if at is None:
            return _word(WORDS["waiting"])
        last = f"{_word(WORDS['last_arrived'])} {at:%H:%M:%S}Z"
        return f"{_word(WORDS['stale'])}: {last}" if _is_old(state) else last
    stage = _word(STAGES[Stage(state["stage"])])
    return f"{_word(WORDS['missed'])} x {state['misses']}: {stage} {state['why']}".rstrip()


def _is_old(state: dict[str, Any]) -> bool:
    """Whether its last result is not recent: the probe has stopped, or the clock was set back."""
    at = state["counted_at"]
    return not state["skipped"] and at is not None and is_stale(at, datetime.now(UTC))


def _word(text: Text) -> str:
    return say(text.en, text.zh)
