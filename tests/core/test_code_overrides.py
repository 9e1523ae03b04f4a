"""What a site or an agency says a code means: the site comes before the agency, the agency before
the built-in tables; a special row before a general one; and what falls silent is named."""

from datetime import timedelta

import pytest
from world import World

from tocsin.core.code_tables import looked_up
from tocsin.core.codes import cap, contact_id, sia
from tocsin.core.codes.listing import listed
from tocsin.core.codes.overrides import CodeOverride, CodeTable
from tocsin.core.codes.silencing import sample, silenced
from tocsin.core.crowds import OWN_MAX
from tocsin.core.incidents.state import Band, band
from tocsin.core.signals import Effect, Verdict, VerdictReason
from tocsin.core.terms import IncidentType, Level


def row(code: str, effect: Effect = Effect.ALARM, **more: object) -> CodeOverride:
    values: dict[str, object] = {
        "list": "cid" if code.isdecimal() else "sia",
        "code": code,
        "effect": effect,
        "type": IncidentType.PANIC,
        "level": Level.P1,
        "needs_answer": effect in (Effect.ALARM, Effect.TROUBLE),
    }
    return CodeOverride(**values | more)  # type: ignore[arg-type]


def table(version: int, *rows: CodeOverride) -> CodeTable:
    return CodeTable(version, rows)


def version_for(code: str, *tables: CodeTable, qualifier: str = "", zone: str = "") -> int:
    listed = "cid" if code.isdecimal() else "sia"
    return looked_up(sample(listed, code, qualifier, zone), tables)[1]


def test_the_site_comes_before_the_agency_and_that_before_the_built_in_tables() -> None:
    site = table(7, row("BA", text_zh="店员求助", text_en="Staff call"))
    agency = table(3, row("BA"), row("PA", type=IncidentType.HOLDUP))
    assert version_for("BA", site, agency) == 7
    assert version_for("BA", agency) == 3
    assert version_for("PA", site, agency) == 3
    assert version_for("FA", site, agency) == 0
    found, _ = looked_up(sample("sia", "BA", "", "007"), (site, agency))
    assert (found.text_en, found.text_zh) == ("Staff call, zone 7", "店员求助，防区 7")
    assert found.type is IncidentType.PANIC
    # Without texts of its own, a row keeps the built-in ones.
    assert looked_up(sample("sia", "BA", "", "7"), (agency,))[0].text_en == "Burglary alarm, zone 7"


def test_a_row_for_zones_and_a_row_for_a_qualifier_come_before_the_general_one() -> None:
    general = row("750", type=IncidentType.TECHNICAL)
    zones = row("750", zone_from=10, zone_to=19, type=IncidentType.MEDICAL)
    ended = row("750", Effect.STATUS, qualifier="3", type=IncidentType.UNKNOWN)
    both = row("750", Effect.TEST, qualifier="3", zone_from=10, zone_to=19)
    found = table(1, general, ended, zones, both)

    def effect(qualifier: str, zone: str) -> tuple[Effect, IncidentType]:
        means = looked_up(sample("cid", "750", qualifier, zone), (found,))[0]
        return means.effect, means.type

    assert effect("1", "009") == (Effect.ALARM, IncidentType.TECHNICAL)
    assert effect("1", "010") == (Effect.ALARM, IncidentType.MEDICAL)
    assert effect("1", "019") == (Effect.ALARM, IncidentType.MEDICAL)
    assert effect("1", "020") == (Effect.ALARM, IncidentType.TECHNICAL)
    assert effect("1", "") == (Effect.ALARM, IncidentType.TECHNICAL)
    assert effect("1", "A1") == (Effect.ALARM, IncidentType.TECHNICAL)
    assert effect("3", "009") == (Effect.STATUS, IncidentType.UNKNOWN)
    assert effect("3", "015") == (Effect.TEST, IncidentType.PANIC)


def test_the_restore_and_the_repetition_of_an_overridden_event_follow_from_it() -> None:
    found = table(1, row("750", text_zh="冷库求救", text_en="Cold room call"))
    said = {one: looked_up(sample("cid", "750", one, ""), (found,))[0] for one in "136"}
    assert [said[one].effect for one in "136"] == [Effect.ALARM, Effect.RESTORE, Effect.ALARM]
    assert said["3"].text_en == "Cold room call, restored"
    assert said["6"].text_zh == "冷库求救，仍未恢复"
    assert not said["3"].needs_answer
    trouble = table(1, row("130", Effect.TROUBLE))
    again = looked_up(sample("cid", "130", "6", ""), (trouble,))[0]
    assert (again.effect, again.needs_answer) == (Effect.STATUS, False)
    # What is no event says of each qualifier what the built-in table does.
    test = table(1, row("401", Effect.TEST))
    assert looked_up(sample("cid", "401", "3", ""), (test,))[0].text_en == "Closed by user"


