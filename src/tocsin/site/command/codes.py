"""`tocsin codes`: what the codes of a site or an agency mean, and how that is changed: a file is
read into a draft, the draft is tried on what was heard, and a second act puts it in force."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from tocsin.record.code_rows import COLUMNS
from tocsin.record.code_tables import CodesRefused
from tocsin.record.code_texts import REASONS, silenced_text
from tocsin.record.code_trial import DAYS
from tocsin.record.database import Connection
from tocsin.site.command import code_acts
from tocsin.site.command.options import CommandRefused, configuration, data_directory
from tocsin.site.language import say

Run = Callable[[argparse.Namespace, Connection, str], int]


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `codes` with its actions."""
    actions = commands.add_parser(
        "codes",
        help=say("what alarm codes mean, and changes of that", "报警代码的含义及其调整"),
        description=say(
            "Contact ID, SIA and CAP codes: what they mean for a site or an agency. A change is a"
            " draft first, is tried on what was heard, and decides once it is put in force.",
            "Contact ID、SIA 和 CAP 代码在联网单位或机构中的含义。调整先形成草稿，"
            "用已收到的信号试用，启用后才生效。",
        ),
    ).add_subparsers(required=True, metavar="ACTION")
    scope = _scope_options()
    listing = _action(
        actions,
        general,
        "list",
        code_acts.list_codes,
        say("print the whole table", "显示完整代码表"),
        scope,
    )
    listing.add_argument(
        "--changed",
        action="store_true",
        help=say("only what differs from the built-in tables", "只显示与内置代码表不同的行"),
    )
    _add_files(actions, general, scope)
    text = say("versions, and who changed what and why", "版本及变更记录")
    _action(actions, general, "versions", code_acts.show_versions, text, scope)
    _add_acts(actions, general, scope)


def _add_files(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
    scope: argparse.ArgumentParser,
) -> None:
    text = say("write what differs as CSV", "导出与内置不同的行（CSV）")
    export = _action(actions, general, "export", code_acts.export, text, scope)
    export.add_argument("file", type=Path, metavar="FILE.csv", nargs="?")
    export.add_argument(
        "--version",
        type=int,
        metavar="N",
        help=say("that version (default: the one in force)", "指定版本（默认为使用中的版本）"),
    )
    text = say("read a CSV file into the draft", "将 CSV 文件读入草稿")
    columns = ", ".join(COLUMNS)
    read = _action(
        actions,
        general,
        "import",
        code_acts.import_file,
        text,
        scope,
        say(
            f"The draft then holds exactly the rows of the file. Columns: {columns}. `list` is cid"
            " or sia; `qualifier` 1, 3 or 6, empty for all; zones empty for all; `effect` alarm,"
            " trouble, restore, test or status; `level` 1 to 4; empty texts keep the built-in ones;"
            " `needs_answer` yes or no, empty as the effect says. Every bad row is named, and then"
            " nothing is changed (exit code 2).",
            f"草稿内容将与文件完全一致。列为 {columns}。list 为 cid 或 sia；qualifier 为 1、3、6，"
            "留空表示全部；防区留空表示全部；effect 为 alarm、trouble、restore、test、status；"
            "level 为 1 至 4；文本留空则用内置文本；needs_answer 为 是 或 否，留空则按 effect。"
            "逐行列出错误，此时不作任何改动（退出码 2）。",
        ),
    )
    read.add_argument("file", type=Path, metavar="FILE.csv")
    read.add_argument(
        "--dry-run", action="store_true", help=say("only check the file", "只检查，不导入")
    )
    read.add_argument("--note", default="", help=say("what the draft is for", "草稿用途说明"))


def _add_acts(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
    scope: argparse.ArgumentParser,
) -> None:
    text = say("what a version would have made of what was heard", "用已收到的信号试用某版本")
    trial = _action(actions, general, "try", code_acts.try_one, text)
    trial.add_argument("version", type=int, metavar="VERSION")
    trial.add_argument(
        "--days",
        type=int,
        default=DAYS,
        help=say(f"days back (default: {DAYS})", f"回溯天数（默认 {DAYS}）"),
    )
    trial.add_argument(
        "--sample",
        action="append",
        default=[],
        metavar="LIST:CODE[:QUALIFIER[:ZONE]]",
        help=say("also this code, for example cid:130:1:5", "另试此代码，例如 cid:130:1:5"),
    )
    force = _action(
        actions, general, "put-in-force", code_acts.force, say("it decides from now on", "启用版本")
    )
    force.add_argument("version", type=int, metavar="VERSION")
    force.add_argument(
        "--from",
        dest="begins",
        type=code_acts.moment,
        metavar="TIME",
        help=say(
            "when it is to come into force, for example 2027-01-01T00:00+08:00 (default: at once)",
            "启用时间，例如 2027-01-01T00:00+08:00（默认立即启用）",
        ),
    )
    text = say("what was to come into force does not", "撤回待启用的版本")
    taken = _action(actions, general, "withdraw", code_acts.take_back, text, scope)
    back = _action(
        actions,
        general,
        "roll-back",
        code_acts.back,
        say("the version before decides again", "回退到上一版本"),
        scope,
    )
    for one in (force, back, taken):
        one.add_argument("--reason", required=True, help=say("why; it is kept", "原因，将存档"))
    for one in (force, back):
        one.add_argument(
            "--silences",
            default="",
            metavar="REASON",
            help=say(
                "why fire, medical, hold-up, panic or gas alarms may open no incident; it is kept",
                "允许火警、医疗、抢劫、紧急或燃气报警不立警情的理由，将存档",
            ),
        )


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
    name: str,
    run: Run,
    meaning: str,
    scope: argparse.ArgumentParser | None = None,
    more: str = "",
) -> argparse.ArgumentParser:
    parents = [general] if scope is None else [general, scope]
    description = f"{meaning}. {more}" if more else meaning
    action = actions.add_parser(name, parents=parents, help=meaning, description=description)
    action.set_defaults(run=lambda arguments: _with_record(arguments, run))
    return action


def _scope_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--site",
        metavar="CODE",
        help=say("one site, by its name in your register", "某一联网单位（单位编号）"),
    )
    group.add_argument(
        "--agency",
        metavar="CODE",
        nargs="?",
        const="",
        help=say("a whole agency (default: the configuration's)", "整个机构（默认取配置中的机构）"),
    )
    return parser


def _with_record(arguments: argparse.Namespace, run: Run) -> int:
    """Runs an action on this data directory's database; refusals are the user's."""
    from tocsin.record.database import connect
    from tocsin.site.command.schema import bring_up_to_date
    from tocsin.site.postgres import database

    data = data_directory(arguments)
    chosen = configuration(arguments)
    with contextlib.ExitStack() as stack:
        urls = stack.enter_context(database(data, os.environ))
        bring_up_to_date(data, urls, chosen)
        connection = stack.enter_context(connect(urls.application))
        try:
            return run(arguments, connection, chosen.agency)
        except CodesRefused as refusal:
            texts = [REASONS[refusal.reason], *map(silenced_text, refusal.silences)]
            lines = [say(text.en, text.zh) for text in texts]
            raise CommandRefused("\n  ".join(lines)) from None
