"""Test alarms of the built-in probe: how far they come, and when their absence is an incident."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.world import SYSTEM, World
from tocsin.core.incidents.facts import IncidentOpened, Source
from tocsin.core.incidents.state import Band, band
from tocsin.core.probing import (
    EVERY,
    MISSES_MAX,
    NONCE_DIGITS,
    STAGES,
    Act,
    OpenProbeIncident,
    Probe,
    Stage,
    Standing,
    account_of,
    after,
    is_reserved,
    is_stale,
    missed_stage,
    one_cause,
    result_age,
    secret_name,
    title,
    told,
)
from tocsin.core.terms import IncidentType

T0 = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STEPS = ("reached_at", "acknowledged_at", "recorded_at", "judged_at")
INCIDENT = UUID(int=7)


def probe(steps: int, minute: int = 0) -> Probe:
    """A test alarm that came so many steps far."""
    sent_at = T0 + timedelta(minutes=minute)
    return Probe(sent_at, **dict.fromkeys(STEPS[:steps], sent_at + timedelta(seconds=1)))


@pytest.mark.parametrize(("steps", "stage"), [*enumerate(Stage), (4, None)])
def test_the_first_missing_step_is_named(steps: int, stage: Stage | None) -> None:
    assert missed_stage(probe(steps)) is stage
    assert probe(steps).has_arrived is (stage is None)


def test_one_that_was_judged_without_an_answer_is_missed_too() -> None:
    lost = Probe(T0, reached_at=T0, recorded_at=T0, judged_at=T0)
    assert missed_stage(lost) is Stage.NOT_ACKNOWLEDGED


def test_what_waits_for_work_is_on_record() -> None:
    waits = Probe(T0, reached_at=T0, acknowledged_at=T0, is_waiting=True)
    assert missed_stage(waits) is Stage.NOT_JUDGED


def test_two_misses_in_a_row_are_one_incident() -> None:
    standing, acts = Standing(), []
    for minute in range(6):
        standing, act = after(standing, probe(2, minute))
        if act is Act.OPEN:
            assert standing.incident is None
            standing = replace(standing, incident=INCIDENT, told=standing.stage)
        acts.append(act)
    assert acts == [Act.NONE, Act.OPEN, Act.NONE, Act.NONE, Act.NONE, Act.NONE]
    assert (standing.misses, standing.stage, standing.since) == (6, Stage.NOT_ON_RECORD, T0)


def test_one_miss_alone_is_nothing() -> None:
    standing = Standing()
    for minute in range(10):
        standing, act = after(standing, probe(1 if minute % MISSES_MAX else 4, minute))
        assert act is Act.NONE


def acts_of(standing: Standing, *steps: int) -> tuple[list[Act], Standing]:
    """What one result after the other calls for; `OPEN` opens or finds another incident."""
    acts = []
    for minute, come in enumerate(steps):
        standing, act = after(standing, probe(come, minute))
        if act is Act.OPEN:
            standing = replace(standing, incident=INCIDENT, is_restored=False, told=standing.stage)
        acts.append(act)
    return acts, standing


OPEN_CARD = Standing(3, Stage.NOT_JUDGED, T0, INCIDENT, told=Stage.NOT_JUDGED)


def test_what_works_again_is_told_once_and_what_fails_again_speaks_again() -> None:
    acts, standing = acts_of(OPEN_CARD, 4, 4, 3, 3, 3, 4, 4)
    assert acts == [
        *(Act.RESTORED, Act.NONE),
        *(Act.NONE, Act.OPEN, Act.NONE),  # two in a row, as the first time
        *(Act.RESTORED, Act.NONE),
    ]
    assert standing.incident == INCIDENT


def test_another_step_twice_in_a_row_speaks_again() -> None:
    acts, standing = acts_of(OPEN_CARD, 0, 0, 0, 3, 0, 3, 0)
    assert acts == [Act.NONE, Act.OPEN, *[Act.NONE] * 5]
    assert (standing.told, standing.misses) == (Stage.NOT_REACHABLE, 10)
    acts, standing = acts_of(standing, 3, 3, 3)
    assert acts == [Act.NONE, Act.OPEN, Act.NONE]
    assert standing.told is Stage.NOT_JUDGED


def test_one_miss_after_it_worked_again_is_nothing() -> None:
    acts, _ = acts_of(OPEN_CARD, 4, 3, 4, 0, 4)
    assert acts == [Act.RESTORED, *[Act.NONE] * 4]


def test_after_the_incident_was_closed_a_failure_that_lasts_has_another() -> None:
    standing, act = after(Standing(4, Stage.NOT_JUDGED, T0, None), probe(3, 5))
    assert act is Act.OPEN
    assert standing.misses == 5


def test_the_incident_is_in_the_watch_band_and_says_what_failed() -> None:
    world = World()
    command = OpenProbeIncident("dc09.tcp", Stage.NOT_JUDGED, T0, "north", "city")
    [opened] = world.do(command, SYSTEM)
    assert isinstance(opened, IncidentOpened)
    assert (opened.source, opened.type) == (Source.PROBE, IncidentType.TECHNICAL)
    assert opened.title_en == (
        "Intake dc09.tcp: two test alarms not recorded (on record, not judged)"
    )
    assert "dc09.tcp" in opened.title_zh
    assert "未研判" in opened.title_zh
    [incident] = world.incidents()
    assert band(world.incident(incident)) is Band.WATCH
    assert opened.due_at is not None


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_its_words(stage: Stage) -> None:
    assert all(title("call", stage))
    assert all(title(EVERY, stage))
    assert STAGES[stage].zh in told(["mqtt.tls"], Act.MISSED_AGAIN, stage)
    assert STAGES[stage].en in told(["mqtt.tls"], Act.MISSED_AGAIN, stage)
    assert "Intake mqtt.tls:" in told(["mqtt.tls"], Act.RESTORED, None)
    assert "Intakes mail.tcp, mqtt.tls:" in told(["mail.tcp", "mqtt.tls"], Act.RESTORED, None)


@pytest.mark.parametrize(
    ("stages", "cause"),
    [
        ((Stage.NOT_JUDGED, Stage.NOT_JUDGED, None), Stage.NOT_JUDGED),
        ((Stage.NOT_ON_RECORD, Stage.NOT_ON_RECORD, None), Stage.NOT_ON_RECORD),
        ((Stage.NOT_JUDGED, Stage.NOT_JUDGED, Stage.NOT_REACHABLE), Stage.NOT_JUDGED),
        ((Stage.NOT_JUDGED, None, None), None),
        ((Stage.NOT_JUDGED, Stage.NOT_ON_RECORD, None), None),
        ((Stage.NOT_REACHABLE, Stage.NOT_REACHABLE, None), Stage.NOT_ACKNOWLEDGED),
        ((Stage.NOT_ACKNOWLEDGED, Stage.NOT_ACKNOWLEDGED, None), Stage.NOT_ACKNOWLEDGED),
        ((Stage.NOT_REACHABLE, Stage.NOT_ACKNOWLEDGED, None), Stage.NOT_ACKNOWLEDGED),
        ((Stage.NOT_REACHABLE, Stage.NOT_ON_RECORD, None), None),
        ((Stage.NOT_ACKNOWLEDGED, None, None), None),
    ],
)
def test_what_all_ways_in_for_devices_miss_has_one_cause(
    stages: tuple[Stage | None, ...], cause: Stage | None
) -> None:
    ways_in = ("dc09.tcp", "mail.tcp", "call")
    counted = {one: Standing(1, stage) for one, stage in zip(ways_in, stages, strict=True) if stage}
    assert one_cause(counted, ways_in) is cause
    # One that was not counted now has arrived, or is still on its way.
    assert one_cause(counted, (*ways_in, "mqtt.tls")) is None
    assert one_cause(counted, ("dc09.tcp", "call")) is None


@pytest.mark.parametrize("protocol", ["dc09", "mqtt", "webhook", "sos_access", "mail", "call"])
def test_accounts_of_test_alarms_are_reserved(protocol: str) -> None:
    account = account_of(protocol, "0123456789ab")
    assert is_reserved(account)
    assert is_reserved(account.upper())
    assert len(account) <= (16 if protocol == "dc09" else 15)
    assert len("0123456789ab") == NONCE_DIGITS
    assert secret_name(protocol, account) != secret_name("other", account)


@pytest.mark.parametrize("account", ["", "1234", "9E0B", "9E0B0123456789A", "tp.", "tp.town-hall"])
def test_accounts_of_devices_are_not(account: str) -> None:
    assert not is_reserved(account)


@pytest.mark.parametrize(
    ("age_s", "shown_s", "stale"),
    [
        *((0, 0, False), (180, 180, False), (181, 181, True)),
        *((-5, 0, False), (-5.001, None, True), (-21_600, None, True)),
    ],
)
def test_a_result_of_a_time_to_come_has_no_age(
    age_s: float, shown_s: float | None, stale: bool
) -> None:
    at = T0 - timedelta(seconds=age_s)
    assert result_age(at, T0) == (None if shown_s is None else timedelta(seconds=shown_s))
    assert is_stale(at, T0) is stale
    assert is_stale(None, T0)
