"""Who proves nothing fills half of what may wait for a commit, and leaves the other half."""

import asyncio
from uuid import uuid4

import pytest
from arriving import message
from test_heard import with_log

from tocsin.record import heard as module
from tocsin.record.database import Connection, Urls
from tocsin.record.figures import counters
from tocsin.record.heard import HeardLog, NotKept
from tocsin.record.heard_rows import Heard
from tocsin.record.keys import Keyring


@pytest.mark.parametrize(
    ("fields", "half"),
    [
        ({"device": None}, True),
        ({"intake": "dc09.udp"}, True),
        ({"protocol": "mail", "intake": "mail"}, True),
        ({"is_sign_of_life": False}, True),  # in clear, of a device with a key
        ({}, False),
        ({"intake": "dc09.udp", "replay_key": b"k" * 16}, False),  # it opened
    ],
)
def test_who_proves_nothing_fills_half_of_the_queue_at_most(
    urls: Urls,
    keyring: Keyring,
    connection: Connection,
    fields: dict[str, object],
    half: bool,
) -> None:
    device = uuid4()

    async def turned_away(log: HeardLog, *messages: Heard) -> int:
        answers = await asyncio.gather(*(log.keep(one) for one in messages), return_exceptions=True)
        return sum(isinstance(one, NotKept) for one in answers)

    async def run(log: HeardLog) -> None:
        before = counters(connection).get("heard.queue_unproven", 0)
        connection.rollback()
        known, other = message(device=device), message(**({"device": device} | fields))
        assert await turned_away(log, *[other] * 25) == 0
        assert await turned_away(log, *[other] * 26) == (1 if half else 0)
        # What has left the queue counts no more; in front or behind, the others have their half.
        assert await turned_away(log, *[known] * 25, *[other] * 25) == 0
        assert await turned_away(log, *[other] * 26, *[known] * 25) == 1
        assert await turned_away(log, *[known] * 24, *[other] * 26, known) == 1
        counted.append(before + (3 if half else 0))

    counted: list[int] = []
    with_log(urls, keyring, run, queue_max=50)
    assert counters(connection).get("heard.queue_unproven", 0) == counted[0]
    connection.rollback()


def test_a_share_of_the_queue_is_free_again_when_it_is_committed(
    urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while half of it is full all the time."""
    monkeypatch.setattr(module, "BATCH_WHOLE", 5)
    monkeypatch.setattr(module, "BATCH_MAX", 5)

    async def run(log: HeardLog) -> None:
        told: list[bool] = []
        for _ in range(10):
            log.hand_in(message(), told.append)
        for _ in range(10):
            log.hand_in(message(device=uuid4()), told.append)
        with pytest.raises(NotKept):
            log.hand_in(message(), told.append)
        while len(told) < 5:
            log.hand_in(message(device=uuid4()), told.append) if log.waiting < 18 else None
            await asyncio.sleep(0)
        assert log.waiting >= 10
        for _ in range(2):
            log.hand_in(message(), told.append)

    with_log(urls, keyring, run, queue_max=20)
