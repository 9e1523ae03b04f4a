"""A code table is tried on what was heard: it tells what would have been, and changes nothing."""

from datetime import timedelta

import pytest
from code_desk import AGENCIES, CALL, LI, TEXTS, WHY, a_signal, a_site, begun, enforced, row
from record_desk import NOW

from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import Level
from tocsin.record import code_trial
from tocsin.record.code_force import put_in_force
from tocsin.record.code_tables import (
    CodesReason,
    CodesRefused,
    Scope,
    changes,
    version,
)
from tocsin.record.code_trial import sampled, try_version
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring

SLOW = "SELECT pg_sleep(2) FROM heard.signal s WHERE s.id > %s AND agency = %s {scope} LIMIT %s"


@pytest.fixture
def agency() -> str:
    """An agency that no other test knows."""
    return f"agency-{next(AGENCIES)}"


def test_a_trial_tells_what_would_have_been_and_changes_nothing(
    connection: Connection, keyring: Keyring, agency: str
) -> None:
    site, other = a_site(connection, keyring, agency), a_site(connection, keyring, agency)
    for at, code, zone in (
        *((site, "BA", "7"), (site, "BA", "7"), (site, "BA", "8"), (other, "BA", "7")),
        *((site, "CL", "501"), (other, "CL", "502"), (site, "FA", "1")),
    ):
        a_signal(connection, keyring, agency, at, code, zone)
    closing = row("CL", Effect.TROUBLE, **TEXTS)
    whole = begun(connection, Scope(agency), closing, CALL, tried=False)
    trial = try_version(connection, version(connection, whole), LI, NOW)
    assert (trial.signals, trial.changed, trial.cut) == (7, 6, False)
    assert (trial.needing_now, trial.needing_then) == (5, 7)
    # Who closed is nobody's business: the two users' closings are one row without a number.
    assert [(one.code, one.zone, one.count) for one in trial.differing] == [
        *(("BA", "7", 3), ("CL", "", 2), ("BA", "8", 1))
    ]
    assert trial.differing[0].now.text_en == "Burglary alarm, zone 7"
    assert trial.differing[0].then.text_en == "Staff call, zone 7"
    mine = begun(connection, Scope(agency, site[0]), CALL, tried=False)
    trial = try_version(connection, version(connection, mine), LI, NOW)
    assert (trial.signals, trial.changed) == (5, 3)
    [act] = [one for one in changes(connection, Scope(agency, site[0])) if one["act"] == "tried"]
    assert (act["detail"]["signals"], act["detail"]["changed"]) == (5, 3)
    assert connection.execute(
        "SELECT count(*) FROM ref.code_table WHERE agency = %s AND state = 'in_force'", (agency,)
    ).fetchone() == (0,)


def test_a_sites_own_table_is_not_tried_away_by_its_agencys(
    connection: Connection, keyring: Keyring, agency: str
) -> None:
    at = a_site(connection, keyring, agency)
    enforced(connection, Scope(agency, at[0]), row("BA", level=Level.P3))
    a_signal(connection, keyring, agency, at, "BA")
    number = begun(connection, Scope(agency), CALL, tried=False)
    assert try_version(connection, version(connection, number), LI, NOW).changed == 0


def test_a_trial_looks_at_so_many_days_and_signals(
    connection: Connection, keyring: Keyring, agency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = a_site(connection, keyring, agency)
    for _ in range(3):
        a_signal(connection, keyring, agency, at)
    number = begun(connection, Scope(agency), CALL, tried=False)
    chosen = version(connection, number)
    late = NOW + timedelta(days=2)
    assert try_version(connection, chosen, LI, late, days=1).signals == 0
    assert try_version(connection, chosen, LI, late, days=3).signals == 3
    for days in (0, 366):
        with pytest.raises(ValueError, match="1 to 365"):
            try_version(connection, chosen, LI, NOW, days=days)
    monkeypatch.setattr(code_trial, "SIGNALS_MAX", 3)
    assert not try_version(connection, chosen, LI, NOW).cut
    monkeypatch.setattr(code_trial, "SIGNALS_MAX", 2)
    found = try_version(connection, chosen, LI, NOW)
    assert (found.cut, found.signals) == (True, 2)


def test_a_trial_that_takes_too_long_is_ended(
    connection: Connection, keyring: Keyring, agency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = a_site(connection, keyring, agency)
    a_signal(connection, keyring, agency, at)
    number = begun(connection, Scope(agency, at[0]), CALL, tried=False)
    monkeypatch.setattr(code_trial, "STATEMENT_MS", 50)
    monkeypatch.setattr(code_trial, "_HEARD", SLOW)
    with pytest.raises(CodesRefused) as refused:
        try_version(connection, version(connection, number), LI, NOW)
    assert refused.value.reason is CodesReason.TOO_SLOW
    assert connection.execute("SHOW statement_timeout").fetchone() != ("50ms",)


def test_a_site_is_tried_without_reading_all_that_was_heard(
    connection: Connection, keyring: Keyring, agency: str
) -> None:
    at = a_site(connection, keyring, agency)
    query = "EXPLAIN SELECT FROM heard.signal s WHERE true " + code_trial._OF_SITE
    connection.execute("SET LOCAL enable_seqscan = off")
    values = (at[0], [at[0]])
    plan = "\n".join(row for (row,) in connection.execute(query, values).fetchall())
    connection.rollback()
    assert "BitmapOr" in plan
    assert "Seq Scan" not in plan


def test_a_typed_code_shows_now_and_then(connection: Connection, agency: str) -> None:
    number = begun(connection, Scope(agency), CALL, tried=False)
    read = SignalRead("", "", "", code="BA", zone="4", codes="sia")
    found = sampled(connection, version(connection, number), read)
    assert (found.now.text_en, found.then.text_zh) == ("Burglary alarm, zone 4", "店员求助，防区 4")
    with pytest.raises(CodesRefused) as caught:  # one code is no trial
        put_in_force(connection, number, LI, NOW, reason=WHY)
    assert caught.value.reason is CodesReason.NOT_TRIED