def test_a_users_number_stays_hidden_under_an_override() -> None:
    found = table(1, row("401", text_zh="门店开门", text_en="Shop opened"))
    means = looked_up(sample("cid", "401", "1", "012"), (found,))[0]
    assert (means.text_en, means.text_zh) == ("Shop opened", "门店开门")


@pytest.mark.parametrize("code", ["FA", "MA", "HA", "PA", "GA", "QA", "KA"])
@pytest.mark.parametrize("effect", [Effect.RESTORE, Effect.TEST, Effect.STATUS])
def test_a_call_for_help_that_falls_silent_is_named(code: str, effect: Effect) -> None:
    found = silenced((), (table(1, row(code, effect)),))
    assert [(one.list, one.code) for one in found] == [("sia", code)]


def test_what_still_opens_an_incident_is_not_silent() -> None:
    fine = [
        row("FA", Effect.TROUBLE),
        row("MA", type=IncidentType.TECHNICAL, level=Level.P4),
        row("HA", Effect.STATUS, needs_answer=True),
        row("BA", Effect.TEST),  # a burglary may be turned off without a word
        row("401", Effect.TEST),
    ]
    assert silenced((), (table(1, *fine),)) == []
    assert silenced((), (table(1, row("FA", needs_answer=False)),)) != []


def test_each_qualifier_and_zone_is_looked_at() -> None:
    both = silenced((), (table(1, row("110", Effect.TEST)),))
    assert [one.qualifier for one in both] == ["1", "6"]
    still = silenced((), (table(1, row("110", Effect.TEST, qualifier="6")),))
    assert [one.qualifier for one in still] == ["6"]
    assert silenced((), (table(1, row("110", Effect.TEST, qualifier="3")),)) == []
    some = silenced((), (table(1, row("110", Effect.TEST, zone_from=4, zone_to=6)),))
    assert {(one.qualifier, one.zone) for one in some} == {
        (qualifier, zone) for qualifier in "16" for zone in "46"
    }


def test_what_a_table_in_force_made_a_call_for_help_does_not_fall_silent_either() -> None:
    now = table(1, row("458", type=IncidentType.PANIC, zone_from=5, zone_to=5))
    found = silenced((now,), (table(2),))
    assert {(one.code, one.zone) for one in found} == {("458", "5")}
    assert silenced((now,), (now,)) == []


def hear(world: World, means: CodeOverride, site: bool = True) -> tuple[Verdict, VerdictReason]:
    found, version = looked_up(sample(means.list, means.code, "", "4"), (table(9, means),))
    signal = world.hear(
        means.code, site=world.id() if site else None, means=found, codes_version=version
    )
    state = world.signal(signal)
    assert state.codes_version == 9
    assert (state.text_zh, state.text_en) == (found.text_zh, found.text_en)
    return state.verdict, state.reason


def test_judging_follows_the_table_and_says_which_one_it_was() -> None:
    world = World()
    assert hear(world, row("OP")) == (Verdict.OPENED, VerdictReason.ALARM)
    assert world.incident(world.incidents()[-1]).type is IncidentType.PANIC
    assert hear(world, row("FA", Effect.TEST)) == (Verdict.RECORDED, VerdictReason.TEST)
    silent = row("BA", needs_answer=False)
    assert hear(world, silent) == (Verdict.RECORDED, VerdictReason.NO_ANSWER_NEEDED)
    assert hear(world, silent, site=False) == (Verdict.RECORDED, VerdictReason.NO_ANSWER_NEEDED)
    answered = row("OP", Effect.STATUS, needs_answer=True)
    assert hear(world, answered) == (Verdict.OPENED, VerdictReason.NEEDS_ANSWER)
    assert band(world.incident(world.incidents()[-1])) is Band.WATCH
    built_in = world.signal(world.hear("FA", site=world.id()))
    assert (built_in.codes_version, built_in.text_en) == (0, "")


