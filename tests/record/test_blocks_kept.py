"""Block rules in the record: the dry run on what was heard equals what the rule then mutes; signals
are judged under it singly and together; the guard suspends it; the log alone rebuilds it."""

from __future__ import annotations

import pytest
from block_district import HOUR, SECOND, District, row_of
from record_desk import NOW, Desk

from tocsin.core.block_match import ANY
from tocsin.core.blocking import ApproveBlock, EndBlock, ExtendBlock, PutBlockInForce
from tocsin.core.terms import Reason, Refused
from tocsin.record import block_trial, judging
from tocsin.record.block_guard import Guard
from tocsin.record.database import Connection
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.sequencer import assign
from tocsin.record.views import list_rows, rebuild
from tocsin.record.working import sound_due


@pytest.fixture
def district(connection: Connection, keyring: Keyring) -> District:
    for table in ("heard.arrived", "heard.pending", "log.due"):
        connection.execute(f"DELETE FROM {table}".encode())
    connection.commit()
    return District(Desk(connection, keyring))


def a_morning(district: District, last: int) -> None:
    """What a runaway gateway sends: unknown accounts, and two known devices behind it."""
    behind = f"198.51.100.{last}"
    one, two = district.device(), district.device()
    for _ in range(3):
        district.heard("BA", behind, account=f"A{last:03}")
    district.heard("BR", behind, account=f"A{last:03}")
    district.heard("BA", behind, one)
    district.heard("BA", behind, one, zone="8")
    district.heard("FA", behind, one)  # goes through
    district.heard("HA", behind, two)  # goes through
    district.heard("RP", behind, two)
    first = district.heard("BA", "203.0.113.9", two)  # another address
    district.heard("BA", behind, two, repeat_of=first)  # it says nothing that its first did not


