"""Alarm validation levels: from the evidence of this activation, or a person's word, with why."""

from uuid import UUID

import pytest

from core.alarmed_site import AlarmedSite
from tocsin.core import avs
from tocsin.core.avs import Assessment, AvsWhy
from tocsin.core.commands import (
    CloseIncident,
    MergeIncidents,
    MoveSignal,
    SplitIncident,
    ValidateIncident,
)
from tocsin.core.confirmation import Avs, Confirming, ConfirmRule, RaisedBecause
from tocsin.core.incidents.alarms import EVIDENCE_MAX, OPEN_ZONES_MAX
from tocsin.core.incidents.facts import IncidentRaised, IncidentValidated
from tocsin.core.incidents.state import Band, band
from tocsin.core.terms import Disposition, IncidentType, Reason


def level(site: AlarmedSite, one: UUID | None = None) -> Assessment | None:
    return avs.assessed(site.world.incident(one or site.ids[0]))


def test_an_alarm_and_no_more_is_1() -> None:
    site = AlarmedSite()
    signal = site.hear("BA", "1")
    assert level(site) == Assessment(Avs.LIMITED, AvsWhy.ALARM, (signal,))


def test_two_zones_within_the_sites_window_are_2() -> None:
    site = AlarmedSite(Confirming(window_s=600))
    one = site.hear("BA", "1")
    site.after(601)
    two = site.hear("BA", "2")
    assert level(site) == Assessment(Avs.LIMITED, AvsWhy.ALARM, (one, two))
    site.after(600)
    three = site.hear("BA", "3")
    assert level(site) == Assessment(Avs.PRESENCE, AvsWhy.TWO_ZONES, (two, three))


def test_two_technologies_are_2_though_no_zone_is_named() -> None:
    site = AlarmedSite()
    one, two = site.hear("1131"), site.hear("1132")
    assert level(site) == Assessment(Avs.PRESENCE, AvsWhy.TWO_TECHNOLOGIES, (one, two))


@pytest.mark.parametrize("code", ["BV", "BM", "1139"])
def test_what_the_panel_verified_is_2(code: str) -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    signal = site.hear(code, "1")
    assert level(site) == Assessment(Avs.PRESENCE, AvsWhy.VERIFIED, (signal,))


@pytest.mark.parametrize("code", ["HA", "PA", "ND", "1120", "1121", "1122", "1129"])
def test_who_calls_for_help_is_4(code: str) -> None:
    site = AlarmedSite()
    signal = site.hear(code, "1")
    assert level(site) == Assessment(Avs.LIFE, AvsWhy.LIFE, (signal,))


@pytest.mark.parametrize("code", ["FA", "MA", "GA", "WA", "UA", "AT"])
def test_other_types_have_no_level(code: str) -> None:
    site = AlarmedSite()
    site.hear(code, "1")
    assert level(site) is None
    refusal = site.world.refused(ValidateIncident(site.id, Avs.PROPERTY, "seen"))
    assert refusal.reason is Reason.AVS_NOT_FOR_TYPE


def test_a_call_about_a_burglary_has_none_until_a_person_gives_one() -> None:
    site = AlarmedSite()
    call = site.world.call(IncidentType.BURGLARY)
    assert level(site, call) is None
    site.world.do(ValidateIncident(call, Avs.PROPERTY, "the caller sees him break the door"))
    assert level(site, call) == Assessment(Avs.PROPERTY, AvsWhy.BY_HAND)


def test_what_happened_on_another_day_or_site_counts_for_nothing() -> None:
    site = AlarmedSite()
    for zone in "123":
        site.hear("BA", zone)
        site.world.do(CloseIncident(site.id, Disposition.FALSE_ALARM))
        site.after(5)
    site.hear("BA", "4")
    assert level(site, site.id) == Assessment(Avs.LIMITED, AvsWhy.ALARM, site.incident.signals)


def test_late_alarms_alone_are_1_and_no_evidence() -> None:
    site = AlarmedSite()
    site.hear("HA", "1", age_s=3_601)
    site.hear("HA", "2", age_s=3_601)
    found = level(site)
    assert found is not None
    assert (found.level, found.why) == (Avs.LIMITED, AvsWhy.LATE)
    assert site.incident.alarms.evidence == ()


