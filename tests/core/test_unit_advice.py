"""Advice: the quickest capable units, what is missing, what could be diverted, and why."""

from dataclasses import replace
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.dispatch import (
    REQUIREMENTS,
    Advice,
    AdviceCode,
    AdviceReason,
    AdviceSnapshot,
    Candidate,
    Requirement,
    Shortfall,
    advise,
)
from tocsin.core.terms import Capability, IncidentType, Level
from tocsin.core.units import FREE, UnitState

PUMP, LADDER, COMMAND = Capability.PUMP, Capability.LADDER, Capability.COMMAND
AMBULANCE, ADVANCED = Capability.AMBULANCE, Capability.ADVANCED_LIFE_SUPPORT
PATROL = Capability.PATROL


def unit(number: int, minutes: float | None, *capabilities: Capability, **more) -> Candidate:
    known = {
        "call_sign": f"U{number:02}",
        "kind": "engine",
        "state": UnitState.IN_STATION,
        "km": 1.0,
    }
    return Candidate(
        unit=UUID(int=number), capabilities=capabilities, minutes=minutes, **(known | more)
    )


def snapshot(kind: IncidentType, level: Level, *units: Candidate, attached=()) -> AdviceSnapshot:
    return AdviceSnapshot(kind, level, attached, units)


def sent(advice: Advice) -> list[str]:
    return [one.call_sign for one in advice.ranked if one.recommended]


def reasons(advice: Advice, call_sign: str) -> list[AdviceCode]:
    for one in (*advice.ranked, *advice.alternatives):
        if one.call_sign == call_sign:
            return [reason.code for reason in one.reasons]
    raise AssertionError(f"{call_sign} is not in the advice")


def test_the_quickest_of_each_capability() -> None:
    advice = advise(
        snapshot(
            IncidentType.FIRE,
            Level.P1,
            unit(1, 9.0, PUMP),
            unit(2, 3.0, PUMP),
            unit(3, 6.0, PUMP),
            unit(4, 7.0, LADDER),
            unit(5, 2.0, PATROL),
            unit(6, 12.0, COMMAND),
            unit(7, 8.0, AMBULANCE),
        )
    )
    assert sent(advice) == ["U02", "U03", "U04", "U07", "U06"]
    assert [one.call_sign for one in advice.ranked] == [
        "U02",
        "U03",
        "U04",
        "U07",
        "U06",
        "U01",
        "U05",
    ]
    assert reasons(advice, "U02") == [AdviceCode.CLOSEST]
    assert reasons(advice, "U03") == [AdviceCode.CAPABILITY]
    assert reasons(advice, "U01") == [AdviceCode.NEXT_BEST]
    assert reasons(advice, "U05") == [AdviceCode.NOT_NEEDED]
    assert advice.shortfalls == ()
    assert (advice.degraded, advice.basis) == (False, "road")


def test_the_nearest_ambulance_goes_though_the_better_one_is_further() -> None:
    basic, advanced = unit(1, 3.0, AMBULANCE), unit(2, 11.0, AMBULANCE, ADVANCED)
    both = snapshot(IncidentType.MEDICAL, Level.P1, basic, advanced)
    assert sent(advise(both)) == ["U01", "U02"]
    near = snapshot(IncidentType.MEDICAL, Level.P1, basic, replace(advanced, minutes=2.0))
    assert sent(advise(near)) == ["U02"]
    assert reasons(advise(near), "U02") == [AdviceCode.CLOSEST, AdviceCode.CAPABILITY]


def test_what_is_attached_counts() -> None:
    advice = advise(
        snapshot(
            IncidentType.FIRE,
            Level.P2,
            unit(1, 3.0, PUMP),
            unit(2, 4.0, PUMP),
            attached=((PUMP, LADDER),),
        )
    )
    assert advice.requirements == (Requirement(PUMP, 2, 1), Requirement(LADDER, 1, 1))
    assert sent(advice) == ["U01"]


def test_a_missing_time_is_never_zero_minutes() -> None:
    advice = advise(snapshot(IncidentType.FIRE, Level.P3, unit(1, None, PUMP), unit(2, 55.0, PUMP)))
    assert sent(advice) == ["U02"]
    assert not advice.degraded
    only = advise(snapshot(IncidentType.FIRE, Level.P3, unit(1, None, PUMP)))
    assert sent(only) == ["U01"]
    assert reasons(only, "U01") == [AdviceCode.CAPABILITY, AdviceCode.NO_ROAD_TIME]
    assert only.degraded


