"""`tocsin block`: a runaway sender is muted for a bounded time: tried on the last day, put in force
or approved, watched, ended."""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tocsin.core.block_match import ANY
from tocsin.core.blocking import ApproveBlock, EndBlock, ExtendBlock, PutBlockInForce, TryBlock
from tocsin.core.commands import PersonCommand
from tocsin.core.terms import Actor, Refused, Role
from tocsin.core.texts.refusals import refusal_text
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.views import get_row, list_rows
from tocsin.site.command.block_texts import told, tried
from tocsin.site.command.options import DONE, CommandRefused, configuration, data_directory
from tocsin.site.language import say

Run = Callable[[argparse.Namespace, "Desk"], int]


class Desk:
    """An open connection, and who acts: whoever typed the command, by the account on this machine
    that the command runs as."""

    def __init__(self, connection: Connection, keyring: Keyring, agency: str) -> None:
        self.connection = connection
        self.keyring = keyring
        # Not getpass.getuser(): it believes the environment, and approval needs another person.
        name = pwd.getpwuid(os.getuid()).pw_name
        self.actor = Actor(f"command:{name}", name, Role.ADMINISTRATOR, agency)

    def do(self, command: PersonCommand) -> UUID:
        """The rule that it was about. Raises `CommandRefused`."""
        try:
            outcome = handle(
                self.connection,
                self.keyring,
                command,
                actor=self.actor,
                key=f"command:{uuid4()}",
                now=datetime.now(UTC),
            )
        except Refused as refusal:
            text = refusal_text(refusal)
            raise CommandRefused(say(text.en, text.zh)) from None
        return outcome.facts[0].subject

    def rule(self, block: UUID) -> dict[str, Any]:
        """Raises `CommandRefused` for one that is not there, or another agency's."""
        row = get_row(self.connection, "blocks", block)
        self.connection.rollback()
        if row is None or row["agency"] != self.actor.agency:
            raise CommandRefused(say(f"there is no block rule {block}", f"没有屏蔽规则 {block}"))
        return row


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `block` with its actions."""
    actions = commands.add_parser(
        "block",
        help=say("mute a runaway sender for a while", "限时屏蔽失控的信号来源"),
        description=say(
            "A block rule mutes a runaway sender for at most 24 hours. What it mutes is received,"
            " kept and acknowledged as ever, and recorded only. It is tried on the last 24 hours"
            " first, and put in force within 15 minutes; what would mute more than 1% of the active"
            " sources, or an alarm for somebody's life, is approved by another person.",
            "屏蔽规则在最长 24 小时内屏蔽失控的信号来源。被屏蔽的信号照常接收、保存和应答，"
            "但仅作记录。规则须先按过去 24 小时试算，并在 15 分钟内启用；命中超过 1% 活动来源"
            "或危及生命报警的规则须由另一人批准。",
        ),
    ).add_subparsers(required=True, metavar="ACTION")
    text = say("draft a rule and try it on the last 24 hours", "起草规则并按过去 24 小时试算")
    _criteria(_action(actions, general, "dry-run", _dry_run, text))
    about_one: tuple[tuple[str, Run, str], ...] = (
        ("add", _add, say("put a tried rule in force", "启用已试算的规则")),
        (
            "approve",
            _approve,
            say("put another person's rule in force", "批准并启用他人起草的规则"),
        ),
        ("end", _end, say("end a rule, or withdraw a draft", "结束规则或撤回草稿")),
    )
    for name, run, meaning in about_one:
        action = _action(actions, general, name, run, meaning)
        action.add_argument("rule", type=UUID, metavar="ID")
    longer = _action(
        actions,
        general,
        "extend",
        _extend,
        say("try it again, and make it longer", "重新试算并延长"),
    )
    longer.add_argument("rule", type=UUID, metavar="ID")
    _duration(longer)
    listing = _action(
        actions, general, "list", _list, say("what is muted, and how much", "屏蔽规则及屏蔽情况")
    )
    listing.add_argument(
        "--all", action="store_true", help=say("those that ended too", "包括已结束的规则")
    )


def _criteria(parser: argparse.ArgumentParser) -> None:
    any_ = say("`*`: any", "`*` 表示任意")
    for name, meaning in (
        ("district", say("the district's code", "辖区代码")),
        ("protocol", say(f"dc09, mqtt, ...; {any_}", f"dc09、mqtt 等；{any_}")),
        (
            "network",
            say(
                f"an address or range, at most /16, for IPv6 /48; {any_}",
                f"地址或地址段，最宽 /16（IPv6 为 /48）；{any_}",
            ),
        ),
        (
            "account",
            say(f"may end in `*` after three characters; {any_}", f"可以 `*` 结尾；{any_}"),
        ),
        ("code", say(f"the alarm code; {any_}", f"报警代码；{any_}")),
        ("zone", say(f"the zone's number; {any_}", f"防区号；{any_}")),
    ):
        parser.add_argument(f"--{name}", required=True, help=meaning)
    parser.add_argument(
        "--qualifier",
        default=ANY,
        choices=(ANY, "1", "3", "6"),
        help=say("of the code", "代码限定符"),
    )
    parser.add_argument(
        "--grave",
        action="store_true",
        help=say(
            "hold-up, panic, fire, medical and gas alarms of that one device too; at most an hour",
            "同时屏蔽该设备的抢劫、紧急、火警、医疗和燃气报警；最长一小时",
        ),
    )
    parser.add_argument("--why", required=True, help=say("why; it is kept", "原因，将存档"))
    _duration(parser)


def _duration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes",
        type=int,
        required=True,
        metavar="N",
        help=say("how long from now, at most 1440", "自现在起的分钟数，最多 1440"),
    )


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
    name: str,
    run: Run,
    meaning: str,
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, parents=[general], help=meaning, description=meaning)
    action.set_defaults(run=lambda arguments: _with_record(arguments, run))
    return action


def _until(arguments: argparse.Namespace) -> datetime:
    if not 0 < arguments.minutes <= 10_000:
        raise CommandRefused(say("--minutes: 1 to 1440", "--minutes：1 至 1440"))
    return datetime.now(UTC) + timedelta(minutes=arguments.minutes)


# -- actions --------------------------------------------------------------------------------------


def _dry_run(arguments: argparse.Namespace, desk: Desk) -> int:
    made = desk.do(
        TryBlock(
            district=arguments.district,
            protocol=arguments.protocol,
            network=arguments.network,
            account=arguments.account,
            code=arguments.code,
            qualifier=arguments.qualifier,
            zone=arguments.zone,
            grave=arguments.grave,
            why=arguments.why,
            until=_until(arguments),
        )
    )
    row = desk.rule(made)
    print("\n".join(tried(desk.connection, row)))
    if row["needs_second"]:
        print(
            say(
                f"Another person approves it within 15 minutes: tocsin block approve {made}",
                f"须由另一人在 15 分钟内批准：tocsin block approve {made}",
            )
        )
    else:
        print(
            say(
                f"Put it in force within 15 minutes: tocsin block add {made}",
                f"请在 15 分钟内启用：tocsin block add {made}",
            )
        )
    return DONE


def _add(arguments: argparse.Namespace, desk: Desk) -> int:
    desk.rule(arguments.rule)
    desk.do(PutBlockInForce(arguments.rule))
    return _say(desk, arguments.rule)


def _approve(arguments: argparse.Namespace, desk: Desk) -> int:
    desk.rule(arguments.rule)
    desk.do(ApproveBlock(arguments.rule))
    return _say(desk, arguments.rule)


def _extend(arguments: argparse.Namespace, desk: Desk) -> int:
    desk.rule(arguments.rule)
    desk.do(ExtendBlock(arguments.rule, _until(arguments)))
    return _say(desk, arguments.rule)


def _end(arguments: argparse.Namespace, desk: Desk) -> int:
    desk.rule(arguments.rule)
    desk.do(EndBlock(arguments.rule))
    return _say(desk, arguments.rule)


def _list(arguments: argparse.Namespace, desk: Desk) -> int:
    filters = {} if arguments.all else {"open": True}
    page = list_rows(
        desk.connection, "blocks", limit=200, filters=filters, agency=desk.actor.agency
    )
    desk.connection.rollback()
    for row in page["items"]:
        print(told(row))
    if not page["items"]:
        print(say("no block rules", "没有屏蔽规则"))
    return DONE


def _say(desk: Desk, block: UUID) -> int:
    print(told(desk.rule(block)))
    return DONE


def _with_record(arguments: argparse.Namespace, run: Run) -> int:
    """Runs an action on this data directory's database."""
    from tocsin.record.database import connect
    from tocsin.site.command.schema import bring_up_to_date
    from tocsin.site.postgres import database

    data = data_directory(arguments)
    chosen = configuration(arguments)
    with contextlib.ExitStack() as stack:
        urls = stack.enter_context(database(data, os.environ))
        bring_up_to_date(data, urls, chosen)
        connection = stack.enter_context(connect(urls.application))
        return run(arguments, Desk(connection, Keyring(data / "keys"), chosen.agency))
