"""The clock of the machine is set back or ahead: the probe keeps its pace, what was claimed or
failed at a later time does not wait for it, and one incident says what happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from record_desk import Desk

from tocsin.core.commands import CloseIncident, HoldIncident, TakeIncident
from tocsin.core.probing import account_of
from tocsin.core.terms import Disposition
from tocsin.record import clock_marks, probing, working
from tocsin.record.database import DatabaseAway, Urls
from tocsin.record.probing import Expected
from tocsin.record.sequencer import assign
from tocsin.record.views import get_row
from tocsin.record.working import RING_AGAIN, react_after, sound_due
from tocsin.site import clock_watch
from tocsin.site.clock_watch import ClockWatch
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


# -- what is said of it ---------------------------------------------------------------------------


class Watched:
    """A clock process that watches its machine's clocks, and the incidents that it opened."""

    def __init__(self, desk: Desk, machine: Machine) -> None:
        self.desk, self.machine = desk, machine
        while assign(desk.connection):
            pass
        newest = clock_marks.newest(desk.connection)
        if newest is not None:  # the tests of this file share a record, in which time goes on
            machine.wall = newest + timedelta(days=1)
        for incident, _ in self._all():
            desk.do(CloseIncident(incident, Disposition.HANDLED))
        self.before = {incident for incident, _ in self._all(is_open=False)}
        self.restart()

    def restart(self) -> None:
        self.machine.seconds = 7.0
        self.watch = ClockWatch(
            self.desk.keyring,
            Configuration(),
            wall=self.machine.now,
            monotonic=self.machine.monotonic,
        )

    def turn(self) -> int:
        done = self.watch.turn(self.desk.connection)
        while assign(self.desk.connection):
            pass
        return done

    def cards(self) -> list[str]:
        return [title for one, title in self._all(is_open=False) if one not in self.before]

    def hold(self) -> None:
        """Every card."""
        self.desk.now = self.machine.wall
        for incident, _ in self._all():
            self.desk.do(TakeIncident(incident))
            self.desk.do(HoldIncident(incident, self.desk.now + timedelta(days=3), "asked"))

    def notes(self) -> int:
        found = self.desk.connection.execute(
            "SELECT count(*) FROM log.fact f JOIN view.incident i ON i.id = f.subject"
            " WHERE f.kind = 'incident.noted' AND starts_with(i.source_key, 'clock/')"
            " AND i.id <> ALL(%s)",
            (list(self.before),),
        ).fetchall()
        self.desk.connection.rollback()
        return int(found[0][0])

    def _all(self, *, is_open: bool = True) -> list[tuple[UUID, str]]:
        found = self.desk.connection.execute(
            "SELECT id, row FROM view.incident WHERE starts_with(source_key, 'clock/')"
            " AND (open OR NOT %s) ORDER BY number",
            (is_open,),
        ).fetchall()
        self.desk.connection.rollback()
        return [(one, json.loads(row)["title_en"]) for one, row in found]


@pytest.fixture
def watched(desk: Desk, machine: Machine) -> Watched:
    return Watched(desk, machine)


def test_a_clock_that_is_set_back_is_one_incident_until_it_is_over(watched: Watched) -> None:
    machine = watched.machine
    for _ in range(3):
        assert watched.turn() == 0
        machine.wait(1)
    machine.wall += BACK
    assert watched.turn() == 1
    assert watched.cards() == ["System clock was set back by 6 h"]
    assert watched.notes() == 1
    machine.wait(5 * 3_600)
    assert watched.turn() == 0
    watched.restart()  # another process knows it from the incident
    assert watched.turn() == 0
    machine.wait(3_599)
    assert watched.turn() == 0
    machine.wait(1)
    assert watched.turn() == 1
    assert (len(watched.cards()), watched.notes()) == (1, 2)
    assert watched.turn() == 0


def test_what_is_set_again_and_again_is_said_on_the_card_that_waits(watched: Watched) -> None:
    watched.turn()
    for step in (-60, 30, -600):
        watched.machine.wait(1)
        watched.machine.wall += timedelta(seconds=step)
        assert watched.turn() == 1
    assert (len(watched.cards()), watched.notes()) == (1, 3)
    watched.hold()
    watched.machine.wall -= timedelta(minutes=20)
    watched.turn()
    assert watched.cards()[1:] == ["System clock was set back by 20 min"]