def test_a_straight_line_is_labelled() -> None:
    advice = advise(snapshot(IncidentType.FIRE, Level.P3, unit(1, 4.0, PUMP, degraded=True)))
    assert reasons(advice, "U01") == [AdviceCode.CLOSEST, AdviceCode.STRAIGHT_LINE]
    assert (advice.degraded, advice.basis) == (True, "straight_line")


def test_a_stale_position_is_labelled_and_loses_a_tie() -> None:
    stale = unit(1, 4.0, PUMP, position_age_s=301.0)
    fresh = unit(2, 4.1, PUMP, position_age_s=10.0)
    advice = advise(snapshot(IncidentType.FIRE, Level.P3, stale, fresh))
    assert sent(advice) == ["U02"]
    alone = advise(snapshot(IncidentType.FIRE, Level.P3, stale))
    assert alone.ranked[0].reasons[-1] == AdviceReason(AdviceCode.POSITION_STALE, {"age_min": 5})
    assert alone.degraded


def test_a_shortfall_is_said_and_a_busy_unit_offered() -> None:
    busy = {"state": UnitState.UNDER_WAY, "incident": UUID(int=99)}
    advice = advise(
        snapshot(
            IncidentType.FIRE,
            Level.P2,
            unit(1, 3.0, PUMP),
            unit(2, 5.0, PUMP, incident_level=Level.P4, **busy),
            unit(3, 4.0, PUMP, incident_level=Level.P2, **busy),
            unit(4, 4.0, PUMP, incident_level=Level.P4, state=UnitState.TRANSPORTING),
            unit(5, 1.0, PUMP, state=UnitState.OUT_OF_SERVICE),
        )
    )
    assert sent(advice) == ["U01"]
    assert advice.shortfalls == (Shortfall(PUMP, 1), Shortfall(LADDER, 1))
    assert [one.call_sign for one in advice.alternatives] == ["U02"]
    assert advice.alternatives[0].reasons == (
        AdviceReason(AdviceCode.DIVERTING, {"capability": PUMP, "level": 4}),
    )


@pytest.mark.parametrize(("minutes", "offered"), [(5.0, True), (5.1, False), (None, False)])
def test_a_busy_unit_is_offered_where_it_is_clearly_sooner(
    minutes: float | None, offered: bool
) -> None:
    busy = unit(2, minutes, PUMP, state=UnitState.AT_SCENE, incident_level=Level.P4)
    advice = advise(snapshot(IncidentType.FIRE, Level.P3, unit(1, 8.0, PUMP), busy))
    assert sent(advice) == ["U01"]
    assert bool(advice.alternatives) is offered


def test_equipment_calls_for_no_unit() -> None:
    advice = advise(snapshot(IncidentType.TECHNICAL, Level.P4, unit(1, 1.0, PATROL)))
    assert (sent(advice), advice.requirements, advice.shortfalls) == ([], (), ())


def test_every_type_and_level_has_its_requirements() -> None:
    assert set(REQUIREMENTS) == set(IncidentType)
    for by_level in REQUIREMENTS.values():
        assert len(by_level) == len(Level)
        for needs in by_level:
            assert all(count > 0 for count in needs.values())


candidates = st.lists(
    st.builds(
        lambda number, minutes, capabilities, state, level: unit(
            number,
            minutes,
            *capabilities,
            state=state,
            incident_level=None if state in FREE else level,
        ),
        st.integers(1, 60),
        st.none() | st.floats(0, 90),
        st.sets(st.sampled_from(Capability), max_size=3).map(sorted),
        st.sampled_from(UnitState),
        st.sampled_from(Level),
    ),
    max_size=25,
    unique_by=lambda one: one.unit,
)


@given(candidates, st.sampled_from(IncidentType), st.sampled_from(Level), st.integers())
def test_advice_holds_together(
    units: list[Candidate], kind: IncidentType, level: Level, seed: int
) -> None:
    advice = advise(snapshot(kind, level, *units))
    shuffled = list(units)
    Random(seed).shuffle(shuffled)
    assert advise(snapshot(kind, level, *shuffled)) == advice

    known = {one.unit: one for one in units}
    assert {one.unit for one in advice.ranked} == {one.unit for one in units if one.state in FREE}
    chosen = [known[one.unit] for one in advice.ranked if one.recommended]
    short = {one.capability: one.missing for one in advice.shortfalls}
    for need in advice.requirements:
        given_by = sum(need.capability in one.capabilities for one in chosen)
        assert given_by + short.get(need.capability, 0) >= need.count
        free = sum(need.capability in one.capabilities for one in units if one.state in FREE)
        assert need.capability not in short or given_by == free
    for one in (*advice.ranked, *advice.alternatives):
        assert one.reasons
        assert one.minutes == known[one.unit].minutes
