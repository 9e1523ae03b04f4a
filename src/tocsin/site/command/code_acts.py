"""The actions of `tocsin codes`, each on an open connection."""

from __future__ import annotations

import argparse
import contextlib
import csv
import getpass
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tocsin.core.codes.listing import listed
from tocsin.core.codes.meaning import Meaning
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Level
from tocsin.core.texts.lists import EFFECTS, LEVELS
from tocsin.core.texts.text import Text
from tocsin.core.texts.types import INCIDENT_TYPES
from tocsin.record.code_force import put_in_force, roll_back, withdraw
from tocsin.record.code_rows import COLUMNS, as_fields, read_table
from tocsin.record.code_tables import (
    Scope,
    Version,
    Who,
    changes,
    in_force,
    of_state,
    save_draft,
    table_of,
    version,
    versions,
)
from tocsin.record.code_texts import ACTS, NUMBERS, STATES, named, silenced_text
from tocsin.record.code_trial import DAYS_MAX, Trial, sampled, try_version
from tocsin.record.database import Connection
from tocsin.record.workbooks import guarded, unguarded
from tocsin.site.command.options import DONE, CommandRefused
from tocsin.site.language import say

_SHOWN: Final = 20


def _scope(arguments: argparse.Namespace, connection: Connection, agency: str) -> Scope:
    if arguments.site is None:
        return Scope(arguments.agency or agency)
    row = connection.execute(
        "SELECT agency, id FROM ref.site WHERE code = %s", (arguments.site,)
    ).fetchone()
    connection.rollback()
    if row is None:
        raise CommandRefused(
            say(f"there is no site {arguments.site!r}", f"没有名为 {arguments.site!r} 的联网单位")
        )
    return Scope(row[0], row[1])


def _who() -> Who:
    account = getpass.getuser()
    return Who(f"command:{account}", say(f"{account} (command line)", f"{account}（命令行）"))


def _now() -> datetime:
    return datetime.now(UTC)


def _of(text: Text) -> str:
    return say(text.en, text.zh)


# -- actions ------------------------------------------------------------------------------------


def list_codes(arguments: argparse.Namespace, connection: Connection, agency: str) -> int:
    """The whole table of a scope, aligned for reading."""
    tables = in_force(connection, _scope(arguments, connection, agency))
    lines = [
        (
            *(one.list, one.code, one.qualifier or "-", one.zones or "-"),
            _of(EFFECTS[one.means.effect]),
            _of(INCIDENT_TYPES[one.means.type]),
            f"P{one.means.level.value}",
            _of(NUMBERS[one.means.number]),
            say("yes", "是") if one.means.needs_answer else say("no", "否"),
            str(one.version or "-"),
            one.means.text_en,
            one.means.text_zh,
        )
        for one in listed(tables)
        if one.version or not arguments.changed
    ]
    head = say(
        "list code q zones effect type level number answer version text_en text_zh",
        "代码表 代码 限定符 防区 类别 类型 等级 编号 处置 版本 英文文本 中文文本",
    ).split()
    for line in _aligned([tuple(head), *lines]):
        print(line)
    return DONE


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Columns under each other; a Chinese character is as wide as two letters."""

    def width(cell: str) -> int:
        return sum(2 if letter > "\u2e7f" else 1 for letter in cell)

    widths = [max(width(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(cell + " " * (most - width(cell)) for cell, most in cells).rstrip()


def show_versions(arguments: argparse.Namespace, connection: Connection, agency: str) -> int:
    """The versions of a scope, and who changed what and why."""
    scope = _scope(arguments, connection, agency)
    known = versions(connection, scope)
    if not known:
        print(say("no versions: the built-in tables decide", "没有版本：使用内置代码表"))
    for one in known:
        print(_named(one))
    for act in changes(connection, scope, _SHOWN):
        why = "; ".join(text for text in (act["reason"], act["silences"]) if text)
        print(
            f"{act['at']:%Y-%m-%d %H:%M:%S} UTC  {act['version']}  {_of(ACTS[act['act']])}"
            f"  {act['by_name']}  {why}".rstrip()
        )
    return DONE


def _counted(rows: int) -> str:
    """So many rows, in English."""
    return f"{rows} row" if rows == 1 else f"{rows} rows"


def _named(one: Version) -> str:
    tried = say("tried", "已试用") if one.tried else say("not tried", "未试用")
    begins = one.pending_from or one.in_force_from
    since = f"{begins:%Y-%m-%d %H:%M} UTC" if begins else tried
    rows = say(_counted(one.rows), f"{one.rows} 行")
    return "  ".join(
        filter(None, (str(one.version), _of(STATES[one.state]), since, rows, one.note))
    )


def export(arguments: argparse.Namespace, connection: Connection, agency: str) -> int:
    """A version's rows as CSV, to a new file or standard output."""
    scope = _scope(arguments, connection, agency)
    if arguments.version is not None:
        number = version(connection, arguments.version).version
    else:
        current = of_state(connection, scope, "in_force")
        number = current.version if current else 0
    rows = [as_fields(row) for row in table_of(connection, number).rows]
    with contextlib.ExitStack() as stack:
        out = sys.stdout
        if arguments.file is not None:
            try:
                out = stack.enter_context(
                    arguments.file.open("x", encoding="utf-8-sig", newline="")
                )
            except OSError as error:
                raise CommandRefused(f"{arguments.file}: {error.strerror}") from None
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: guarded(value) for name, value in row.items()} for row in rows)
    return DONE


