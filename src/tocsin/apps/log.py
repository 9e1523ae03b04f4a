"""The apps' way to the log: one pool of connections with the application's rights, one keyring."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from psycopg_pool import ConnectionPool

from tocsin.record.database import Connection, pool
from tocsin.record.keys import Keyring

WAIT_S = 2.0  # for a free connection or a lost database: then the caller is told, not kept waiting


@functools.cache
def connections() -> ConnectionPool[psycopg.Connection[tuple[Any, ...]]]:
    """As many as there are threads: a request never waits for another one's connection."""
    opened = pool(os.environ["TOCSIN_DATABASE_URL"], size=settings.THREADS, name="tocsin web")
    opened.open(wait=False)
    return opened


@contextmanager
def connection() -> Iterator[Connection]:
    """A connection for one request; what it left uncommitted is rolled back.

    Raises `psycopg_pool.PoolTimeout` within WAIT_S when the database cannot be reached.
    """
    with connections().connection(timeout=WAIT_S) as opened:
        yield opened


def close() -> None:
    """Closes the pool, if one was opened."""
    if connections.cache_info().currsize:
        connections().close()
        connections.cache_clear()


@functools.cache
def keyring() -> Keyring:
    return Keyring(settings.DATA / "keys")
