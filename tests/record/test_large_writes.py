"""What is written may be many times larger than what a socket holds: then nobody waits for ever."""

import contextlib
import secrets
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from judged_desk import account_of_a_site, judged, signal
from record_desk import Desk

from tocsin.core.commands import AddNote
from tocsin.record import appending
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.facts import StoredFact
from tocsin.record.handle import handle
from tocsin.record.judging import judge_pending

LARGE = 24 << 20
"""Bytes; the buffers of both ends of a socket are some 200 KiB, with TCP up to some MiB."""

HANGS_S = 8.0


@contextlib.contextmanager
def is_over_in_time(connection: Connection, url: str) -> Iterator[None]:
    """Ends the connection from outside if it is not; then whatever waits for it fails."""
    backend, hung = connection.info.backend_pid, threading.Event()

    def end() -> None:
        hung.set()
        with connect(url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (backend,))

    timer = threading.Timer(HANGS_S, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        assert not hung.is_set(), "it waited for ever"


def test_a_command_is_committed_however_much_it_writes(desk: Desk, urls: Urls) -> None:
    incident = desk.open()
    body = secrets.token_bytes(LARGE)

    def also(connection: Connection, facts: list[StoredFact]) -> None:
        connection.execute("SELECT length(%b)", (body,))

    with is_over_in_time(desk.connection, urls.application):
        outcome = handle(
            desk.connection,
            desk.keyring,
            AddNote(incident, "hose laid"),
            actor=desk.actor,
            key=str(uuid4()),
            now=desk.now,
            also=also,
        )
    assert [fact.kind for fact in outcome.facts] == ["incident.noted"]


def test_a_batch_of_signals_is_judged_however_much_it_writes(
    desk: Desk, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As large as the facts and states of incidents with very many signals are."""
    signals = [signal(desk, account_of_a_site(desk)) for _ in range(4)]
    state = appending.readable_state
    large = secrets.token_bytes(LARGE // 4)
    monkeypatch.setattr(
        appending,
        "readable_state",
        lambda kind, one: large if kind == "signal" else state(kind, one),
    )
    with is_over_in_time(desk.connection, urls.application):
        assert judge_pending(desk.connection, desk.keyring, desk.now) == 4
    assert {judged(desk, one)[0] for one in signals} == {"opened"}