@pytest.mark.parametrize("effect", [Effect.TROUBLE, Effect.STATUS])
@pytest.mark.parametrize(("level", "seconds"), [(Level.P1, 60), (Level.P2, 120), (Level.P4, 900)])
def test_a_card_has_the_level_and_the_time_that_the_table_gives(
    effect: Effect, level: Level, seconds: int
) -> None:
    world = World()
    said = row("AT", effect, level=level, type=IncidentType.TECHNICAL, needs_answer=True)
    assert hear(world, said)[0] is Verdict.OPENED
    incident = world.incident(world.incidents()[-1])
    assert (incident.level, band(incident)) == (level, Band.WATCH)
    assert incident.due_at == world.now + timedelta(seconds=seconds)
    plain = world.hear("AT", site=world.id())
    incident = world.incident(world.signal(plain).incident)
    assert (incident.level, incident.due_at) == (Level.P4, world.now + timedelta(hours=1))


def test_a_card_that_is_open_is_as_grave_as_the_table_says_of_what_joins_it() -> None:
    world = World()
    site = world.id()
    world.hear("YT", site=site)
    (card,) = world.incidents()
    for quiet, expected in ((False, Level.P4), (True, Level.P2)):
        said = row("AT", Effect.TROUBLE, level=Level.P2, needs_answer=quiet)
        means, version = looked_up(sample("sia", "AT", "", "4"), (table(9, said),))
        signal = world.hear("AT", site=site, means=means, codes_version=version)
        assert world.signal(signal).incident == card
        assert world.incident(card).level is expected
    assert world.incident(card).due_at == world.now + timedelta(seconds=120)
    assert world.rebuilt() == world.states


def test_a_crowd_is_as_grave_as_the_table_says_of_what_goes_into_it() -> None:
    world = World()
    for _ in range(OWN_MAX):
        world.hear("AT", site=world.id())
    said = row("YT", Effect.TROUBLE, level=Level.P2, needs_answer=True)
    means, version = looked_up(sample("sia", "YT", "", ""), (table(9, said),))
    signal = world.hear("YT", site=world.id(), means=means, codes_version=version)
    assert world.signal(signal).reason is VerdictReason.CROWD
    crowd = world.incident(world.signal(signal).incident)
    assert (crowd.level, crowd.due_at) == (Level.P2, world.now + timedelta(seconds=120))


def test_an_unknown_source_stays_where_it_was_whatever_a_table_says() -> None:
    """Nobody vouches for it: an invented account would choose its own priority."""
    world = World()
    said = row("AT", Effect.TROUBLE, level=Level.P1, needs_answer=True)
    hear(world, said, site=False)
    incident = world.incident(world.incidents()[-1])
    assert (incident.level, band(incident)) == (Level.P4, Band.WATCH)


def test_a_status_that_needs_an_answer_opens_a_watch_card_by_itself() -> None:
    world = World()
    state = world.signal(world.hear("JK", "31", site=world.id()))
    assert (state.verdict, state.reason) == (Verdict.OPENED, VerdictReason.NEEDS_ANSWER)
    incident = world.incident(world.incidents()[0])
    assert band(incident) is Band.WATCH
    assert incident.title_en == "Latch-key alert: child not home in time · Mill"


def test_the_whole_table_shows_each_code_and_where_its_row_comes_from() -> None:
    plain = list(listed())
    assert len(plain) == 3 * len(contact_id.CODES) + len(sia.CODES) + 3 * len(cap.CODES)
    assert {one.version for one in plain} == {0}
    site = table(7, row("130", zone_from=4, zone_to=6, type=IncidentType.MEDICAL))
    agency = table(
        3, row("130"), row("750", text_zh="求助", text_en="Call", zone_from=1, zone_to=2)
    )
    both = list(listed((site, agency)))
    assert len(both) == len(plain) + 3 + 2 * 3  # zones of 130; 750 with and without its zones
    shown = [
        (one.qualifier, one.zones, one.version, one.means.type)
        for one in both
        if one.code == "130" and one.qualifier == "1"
    ]
    assert shown == [
        ("1", "", 3, IncidentType.PANIC),
        ("1", "4-6", 7, IncidentType.MEDICAL),
    ]
    # A site's row for every zone stands before its agency's row for some, as in judging.
    general = table(8, row("750", text_zh="求救", text_en="Help"))
    found = [one for one in listed((general, agency)) if one.code == "750"]
    assert {(one.zones, one.version) for one in found} == {("", 8)}
    assert version_for("750", general, agency, qualifier="1", zone="1") == 8
