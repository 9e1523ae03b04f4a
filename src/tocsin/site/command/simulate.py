"""`tocsin simulate`: a policy over a city's calls, one row of CSV for each call."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tocsin.site.command.options import DONE, CommandRefused
from tocsin.site.files import write_durably
from tocsin.site.language import say

if TYPE_CHECKING:
    from tocsin.sim.engine.calls import Calls
    from tocsin.sim.engine.city import City

DAYS: Final = 30.0
LIMITS: Final[dict[str, tuple[float, float]]] = {
    "units": (1, 5_000),
    "seed": (0, 2**62),
    "days": (0.01, 3_650),
    "travel_error": (0, 2),
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `simulate`."""
    parser = commands.add_parser(
        "simulate",
        help=say("try a dispatch policy on a city's calls", "用城市的呼叫数据试验调度策略"),
        description=say(
            "Runs the calls of a city, given as tables, under a dispatch policy, and writes one row"
            " for each call. Nothing of this installation is read or changed. See"
            " docs/operate/simulate.md.",
            "按某一调度策略运行以表格给出的城市呼叫，每次呼叫输出一行。"
            "不读取、不改动本系统的任何数据。见 docs/operate/simulate.zh-CN.md。",
        ),
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help=say("print the policies and whether they redirect", "列出策略及其是否改派"),
    )
    _add_input(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.csv",
        help=say(
            "where the rows go; written whole or not at all", "结果文件；要么完整写出，要么不写"
        ),
    )
    parser.set_defaults(run=run_simulate)


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--city", type=Path, metavar="DIR", help=say("folder with the tables", "城市表格所在文件夹")
    )
    parser.add_argument("--policy", metavar="NAME", help=say("one of --list", "--list 中的一个"))
    parser.add_argument(
        "--units",
        type=int,
        metavar="N",
        help=say("size of the fleet (default: the city's own)", "力量数量（默认按城市表格）"),
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="S",
        help=say("of generated calls and travel errors (default: 1)", "随机种子（默认 1）"),
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--days",
        type=float,
        metavar="D",
        help=say("days of calls to generate (default: 30)", "生成多少天的呼叫（默认 30）"),
    )
    source.add_argument(
        "--calls",
        type=Path,
        metavar="FILE",
        help=say("calls of this file instead", "改用该文件中的呼叫"),
    )
    parser.add_argument(
        "--travel-error",
        type=float,
        default=0.0,
        metavar="SIGMA",
        help=say(
            "drives take longer or shorter than the policy knows: sigma of a lognormal of mean one",
            "实际行车时间偏离策略所知：均值为 1 的对数正态分布的 σ",
        ),
    )
    parser.add_argument(
        "--redispatch",
        type=Path,
        metavar="FILE",
        help=say("which redispatch table, where there are several", "有多份改派表时指定其一"),
    )


def run_simulate(arguments: argparse.Namespace) -> int:
    """The command. Returns the exit code. The compiler is loaded only here."""
    from tocsin.sim.engine.city import read_city
    from tocsin.sim.engine.policies import POLICIES
    from tocsin.sim.engine.refusal import InputRefused
    from tocsin.sim.engine.run import Simulator

    if arguments.list:
        for policy in POLICIES.values():
            print(f"{policy.name} redirects={'yes' if policy.redirects else 'no'}")
        return DONE
    _check(arguments, list(POLICIES))
    try:
        city = read_city(arguments.city, arguments.redispatch)
        calls = _calls(arguments, city)
        simulator = Simulator(city)
        result = simulator.run(
            calls,
            POLICIES[arguments.policy],
            units=arguments.units,
            seed=arguments.seed,
            travel_error=arguments.travel_error,
        )
    except InputRefused as error:
        raise CommandRefused(say(error.text.en, error.text.zh)) from error
    try:
        write_durably(arguments.out, "".join(result.lines()), mode=0o644)
    except OSError as error:
        raise CommandRefused(f"{arguments.out}: {error.strerror}") from error
    return DONE


def _calls(arguments: argparse.Namespace, city: City) -> Calls:
    from tocsin.sim.engine.calls import generate_calls, read_calls
    from tocsin.sim.engine.distributions import read_config

    if arguments.calls is not None:
        return read_calls(city, arguments.calls)
    days = DAYS if arguments.days is None else arguments.days
    return generate_calls(city, read_config(arguments.city), arguments.seed, days)


def _check(arguments: argparse.Namespace, policies: list[str]) -> None:
    for name in ("city", "policy", "out"):
        if getattr(arguments, name) is None:
            raise CommandRefused(say(f"--{name} is missing", f"缺少 --{name}"))
    if arguments.policy not in policies:
        known = ", ".join(policies)
        raise CommandRefused(
            say(
                f"--policy {arguments.policy}: there is no such policy; there are {known}",
                f"--policy {arguments.policy}：没有该策略；可用 {known}",
            )
        )
    for name, (least, most) in LIMITS.items():
        value = getattr(arguments, name)
        if value is not None and not least <= value <= most:
            option = f"--{name.replace('_', '-')}"
            raise CommandRefused(
                say(
                    f"{option} {value}: expected {least:g} to {most:g}",
                    f"{option} {value}：应为 {least:g} 至 {most:g}",
                )
            )
    if not arguments.out.parent.is_dir() or arguments.out.is_dir():
        raise CommandRefused(
            say(
                f"--out {arguments.out}: expected a file in a folder that exists",
                f"--out {arguments.out}：应为已有文件夹中的文件",
            )
        )
