"""Whoever floods in a device's name floods a part of its own: the device's own alarm is sorted in
with the first and judged in the first turn."""

import asyncio
from copy import deepcopy
from uuid import UUID

import pytest
from arriving import Arrivals, message
from judged_desk import account_of_a_site, judged
from random_history import hear
from record_desk import Desk
from test_heard import with_log

from tocsin.core.signals import SignalRead
from tocsin.record import arrivals as arrivals_module
from tocsin.record import floods as floods_module
from tocsin.record.database import Connection, Urls
from tocsin.record.floods import (
    CALM_MAX,
    ELSEWHERE,
    HOME_WINDOWS,
    HOMES_MAX,
    Floods,
    Lane,
)
from tocsin.record.heard import HeardLog
from tocsin.record.heard_rows import Heard
from tocsin.record.judging import JUDGED_MAX, judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.turns import Turns

HOME, RADIO = "192.0.2.1", "198.51.100.1"
DEVICE = UUID(int=5)
LAST = UUID(int=10)


def spoofed(count: int) -> list[str]:
    return [f"203.0.{n // 250}.{n % 250}" for n in range(count)]


def flood(floods: Floods, *sources: str, count: int = CALM_MAX + 1, **how: bool) -> set[str]:
    """The parts of what goes to the lane of floods of `count` messages from each."""
    parts = set()
    for source in sources:
        for _ in range(count):
            if floods.lane(DEVICE, source, LAST, **how) is Lane.FLOOD:
                parts.add(floods.apart(DEVICE))
    return parts


def at_home(*homes: str) -> Floods:
    """The device was heard from there, while nothing flooded."""
    floods = Floods()
    for home in homes:
        floods.lane(DEVICE, home, LAST)
    floods.next_window(None)
    return floods


# -- who floods ---------------------------------------------------------------------------------


def test_a_flood_in_a_devices_name_is_not_the_devices() -> None:
    floods = at_home(HOME)
    assert flood(floods, "203.0.113.66") == {ELSEWHERE}
    for _ in range(CALM_MAX):
        assert floods.lane(DEVICE, HOME, LAST) is Lane.KNOWN
    assert floods.lane(DEVICE, "203.0.113.67", LAST) is Lane.FLOOD
    floods.next_window(LAST)  # also while what it sent waits, and in the next window
    assert floods.lane(DEVICE, HOME, LAST) is Lane.KNOWN
    assert floods.lane(DEVICE, "203.0.113.68", LAST) is Lane.FLOOD
    floods.next_window(None)
    assert floods.senders == 0
    assert floods.lane(DEVICE, "203.0.113.68", LAST) is Lane.KNOWN


def test_whatever_addresses_are_spoofed_the_parts_of_a_device_are_few() -> None:
    homes = [HOME, RADIO, "2001:db8::1", "2001:db8:1::1"]
    assert len(homes) == HOMES_MAX
    floods = at_home(*homes)
    parts = flood(floods, *spoofed(3 * CALM_MAX), count=1)
    parts |= flood(floods, *homes, "2001:db8::2", HOME)
    parts |= flood(floods, HOME, is_sure=True)
    assert len(parts) == floods.senders == HOMES_MAX + 2
    assert {HOME, RADIO, "2001:db8::/64"} < parts


def test_what_a_home_sends_too_much_of_delays_no_other_home() -> None:
    floods = at_home(HOME, RADIO)
    assert flood(floods, HOME, count=CALM_MAX) == set()
    assert flood(floods, HOME, count=1) == {HOME}
    assert floods.lane(DEVICE, RADIO, LAST) is Lane.KNOWN
    assert floods.lane(DEVICE, HOME, LAST) is Lane.FLOOD


def test_a_device_with_a_key_is_not_flooded_in_clear_from_its_own_address() -> None:
    floods = at_home(HOME)
    assert flood(floods, HOME, is_own=False) == {ELSEWHERE}
    assert floods.lane(DEVICE, HOME, LAST, is_own=True) is Lane.KNOWN


def test_what_is_authenticated_is_flooded_by_nobody_else() -> None:
    floods = at_home(HOME)
    assert flood(floods, HOME) == {HOME}
    assert floods.lane(DEVICE, HOME, LAST, is_sure=True) is Lane.KNOWN
    assert flood(floods, RADIO, is_sure=True) == {floods_module.AUTHENTICATED}


# -- where a device is known to be --------------------------------------------------------------


def test_a_poll_shows_where_a_device_is() -> None:
    floods = Floods()
    floods.polled(DEVICE, HOME)
    floods.polled(DEVICE, RADIO)
    floods.next_window(None)
    flood(floods, "203.0.113.66")
    assert [floods.lane(DEVICE, one, LAST) for one in (HOME, RADIO)] == [Lane.KNOWN] * 2


def test_nothing_is_learnt_from_what_anybody_may_have_sent_or_while_something_floods() -> None:
    floods = at_home(HOME)
    for _ in range(3):
        flood(floods, "203.0.113.66")
        floods.polled(DEVICE, RADIO)
        floods.next_window(LAST)
    floods.next_window(None)
    floods.next_window(None)
    floods.lane(DEVICE, "203.0.113.9", LAST, is_own=False)
    floods.next_window(None)
    assert flood(floods, "203.0.113.66", "203.0.113.9", RADIO) == {ELSEWHERE}


