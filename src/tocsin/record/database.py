"""Connections to PostgreSQL: psycopg for decisions and reads, asyncpg for what is heard and for
followers. Both take the same libpq URLs, embedded server or external one."""

from __future__ import annotations

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


class DatabaseAway(Exception):
    """The database cannot be reached now; nothing is known to be wrong with the request."""


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away or has no room, and nothing about what was
    asked of it. What is too large for it (an index row, class 54) is the fault of what was asked.
    """
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith("54"):
        return False
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


def connect(url: str, *, name: str = "tocsin") -> Connection:
    """One connection: transactions are explicit, times are UTC. `name` shows in pg_stat_activity.

    Raises `DatabaseAway` when the server cannot be reached.
    """
    try:
        return psycopg.connect(
            url, connect_timeout=CONNECT_S, application_name=name, options=_OPTIONS, **_KEEPALIVE
        )
    except psycopg.OperationalError as error:
        raise DatabaseAway(str(error).strip()) from error


def pool(
    url: str, *, size: int, name: str = "tocsin"
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
            "options": _OPTIONS,
            **_KEEPALIVE,
        },
        open=False,
        name=name,
    )


async def connect_async(url: str, *, name: str = "tocsin") -> asyncpg.Connection:
    """One asyncpg connection, times in UTC. Raises `DatabaseAway` when it cannot be reached."""
    try:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_S,
            server_settings={"application_name": name, "timezone": "UTC", **_SERVER_KEEPALIVE},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseAway(str(error).strip() or type(error).__name__) from error


# The server too notices within seconds that we are gone, or our locks would stay for hours.
_SERVER_KEEPALIVE: Final = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_OPTIONS: Final = " ".join(
    f"-c {name}={value}" for name, value in {"timezone": "UTC", **_SERVER_KEEPALIVE}.items()
)
