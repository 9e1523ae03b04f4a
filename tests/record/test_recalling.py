"""What an intake may ask the record after a restart: what a device said last, and what may come
again. Where the record is behind it says so, and does not guess."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from tocsin.core.signals import SignalRead
from tocsin.record import recalling
from tocsin.record.arrivals import Sorter
from tocsin.record.database import Connection, Urls
from tocsin.record.heard import HeardLog
from tocsin.record.heard_rows import Heard
from tocsin.record.keys import Keyring
from tocsin.record.recalling import NotKnown, Recall

T = TypeVar("T")


def message(device: UUID, *codes: str, key: bytes | None = None, ago_s: float = 0) -> Heard:
    return Heard(
        received_at=datetime.now(UTC) - timedelta(seconds=ago_s),
        intake="mqtt.tcp",
        protocol="mqtt",
        source="192.0.2.1",
        body=b"x",
        answer="puback",
        district="north",
        agency="fire",
        device=device,
        signals=tuple(SignalRead("mqtt", "tocsin", "p", code=c, text="t") for c in codes),
        repeat_key=key,
    )


def keep(urls: Urls, keyring: Keyring, *messages: Heard) -> None:
    async def run() -> None:
        log = HeardLog(name="recalled")
        await log.start(urls, keyring)
        await log.connected()
        for one in messages:
            await log.keep(one)
        await log.stop()

    asyncio.run(run())


def ask(urls: Urls, question: Callable[[Recall], Awaitable[T]]) -> T:
    async def run() -> T:
        recall = Recall(urls.application)
        try:
            return await question(recall)
        finally:
            await recall.close()

    return asyncio.run(run())


def test_a_devices_last_messages_are_recalled_when_they_are_sorted_in(
    urls: Urls, keyring: Keyring, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, other = uuid4(), uuid4()
    keep(urls, keyring, message(device, "BA"), message(other, "FA"), message(device, "OP", "YY"))
    with monkeypatch.context() as patched:
        patched.setattr(recalling, "SORTED_S_MAX", 0.2)
        with pytest.raises(NotKnown, match="not sorted in"):
            ask(urls, lambda recall: recall.messages("mqtt", device))
    while Sorter(keyring, {}).sort(connection):
        pass
    found = ask(urls, lambda recall: recall.messages("mqtt", device))
    assert [[one.code for one in signals] for signals in found] == [["OP", "YY"], ["BA"]]
    assert all(one.text == "" for signals in found for one in signals)
    assert ask(urls, lambda recall: recall.messages("dc09", device)) == []
    with monkeypatch.context() as patched:
        patched.setattr(recalling, "MESSAGES_MAX", 1)
        found = ask(urls, lambda recall: recall.messages("mqtt", device))
        assert [[one.code for one in signals] for signals in found] == [["OP", "YY"]]


def test_keys_of_the_last_minutes_are_recalled(
    urls: Urls, keyring: Keyring, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = uuid4()
    keys = [bytes([n]) * 16 for n in range(3)]
    keep(urls, keyring, *(message(device, "BA", key=key) for key in keys), message(device, "BA"))
    while Sorter(keyring, {}).sort(connection):
        pass
    assert ask(urls, lambda recall: recall.repeat_keys("mqtt")) == set(keys)
    assert ask(urls, lambda recall: recall.repeat_keys("mail")) == set()
    monkeypatch.setattr(recalling, "KEYS_MAX", 2)
    with pytest.raises(NotKnown, match="more than 2"):
        ask(urls, lambda recall: recall.repeat_keys("mqtt"))


def test_a_database_that_is_away_is_said_to_be() -> None:
    nowhere = Urls("postgresql://nobody@127.0.0.1:1/x", "")
    with pytest.raises(NotKnown):
        ask(nowhere, lambda recall: recall.repeat_keys("mqtt"))


def test_many_that_ask_wait_together(
    urls: Urls, keyring: Keyring, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backlog delays each of a thousand devices by the limit, and not by a thousand limits."""
    keep(urls, keyring, message(uuid4(), "BA"))
    monkeypatch.setattr(recalling, "SORTED_S_MAX", 0.3)

    async def all_of(recall: Recall) -> list[object]:
        asked = [recall.messages("mqtt", uuid4()) for _ in range(200)]
        async with asyncio.timeout(4):
            return list(await asyncio.gather(*asked, return_exceptions=True))

    answers = ask(urls, all_of)
    assert {type(one) for one in answers} == {NotKnown}
    while Sorter(keyring, {}).sort(connection):
        pass