def test_a_home_gives_way_when_nothing_came_from_it_for_an_hour() -> None:
    old = [f"192.0.2.{n}" for n in range(HOMES_MAX)]
    floods = at_home(*old)
    for _ in range(HOME_WINDOWS - 2):
        floods.next_window(None)
    for one in (*old[1:], RADIO):
        floods.polled(DEVICE, one)
    floods.next_window(None)
    assert flood(deepcopy(floods), RADIO) == {ELSEWHERE}  # not yet
    floods.polled(DEVICE, RADIO)
    floods.next_window(None)
    assert flood(floods, RADIO) == {RADIO}
    assert flood(floods, old[0], *old[1:]) == {ELSEWHERE, *old[1:]}


def test_devices_whose_homes_are_known_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods_module, "DEVICES_MAX", 3)
    floods = Floods()
    for number in range(5):
        floods.polled(UUID(int=number), HOME)
    floods.next_window(None)
    parts = []
    for number in range(5):
        for _ in range(CALM_MAX + 1):
            floods.lane(UUID(int=number), HOME, LAST)
        parts.append(floods.apart(UUID(int=number)))
    assert parts == [ELSEWHERE] * 2 + [HOME] * 3


def test_a_poll_from_home_leaves_nothing_to_look_through(monkeypatch: pytest.MonkeyPatch) -> None:
    floods = at_home(HOME)
    abroad, both = "2001:db8::1", UUID(int=6)
    for one in (HOME, abroad):
        floods.polled(both, one)
    floods.next_window(None)
    looked_at: list[int] = []
    learn = Floods._learn
    monkeypatch.setattr(
        Floods,
        "_learn",
        lambda self, key, *rest, **how: looked_at.append(key) or learn(self, key, *rest, **how),
    )
    floods.polled(DEVICE, HOME)
    for one in (HOME, abroad, "2001:db8::2"):
        floods.polled(both, one)
    floods.lane(DEVICE, HOME, LAST)  # nor does one message of a device that is where it was
    floods.next_window(None)
    assert looked_at == []
    floods.polled(DEVICE, RADIO)
    floods.next_window(None)
    assert looked_at == [DEVICE.int]
    assert flood(floods, HOME, RADIO) == {HOME, RADIO}


# -- on the record ------------------------------------------------------------------------------


def test_a_device_that_is_flooded_in_its_name_is_sorted_in_and_judged_first(
    desk: Desk, urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals = Arrivals(desk.connection, desk.keyring)
    account = account_of_a_site(desk)
    row = desk.connection.execute("SELECT id, site FROM ref.device WHERE account = %s", (account,))
    device, site = row.fetchone()  # type: ignore[misc]
    desk.connection.commit()

    def said(source: str, code: str) -> Heard:
        read = SignalRead(protocol="dc09", token="SIA-DCS", account=account, code=code)
        return message(device=device, site=site, source=source, signals=(read,))

    async def run(log: HeardLog) -> None:
        log.seen(device, desk.now, HOME)
        log._window_began = -1e9
        await log.keep(message(source="198.51.100.7"))
        flood = (log.keep(said(source, "BA")) for source in spoofed(3_000))
        await asyncio.gather(*flood)
        await log.keep(said(HOME, "FA"))

    with_log(urls, desk.keyring, run)
    monkeypatch.setattr(arrivals_module, "SORT_S_MAX", -1.0)  # one transaction
    arrivals.sort()
    assert arrivals.waiting(Lane.KNOWN) == 0
    fire = newest_from(desk.connection, HOME)
    assert fire in Turns().next(desk.connection, JUDGED_MAX, desk.now)
    while arrivals.waiting():
        arrivals.sort()
    queues = desk.connection.execute(
        "SELECT queue, count(*) FROM heard.pending WHERE known GROUP BY queue ORDER BY queue"
    ).fetchall()
    assert queues == [(f"{device}", CALM_MAX + 1), (f"{device} {ELSEWHERE}", 3_000 - CALM_MAX)]
    judge_pending(desk.connection, desk.keyring, desk.now)
    assert judged(desk, fire)[0] == "opened"


def newest_from(connection: Connection, source: str) -> UUID:
    row = connection.execute(
        "SELECT id FROM heard.message WHERE source_address = %s ORDER BY id DESC LIMIT 1", (source,)
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def test_an_alarm_that_a_flood_puts_behind_its_restore_has_its_card(desk: Desk) -> None:
    """Between a device's parts the order of judging is lost; that hides no alarm."""
    account = account_of_a_site(desk)
    row = desk.connection.execute("SELECT id, site FROM ref.device WHERE account = %s", (account,))
    device, site = row.fetchone()  # type: ignore[misc]
    alarm_at = desk.now

    def heard(code: str, **fields: object) -> UUID:
        read = SignalRead(protocol="dc09", token="SIA-DCS", account=account, code=code, zone="7")
        one = message(
            device=device, site=site, received_at=alarm_at, signals=(read,), body=b"x", **fields
        )
        return hear(desk.connection, desk.keyring, one)

    restore = heard("FR")
    assert judge_pending(desk.connection, desk.keyring, desk.now) == 1
    alarm = heard("FA", apart=ELSEWHERE)
    assert judge_pending(desk.connection, desk.keyring, desk.now) == 1
    assert [judged(desk, one)[0] for one in (restore, alarm)] == ["recorded", "opened"]
