"""`tocsin admin` and `tocsin token`: the first administrator, a lost authenticator, API tokens.
Passwords and tokens are printed once, on standard output, and stored only as hashes."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from tocsin.apps.setup import start_django
from tocsin.core.terms import Role
from tocsin.site.command.options import (
    DONE,
    CommandFailed,
    CommandRefused,
    configuration,
    data_directory,
)
from tocsin.site.command.schema import bring_up_to_date
from tocsin.site.language import chinese, say
from tocsin.site.postgres import database


def add_parsers(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `admin` and `token` with their subcommands."""
    admin = commands.add_parser(
        "admin", help=say("administrators' accounts", "管理员账号")
    ).add_subparsers(required=True, metavar="ACTION")
    create = admin.add_parser(
        "create",
        parents=[general],
        help=say("create an administrator and print the password", "创建管理员并显示口令"),
        description=say(
            "Creates an administrator, who creates all other accounts on the screens. The password"
            " is printed once; at the first sign-in an authenticator must be enrolled.",
            "创建管理员账号；其他账号由管理员在界面上创建。口令只显示一次；首次登录时须绑定验证器。",
        ),
    )
    create.add_argument(
        "username",
        nargs="?",
        default="admin",
        help=say("login name (default: admin)", "登录名（默认 admin）"),
    )
    create.add_argument("--name", default="", help=say("name shown on screens", "界面上显示的姓名"))
    create.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=say(
            "read the password from the first line of FILE instead of making one",
            "从文件首行读取口令，不自动生成",
        ),
    )
    create.set_defaults(run=_create_administrator)
    reset = admin.add_parser(
        "reset-authenticator",
        parents=[general],
        help=say("for someone who lost phone and key", "用于验证器和安全密钥均已丢失的人员"),
        description=say(
            "Removes every second factor of an account and signs it out everywhere. At the next"
            " sign-in it must enrol again.",
            "移除账号的全部第二验证因素，并在所有设备上退出登录；下次登录时须重新绑定。",
        ),
    )
    reset.add_argument("username", help=say("login name", "登录名"))
    reset.set_defaults(run=_reset_authenticator)
    _add_token(commands, general)


def _add_token(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    token = commands.add_parser(
        "token", help=say("tokens for programs that use the API", "供程序调用 API 的令牌")
    ).add_subparsers(required=True, metavar="ACTION")
    new = token.add_parser(
        "create",
        parents=[general],
        help=say("create an API token and print it", "创建 API 令牌并显示"),
        description=say(
            "Prints a new API token, once and alone on standard output. Send it as"
            " `Authorization: Bearer TOKEN`.",
            "创建 API 令牌，仅在标准输出显示一次。使用方式：`Authorization: Bearer TOKEN`。",
        ),
    )
    new.add_argument(
        "--role",
        required=True,
        choices=[role.value for role in Role],
        help=say("what it may do", "令牌的角色"),
    )
    new.add_argument("--name", required=True, help=say("what it is for", "用途名称"))
    new.add_argument(
        "--days",
        type=int,
        default=365,
        help=say("days until it expires (default: 365)", "有效天数（默认 365）"),
    )
    new.add_argument(
        "--agency",
        help=say("its agency (default: the configuration's)", "所属机构（默认取配置）"),
    )
    new.add_argument(
        "--district",
        action="append",
        default=[],
        help=say("a district it may see, may be repeated (default: all)", "可见辖区，可重复"),
    )
    new.add_argument(
        "--unit", type=UUID, metavar="ID", help=say("for role crew: its unit", "crew 角色所属力量")
    )
    new.set_defaults(run=_create_token)


@contextlib.contextmanager
def _accounts(arguments: argparse.Namespace) -> Iterator[str]:
    """Django on this data directory's database; yields the agency of the configuration."""
    chosen = configuration(arguments)
    data = data_directory(arguments)
    with database(data, os.environ) as urls:
        bring_up_to_date(data, urls, chosen)
        start_django()
        from django.utils import translation

        with translation.override("zh-hans" if chinese() else "en"):
            yield chosen.agency


def _create_administrator(arguments: argparse.Namespace) -> int:
    password = None
    if arguments.password_file is not None:
        try:
            password = arguments.password_file.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, UnicodeDecodeError, IndexError) as error:
            raise CommandRefused(f"{arguments.password_file}: {error}") from None
    with _accounts(arguments) as agency:
        from django.core.exceptions import ValidationError

        from tocsin.apps.people.accounts import create_administrator

        try:
            _, made = create_administrator(
                arguments.username,
                agency=agency,
                display_name=arguments.name,
                password=password,
            )
        except ValidationError as error:
            raise CommandRefused(" ".join(error.messages)) from None
    print(say(f"username: {arguments.username}", f"用户名：{arguments.username}"))
    if password is None:
        print(say(f"password: {made}", f"口令：{made}"))
    return DONE


def _reset_authenticator(arguments: argparse.Namespace) -> int:
    with _accounts(arguments):
        from tocsin.apps.people.accounts import reset_authenticators
        from tocsin.apps.people.models import Account

        try:
            removed = reset_authenticators(arguments.username)
        except Account.DoesNotExist:
            raise CommandFailed(
                say(
                    f"there is no account {arguments.username!r}",
                    f"没有名为 {arguments.username!r} 的账号",
                )
            ) from None
    print(say(f"removed {removed} authenticators", f"已移除 {removed} 个验证器"))
    return DONE


def _create_token(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.days <= 3_650:
        raise CommandRefused(say("--days: 1 to 3650", "--days：取值 1 至 3650"))
    with _accounts(arguments) as agency:
        from django.core.exceptions import ValidationError

        from tocsin.apps.people.accounts import create_token

        try:
            _, token = create_token(
                arguments.name,
                role=Role(arguments.role),
                agency=arguments.agency or agency,
                districts=arguments.district,
                unit=arguments.unit,
                days=arguments.days,
            )
        except ValidationError as error:
            raise CommandRefused(" ".join(error.messages)) from None
    print(token)
    return DONE