@pytest.mark.parametrize("together", [True, False])
def test_the_dry_run_says_what_then_happens(
    district: District, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not together:
        monkeypatch.setattr(judging, "judge_together", lambda *words, **_: (list(words[2]), []))
    district.others(30)
    for _ in range(8):
        district.heard("RP", "203.0.113.1", district.device())
    a_morning(district, 11)
    district.judge()
    opened = district.incidents()
    district.desk.later(60)
    rule, tried = district.tried()
    assert (tried["sources"], tried["devices"], tried["grave"]) == (3, 2, 0)
    assert (tried["active"], tried["active_devices"]) == (41, 10)
    assert (tried["spared"], tried["cut"]) == (2, False)
    assert {one["type"] for one in tried["incidents"]} == {"burglary", "unknown"}
    district.by(SECOND).do(ApproveBlock(rule))
    district.desk.later(60)
    a_morning(district, 12)
    district.judge()
    row = row_of(district, "blocks", rule)
    assert row["signals"] == tried["signals"] == 7
    assert opened == 5
    assert district.incidents() - opened == opened - tried["unopened"]
    told = district.desk.connection.execute(
        "SELECT convert_from(body, 'UTF8')::jsonb->>'would_have', count(*) FROM log.fact"
        " WHERE subject = %s AND kind = 'block.swallowed' GROUP BY 1",
        (rule,),
    ).fetchall()
    district.desk.connection.rollback()
    assert sum(count for _, count in told) == tried["signals"]
    assert row["last_at"] is not None


def test_what_is_muted_is_kept_and_says_so(district: District) -> None:
    device = district.device()
    rule = district.approved()
    district.desk.later(1)
    muted = district.heard("BA", device=device)
    grave = district.heard("FA", device=device)
    elsewhere = district.heard("BA", "203.0.113.1", device)
    district.judge()
    row = row_of(district, "signals", muted)
    assert (row["verdict"], row["reason"]) == ("recorded", "blocked")
    assert (row["blocked"], row["would_have"]) == (str(rule), "opened")
    assert (row["account"], row["code"]) == (device[0], "BA")
    assert row_of(district, "signals", grave)["verdict"] == "opened"
    assert row_of(district, "signals", elsewhere)["verdict"] == "opened"


def test_an_incident_that_others_are_part_of_would_have_opened_later(district: District) -> None:
    device = district.device()
    district.heard("BA", device=device)
    district.heard("BA", "203.0.113.1", device)
    district.heard("BA", "203.0.113.1", device)
    district.judge()
    _, tried = district.tried()
    (one,) = tried["incidents"]
    assert (tried["unopened"], one["others"], one["level"]) == (1, 2, 2)


def test_only_the_newest_incidents_are_named_and_all_are_counted(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_trial, "INCIDENTS_MAX", 2)
    for _ in range(3):
        district.heard("BA", device=district.device())
        district.judge()
        district.desk.later(1)
    _, tried = district.tried()
    assert tried["unopened"] == 3
    numbers = [one["number"] for one in tried["incidents"]]
    assert len(numbers) == 2
    assert numbers == sorted(numbers, reverse=True)


def test_it_looks_at_the_last_day_and_at_so_many_signals(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.heard("BA")
    district.desk.later(24 * 3_600 - 1)
    assert district.tried()[1]["signals"] == 1
    district.desk.later(2)
    assert district.tried()[1]["signals"] == 0
    monkeypatch.setattr(block_trial, "SIGNALS_MAX", 2)
    district.heard("BA")
    district.heard("BA")
    assert district.tried()[1]["cut"] is False
    district.heard("BA")
    rule, tried = district.tried()
    assert (tried["cut"], tried["signals"]) == (True, 2)
    with pytest.raises(Refused) as refused:
        district.desk.do(PutBlockInForce(rule))
    assert refused.value.reason is Reason.BLOCK_NEEDS_SECOND


def test_a_dry_run_that_takes_too_long_is_refused(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_trial, "DRY_RUN_S", 0)
    monkeypatch.setattr(block_trial, "_CHUNK", 1)
    district.heard("BA")
    with pytest.raises(Refused) as refused:
        district.desk.do(district.rule())
    assert refused.value.reason is Reason.DRY_RUN_TOO_SLOW


@pytest.mark.parametrize(
    ("fields", "signals"),
    [
        ({"network": ANY, "account": "F00D"}, 2),
        ({"network": ANY, "account": "f00d"}, 2),  # of DC-09, in either case
        ({"network": ANY, "account": "F00*"}, 3),
        ({"code": "RP"}, 1),
        ({"zone": "07"}, 2),
        ({"protocol": "mqtt"}, 0),
        ({"network": "198.51.100.8"}, 1),
        ({"network": "2001:db8:1::/48"}, 1),
    ],
)
def test_criteria_narrow_what_is_tried(
    district: District, fields: dict[str, object], signals: int
) -> None:
    district.heard("BA")
    district.heard("RP", account="F00D")
    district.heard("BA", "198.51.100.8", account="F00E")
    district.heard("BA", "2001:db8:1:2::9", account='QU"OTE')
    assert district.tried(**fields)[1]["signals"] == signals


def test_the_clock_ends_it_and_a_draft_lapses(district: District) -> None:
    rule = district.approved(until=NOW + HOUR)
    draft, _ = district.tried()
    district.desk.later(900)
    assert sound_due(district.desk.connection, district.desk.keyring, district.desk.now) == 1
    assert row_of(district, "blocks", draft)["ending"] == "lapsed"
    district.desk.later(2_700)
    assert sound_due(district.desk.connection, district.desk.keyring, district.desk.now) == 1
    assert row_of(district, "blocks", rule)["ending"] == "time_up"
    after = district.heard("BA")
    district.judge()
    assert row_of(district, "signals", after)["verdict"] == "opened"


def test_it_is_extended_after_another_dry_run_and_listed(district: District) -> None:
    district.others(5)
    rule, _ = district.tried(until=NOW + HOUR)
    district.desk.do(PutBlockInForce(rule))
    mine = {"district": district.name, "in_force": True}
    listed = list_rows(district.desk.connection, "blocks", filters=mine)["items"]
    assert [one["id"] for one in listed] == [str(rule)]
    district.desk.later(1_800)
    fact = district.desk.do(ExtendBlock(rule, district.desk.now + HOUR)).facts[0]
    assert fact.data["tried"]["active"] == 5
    assert row_of(district, "blocks", rule)["tried"]["tried_at"].startswith("2026-11-21T12:30")
    for number in range(3):
        district.heard("BA", f"198.51.100.{number}")
    with pytest.raises(Refused) as refused:
        district.desk.do(ExtendBlock(rule, district.desk.now + 2 * HOUR))
    assert refused.value.reason is Reason.BLOCK_ASK_AGAIN


def guarded(district: District, guard: Guard) -> int:
    turns = 0
    while done := guard.turn(district.desk.connection, district.desk.now):
        turns += done
    return turns


def test_the_guard_suspends_what_mutes_more_than_it_may(district: District) -> None:
    district.others(300)
    rule, _ = district.tried()
    district.desk.do(PutBlockInForce(rule))
    assert row_of(district, "blocks", rule)["sources_max"] == 3
    guard = Guard(district.desk.keyring)
    for number in range(3):
        for _ in range(5):
            district.heard("BA", f"198.51.100.{number}")
    district.judge()
    guarded(district, guard)
    assert row_of(district, "blocks", rule)["stage"] == "in_force"
    # Another hour, other senders: those of the first are counted no more.
    district.desk.later(3_601)
    for number in range(3, 6):
        district.heard("BA", f"198.51.100.{number}")
    district.judge()
    guarded(district, guard)
    assert row_of(district, "blocks", rule)["stage"] == "in_force"
    district.heard("BA", "198.51.100.6")
    district.judge()
    guarded(district, Guard(district.desk.keyring))  # another worker, that has seen nothing
    row = row_of(district, "blocks", rule)
    assert (row["ending"], row["signals"]) == ("suspended", 19)
    cards = district.desk.connection.execute(
        "SELECT watch FROM view.incident WHERE district = %s AND type = 'technical'",
        (district.name,),
    ).fetchall()
    district.desk.connection.rollback()
    assert [watch for (watch,) in cards] == [True]
    after = district.heard("BA", "198.51.100.6")
    district.judge()
    assert row_of(district, "signals", after)["verdict"] == "opened"
    assert guarded(district, guard) == 0


def test_rules_are_read_once_for_all_that_waits(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.approved()
    district.desk.later(1)
    for number in range(30):
        district.heard("BA", f"198.51.100.{number}")
    calls = []
    asked = judging.note_rules
    monkeypatch.setattr(judging, "note_rules", lambda *words: (calls.append(1), asked(*words)))
    assert judge_pending(district.desk.connection, district.desk.keyring, district.desk.now) == 30
    assert calls == [1]


def test_the_log_alone_rebuilds_it(district: District, owner: Connection) -> None:
    running, ended = district.approved(), district.approved()
    draft, _ = district.tried()
    district.desk.later(1)
    district.heard("BA")
    district.judge()
    district.desk.do(EndBlock(ended))
    while assign(district.desk.connection):
        pass
    rules = (running, ended, draft)
    before = [row_of(district, "blocks", one) for one in rules]
    owner.execute("DELETE FROM view.block")
    owner.commit()
    rebuild(owner)
    assert [row_of(district, "blocks", one) for one in rules] == before
