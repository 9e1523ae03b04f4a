"""The clock of the machine is set back or ahead: the probe keeps its pace, what was claimed or
failed at a later time does not wait for it, and one incident says what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from record_desk import Desk

from tocsin.core.probing import account_of
from tocsin.record import probing
from tocsin.record.database import Urls
from tocsin.record.probing import Expected
from tocsin.site.configuration import Configuration
from tocsin.site.probe import FIRST_AGAIN_S, Prober
from tocsin.site.probe_age import measure_probe

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BACK = timedelta(hours=-6)


class Machine:
    """Its two clocks: one that anybody may set, and one that only goes on."""

    def __init__(self) -> None:
        self.wall, self.seconds = NOON, 1_000.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def prober(desk: Desk, machine: Machine) -> Prober:
    for table in ("ref.probe", "ref.probe_expected"):
        desk.connection.execute(f"DELETE FROM {table}".encode())
    desk.connection.commit()
    return Prober(desk.keyring, Configuration(), machine.monotonic)


def send(desk: Desk, at: datetime, *names: str, skipped: str = "") -> None:
    """A round of test alarms that nobody hears."""
    desk.connection.execute("DELETE FROM ref.probe_expected")
    number = int(at.timestamp())
    sent = [
        Expected(one, account_of("dc09", f"{number:06x}0{n:05x}"[-12:]), "")
        for n, one in enumerate(names)
    ]
    probing.begin(desk.connection, sent, {skipped: "left out"} if skipped else {}, at)


def test_the_probe_keeps_its_pace(desk: Desk, machine: Machine, prober: Prober) -> None:
    def is_time() -> bool:
        return prober._is_time(desk.connection, machine.now())

    assert not is_time()
    machine.wait(30)
    machine.wall += BACK
    assert not is_time()
    machine.wait(30)
    assert is_time()
    # Another process after it, which finds a last round of hours ahead.
    send(desk, machine.wall - BACK, "dc09.tcp")
    other = Prober(desk.keyring, Configuration(), machine.monotonic)
    assert not other._is_time(desk.connection, machine.now())
    machine.wait(60)
    assert other._is_time(desk.connection, machine.now())
    # And one that finds none for hours does not wait an interval.
    send(desk, machine.wall + BACK, "dc09.tcp")
    third = Prober(desk.keyring, Configuration(), machine.monotonic)
    assert not third._is_time(desk.connection, machine.now())
    machine.wait(FIRST_AGAIN_S)
    assert third._is_time(desk.connection, machine.now())


def test_a_test_alarm_has_its_time_whatever_the_clock_says(
    desk: Desk, machine: Machine, prober: Prober
) -> None:
    def counted() -> int:
        return prober._settle(desk.connection, machine.now())

    send(desk, machine.wall, "dc09.tcp")
    prober._begun_at = machine.seconds
    machine.wall -= BACK  # ahead: it is not missed for that
    assert counted() == 0
    machine.wall += 2 * BACK
    machine.wait(53.9)
    assert counted() == 0
    machine.wait(0.1)
    assert counted() == 1
    # What another process sent at a time to come is counted: nobody knows how long it waits.
    send(desk, machine.wall - BACK, "dc09.tcp")
    prober._begun_at = None
    assert counted() == 1


def test_a_result_of_a_time_to_come_is_no_result(
    desk: Desk, urls: Urls, machine: Machine, prober: Prober
) -> None:
    def age_s() -> float | None:
        measure_probe(urls.application)
        return REGISTRY.get_sample_value("tocsin_probe_result_age_seconds")

    machine.wall = datetime.now(UTC) - BACK
    send(desk, machine.wall, "dc09.tcp", "dc09.udp")
    machine.wait(60)
    assert prober._settle(desk.connection, machine.now()) == 2
    assert age_s() == float("inf")
    machine.wall = datetime.now(UTC)
    # One that is left out from now on does not keep the result of the time to come.
    send(desk, machine.wall, "dc09.tcp", skipped="dc09.udp")
    prober._begun_at = machine.seconds
    machine.wait(60)
    assert prober._settle(desk.connection, machine.now() - timedelta(seconds=60)) == 1
    age = age_s()
    assert age is not None
    assert age < 60
