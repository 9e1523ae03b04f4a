"""`tocsin check-config`: every mistake of a configuration file, or what it would change."""

from __future__ import annotations

import argparse
from pathlib import Path

from tocsin.site.command.options import DONE, CommandRefused, data_directory
from tocsin.site.configuration import Configuration, changes, commented_defaults, load
from tocsin.site.language import say


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `check-config`."""
    parser = commands.add_parser(
        "check-config",
        parents=[general],
        help=say("check a configuration file, say what it would change", "检查配置文件"),
        description=say(
            "Checks FILE and says what it changes against the configuration of the last"
            " `tocsin up` on this data directory (else: against the defaults). Exit code 2 when it"
            " would be refused; nothing is changed either way.",
            "检查配置文件，并列出与该数据目录上次 `tocsin up` 所用配置（否则与默认值）相比的变化。"
            "配置有误时退出码为 2；本命令不改变任何内容。",
        ),
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
    parser.add_argument(
        "--print-defaults",
        action="store_true",
        help=say(
            "print a file with every key, its meaning and its default",
            "输出包含全部配置项、说明及默认值的配置文件",
        ),
    )
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    if arguments.print_defaults:
        print(commented_defaults(), end="")
        return DONE
    file: Path | None = arguments.file or arguments.config
    if file is None:
        raise CommandRefused(say("name the FILE to check", "请指定要检查的配置文件"))
    new = load(file)
    kept = data_directory(arguments) / "run" / "configuration.json"
    known = kept.is_file()
    lines = changes(load(kept) if known else Configuration(), new)
    against = (
        say("the configuration in force", "现行配置") if known else say("the defaults", "默认配置")
    )
    if lines:
        print(say(f"{file} is valid. Against {against}:", f"{file} 有效。与{against}相比："))
        for line in lines:
            print(f"  {line}")
        print(say("In force after the next `tocsin up`.", "下次 `tocsin up` 后生效。"))
    else:
        print(say(f"{file} is valid; same as {against}.", f"{file} 有效，与{against}相同。"))
    return DONE
