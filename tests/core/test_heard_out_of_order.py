"""What a panel kept is judged after what it says now, and takes nothing away that is of now."""

import pytest

from core.alarmed_site import AlarmedSite, refused_to_machine
from tocsin.core import avs
from tocsin.core.commands import TakeIncident
from tocsin.core.confirmation import (
    Avs,
    CancelOutcome,
    Confirming,
    ConfirmRule,
    RaisedBecause,
    Sensor,
)
from tocsin.core.incidents import alarms
from tocsin.core.incidents.alarms import NO_ALARMS
from tocsin.core.incidents.facts import SignalJoined
from tocsin.core.incidents.state import OPEN, Band, band, due
from tocsin.core.signals import VerdictReason

ABORTING = Confirming(abort_s=600)
CANCEL, DISARM = "1406", "OP"


def zones(site: AlarmedSite) -> list[str]:
    return [one.sensor.zone for one in site.incident.alarms.open_zones]


def urgent(site: AlarmedSite) -> tuple[object, ...]:
    """What must not become less."""
    one = site.incident
    return one.state, band(one), one.level, due(one), one.late, refused_to_machine(one)


@pytest.mark.parametrize("age_s", [1, 300, 601, 7_200])
@pytest.mark.parametrize("code", ["BR", "BH", "FH"])
def test_a_restore_of_before_closes_no_zone_that_alarmed_since(code: str, age_s: int) -> None:
    site = AlarmedSite()
    site.hear("FA" if code == "FH" else "BA", "1", age_s=0)
    before = urgent(site)
    restore = site.hear(code, "1", age_s=age_s)
    assert site.signal(restore).incident == site.id  # it is said there
    assert (zones(site), urgent(site)) == (["1"], before)
    site.after(5)
    site.hear(code, "1", age_s=1)
    assert zones(site) == []


def test_a_restore_in_the_second_of_its_alarm_closes_it() -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=0)
    site.hear("BR", "1", age_s=0)
    assert zones(site) == []


def test_a_wrong_clock_orders_what_its_own_device_told() -> None:
    """An hour behind, and known to be: both are of now to us."""
    site = AlarmedSite()
    site.hear("BA", "1", age_s=3_700, is_clock_off=True)
    site.after(10)
    site.hear("BR", "1", age_s=3_720, is_clock_off=True)
    assert zones(site) == ["1"]
    site.hear("BR", "1", age_s=3_705, is_clock_off=True)
    assert zones(site) == []


@pytest.mark.parametrize("stamped", ["alarm", "restore"])
def test_where_only_one_has_a_time_of_its_own_ours_decides(stamped: str) -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=0 if stamped == "alarm" else None)
    site.after(60)
    site.hear("BR", "1", age_s=70 if stamped == "restore" else None)
    assert zones(site) == (["1"] if stamped == "restore" else [])


def test_a_zone_is_open_since_its_newest_alarm_whichever_came_first() -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=0)
    site.hear("BA", "1", age_s=900)
    (zone,) = site.incident.alarms.open_zones
    assert zone.since == site.world.now
    site.hear("BR", "1", age_s=600)  # between the two
    assert zones(site) == ["1"]
    assert site.world.rebuilt() == site.world.states


@pytest.mark.parametrize("age_s", [900, 3_601, 86_400])
def test_an_alarm_of_before_makes_the_one_of_now_no_less(age_s: int) -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=0)
    before, level = urgent(site), avs.level_of(site.incident)
    site.hear("BA", "1", age_s=age_s)
    assert (urgent(site), len(site.ids), zones(site)) == (before, 1, ["1"])
    assert avs.level_of(site.incident) == level


def test_the_newest_alarm_of_a_sensor_stays_evidence_whichever_came_first() -> None:
    site = AlarmedSite(Confirming(ConfirmRule.TWO_ZONES, window_s=60))
    first = site.hear("BA", "1", age_s=590)
    newest = site.hear("BA", "1", age_s=0)
    site.hear("BA", "1", age_s=300)
    assert [one.signal for one in site.incident.alarms.evidence] == [first, newest]
    site.hear("BA", "2", age_s=1)
    assert band(site.incident) is Band.UNASSIGNED
    assert site.incident.alarms.confirmation is not None
    assert site.incident.alarms.confirmation.by is RaisedBecause.TWO_ZONES


@pytest.mark.parametrize("code", [CANCEL, DISARM])
@pytest.mark.parametrize("age_s", [30, 601, 3_601])
def test_a_cancel_of_before_the_newest_alarm_takes_nothing_back(code: str, age_s: int) -> None:
    """Within the window of the first alarm, and the same zone alarmed again after it."""
    site = AlarmedSite(ABORTING)
    site.hear("BA", "1", age_s=60)
    site.hear("BA", "1", age_s=0)
    before = urgent(site)
    site.hear(code, "7", age_s=age_s)
    assert site.incident.state in OPEN
    assert urgent(site) == before
    found = site.incident.alarms.cancelled
    assert found is not None
    late = age_s > 600
    assert found.outcome is (CancelOutcome.LATE if late else CancelOutcome.OUTSIDE_WINDOW)
    # Nor is it offered to a person as if it were of now.
    assert found.overtaken
    assert not avs.is_offered(site.incident)
    site.hear(CANCEL, "7", age_s=0)
    assert site.incident.state not in OPEN


def test_a_cancel_of_now_is_said_though_one_of_before_was() -> None:
    site = AlarmedSite(ABORTING)
    site.hear("BA", "1", age_s=0)
    site.world.do(TakeIncident(site.id))
    site.hear(CANCEL, "7", age_s=30)
    newest = site.hear(CANCEL, "7", age_s=0)
    found = site.incident.alarms.cancelled
    assert found is not None
    assert (found.signal, found.overtaken) == (newest, False)
    assert avs.is_offered(site.incident)


def test_an_alarm_of_before_a_cancel_that_closed_is_seen() -> None:
    site = AlarmedSite(ABORTING)
    site.hear("BA", "1", age_s=0)
    closed = site.id
    site.after(30)
    site.hear(CANCEL, "7", age_s=0)
    site.hear("BA", "2", age_s=900)
    assert site.id != closed
    assert site.incident.state in OPEN
    assert avs.level_of(site.incident) is Avs.LIMITED


def test_a_restore_that_was_written_without_its_time_closes_its_zone() -> None:
    """As the log has it from before restores had one."""
    site = AlarmedSite()
    signal = site.hear("BA", "1", age_s=0)
    (zone,) = site.incident.alarms.open_zones
    (told,) = site.incident.alarms.evidence
    opened = alarms.evolve(
        NO_ALARMS, SignalJoined(signal, VerdictReason.ALARM, alarms=True, evidence=told.evidence)
    )
    assert opened.open_zones == (zone,)
    restore = SignalJoined(
        site.world.id(), VerdictReason.SAME_SITE, alarms=False, restores=Sensor(site.panel, "1")
    )
    assert alarms.evolve(opened, restore).open_zones == ()
