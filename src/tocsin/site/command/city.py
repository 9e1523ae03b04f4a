"""The hidden `tocsin city`: builds a demo's city with its accounts (`--prepare`), or lets it live
beside the running processes. `tocsin demo` starts both."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any, Final

import uvloop

from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.keys import Keyring
from tocsin.roads.graph import RoadsUnavailable
from tocsin.sim.city.model import City
from tocsin.sim.demo import Tokens, run
from tocsin.sim.prepare import ROADS, NotPrepared, build_city, prepare
from tocsin.sim.report import Summary
from tocsin.sim.tiles import MapNotBuilt
from tocsin.site.command.demo import INCONSISTENT, LOGINS
from tocsin.site.command.options import CommandFailed, configuration, data_directory
from tocsin.site.files import write_durably
from tocsin.site.language import chinese, say
from tocsin.site.logs import start_logging
from tocsin.site.sockets import print_line

TOKENS: Final = "demo-tokens.json"
"""The city's own API tokens, 0600: its call-taker, dispatcher, crews and vehicle terminals."""

PEOPLE: Final = {
    "dispatcher": (Role.DISPATCHER, "林 Lin"),
    "dispatcher2": (Role.DISPATCHER, "周 Zhou"),
    "calltaker": (Role.CALL_TAKER, "陈 Chen"),
    "supervisor": (Role.SUPERVISOR, "方 Fang"),
    "inspector": (Role.INSPECTOR, "许 Xu"),
    "admin": (Role.ADMINISTRATOR, "江 Jiang"),
}
"""Role and display name: one name is on the screens of both languages."""

SIMULATED: Final = {
    "call_taker": (Role.CALL_TAKER, "SIM-CALL"),
    "dispatcher": (Role.DISPATCHER, "SIM-DISPATCH"),
    "service": (Role.SERVICE, "SIM-MDT"),
}


def run_city(arguments: argparse.Namespace) -> int:
    """The command. Returns the exit code: 0, or `INCONSISTENT`."""
    data = data_directory(arguments)
    start_logging("city", configuration(arguments).log)
    try:
        if arguments.prepare:
            _prepare(data, arguments.seed)
            return 0
        city = build_city(data, arguments.seed)
        tokens = _tokens(data)
        summary = uvloop.run(_live(arguments, data, city, tokens))
    except (MapNotBuilt, NotPrepared, RoadsUnavailable) as error:
        raise CommandFailed(str(error)) from error
    if arguments.for_s is None:
        return 0
    print(told(summary), flush=True)
    return INCONSISTENT if summary.problems else 0


def _prepare(data: Path, seed: int) -> None:
    with connect(os.environ["TOCSIN_DATABASE_URL"]) as connection:
        city = prepare(data, seed, connection, Keyring(data / "keys"))
    if (data / LOGINS).is_file() and (data / TOKENS).is_file():
        return
    _make_accounts(data, city)


def _make_accounts(data: Path, city: City) -> None:
    """Accounts for people and tokens for the simulated ones; an earlier half is replaced."""
    from tocsin.apps.setup import start_django

    start_django()
    from tocsin.apps.people.accounts import create_account, create_token, new_password
    from tocsin.apps.people.models import Account

    Account.objects.filter(username__in=PEOPLE).delete()
    logins = {}
    for username, (role, name) in PEOPLE.items():
        logins[username] = new_password()
        create_account(
            username,
            role=role,
            agency=city.agency,
            display_name=name,
            password=logins[username],
        )

    def token(name: str, role: Role, **scope: Any) -> str:
        return create_token(name, role=role, agency=city.agency, days=None, **scope)[1]

    tokens = {
        **{key: token(name, role) for key, (role, name) in SIMULATED.items()},
        "crews": {
            str(unit.id): token(unit.call_sign, Role.CREW, unit=unit.id) for unit in city.units
        },
    }
    write_durably(data / TOKENS, json.dumps(tokens), mode=0o600)
    write_durably(data / LOGINS, json.dumps(logins, indent=1), mode=0o600)


def _tokens(data: Path) -> Tokens:
    return Tokens(**json.loads((data / TOKENS).read_text()))


async def _live(arguments: argparse.Namespace, data: Path, city: City, tokens: Tokens) -> Summary:
    stop, automatic = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def switch() -> None:
        if automatic.is_set():
            automatic.clear()
            print_line(say("automatic dispatcher off: you dispatch", "自动调度已关闭：由您调度"))
        else:
            automatic.set()
            print_line(say("automatic dispatcher on", "自动调度已开启"))

    loop.add_signal_handler(signal.SIGUSR1, switch)
    host, _, port = arguments.dc09.rpartition(":")
    return await run(
        api_url=arguments.web,
        dc09_host=host.strip("[]"),
        dc09_port=int(port),
        tokens=tokens,
        city=city,
        roads=data / ROADS,
        seed=arguments.seed,
        speed=arguments.speed,
        headless=arguments.headless,
        stop=stop,
        seconds=arguments.for_s,
        automatic=automatic,
        tell=print_line,
        language="zh" if chinese() else "en",
    )


def told(summary: Summary) -> str:
    """The figures of a run for a person, with everything that does not fit together."""
    lines = [
        "",
        say(
            f"{summary.seconds:.0f} s: {summary.signals_acked} of {summary.signals_sent} signals"
            f" acknowledged (p50 {summary.ack_p50_ms:.0f} ms, p95 {summary.ack_p95_ms:.0f} ms),"
            f" {summary.repeated} repeated;"
            f" {summary.polls_acked} of {summary.polls} polls answered",
            f"{summary.seconds:.0f} 秒：报警信号 {summary.signals_acked}/{summary.signals_sent}"
            f" 已确认（p50 {summary.ack_p50_ms:.0f} 毫秒，p95 {summary.ack_p95_ms:.0f} 毫秒），"
            f"重发 {summary.repeated}；巡检 {summary.polls_acked}/{summary.polls} 已应答",
        ),
        say(
            f"incidents: {summary.incidents_opened} opened, {summary.incidents_closed} closed;"
            f" orders given: {summary.orders}",
            f"警情：新增 {summary.incidents_opened}，结案 {summary.incidents_closed}；"
            f"下达出动命令 {summary.orders}",
        ),
    ]
    if summary.problems:
        lines.append(say("what does not fit together:", "不一致之处："))
        lines.extend(f"  - {problem}" for problem in summary.problems)
    else:
        lines.append(say("everything fits together", "各项数据一致"))
    return "\n".join(lines)
