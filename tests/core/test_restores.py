"""A restore takes back the alarm that it is the restore of, and no other at its zone."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.alarmed_site import AlarmedSite
from tocsin.core.code_tables import looked_up
from tocsin.core.codes import contact_id, sia
from tocsin.core.codes.overrides import CodeOverride, CodeTable
from tocsin.core.codes.restoring import restored_by
from tocsin.core.codes.silencing import sample
from tocsin.core.commands import ClassifyIncident, MergeIncidents, SplitIncident
from tocsin.core.confirmation import CancelOutcome, Confirming, Sensor
from tocsin.core.incidents import alarms
from tocsin.core.incidents.alarms import NO_ALARMS
from tocsin.core.incidents.facts import IncidentSplit, SignalJoined
from tocsin.core.incidents.state import OPEN, open_zones
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level


def open_codes(site: AlarmedSite) -> list[str]:
    """By which codes alarms are open, over all cards of the site."""
    cards = (site.world.incident(one) for one in site.ids)
    opened = (zone for card in cards if card.state in OPEN for zone in open_zones(card))
    return sorted(zone.code for zone in opened)


@pytest.mark.parametrize(
    ("alarm", "restore"),
    [
        *[("FA", "XR"), ("FA", "BR"), ("FA", "TR"), ("FA", "FJ"), ("FA", "KR"), ("FA", "SR")],
        *[("FA", "FV"), ("FA", "UR"), ("FA", "AR"), ("FA", "YR"), ("FA", "3110")],
        *[("GA", "TR"), ("WA", "TR"), ("WA", "XR"), ("BA", "TR"), ("TA", "BR"), ("HA", "PR")],
        *[("1110", "3384"), ("1110", "3130"), ("1110", "3300"), ("1110", "FR")],
        *[("1130", "3137"), ("1111", "3110"), ("1151", "3162"), ("6110", "3384")],
    ],
)
def test_the_restore_of_something_else_leaves_the_alarm_open(alarm: str, restore: str) -> None:
    site = AlarmedSite()
    site.hear(alarm, "16")
    before = open_codes(site)
    site.after(2)
    restored = site.hear(restore, "16")
    assert site.signal(restored).incident == site.id  # it is said on the card
    assert len(before) == 1
    assert open_codes(site) == before


@pytest.mark.parametrize(
    ("alarm", "restore"),
    [
        *[("FA", "FR"), ("FA", "FH"), ("FM", "FR"), ("BA", "BH"), ("BM", "BR"), ("EA", "BR")],
        *[("GA", "GR"), ("KA", "KH"), ("WA", "WR"), ("HA", "HH"), ("PA", "PR"), ("MA", "MH")],
        *[("QA", "QR"), ("ZA", "ZH"), ("TA", "TR"), ("SA", "SR"), ("UA", "UR"), ("NA", "NS")],
        *[("1110", "3110"), ("6110", "3110"), ("1137", "3137"), ("1154", "3154")],
    ],
)
def test_its_own_restore_ends_the_alarm(alarm: str, restore: str) -> None:
    site = AlarmedSite()
    site.hear(alarm, "16")
    assert len(open_codes(site)) == 1
    site.after(2)
    site.hear(restore, "16")
    assert open_codes(site) == []


def test_a_tampers_restore_is_told_where_its_tamper_is_open() -> None:
    site = AlarmedSite()
    for code in ("WA", "TA", "GA"):
        site.hear(code, "5")
    water, tamper, gas = site.ids
    restore = site.hear("TR", "5")
    assert site.signal(restore).incident == tamper
    cards = [site.world.incident(one) for one in (water, tamper, gas)]
    assert [[zone.code for zone in open_zones(one)] for one in cards] == [
        ["sia/WA"],
        [],
        ["sia/GA"],
    ]


def test_two_alarms_of_one_zone_in_one_card_end_each_by_its_own_restore() -> None:
    site = AlarmedSite()
    site.hear("BA", "5")
    site.hear("TA", "5")
    assert len(site.ids) == 1
    assert open_codes(site) == ["sia/BA", "sia/TA"]
    site.hear("TR", "5")
    assert open_codes(site) == ["sia/BA"]
    site.hear("BR", "5")
    assert open_codes(site) == []


def test_what_restored_while_it_was_merged_is_quiet_after_the_split_and_no_more() -> None:
    site = AlarmedSite()
    other = site.world.signal(site.world.hear("BA", "9", site=site.world.id())).incident
    assert other is not None
    site.hear("BA", "5")
    site.hear("TA", "5")
    one = site.id
    site.world.do(MergeIncidents(one, other))
    site.hear("TR", "5")
    merged = open_zones(site.world.incident(other))
    assert [zone.code for zone in merged] == ["sia/BA", "sia/BA"]
    site.world.do(SplitIncident(one))
    assert [zone.code for zone in open_zones(site.world.incident(one))] == ["sia/BA"]
    assert site.world.rebuilt() == site.world.states


# -- code lists and tables -------------------------------------------------------------------------


def test_every_restore_of_the_list_is_of_alarms_of_its_own_type_or_of_none() -> None:
    for code in sia.CODES:
        restored = restored_by("sia", code, "")
        means = sia.meaning_of(code)
        assert means is not None
        assert not restored or means.effect is Effect.RESTORE, code
        for one in restored:
            alarm = sia.meaning_of(one)
            assert alarm is not None
            assert alarm.effect is Effect.ALARM, one
            expected = (means.type, IncidentType.UNKNOWN) if code[0] == "U" else (means.type,)
            if one not in ("NA", "UZ"):
                assert alarm.type in expected, (code, one)
        if code[1:] == "J" or means.type is IncidentType.TECHNICAL:
            assert not restored or code[0] in "WZ", code


def test_every_alarm_of_a_zone_has_a_restore_but_what_shows_in_no_zone() -> None:
    by = {one for code in sia.CODES for one in restored_by("sia", code, "")}
    alarming = {code for code in sia.CODES if sia.meaning_of(code).effect is Effect.ALARM}  # type: ignore[union-attr]
    assert alarming - by == {"AA", "ND"}  # of a panel, of a partition
    for code in contact_id.CODES:
        assert restored_by("cid", code, "3") == (code,)
        assert restored_by("cid", code, "1") == restored_by("cid", code, "6") == ()


def by_table(code: str, effect: Effect, kind: IncidentType, **more: Any) -> CodeTable:
    listed = "cid" if code.isdecimal() else "sia"
    return CodeTable(3, [CodeOverride(listed, code, effect, kind, Level.P1, **more)])


def hear_by(site: AlarmedSite, table: CodeTable, code: str) -> UUID:
    listed, bare = ("cid", code[1:]) if len(code) == 4 else ("sia", code)
    qualifier = code[0] if listed == "cid" else ""
    means, version = looked_up(sample(listed, bare, qualifier, "4"), [table])
    return site.hear(code, "4", means=means, codes_version=version)


@pytest.mark.parametrize(
    ("code", "kind", "left"),
    [
        ("XI", IncidentType.FIRE, []),  # a sensor that was reset, says its chief
        ("Q9", IncidentType.FIRE, ["sia/FA"]),  # unknown, so its number may be no zone
        ("XI", IncidentType.GAS, ["sia/FA"]),
        ("XI", IncidentType.TECHNICAL, ["sia/FA"]),
        ("XI", IncidentType.UNKNOWN, ["sia/FA"]),
        ("XR", IncidentType.TECHNICAL, ["sia/FA"]),  # the battery, in other words
        ("FJ", IncidentType.FIRE, ["sia/FA"]),  # the trouble, in other words
    ],
)
def test_a_table_may_say_what_a_code_without_a_pair_restores(
    code: str, kind: IncidentType, left: list[str]
) -> None:
    site = AlarmedSite()
    site.hear("FA", "4")
    hear_by(site, by_table(code, Effect.RESTORE, kind), code)
    assert open_codes(site) == left


def test_general_restores_are_said_and_take_nothing_back() -> None:
    site = AlarmedSite()
    site.hear("WA", "4")
    kinds = (IncidentType.TECHNICAL, IncidentType.UNKNOWN)
    for kind in kinds:
        restore = hear_by(site, by_table("XI", Effect.RESTORE, kind), "XI")
        assert site.signal(restore).incident == site.id
    assert open_codes(site) == ["sia/WA"]


def test_where_a_table_makes_a_trouble_an_alarm_its_restore_ends_that() -> None:
    site = AlarmedSite()
    table = by_table("384", Effect.ALARM, IncidentType.FIRE)
    site.hear("1110", "4")
    hear_by(site, table, "1384")
    assert open_codes(site) == ["cid/110", "cid/384"]
    hear_by(site, table, "3384")
    assert open_codes(site) == ["cid/110"]


# -- a user's cancel -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["1406", "OP", "BC"])
def test_a_fire_that_somebody_calls_a_burglary_is_not_closed_by_a_cancel(code: str) -> None:
    site = AlarmedSite(Confirming(abort_s=600))
    site.hear("FA", "1")
    site.world.do(ClassifyIncident(site.id, IncidentType.BURGLARY))
    site.after(5)
    site.hear(code, "7")
    assert site.incident.state in OPEN
    assert site.incident.alarms.cancelled is not None
    assert site.incident.alarms.cancelled.outcome is CancelOutcome.OTHER_ALARM


# -- the log of before -----------------------------------------------------------------------------


def without_codes(fact: SignalJoined) -> SignalJoined:
    """As the log had it before alarms told their codes."""
    told = msgspec.to_builtins(fact)
    del told["takes_back"]
    if told["evidence"] is not None:
        del told["evidence"]["code"], told["evidence"]["type"]
    return msgspec.convert(told, SignalJoined)


def joined(site: AlarmedSite) -> SignalJoined:
    return [one for *_, one in site.world.log if isinstance(one, SignalJoined)][-1]


@pytest.mark.parametrize(("restore", "left"), [("FR", 0), ("BR", 1), ("TR", 1)])
def test_an_alarm_of_before_is_of_its_cards_type(restore: str, left: int) -> None:
    site = AlarmedSite()
    site.hear("FA", "1")
    opened = alarms.evolve(NO_ALARMS, without_codes(joined(site)), IncidentType.FIRE)
    assert [(one.code, one.type) for one in opened.open_zones] == [("", None)]
    site.hear(restore, "1")
    assert len(alarms.evolve(opened, joined(site), IncidentType.FIRE).open_zones) == left


def test_a_restore_of_before_says_its_zone_only() -> None:
    site = AlarmedSite()
    site.hear("FA", "1")
    opened = alarms.evolve(NO_ALARMS, joined(site), IncidentType.FIRE)
    site.hear("BR", "1")
    quiet = without_codes(joined(site))
    assert (quiet.restores, quiet.takes_back) == (Sensor(site.panel, "1"), None)
    assert alarms.evolve(opened, quiet, IncidentType.FIRE).open_zones == ()


def test_a_split_of_before_named_sensors() -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    opened = alarms.evolve(NO_ALARMS, joined(site), IncidentType.BURGLARY)
    split = IncidentSplit(site.world.id(), restored=(Sensor(site.panel, "1"),))
    assert alarms.without(opened, split).open_zones == ()


# -- in any order ----------------------------------------------------------------------------------

PAIRS = {
    "FR": "FA",
    "FH": "FA",
    "GR": "GA",
    "BR": "BA",
    "BH": "BA",
    "TR": "TA",
    "WR": "WA",
    "3110": "1110",
    "3130": "1130",
    "3137": "1137",
}
OF_OTHERS = ("XR", "FJ", "BJ", "TJ", "YR", "3384", "3301", "OP", "1406")


def told_as(alarm: str) -> str:
    return f"cid/{alarm[1:]}" if len(alarm) == 4 else f"sia/{alarm}"


@given(
    pairs=st.lists(st.sampled_from(sorted(PAIRS)), min_size=2, max_size=2, unique_by=PAIRS.get),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_an_alarm_is_open_until_its_own_restore(pairs: list[str], data: st.DataObject) -> None:
    """Alarms and restores of two kinds at one zone of one device, in any order."""
    codes = [*pairs, *(PAIRS[one] for one in pairs), data.draw(st.sampled_from(OF_OTHERS))]
    site, still = AlarmedSite(), set[str]()
    for code in data.draw(st.lists(st.sampled_from(codes), max_size=12)):
        site.after(2)
        site.hear(code, "3")
        if code in PAIRS:
            still.discard(told_as(PAIRS[code]))
        elif code in PAIRS.values():
            still.add(told_as(code))
        assert open_codes(site) == sorted(still), code
    assert site.world.rebuilt() == site.world.states
