"""What advice reads: the same units as a snapshot shows, without the snapshot; and a rebuild whose
memory does not grow with the log."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from uuid import uuid4

import pytest
from random_history import LI, History

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.record.views import LogBroken, overlay, rebuild, rebuilding
from tocsin.record.views import snapshot as whole
from tocsin.record.views.snapshot import fleet


@pytest.mark.parametrize("seed", [7, 11])
def test_the_fleet_is_what_the_snapshot_shows(
    fresh_urls: Urls, keyring: Keyring, seed: int
) -> None:
    with connect(fresh_urls.application) as connection:
        history = History(connection, keyring, seed)
        history.steps(80)
        for actor in (LI, replace(LI, districts=("elsewhere",)), replace(LI, agency="other")):
            shown = whole(connection, actor, now=history.desk.now)
            seen = fleet(connection, actor)
            assert seen["units"] == shown["units"]
            assert seen["stations"] == shown["stations"]
            levels = {row["id"]: row["level"] for row in shown["incidents"]}
            busy = {row["incident"] for row in seen["units"]} - {None}
            assert seen["levels"] == {one: levels[one] for one in busy if one in levels}
        assert fleet(connection, LI)["levels"]


def test_the_fleet_reads_the_incidents_of_units_and_no_other(
    fresh_urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: object) -> None:
        pytest.fail("an incident's row was decoded")

    with connect(fresh_urls.application) as connection:
        history = History(connection, keyring, 8)
        history.steps(80)
        monkeypatch.setitem(overlay.KINDS, "incidents", none)
        assert fleet(connection, LI)["units"]
        with pytest.raises(pytest.fail.Exception):
            whole(connection, LI, now=history.desk.now)


def grow(owner: Connection, copies: int) -> int:
    """Each subject's facts again under `copies` new ids; how many facts there are then."""
    for _ in range(copies):
        owner.execute(
            """INSERT INTO log.fact (subject, subject_kind, version, kind, kind_version,
                recorded_at, district, agency, actor, actor_name, incident, command, body, salt)
            SELECT n.new, f.subject_kind, f.version, f.kind, f.kind_version, f.recorded_at,
                f.district, f.agency, f.actor, f.actor_name, f.incident, f.command, f.body, f.salt
            FROM log.fact f JOIN (
                SELECT subject, gen_random_uuid() AS new FROM log.head) n USING (subject)
            WHERE f.subject_kind <> 'unit'"""  # a call sign is taken once
        )
    owner.commit()
    row = owner.execute("SELECT count(*) FROM log.fact").fetchone()
    assert row is not None
    return int(row[0])


def peak_bytes(owner: Connection, facts: int) -> int:
    tracemalloc.start()
    try:
        assert rebuild(owner) == facts
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_rebuild_takes_no_more_memory_for_a_longer_log(
    fresh_urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "CHUNK", 100)
    with connect(fresh_urls.application) as connection, connect(fresh_urls.owner) as owner:
        History(connection, keyring, 9).steps(60)
        connection.rollback()
        few = grow(owner, 4)
        small = peak_bytes(owner, few)
        many = grow(owner, 4)
        large = peak_bytes(owner, many)
        monkeypatch.setattr(rebuilding, "CHUNK", 1_000_000)
        all_at_once = peak_bytes(owner, many)
        heads = owner.execute("SELECT count(*) FROM log.head").fetchone()
    print(
        f"{few} facts: {small / 1e6:.1f} MB, {many} facts: {large / 1e6:.1f} MB, {heads} subjects"
    )
    assert many > 4 * few
    assert large < 1.5 * small
    assert all_at_once > 2 * large  # the control: what the bound saves


def test_a_rebuild_of_a_broken_log_changes_nothing(fresh_urls: Urls, keyring: Keyring) -> None:
    with connect(fresh_urls.application) as connection, connect(fresh_urls.owner) as owner:
        History(connection, keyring, 10).steps(20)
        connection.rollback()
        before = owner.execute("SELECT * FROM log.head ORDER BY subject").fetchall()
        owner.execute(
            """INSERT INTO log.fact (subject, subject_kind, version, kind, kind_version,
                recorded_at, district, agency, actor, actor_name, incident, command, body, salt)
            SELECT %s, subject_kind, 2, kind, kind_version, recorded_at, district, agency, actor,
                actor_name, incident, command, body, salt FROM log.fact LIMIT 1""",
            (uuid4(),),
        )
        owner.commit()
        with pytest.raises(LogBroken, match="fact 2 follows 0"):
            rebuild(owner)
        assert owner.execute("SELECT * FROM log.head ORDER BY subject").fetchall() == before
