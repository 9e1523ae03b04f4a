"""A running PostgreSQL as seen from outside: whether it answers, and which processes it has."""

from __future__ import annotations

import contextlib
import time

import psutil
import psycopg

from tocsin.site.postgres import Postgres


def answers(url: str, *, within_s: float) -> float:
    """Seconds until the server at `url` answers a query; fails after `within_s`."""
    began = time.monotonic()
    while True:
        try:
            with psycopg.connect(url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            assert time.monotonic() - began < within_s
            time.sleep(0.01)
        else:
            return time.monotonic() - began


def lost_within(connection: psycopg.Connection[tuple[object, ...]], *, seconds: float) -> bool:
    """True when the server ends `connection` in that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return True
        time.sleep(0.01)
    return False


def processes_of(server: Postgres) -> dict[str, psutil.Process]:
    """The server's own processes by what they do: checkpointer, walwriter, io worker 0, …"""
    assert server.pid is not None
    found = {"postmaster": psutil.Process(server.pid)}
    for child in found["postmaster"].children():
        with contextlib.suppress(psutil.NoSuchProcess):  # workers come and go
            title = " ".join(child.cmdline()).strip()
            found[title.rsplit(": ", 1)[-1].strip()] = child
    return found
