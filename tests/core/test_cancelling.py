"""A user takes an intrusion alarm back: closed only where everything speaks for it, else said."""

from datetime import timedelta
from typing import Any

import pytest

from core.alarmed_site import AlarmedSite
from tocsin.core import avs
from tocsin.core.assurance import Assurance
from tocsin.core.codes import contact_id, sia
from tocsin.core.codes.confirming import CancelHow, takes_back
from tocsin.core.commands import (
    JudgeSignal,
    MergeIncidents,
    ReopenIncident,
    TakeIncident,
    ValidateIncident,
)
from tocsin.core.confirmation import Avs, CancelOutcome, Confirming, ConfirmRule
from tocsin.core.incidents.alarms import Cancelled
from tocsin.core.incidents.state import OPEN, IncidentState
from tocsin.core.signals import Effect, SignalRead, VerdictReason
from tocsin.core.terms import Disposition, IncidentType

ABORTING = Confirming(abort_s=120)
CANCEL = "1406"


def cancelled(site: AlarmedSite, index: int = 0) -> Cancelled:
    found = site.world.incident(site.ids[index]).alarms.cancelled
    assert found is not None
    return found


def alarmed(confirming: Confirming = ABORTING, code: str = "BA", **more: Any) -> AlarmedSite:
    site = AlarmedSite(confirming)
    site.hear(code, "1", **more)
    return site


@pytest.mark.parametrize("asked", [ABORTING, Confirming(ConfirmRule.TWO_ZONES, abort_s=120)])
@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("1406", CancelHow.CANCEL),
        ("OC", CancelHow.CANCEL),
        ("BC", CancelHow.CANCEL),
        ("1401", CancelHow.DISARM),
        ("1409", CancelHow.DISARM),
        ("OP", CancelHow.DISARM),
        ("OR", CancelHow.DISARM),
    ],
)
def test_an_authenticated_cancel_in_time_closes_it(
    asked: Confirming, code: str, how: CancelHow
) -> None:
    site = alarmed(asked)
    site.after(120)
    signal = site.hear(code, "7")  # user 7
    assert site.signal(signal).incident == site.id
    assert site.incident.state is IncidentState.CLOSED
    assert site.incident.disposition is Disposition.CANCELLED_BY_USER
    assert cancelled(site) == Cancelled(signal, site.world.now, how, CancelOutcome.CLOSED)
    found = avs.assessed(site.incident)
    assert found == avs.Assessment(Avs.NO_CALL, avs.AvsWhy.CANCELLED, (signal,))
    assert not avs.is_offered(site.incident)
    assert site.world.rebuilt() == site.world.states


def test_a_dispatcher_reopens_it_and_the_next_cancel_closes_nothing() -> None:
    site = alarmed()
    site.hear(CANCEL)
    site.world.do(ReopenIncident(site.id, "the keyholder knows of no alarm"))
    assert site.incident.state in OPEN
    assert cancelled(site).outcome is CancelOutcome.REOPENED
    assert avs.level_of(site.incident) is Avs.LIMITED
    assert avs.is_offered(site.incident)
    site.hear(CANCEL)
    assert site.incident.state in OPEN


def test_an_alarm_after_it_is_a_new_incident() -> None:
    site = alarmed()
    site.hear(CANCEL)
    site.hear("BA", "2")
    assert len(site.ids) == 2
    assert site.incident.state is IncidentState.NEW


def _take(site: AlarmedSite) -> None:
    site.world.do(TakeIncident(site.id))


def _send(site: AlarmedSite) -> None:
    site.world.send(site.id, site.world.unit("E11"))


def _second_zone(site: AlarmedSite) -> None:
    site.hear("BA", "2")


def _hold_up(site: AlarmedSite) -> None:
    site.hear("HA", "9")


def _duress_code(site: AlarmedSite) -> None:
    site.hear("1121", "7")


def _merge(site: AlarmedSite) -> None:
    call = site.world.call(IncidentType.BURGLARY)
    site.world.do(MergeIncidents(call, site.ids[0]))


def _validate(site: AlarmedSite) -> None:
    site.world.do(ValidateIncident(site.id, Avs.LIMITED, "somebody is at the door"))


def _nothing(site: AlarmedSite) -> None:
    pass


def _too_late(site: AlarmedSite) -> None:
    site.after(121)


@pytest.mark.parametrize(
    ("before", "cancel", "outcome"),
    [
        (_nothing, {"assurance": Assurance.NONE}, CancelOutcome.NOT_AUTHENTICATED),
        (_nothing, {"assurance": Assurance.INTEGRITY}, CancelOutcome.NOT_AUTHENTICATED),
        (_too_late, {}, CancelOutcome.OUTSIDE_WINDOW),
        (_nothing, {"age_s": 1}, CancelOutcome.OUTSIDE_WINDOW),  # said before it alarmed
        (_nothing, {"age_s": 601}, CancelOutcome.LATE),
        (_nothing, {"is_clock_off": True}, CancelOutcome.LATE),
        (_send, {}, CancelOutcome.UNITS_SENT),
        (_take, {}, CancelOutcome.TAKEN),
        (_second_zone, {}, CancelOutcome.MORE_ALARMED),
        (_hold_up, {}, CancelOutcome.OTHER_ALARM),
        (_duress_code, {}, CancelOutcome.OTHER_ALARM),
        (_merge, {}, CancelOutcome.OTHER_ALARM),
        (_validate, {}, CancelOutcome.OTHER_ALARM),
        (_nothing, {"device": None}, CancelOutcome.OTHER_DEVICE),
    ],
)
def test_else_it_is_only_said_and_level_0_offered(
    before: Any, cancel: dict[str, Any], outcome: CancelOutcome
) -> None:
    site = alarmed()
    first = site.ids[0]
    before(site)
    site.hear(CANCEL, **cancel)
    incident = site.world.incident(first)
    assert incident.state in OPEN
    assert cancelled(site).outcome is outcome
    assert avs.is_offered(incident) is ("age_s" not in cancel)  # not what it was said before
    assert avs.level_of(incident) is not Avs.NO_CALL


