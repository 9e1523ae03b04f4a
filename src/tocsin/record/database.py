"""Connections to PostgreSQL: psycopg for decisions and reads, asyncpg for what is heard and for
followers. Both take the same libpq URLs, embedded server or external one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import psycopg
from psycopg.generators import send
from psycopg_pool import ConnectionPool

CONNECT_S: Final = 5
"""Seconds to wait for a server that does not answer before the attempt counts as failed."""

Connection = psycopg.Connection[tuple[Any, ...]]

# A peer that vanished without a word (cable, power) is noticed within about 10 s.
_KEEPALIVE: Final[dict[str, Any]] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server itself ends, in seconds (0: nothing), so that a client that hangs or died
    without a word holds no lock for ever: one statement, a transaction in which nothing is asked,
    and a whole transaction (PostgreSQL 17 and later)."""

    statement_s: int
    idle_s: int
    transaction_s: int


TURN: Final = Limits(statement_s=30, idle_s=30, transaction_s=60)
"""Judging, deciding, numbering: a turn of a loop takes parts of a second."""

REQUEST: Final = Limits(statement_s=60, idle_s=60, transaction_s=300)
"""Of the web and of edge: a workbook of many sites is written into while its rows are read."""

CLEARING: Final = Limits(statement_s=300, idle_s=30, transaction_s=300)
"""Dropping a day of what was heard, deleting what is old."""

BY_HAND: Final = Limits(statement_s=0, idle_s=600, transaction_s=0)
"""Migrations, rebuilds, imports and exports by command: they take what they take."""

_LIMIT_REACHED: Final = ("25P03", "25P04")  # the server has ended the session with it


class DatabaseAway(Exception):
    """The database cannot be reached now; nothing is known to be wrong with the request."""


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away or has no room, and nothing about what was
    asked of it. What is too large for it (an index row, class 54) is the fault of what was asked.
    """
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith("54"):
        return False
    if isinstance(error, psycopg.Error) and error.sqlstate in _LIMIT_REACHED:
        return True
    return isinstance(error, DatabaseAway | psycopg.OperationalError | psycopg.InterfaceError)


def send_all(connection: Connection) -> None:
    """Inside a pipeline, before its commit: returns when the server has been handed all that was
    asked of it. `commit` offers it once, then waits for an answer and sends no more: what is larger
    than the socket's buffers would be waited for by both sides, for ever."""
    connection.wait(send(connection.pgconn))


@dataclass(frozen=True, slots=True)
class Urls:
    """libpq URLs of one database: `application` (least privilege) for everything that runs,
    `owner` for migrations and rebuilds."""

    application: str
    owner: str


class _Telling(psycopg.Connection[tuple[Any, ...]]):
    """Tells of each answer of the server that was waited for."""

    answered: Callable[[], None] = staticmethod(lambda: None)

    def wait(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().wait(*arguments, **options)
        finally:
            self.answered()


def connect(
    url: str,
    *,
    name: str = "tocsin",
    limits: Limits = BY_HAND,
    answered: Callable[[], None] | None = None,
) -> Connection:
    """One connection: transactions are explicit, times are UTC. `name` shows in pg_stat_activity.
    `answered` is called at each answer of the server.

    Raises `DatabaseAway` when the server cannot be reached.
    """
    try:
        opened = _Telling.connect(
            url,
            connect_timeout=CONNECT_S,
            application_name=name,
            options=_options(limits),
            **_KEEPALIVE,
        )
        if answered is not None:
            opened.answered = answered
        _limit_transactions(opened, limits)
    except psycopg.OperationalError as error:
        raise DatabaseAway(str(error).strip()) from error
    return opened


def _limit_transactions(connection: Connection, limits: Limits) -> None:
    # Not among the options of the connection: a server before 17 refuses what it does not know.
    if limits.transaction_s and connection.info.server_version >= 170_000:
        connection.execute(f"SET transaction_timeout = '{limits.transaction_s}s'".encode())
        connection.commit()


def pool(
    url: str, *, size: int, name: str = "tocsin", limits: Limits = REQUEST
) -> ConnectionPool[psycopg.Connection[tuple[Any, ...]]]:
    """A pool of at most `size` connections like `connect`'s; broken ones are replaced.

    Not opened yet: use it as a context manager or call `open()`.
    """
    return ConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=CONNECT_S,
        check=ConnectionPool.check_connection,
        kwargs={
            "connect_timeout": CONNECT_S,
            "application_name": name,
            "options": _options(limits),
            **_KEEPALIVE,
        },
        configure=lambda opened: _limit_transactions(opened, limits),
        open=False,
        name=name,
    )


async def connect_async(url: str, *, name: str = "tocsin") -> asyncpg.Connection:
    """One asyncpg connection, times in UTC. Raises `DatabaseAway` when it cannot be reached."""
    try:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_S,
            server_settings={"application_name": name, "timezone": "UTC", **_settings(REQUEST)},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseAway(str(error).strip() or type(error).__name__) from error


# The server too notices within seconds that we are gone, or our locks would stay for hours.
_SERVER_KEEPALIVE: Final = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


def _settings(limits: Limits) -> dict[str, str]:
    return {
        **_SERVER_KEEPALIVE,
        "statement_timeout": f"{limits.statement_s}s",
        "idle_in_transaction_session_timeout": f"{limits.idle_s}s",
    }


def _options(limits: Limits) -> str:
    settings = {"timezone": "UTC", **_settings(limits)}
    return " ".join(f"-c {name}={value}" for name, value in settings.items())