def test_a_person_sets_it_and_says_why() -> None:
    site = AlarmedSite()
    signal = site.hear("BA", "1")
    (validated,) = site.world.do(ValidateIncident(site.id, Avs.PROPERTY, " two men, one ladder "))
    assert isinstance(validated, IncidentValidated)
    assert (validated.by_name, validated.by_evidence) == ("Li Wei", Avs.LIMITED)
    assert validated.reason == "two men, one ladder"
    assert level(site) == Assessment(Avs.PROPERTY, AvsWhy.BY_HAND, (signal,))
    again = site.world.refused(ValidateIncident(site.id, Avs.PROPERTY, "as I said"))
    assert again.reason is Reason.ALREADY_SO
    empty = site.world.refused(ValidateIncident(site.id, Avs.LIFE, "  "))
    assert empty.reason is Reason.TEXT_EMPTY
    site.world.do(CloseIncident(site.id, Disposition.HANDLED))
    closed = site.world.refused(ValidateIncident(site.id, Avs.LIFE, "a knife"))
    assert closed.reason is Reason.INCIDENT_CLOSED


def test_a_person_who_says_0_mutes_no_evidence_that_comes_later() -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    site.world.do(ValidateIncident(site.id, Avs.NO_CALL, "the cleaner"))
    assert avs.level_of(site.incident) is Avs.NO_CALL
    site.hear("BA", "1")
    assert avs.level_of(site.incident) is Avs.NO_CALL  # nothing new
    site.hear("BA", "2")
    assert level(site) == Assessment(
        Avs.PRESENCE, AvsWhy.TWO_ZONES, (site.incident.signals[0], site.incident.signals[2])
    )
    site.world.do(ValidateIncident(site.id, Avs.NO_CALL, "both zones, the cleaner"))
    site.hear("BA", "3")
    assert avs.level_of(site.incident) is Avs.NO_CALL  # that somebody is there was known


@pytest.mark.parametrize(("given", "raised"), [(Avs.LIMITED, False), (Avs.PRESENCE, True)])
def test_who_says_that_somebody_is_there_confirms_what_waits(given: Avs, raised: bool) -> None:
    site = AlarmedSite(Confirming(ConfirmRule.VERIFIED))
    site.hear("BA", "1")
    facts = site.world.do(ValidateIncident(site.id, given, "seen on the camera"))
    reasons = [fact.reason for fact in facts if isinstance(fact, IncidentRaised)]
    assert reasons == ([RaisedBecause.BY_HAND] if raised else [])
    assert band(site.incident) is (Band.UNASSIGNED if raised else Band.WATCH)


def test_a_merged_incident_brings_its_level_and_takes_it_along() -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    signal = site.hear("HA", "2")
    burglary, holdup = site.ids
    site.world.do(MergeIncidents(holdup, burglary))
    assert level(site, burglary) == Assessment(Avs.LIFE, AvsWhy.MERGED, (signal,))
    site.world.do(SplitIncident(holdup))
    assert avs.level_of(site.world.incident(burglary)) is Avs.LIMITED
    assert site.world.rebuilt() == site.world.states


def test_a_signal_that_is_moved_takes_its_evidence_along() -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    second = site.hear("BA", "2")
    call = site.world.call(IncidentType.BURGLARY)
    site.world.do(MoveSignal(second, site.ids[0], call))
    assert avs.level_of(site.world.incident(site.ids[0])) is Avs.LIMITED
    assert level(site, call) == Assessment(Avs.LIMITED, AvsWhy.ALARM, (second,))


def test_evidence_is_bounded_and_keeps_the_first_and_the_newest_of_a_sensor() -> None:
    site = AlarmedSite()
    signals = [site.hear("BA", "1") for _ in range(5)]
    assert [one.signal for one in site.incident.alarms.evidence] == [signals[0], signals[-1]]
    for zone in range(2, 60):
        site.hear("BA", str(zone))
    alarms = site.incident.alarms
    assert len(alarms.evidence) == EVIDENCE_MAX
    assert alarms.evidence[-1].signal == site.incident.signals[-1]
    assert level(site) == Assessment(
        Avs.PRESENCE, AvsWhy.TWO_ZONES, (signals[0], alarms.evidence[2].signal)
    )
    assert (len(alarms.open_zones), alarms.open_zones_more) == (OPEN_ZONES_MAX, True)


def test_so_many_zones_are_named_and_no_more() -> None:
    site = AlarmedSite()
    for zone in range(1, OPEN_ZONES_MAX + 1):
        site.hear("BA", str(zone))
    assert not site.incident.alarms.open_zones_more
    assert len(site.incident.alarms.open_zones) == OPEN_ZONES_MAX