def test_a_site_without_a_window_closes_nothing() -> None:
    site = alarmed(Confirming())
    site.hear(CANCEL)
    assert (site.incident.state, cancelled(site).outcome) == (
        IncidentState.NEW,
        CancelOutcome.NOT_IN_FORCE,
    )


def test_another_partition_closes_nothing() -> None:
    site = AlarmedSite(ABORTING)
    site.world.do(_judged(site, "130", "001", "01"))
    site.world.do(_judged(site, "401", "007", "02"))
    assert cancelled(site).outcome is CancelOutcome.OTHER_PARTITION
    site = AlarmedSite(ABORTING)
    site.world.do(_judged(site, "130", "001", "01"))
    site.world.do(_judged(site, "401", "007", "01"))
    assert cancelled(site).outcome is CancelOutcome.CLOSED


def _judged(site: AlarmedSite, code: str, number: str, partition: str) -> JudgeSignal:
    read = SignalRead(
        "dc09", "ADM-CID", "1234", code=code, qualifier="1", zone=number, partition=partition
    )
    return JudgeSignal(
        signal=site.world.id(),
        read=read,
        received_at=site.world.now,
        district="north",
        agency="city",
        device=site.panel,
        site=site.site,
        candidates=site.world.candidates(site.site, "", ""),
        assurance=Assurance.AUTHENTICATED,
        confirming=ABORTING,
    )


@pytest.mark.parametrize("code", ["FA", "HA", "PA", "MA", "GA", "1110", "1121", "1122", "WA"])
@pytest.mark.parametrize("cancel", ["1406", "OC", "FC", "BC", "OR"])
def test_nothing_but_intrusion_is_taken_back(code: str, cancel: str) -> None:
    site = alarmed(code=code)
    signal = site.hear(cancel, "7")
    assert site.incident.state is IncidentState.NEW
    assert site.incident.alarms.cancelled is None
    assert site.signal(signal).incident == site.id  # it is on the timeline all the same


def test_a_cancel_finds_the_burglary_beside_a_newer_trouble() -> None:
    site = alarmed()
    site.hear("FA", "8")
    site.hear(CANCEL)
    assert cancelled(site).outcome is CancelOutcome.OTHER_ALARM
    assert site.incident.alarms.cancelled is None


def test_a_further_alarm_overtakes_what_was_said() -> None:
    site = alarmed(Confirming())
    site.hear(CANCEL)
    assert avs.is_offered(site.incident)
    site.hear("BA", "2")
    assert cancelled(site).overtaken
    assert not avs.is_offered(site.incident)
    assert avs.level_of(site.incident) is Avs.PRESENCE


def test_the_same_is_not_said_twice_and_a_better_cancel_counts() -> None:
    site = alarmed()
    first = site.hear(CANCEL, assurance=Assurance.NONE)
    site.hear("1401", assurance=Assurance.NONE)
    assert cancelled(site).signal == first
    site.hear("1401")
    assert cancelled(site).outcome is CancelOutcome.CLOSED


def test_where_no_zone_is_named_two_alarms_may_be_of_two_sensors() -> None:
    site = AlarmedSite(ABORTING)
    site.hear("BA")
    site.hear("BA")
    site.hear(CANCEL)
    assert cancelled(site).outcome is CancelOutcome.MORE_ALARMED


def test_without_an_open_incident_it_is_recorded() -> None:
    site = AlarmedSite(ABORTING)
    signal = site.hear(CANCEL)
    assert site.signal(signal).reason is VerdictReason.NOTHING_OPEN
    assert site.ids == []


def test_no_alarm_of_the_tables_takes_anything_back() -> None:
    """A duress code disarms, and its alarm is what counts."""
    for code in contact_id.CODES:
        for qualifier in ("1", "3", "6"):
            means = contact_id.meaning_of(code, qualifier)
            read = SignalRead("dc09", "ADM-CID", "1", code=code, qualifier=qualifier)
            if means is not None and takes_back(read) is not None:
                assert (means.effect, qualifier) == (Effect.STATUS, "1"), code
    for code in sia.CODES:
        means = sia.meaning_of(code)
        assert means is not None
        if takes_back(SignalRead("dc09", "SIA-DCS", "1", code=code)) is not None:
            assert means.effect is Effect.STATUS, code


def test_a_restore_closes_its_zone_and_no_incident() -> None:
    site = alarmed()
    site.hear("FA", "1", device=site.world.id())  # another device's zone 1, another card
    site.hear("BA", "2")
    restore = site.hear("BR", "2")
    assert site.signal(restore).incident == site.ids[0]
    burglary = site.world.incident(site.ids[0])
    assert [one.sensor.zone for one in burglary.alarms.open_zones] == ["1"]
    assert burglary.state in OPEN
    site.hear("BJ", "1")  # a trouble of it is over, the alarm is not
    assert len(site.world.incident(site.ids[0]).alarms.open_zones) == 1
    site.hear("BR", "001")
    assert site.world.incident(site.ids[0]).alarms.open_zones == ()
    assert [one.sensor.zone for one in site.incident.alarms.open_zones] == ["1"]


def test_a_zone_that_alarms_again_is_open_since_then() -> None:
    site = alarmed()
    site.after(30)
    site.hear("BA", "1")
    (zone,) = site.incident.alarms.open_zones
    assert zone.since == site.world.now
    assert site.world.now - site.incident.opened_at == timedelta(seconds=30)