def import_file(arguments: argparse.Namespace, connection: Connection, agency: str) -> int:
    """A CSV file into the draft of a scope. Raises `CommandRefused` for any mistake in it."""
    file: Path = arguments.file
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = [
                {name: unguarded(field) if isinstance(field, str) else field for name, field in one}
                for one in (row.items() for row in csv.DictReader(lines))
            ]
    except OSError as error:
        raise CommandRefused(f"{file}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandRefused(f"{file}: {error}") from None
    overrides, errors = read_table(rows, say("en", "zh"))
    for line, column, message in errors:
        print(f"{file}:{line}: {column}: {message}", file=sys.stderr)
    if errors:
        raise CommandRefused(
            say(
                f"{len(errors)} mistakes; nothing was changed",
                f"共 {len(errors)} 处错误，未作任何改动",
            )
        )
    scope = _scope(arguments, connection, agency)
    count = len(overrides)
    if arguments.dry_run:
        are = "is" if count == 1 else "are"
        print(say(f"{_counted(count)} {are} in order", f"{count} 行检查通过"))
        return DONE
    number = save_draft(connection, scope, overrides, _who(), _now(), note=arguments.note)
    print(
        say(
            f"draft {number} has {_counted(count)}. Try it: tocsin codes try {number}",
            f"草稿 {number} 共 {count} 行。请试用：tocsin codes try {number}",
        )
    )
    return DONE


def try_one(arguments: argparse.Namespace, connection: Connection, _agency: str) -> int:
    """Tries a version on what was heard, and on the codes of --sample."""
    if not 1 <= arguments.days <= DAYS_MAX:
        raise CommandRefused(say(f"--days: 1 to {DAYS_MAX}", f"--days：取值 1 至 {DAYS_MAX}"))
    samples = [_sample(text) for text in arguments.sample]
    chosen = version(connection, arguments.version)
    for read in samples:
        found = sampled(connection, chosen, read)
        code = named(read.codes, read.code, read.qualifier, read.zone)
        print(f"{code}: {_said(found.now)} -> {_said(found.then)}")
    _tell(try_version(connection, chosen, _who(), _now(), arguments.days))
    return DONE


def _sample(text: str) -> SignalRead:
    listed_in, code, qualifier, zone = [*text.split(":"), "", "", ""][:4]
    if text.count(":") > 3 or not code:
        raise CommandRefused(
            say(
                f"--sample {text}: write it as LIST:CODE:QUALIFIER:ZONE, for example cid:130:1:5",
                f"--sample {text}：应写作 代码表:代码:限定符:防区，例如 cid:130:1:5",
            )
        )
    return SignalRead(
        "", "", "", code=code.upper(), qualifier=qualifier, zone=zone, codes=listed_in.lower()
    )


def _said(means: Meaning) -> str:
    kind = _of(EFFECTS[means.effect])
    text = say(means.text_en, means.text_zh)
    answer = say("answer", "需处置") if means.needs_answer else say("no answer", "无需处置")
    return f"{text} [{kind}, {_of(INCIDENT_TYPES[means.type])}, {_level(means.level)}, {answer}]"


def _level(level: Level) -> str:
    return _of(LEVELS[level]).split(",")[0].split("（")[0]


def _tell(trial: Trial) -> None:
    more = say(" (the newest; there were more)", "（仅最近部分）") if trial.cut else ""
    print(
        say(
            f"{trial.signals} signals of the last {trial.days} days{more}:"
            f" {trial.changed} would mean something else;"
            f" {trial.needing_now} need an answer now, {trial.needing_then} would",
            f"最近 {trial.days} 天共 {trial.signals} 条信号{more}：{trial.changed} 条含义将改变；"
            f"现有 {trial.needing_now} 条需处置，启用后 {trial.needing_then} 条",
        )
    )
    for one in trial.differing[:_SHOWN]:
        code = named(one.list, one.code, one.qualifier, one.zone)
        print(f"{one.count:>7}  {code}: {_said(one.now)} -> {_said(one.then)}")
    if trial.differing_kinds > _SHOWN:
        left = trial.differing_kinds - _SHOWN
        print(say(f"         and {left} more kinds", f"         另有 {left} 种"))
    if trial.silences:
        print(say("Would open no incident any more:", "将不再立警情："))
        for quiet in trial.silences:
            print(f"  {_of(silenced_text(quiet))}")


def force(arguments: argparse.Namespace, connection: Connection, _agency: str) -> int:
    """Puts a version in force."""
    number: int = arguments.version
    begins: datetime | None = arguments.begins
    put_in_force(
        connection,
        number,
        _who(),
        _now(),
        reason=arguments.reason,
        silences=arguments.silences,
        begins=begins,
    )
    if begins is None:
        print(say(f"version {number} is in force", f"版本 {number} 已启用"))
    else:
        at = f"{begins.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        text = f"version {number} comes into force at {at}; tocsin codes withdraw takes that back"
        print(say(text, f"版本 {number} 将于 {at} 启用；可用 tocsin codes withdraw 撤回"))
    return DONE


def take_back(arguments: argparse.Namespace, connection: Connection, agency: str) -> int:
    """What was to come into force does not."""
    scope = _scope(arguments, connection, agency)
    gone = withdraw(connection, scope, _who(), _now(), reason=arguments.reason)
    state = STATES[gone.state]
    print(
        say(
            f"version {gone.version} does not come into force; it is now: {state.en}",
            f"版本 {gone.version} 不再启用，现为：{state.zh}",
        )
    )
    return DONE


def moment(text: str) -> datetime:
    """A time with its offset. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at.astimezone(UTC)


def back(arguments: argparse.Namespace, connection: Connection, agency: str) -> int:
    """The version before decides again."""
    scope = _scope(arguments, connection, agency)
    number = roll_back(
        connection,
        scope,
        _who(),
        _now(),
        reason=arguments.reason,
        silences=arguments.silences,
    )
    if number:
        print(say(f"version {number} is in force again", f"版本 {number} 已重新启用"))
    else:
        print(say("the built-in tables decide again", "已恢复使用内置代码表"))
    return DONE