def test_a_clock_that_is_set_ahead_is_told_and_is_over_at_once(watched: Watched) -> None:
    watched.turn()
    watched.machine.wall -= BACK
    assert watched.turn() == 1
    assert watched.cards() == ["System clock was set ahead by 6 h"]
    watched.machine.wait(30)
    assert watched.turn() == 0
    assert watched.notes() == 1


def test_a_clock_that_was_set_back_while_nobody_watched_is_behind_the_record(
    watched: Watched,
) -> None:
    desk, machine = watched.desk, watched.machine
    desk.now = machine.wall
    desk.open()
    machine.wall += BACK
    desk.now = machine.wall
    desk.open()  # somebody wrote before the clock process was back
    while assign(desk.connection):
        pass
    watched.restart()
    assert watched.turn() == 1
    assert watched.cards() == ["System clock is 6 h behind the record"]
    for _ in range(3):
        machine.wait(1)
        assert watched.turn() == 0
    watched.restart()
    assert watched.turn() == 0
    machine.wait(6 * 3_600)
    assert watched.turn() == 1
    assert (len(watched.cards()), watched.notes()) == (1, 2)


def test_another_machine_whose_clock_is_ahead_is_told_of_once_an_hour(watched: Watched) -> None:
    desk, machine = watched.desk, watched.machine
    told = 0
    for _ in range(90):
        desk.now = machine.wall + timedelta(minutes=1)
        desk.open()
        while assign(desk.connection):
            pass
        watched.turn()
        told = watched.notes()
        machine.wait(60)
    assert len(watched.cards()) == 1
    assert told <= 4  # twice that it is behind, twice that this is over


def test_what_cannot_be_told_is_told_in_the_next_turn(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.turn()
    watched.machine.wall += BACK

    def fail(*_: object, **__: object) -> None:
        raise DatabaseAway

    with monkeypatch.context() as away:
        away.setattr(clock_watch, "handle", fail)
        with pytest.raises(DatabaseAway):
            watched.turn()
    watched.machine.wait(1)
    assert watched.turn() == 1
    assert watched.cards() == ["System clock was set back by 6 h"]


def test_a_deadline_that_was_claimed_at_a_later_time_speaks_when_it_is_due(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, machine = watched.desk, watched.machine
    watched.turn()
    desk.now = machine.wall
    incident = desk.open()
    due_at = machine.wall + timedelta(seconds=60)
    machine.wait(6 * 3_600)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(working, "handle", die)
        with pytest.raises(KeyboardInterrupt):
            sound_due(desk.connection, desk.keyring, machine.wall)
    machine.wall = due_at - timedelta(seconds=30)
    watched.turn()

    def ring_at() -> datetime:
        found = desk.connection.execute(
            "SELECT ring_at FROM log.due WHERE subject = %s", (incident,)
        ).fetchall()
        desk.connection.rollback()
        return found[0][0]  # type: ignore[no-any-return]

    assert ring_at() == due_at
    # A claim of now is left to who made it.
    desk.connection.execute(
        "UPDATE log.due SET ring_at = %s WHERE subject = %s",
        (claimed := due_at + RING_AGAIN, incident),
    )
    clock_marks.release_claims(desk.connection, due_at)
    assert ring_at() == claimed


def test_a_reaction_that_failed_at_a_time_to_come_does_not_rest(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, machine = watched.desk, watched.machine
    desk.now = machine.wall
    react_after(desk.connection, desk.keyring, machine.wall)
    order = desk.send(desk.open(), desk.unit())
    while assign(desk.connection):
        pass

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    def state() -> str:
        row = get_row(desk.connection, "orders", order)
        desk.connection.rollback()
        return "" if row is None else str(row["state"])

    with monkeypatch.context() as failing:
        failing.setattr(working, "handle", fail)
        react_after(desk.connection, desk.keyring, machine.wall)
    machine.wall += BACK
    react_after(desk.connection, desk.keyring, machine.wall)
    assert state() == "sent"
